"""A server that answers anything at all ends in the file or in one refusal, in bounded time, and never outside the
folder."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.base import download as room
from audit.base.download import download
from audit.base.errors import BenchmarkError

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True)
class File:
    url: str
    name: str = "thing.bin"
    sha256: str = hashlib.sha256(b"abc").hexdigest()
    bytes: int | None = None


Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    opened = []

    def go(reply: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def work() -> None:
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                with one:
                    try:
                        one.recv(1 << 16)
                        reply(one)
                    except OSError:
                        pass

        threading.Thread(target=work, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/x"

    yield go
    for one in opened:
        one.close()


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc",
        OK + b"X: " + b"a" * 100_000 + b"\r\n\r\nabc",
        OK + b"X: a\r\n" * 1000 + b"\r\nabc",
        OK + b"\r\nabcdef",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nab",
        b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/1.1 302 F\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n",
        b"HTTP/1.1 206 P\r\nContent-Range: bytes 5-7/8\r\nContent-Length: 3\r\n\r\nabc",
        b"no HTTP",
        b"",
    ],
)
def test_an_answer_that_is_not_the_file_is_refused(serve: Serve, tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(BenchmarkError):
        download(File(serve(lambda one: one.sendall(answer))), tmp_path, attempts=2, timeout=5)
    assert not (tmp_path / "thing.bin").exists()


@pytest.mark.parametrize("length", [b"abc", b"-5", b""])
def test_a_length_that_is_none_does_not_matter(serve: Serve, tmp_path: Path, length: bytes) -> None:
    url = serve(lambda one: one.sendall(OK + b"Content-Length: " + length + b"\r\n\r\nabc"))
    assert download(File(url), tmp_path, timeout=5).read_bytes() == b"abc"


@pytest.mark.parametrize(
    "begin", [OK + b"X: ", OK + b"Content-Length: 100000\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"]
)
def test_drips_in_headers_and_body_end_after_one_window(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(room, "_WINDOW", 1.0)

    def drip(one: socket.socket) -> None:
        one.sendall(begin)
        for _ in range(200):
            time.sleep(0.1)
            one.sendall(b"0")

    clock = time.monotonic()
    with pytest.raises(BenchmarkError, match="bytes a second"):
        download(File(serve(drip)), tmp_path, attempts=1, timeout=5)
    assert time.monotonic() - clock < 10  # the server would go on for 20 s


def test_more_bytes_than_the_card_says_are_not_kept(serve: Serve, tmp_path: Path) -> None:
    url = serve(lambda one: one.sendall(OK + b"\r\n" + b"a" * 1_000_000))
    with pytest.raises(BenchmarkError, match=r"more than 1,000 bytes; 0 bytes kept"):
        download(File(url, bytes=1000), tmp_path, attempts=2)


@pytest.mark.parametrize(
    "url",
    [
        "nope",
        "ftp://x/y",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "file:///etc/passwd",
        "http://a" + "b" * 300 + "/",
    ],
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BenchmarkError, match="no complete download"):
        download(File(url), tmp_path, attempts=1)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/b", "a\\b", "a\0b", "", ".", "..", "a" * 300])
def test_a_name_that_is_a_path_is_refused_before_anything_is_asked(tmp_path: Path, name: str) -> None:
    with pytest.raises(BenchmarkError, match="no plain file name"):
        download(File("http://127.0.0.1:1/", name=name), tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_refused(serve: Serve, tmp_path: Path) -> None:
    url = serve(lambda one: one.sendall(OK + b"Content-Length: 3\r\n\r\nabc"))
    (tmp_path / "file").touch()
    (tmp_path / "a" / "thing.bin").mkdir(parents=True)
    (tmp_path / "b" / "thing.bin.part").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "a", tmp_path / "b"):
        with pytest.raises(BenchmarkError, match="cannot be kept"):
            download(File(url), folder, attempts=1)
