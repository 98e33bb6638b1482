import os
import signal
import threading
from http.server import ThreadingHTTPServer

import psycopg2
import redis

from shop.catalogue import Catalogue
from shop.http import handler


def main():
    catalogue = Catalogue(
        connect=lambda: psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=3),
        cache=redis.Redis.from_url(os.environ["CACHE_URL"], socket_timeout=1, socket_connect_timeout=1),
    )
    server = ThreadingHTTPServer(("", 8000), handler(catalogue))
    server.daemon_threads = False  # closing the server waits for the requests that run

    def stop(number, frame):
        # shutdown() waits for the loop below, which this thread runs.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"version {os.environ.get('VERSION', '')} listens on port 8000", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    print("stopped", flush=True)


main()
