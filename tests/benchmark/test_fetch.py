"""Downloads against a real server on this machine that can resume, cut the connection, and refuse."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audit.benchmark.card import Card, RemoteFile
from audit.benchmark.fetch import default_data_dir, download, ensure, unpack
from audit.errors import BenchmarkError

BODY = bytes(range(256)) * 4096  # 1 MiB


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
        return RemoteFile.model_validate({"name": "thing.bin", "url": url, "sha256": hashlib.sha256(body).hexdigest(), **more})

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    out = Server()
    yield out
    out.stop()


def test_a_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = download(server.file(), tmp_path / "new", progress=lambda name, done, total: seen.append((done, total)))
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert [one.name for one in path.parent.iterdir()] == ["thing.bin"]


def test_a_cut_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after = [20 * 16384, 10 * 16384]
    assert download(server.file(), tmp_path).read_bytes() == BODY
    assert server.asked == [None, "bytes=327680-", "bytes=491520-"]


def test_a_later_run_goes_on_from_the_kept_bytes(server: Server, tmp_path: Path) -> None:
    server.cut_after = [409_600]
    with pytest.raises(BenchmarkError, match=r"409,600 bytes kept.*Run again"):
        download(server.file(), tmp_path, attempts=1)
    assert not (tmp_path / "thing.bin").exists()
    assert download(server.file(), tmp_path).read_bytes() == BODY
    assert server.asked[-1] == "bytes=409600-"


def test_a_server_without_ranges_sends_all_again_and_nothing_is_doubled(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [409_600]
    assert download(server.file(), tmp_path).read_bytes() == BODY


def test_a_part_that_is_already_whole_is_accepted_by_its_hash(server: Server, tmp_path: Path) -> None:
    (tmp_path / "thing.bin.part").write_bytes(BODY)
    assert download(server.file(), tmp_path).read_bytes() == BODY


def test_wrong_bytes_are_refused_and_removed(server: Server, tmp_path: Path) -> None:
    server.body = BODY[:-1] + b"x"
    with pytest.raises(BenchmarkError, match="thrown away"):
        download(server.file(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_under_the_right_name_is_not_used_and_not_removed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "thing.bin").write_bytes(b"mine")
    with pytest.raises(BenchmarkError, match="Move it away"):
        download(server.file(), tmp_path)
    assert (tmp_path / "thing.bin").read_bytes() == b"mine"


def test_offline_uses_what_is_there_and_refuses_the_rest(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="without --offline"):
        download(server.file(), tmp_path, offline=True)
    assert server.asked == []
    (tmp_path / "thing.bin").write_bytes(BODY)
    assert download(server.file(), tmp_path, offline=True).read_bytes() == BODY


def test_no_network_says_what_to_do(server: Server, tmp_path: Path) -> None:
    file = server.file()
    server.stop()
    with pytest.raises(BenchmarkError, match=r"ConnectionError.*--data and --offline"):
        download(file, tmp_path, attempts=2)
    server.__init__()  # type: ignore[misc]  # the fixture stops it again


def test_a_refusing_server_is_named_by_its_answer(server: Server, tmp_path: Path) -> None:
    server.status = 403
    with pytest.raises(BenchmarkError, match="answered 403"):
        download(server.file(), tmp_path, attempts=1)


def tgz(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(tgz({"lfw/A_B/A_B_0001.jpg": b"jpeg"}))
    unpack(tmp_path / "a.tgz", tmp_path / "out")
    assert (tmp_path / "out/lfw/A_B/A_B_0001.jpg").read_bytes() == b"jpeg"
    assert not (tmp_path / "out.unpacking").exists()


@pytest.mark.parametrize(
    ("members", "links"), [({"../evil": b"x"}, {}), ({"/evil": b"x", "../../evil": b"y"}, {}), ({}, {"link": "/etc/passwd"}), ({}, {"up": "../.."})]
)
def test_an_archive_cannot_write_or_point_outside_its_folder(tmp_path: Path, members: dict[str, bytes], links: dict[str, str]) -> None:
    (tmp_path / "a.tgz").write_bytes(tgz({"fine.jpg": b"x", **members}, links))
    with pytest.raises(BenchmarkError, match="nothing was unpacked"):
        unpack(tmp_path / "a.tgz", tmp_path / "in" / "out")
    assert {path.name for path in tmp_path.rglob("*")} == {"a.tgz", "in"}


def test_a_zip_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("../evil", "x")
    with pytest.raises(BenchmarkError, match="nothing was unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_a_truncated_archive_leaves_nothing(tmp_path: Path) -> None:
    whole = tgz({f"{k}.jpg": bytes([k]) * 5000 + hashlib.sha256(bytes([k])).digest() * 90 for k in range(40)})
    (tmp_path / "a.tgz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BenchmarkError, match="cannot be unpacked"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]


def card(**more: object) -> Card:
    base = {"name": "toy", "title": "Toy", "adapter": "lfw", "holds": "photographs", "homepage": "https://example.org", "citation": ["x"]}
    return Card.model_validate({**base, "licence": "x", "permitted_use": "x", "verified": "x", "attributes": {}, **more})


def test_an_archive_on_a_card_is_fetched_and_unpacked_once(server: Server, tmp_path: Path) -> None:
    server.body = tgz({"lfw/a.jpg": b"a"})
    toy = card(files=[server.file(server.body, unpack=True, variant="x").model_dump()])
    ensure(toy, tmp_path, variant="x")
    ensure(toy, tmp_path, variant="x")
    assert len(server.asked) == 1
    assert (tmp_path / "lfw/a.jpg").read_bytes() == b"a"


def test_a_benchmark_that_must_be_asked_for_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="Ask the authors"):
        ensure(card(obtain="Ask the authors"), tmp_path)


def test_the_data_directory_is_the_users_to_choose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACE_AUDIT_DATA", str(tmp_path))
    assert default_data_dir("lfw") == tmp_path / "lfw"
