"""A room that only answers its endpoints, and misbehaves when a file in its folder says so.

`python fake_room.py NAME PORT FOLDER`: NAME.crash makes it end with the code in that file,
NAME.mute makes it stop answering; when it is told to end, it adds its name to `ended`.
"""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME, PORT, FOLDER = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
ANSWERS = {
    "/livez": {"status": "alive"},
    "/readyz": {"status": "ready"},
    "/healthz": {"room": NAME, "status": "HEALTHY", "reasons": []},
    "/info": {"row": None, "pid": os.getpid()},
}


class Endpoints(BaseHTTPRequestHandler):
    """The five endpoints, less the metrics."""

    def do_GET(self):
        if (FOLDER / f"{NAME}.mute").exists():
            time.sleep(60)
        body = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep quiet."""


def end(number, frame):
    with (FOLDER / "ended").open("a") as file:
        file.write(f"{NAME}\n")
    os._exit(0)


def watch():
    while True:
        order = FOLDER / f"{NAME}.crash"
        if order.exists():
            sys.stderr.write(f"{NAME} breaks, as ordered\n")
            sys.stderr.flush()
            os._exit(int(order.read_text() or 1))
        time.sleep(0.02)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=watch, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", PORT), Endpoints).serve_forever()
