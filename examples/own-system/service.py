#!/usr/bin/env python3
"""A key-value service on one page, with a bug: a compare-and-set that is not atomic.

    GET  /kv/KEY          {"value": 5}, or 404
    PUT  /kv/KEY          {"value": 5}
    POST /kv/KEY/cas      {"old": 5, "new": 6}; 409 when the value is another

Run with `--fixed` it holds a lock between looking and storing, and is correct.
"""
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

values = {}
lock = threading.Lock()
fixed = "--fixed" in sys.argv


def cas(key, old, new):
    if values.get(key) != old:
        return False
    # What a database would take; somebody else may look at the same value meanwhile.
    time.sleep(0.005)
    values[key] = new
    return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        key = self.path.split("/")[2]
        if key in values:
            self.answer(200, {"value": values[key]})
        else:
            self.answer(404, {"error": "no such key"})

    def do_PUT(self):
        with lock:
            values[self.path.split("/")[2]] = self.body()["value"]
        self.answer(200, {})

    def do_POST(self):
        key, body = self.path.split("/")[2], self.body()
        if fixed:
            with lock:
                swapped = cas(key, body["old"], body["new"])
        else:
            swapped = cas(key, body["old"], body["new"])
        self.answer(200 if swapped else 409, {})

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
