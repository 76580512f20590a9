#!/usr/bin/env python3
"""Tests the downloader against Python's HTTP server: lengths, chunks, until the end, failures, limit.

Usage: test_downloader.py PROGRAM.
"""
import http.server
import os
import subprocess
import sys
import tempfile
import threading

FILES = {"/f%d" % i: os.urandom(1000 * i) for i in range(20)}
at_once = 0
most_at_once = 0
lock = threading.Lock()
gate = threading.Semaphore(0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global at_once, most_at_once
        with lock:
            at_once += 1
            most_at_once = max(most_at_once, at_once)
        try:
            self.answer()
        finally:
            with lock:
                at_once -= 1

    def answer(self):
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"too little")
            self.close_connection = True
            return
        body = FILES.get(self.path.split("?")[0])
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        if self.path.endswith("?chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 700):
                piece = body[at:at + 700]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path.endswith("?end"):
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


def main():
    program = sys.argv[1]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.request_queue_size = 64
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = "http://localhost:%d" % server.server_port
    with tempfile.TemporaryDirectory() as folder:
        kinds = ["", "?chunked", "?end"]
        urls = [base + path + kinds[i % 3] for i, path in enumerate(FILES)]
        done = subprocess.run([program, folder, "4", *urls], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0 and done.stderr == "", done
        assert len(done.stdout.splitlines()) == len(FILES), done
        for i, (path, body) in enumerate(FILES.items()):
            with open(os.path.join(folder, path[1:] + kinds[i % 3]), "rb") as got:
                assert got.read() == body, path
        assert most_at_once <= 4, most_at_once

        before = set(os.listdir(folder))
        bad = [base + "/missing", base + "/cut", "ftp://nowhere/x", "http://no such name/x",
               base + "/f1"]
        done = subprocess.run([program, folder, "5", *bad], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 1, done
        for words in ["status 404", "the stream ended", "only http://", "no such name"]:
            assert words in done.stderr, (words, done.stderr)
        assert set(os.listdir(folder)) == before | {"f1"}, os.listdir(folder)


if __name__ == "__main__":
    main()
