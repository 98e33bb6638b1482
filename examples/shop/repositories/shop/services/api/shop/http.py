import json
import os
from http.server import BaseHTTPRequestHandler


def handler(catalogue):
    """The class that answers requests about a catalogue."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self):
            if self.path == "/products":
                self.answer(self.products)
            elif self.path == "/healthz":
                self.answer(self.health)
            else:
                self.write(404, {"error": f"there is nothing at {self.path}; try /products"})

        def products(self):
            products, source = catalogue.products()
            return {"products": products, "source": source, "version": os.environ.get("VERSION", "")}

        def health(self):
            catalogue.check()
            return {"status": "ok"}

        def answer(self, content):
            try:
                self.write(200, content())
            except Exception as error:  # whatever the database or its driver says
                print(f"{self.path}: {error}", flush=True)
                self.write(503, {"error": "the database does not answer as expected; the log says more"})

        def write(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *arguments):
            if self.path != "/healthz":
                print(format % arguments, flush=True)

    return Handler
