"""Services that answer twice, late, without end or for somebody else: raw sockets, so that every byte is theirs."""

from __future__ import annotations

import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
import pytest

from audit.backends.protocol import Status
from audit.backends.registry import make

PHOTOS = [np.full((8, 8, 3), 10 + n, np.uint8) for n in range(4)]


def read_head(stream: BinaryIO) -> bytes:
    """The lines before the empty one; nothing where the other side has closed (whose lines are b"" for ever)."""
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
    return b"".join(lines)


class Raw:
    """A server that reads one request after the other on each connection and lets ``habit(send, number, body)`` write
    what it likes."""

    def __init__(self, habit: Callable[[Callable[[bytes], None], int, bytes], None]) -> None:
        self.habit, self.count, self.connections = habit, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                while head := read_head(stream):
                    size = int(
                        next(
                            line.split(b":")[1]
                            for line in head.splitlines()
                            if line.lower().startswith(b"content-length")
                        )
                    )
                    body = stream.read(size)
                    self.count += 1
                    self.habit(connection.sendall, self.count, head + body)
                    if self.count > 100:
                        return
            except (OSError, StopIteration):
                return


def reply(answer: object, headers: str = "") -> bytes:
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\nConnection: keep-alive\r\n{headers}\r\n".encode() + data


def face(number: int) -> dict:
    return {"result": [{"embedding": [number, 1, 1]}]}


@pytest.fixture
def serve() -> Iterator[Callable]:
    made: list[Raw] = []

    def start(habit: Callable, **more: object) -> tuple[dict, Raw]:
        made.append(Raw(habit))
        options = {
            "url": made[-1].url,
            "dimensions": 3,
            "product": "x",
            "product_version": "1",
            "requests_per_second": 1000,
            "tries": 1,
        }
        return {**options, "timeout_seconds": 1.0, **more}, made[-1]

    yield start
    for one in made:
        one.listener.close()


def test_a_service_that_answers_twice_on_one_connection_shifts_nothing(serve) -> None:
    options, server = serve(lambda send, n, body: send(reply(face(n)) + reply(face(n))))
    found = make("http", options).extract(PHOTOS)
    assert [row.template[0] for row in found] == [1, 2, 3, 4]
    assert server.connections == 4


def word(body: bytes) -> str:
    return body.split(b'name="word"\r\n\r\n')[1].split(b"\r\n")[0].decode()


def test_an_answer_with_another_word_than_the_requests_is_an_error(serve) -> None:
    last = [""]

    def habit(send, n, body) -> None:
        mine, last[0] = last[0], word(body)
        send(reply({**face(n), "word": {1: last[0], 2: mine, 3: 7}[n]} if n < 4 else face(n)))

    found = make("http", serve(habit, id_field="word")[0]).extract(PHOTOS)
    assert [row.status for row in found] == [Status.ACQUIRED, Status.ERROR, Status.ERROR, Status.ERROR]
    assert "another 'word'" in found[1].reason
    assert "no 'word'" in found[3].reason


def test_a_request_header_that_comes_back_must_be_the_same(serve) -> None:
    found = make(
        "http", serve(lambda send, n, body: send(reply(face(n), "X-Face-Audit-Request: abc\r\n")))[0]
    ).extract(PHOTOS[:1])
    assert "belongs to another request" in found[0].reason


def drip(send: Callable[[bytes], None], data: bytes) -> None:
    for byte in data:
        send(bytes([byte]))
        time.sleep(0.2)


def endless(send: Callable[[bytes], None], start: bytes, block: bytes) -> None:
    send(start)
    while True:
        send(block)


HABITS: dict[str, tuple[Callable, str]] = {
    "two objects in one body": (lambda send, n, body: send(reply(json.dumps(face(1)).encode() * 2)), "Extra data"),
    "one key twice": (
        lambda send, n, body: send(reply(b'{"result": [], "result": [{"embedding": [1, 1, 1]}]}')),
        "one key twice",
    ),
    "NaN": (lambda send, n, body: send(reply(b'{"result": [{"embedding": [NaN, 1, 1]}]}')), "NaN"),
    "1e999": (lambda send, n, body: send(reply(b'{"result": [{"embedding": [1e999, 1, 1]}]}')), "too large"),
    "5,000 digits": (
        lambda send, n, body: send(reply(b'{"result": [{"embedding": [%s, 1, 1]}]}' % (b"9" * 5000))),
        "5000 digits",
    ),
    "deep": (lambda send, n, body: send(reply(b"[" * 200_000)), "nested too deeply"),
    "texts": (
        lambda send, n, body: send(reply({"result": [{"embedding": ["1", 1, 1]}]})),
        "a text in place of number 0",
    ),
    "too many numbers": (
        lambda send, n, body: send(reply({"result": [{"embedding": [1, 1, 1, 1]}]})),
        "4 numbers in place of 3",
    ),
    "no numbers": (lambda send, n, body: send(reply({"result": [{}]})), "no 'embedding'"),
    "a strange box": (
        lambda send, n, body: send(reply({"result": [{"embedding": [1, 1, 1], "box": 3}]})),
        "'box' does not hold",
    ),
    "no JSON": (lambda send, n, body: send(reply(b"<html>")), "'<html>'"),
    "a body without end": (
        lambda send, n, body: endless(send, b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536),
        "larger than 16 MB",
    ),
    "3 GB": (
        lambda send, n, body: endless(send, b"HTTP/1.1 200 OK\r\nContent-Length: 3221225472\r\n\r\n", b"1" * 65536),
        "larger than 16 MB",
    ),
    "chunks without end": (
        lambda send, n, body: endless(
            send, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"1" * 1024 + b"\r\n"
        ),
        "larger than 16 MB",
    ),
    "packed": (lambda send, n, body: send(reply(b"\x1f\x8b", "Content-Encoding: gzip\r\n")), "packed"),
    "a dripping head": (
        lambda send, n, body: drip(send, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 99),
        "no whole answer within 1 s",
    ),
    "a dripping body": (
        lambda send, n, body: drip(send, b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 99),
        "no whole answer within 1 s",
    ),
    "a cut body": (lambda send, n, body: (send(reply(b"{}")[:-1]), time.sleep(30)), "no whole answer within 1 s"),
    "silence": (lambda send, n, body: time.sleep(30), "no whole answer within 1 s"),
    "noise": (lambda send, n, body: send(b"\0\1\2" * 99 + b"\r\n\r\n"), "cannot be reached"),
    "another page": (
        lambda send, n, body: send(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        ),
        "HTTP 302",
    ),
}


@pytest.mark.parametrize("habit", HABITS)
def test_what_is_no_answer_is_the_photographs_error_in_bounded_time_and_memory(serve, habit) -> None:
    play, reason = HABITS[habit]
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    seconds = 1.0 if "within 1 s" in reason else 20.0  # a busy machine needs its time for 16 MB
    row = make("http", serve(play, timeout_seconds=seconds)[0]).extract(PHOTOS[:1])[0]
    assert row.status == Status.ERROR
    assert reason in row.reason
    assert time.monotonic() - start < seconds + 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024  # KB
