"""A server on this machine that answers with raw bytes kept in files: a damaged answer a request. In a process of its
own, ended with this one.

A request's path names a folder; ``POST`` of a picture is answered with the file that the picture's width names,
anything else with ``answer.bin``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import time
from pathlib import Path

__all__ = ["serve"]


def serve(base: Path) -> int:
    """Start it; answers lie in ``base/<folder>/``. Gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    if os.fork():
        listener.close()
        return port
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    while True:
        with contextlib.suppress(OSError):
            one, _ = listener.accept()
            one.settimeout(5)
            with one:
                _answer(one, base)


def _answer(one: socket.socket, base: Path) -> None:
    asked, end = b"", time.monotonic() + 5
    while b"\r\n\r\n" not in asked and time.monotonic() < end and (more := one.recv(65536)):
        asked += more
    head, _, body = asked.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]) and (more := one.recv(65536)):
        body += more
    folder = base / head.split(b" ")[1].decode("ascii", "replace").strip("/").split("/")[0]
    picture = body.find(b"IHDR")
    name = str(int.from_bytes(body[picture + 4 : picture + 8], "big")) if picture >= 0 else "answer"
    path = folder / f"{name}.bin"
    one.sendall(path.read_bytes() if path.is_file() else b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
