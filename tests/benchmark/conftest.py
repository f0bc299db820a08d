"""A web server on this machine that can resume, cut the connection, and refuse."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from audit.benchmark.card import RemoteFile

BODY = bytes(range(256)) * 4096


class Server:
    """What the server has, and how it misbehaves."""

    def __init__(self) -> None:
        self.body = BODY
        self.cut_after: list[int] = []  # bytes sent before each coming connection is cut
        self.ranges = True
        self.status = 0
        self.asked: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                outer.asked.append(asked)
                begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and outer.ranges else 0
                if outer.status:
                    self.send_error(outer.status)
                    return
                if begin >= len(outer.body):
                    self.send_error(416)
                    return
                rest = outer.body[begin:]
                self.send_response(206 if begin else 200)
                if begin:
                    self.send_header("Content-Range", f"bytes {begin}-{len(outer.body) - 1}/{len(outer.body)}")
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                self.wfile.write(rest[: outer.cut_after.pop(0)] if outer.cut_after else rest)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def file(self, body: bytes = BODY, **more: object) -> RemoteFile:
        url = f"http://127.0.0.1:{self.http.server_port}/thing.bin"
        return RemoteFile.model_validate(
            {"name": "thing.bin", "url": url, "sha256": hashlib.sha256(body).hexdigest(), **more}
        )

    def stop(self) -> None:
        if not self.thread.is_alive():
            return
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    out = Server()
    yield out
    out.stop()
