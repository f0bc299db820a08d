"""Downloads against a real server on this machine that can resume, cut the connection, and refuse."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.base.download import download
from audit.base.errors import BenchmarkError
from audit.benchmark import manifest
from audit.benchmark.card import Card
from audit.benchmark.fetch import default_data_dir, ensure, unpack
from audit.benchmark.tables import key, write_table

BODY = bytes(range(256)) * 4096  # 1 MiB, what the server has at first


def test_a_file_arrives_whole(server: Any, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = download(server.file(), tmp_path / "new", progress=lambda name, done, total: seen.append((done, total)))
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert [one.name for one in path.parent.iterdir()] == ["thing.bin"]


def test_a_cut_connection_is_taken_up_where_it_broke(server: Any, tmp_path: Path) -> None:
    server.cut_after = [20 * 16384, 10 * 16384]
    assert download(server.file(), tmp_path).read_bytes() == BODY
    assert server.asked == [None, "bytes=327680-", "bytes=491520-"]


def test_a_later_run_goes_on_from_the_kept_bytes(server: Any, tmp_path: Path) -> None:
    server.cut_after = [409_600]
    with pytest.raises(BenchmarkError, match=r"409,600 bytes kept.*Run again"):
        download(server.file(), tmp_path, attempts=1)
    assert not (tmp_path / "thing.bin").exists()
    assert download(server.file(), tmp_path).read_bytes() == BODY
    assert server.asked[-1] == "bytes=409600-"


def test_a_server_without_ranges_sends_all_again_and_nothing_is_doubled(server: Any, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [409_600]
    assert download(server.file(), tmp_path).read_bytes() == BODY


def test_a_part_that_is_already_whole_is_accepted_by_its_hash(server: Any, tmp_path: Path) -> None:
    (tmp_path / "thing.bin.part").write_bytes(BODY)
    assert download(server.file(), tmp_path).read_bytes() == BODY


def test_wrong_bytes_are_refused_and_removed(server: Any, tmp_path: Path) -> None:
    server.body = BODY[:-1] + b"x"
    with pytest.raises(BenchmarkError, match="thrown away"):
        download(server.file(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_under_the_right_name_is_not_used_and_not_removed(server: Any, tmp_path: Path) -> None:
    (tmp_path / "thing.bin").write_bytes(b"mine")
    with pytest.raises(BenchmarkError, match="Move it away"):
        download(server.file(), tmp_path)
    assert (tmp_path / "thing.bin").read_bytes() == b"mine"


def test_offline_uses_what_is_there_and_refuses_the_rest(server: Any, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="without --offline"):
        download(server.file(), tmp_path, offline=True)
    assert server.asked == []
    (tmp_path / "thing.bin").write_bytes(BODY)
    assert download(server.file(), tmp_path, offline=True).read_bytes() == BODY


def test_no_network_says_what_to_do(server: Any, tmp_path: Path) -> None:
    file = server.file()
    server.stop()
    with pytest.raises(BenchmarkError, match=r"ConnectionError.*--data and --offline"):
        download(file, tmp_path, attempts=2)


def test_a_refusing_server_is_named_by_its_answer(server: Any, tmp_path: Path) -> None:
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
    ("members", "links"),
    [
        ({"../evil": b"x"}, {}),
        ({"/evil": b"x", "../../evil": b"y"}, {}),
        ({}, {"link": "/etc/passwd"}),
        ({}, {"up": "../.."}),
    ],
)
def test_an_archive_cannot_write_or_point_outside_its_folder(
    tmp_path: Path, members: dict[str, bytes], links: dict[str, str]
) -> None:
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
    base = {
        "name": "toy",
        "title": "Toy",
        "adapter": "lfw",
        "holds": "photographs",
        "homepage": "https://example.org",
        "citation": ["x"],
    }
    return Card.model_validate(
        {**base, "licence": "x", "permitted_use": "x", "verified": "x", "attributes": {}, **more}
    )


def test_an_archive_on_a_card_is_fetched_and_unpacked_once(server: Any, tmp_path: Path) -> None:
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


def test_a_benchmark_without_data_is_fetched_resumed_unpacked_and_read(
    server: Any, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.body = tgz(
        {f"lfw_funneled/{name}/{name}_0001.jpg": np.random.default_rng(0).bytes(90_000) for name in ("A_One", "B_Two")}
    )
    server.cut_after = [len(server.body) // 2]
    folder = tmp_path / "datasets" / "lfw"
    folder.mkdir(parents=True)
    text = (root / "datasets/lfw/card.toml").read_text()
    head, archive, rest = text.partition('url = "https://ndownloader.figshare.com/files/5976015"')
    assert archive
    rest = rest.replace(
        "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a", hashlib.sha256(server.body).hexdigest()
    )
    pairs = rest.index("[[files]]")  # only the archive is served here
    (folder / "card.toml").write_text(
        head + f'url = "{server.file().url}"' + rest[:pairs] + rest[rest.index("[attributes.race_attribute]") :]
    )
    labels = pd.DataFrame(
        {"subject_id": [key("A_One"), key("B_Two")], "sex_verified": "M", "race_attribute": "White", "race_mica": ""}
    )
    write_table(labels, folder / "labels.csv.gz")
    write_table(pd.DataFrame({"path": ["0" * 16], "sha256": ["0" * 16]}), folder / "deep-funneled.csv.gz")
    monkeypatch.setenv("FACE_AUDIT_HOME", str(tmp_path))
    monkeypatch.setenv("FACE_AUDIT_DATA", str(tmp_path / "data"))
    bench = manifest.load("lfw")
    assert len(server.asked) == 2  # the second goes on where the first was cut
    assert server.asked[1].startswith("bytes=")
    assert (bench.variant, len(bench.samples)) == ("funneled", 2)
    assert all(Path(path).is_file() for path in bench.samples["path"])
    server.status = 500
    assert len(manifest.load("lfw", offline=True).samples) == 2
