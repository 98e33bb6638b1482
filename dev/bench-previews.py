"""Opens requests on a simulated server, waits until all previews are deployed, closes them, and waits until all are gone.

    bench-previews.py ADDRESS TOKEN PID PREVIEWS

Prints memory before, with all and at most (MiB), and how long both took (ms).
"""

import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

address, token, pid, previews = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
URL = "https://git.test/many.git"
FILE = f"""
apiVersion: slipway.dev/v1
kind: Environment
project: many
name: staging
previews: {{enabled: true}}
services:
- name: api
  application: {{git: {{url: '{URL}', branch: main, root: api}}}}
- name: web
  application: {{git: {{url: '{URL}', branch: main, root: web}}}}
- name: cache
  container: {{image: {{name: redis, tag: '7'}}}}
- name: queue
  container: {{image: {{name: nats, tag: '2'}}}}
"""


def ask(method, path, body=b"", kind="application/json", headers=None):
    request = urllib.request.Request(address + path, data=body or None, method=method, headers={"Content-Type": kind, **(headers or {})})
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            # The database is busy: a git host tells again too.
            if error.code != 503:
                raise


def api(method, path, body=b"", kind="application/json"):
    return ask(method, "/api/v1" + path, body, kind, {"Authorization": "Bearer " + token})


def environments():
    found, cursor = [], ""
    while True:
        page = api("GET", f"/environments?limit=100{cursor}")
        found += page["items"]
        if not page.get("nextCursor"):
            return found
        cursor = "&cursor=" + page["nextCursor"]


def resident(field):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith(field))


def tell(hook, action, number):
    repository = {"id": 7, "full_name": "bench/many", "clone_url": URL, "ssh_url": "git@git.test:many.git"}
    side = lambda ref: {"ref": ref, "sha": f"{number + 1:040x}", "repo": repository}
    request = {"title": "A feature", "html_url": None, "merged": False, "head": side(f"feature-{number}"), "base": side("main")}
    body = json.dumps({"action": action, "number": number, "pull_request": request, "repository": repository, "sender": {"login": "ada"}}).encode()
    signature = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
    path = hook["url"].removeprefix(address)
    headers = {"X-Gitea-Event": "pull_request", "X-Gitea-Delivery": f"{action}-{number}", "X-Gitea-Signature": signature}
    ask("POST", path, body, "application/json", headers)


def until(is_so):
    deadline = time.monotonic() + 900
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit("not within 15 minutes")
        time.sleep(0.1)


api("POST", "/projects:apply", b"apiVersion: slipway.dev/v1\nkind: Project\nname: many\npreviewLimit: 1000\n", "application/yaml")
api("POST", "/environments:apply", FILE.encode(), "application/yaml")
hook = api("POST", "/webhooks", json.dumps({"host": "gitea"}).encode())
before = resident("VmRSS")
since = time.monotonic()
for number in range(1, previews + 1):
    tell(hook, "opened", number)


def made():
    return [one for one in environments() if one.get("preview")]


until(lambda: sum(1 for one in made() if one.get("lastDeployment", {}).get("state") == "succeeded") == previews)
ready = time.monotonic() - since
with_all = resident("VmRSS")
since = time.monotonic()
for number in range(1, previews + 1):
    tell(hook, "closed", number)
until(lambda: not made())
print(before, with_all, resident("VmHWM"), round(ready * 1000), round((time.monotonic() - since) * 1000))
