"""A pass that is killed goes on where it was: what is kept is used, nothing else is, and the result is the same to the
last bit."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.comparisons import Comparisons, OperatingPointRequest, compare, kept_tiles, run_tiles
from audit.comparisons.kept_tiles import Kept
from audit.comparisons.kernels import processor
from audit.embeddings.embedding_set import EmbeddingSet

ASKED = [
    OperatingPointRequest("one", "target_fmr", target=1e-3, weighting="comparisons"),
    OperatingPointRequest("fixed", "fixed", threshold=0.35),
]


def world(n: int = 7000, cells: int = 3, seed: int = 0) -> EmbeddingSet:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, 32), dtype=np.float32)
    person = np.arange(n) // 2
    return EmbeddingSet.from_arrays(
        vectors, person, rng.integers(0, cells, n)[person * 2], ScoreRule("cosine", "similarity", -1.0, 1.0)
    )


def bits(found: Comparisons) -> str:
    out = hashlib.sha256()
    arrays = [found.tail.i, found.tail.j, found.tail.score, found.mated.score]
    if found.histograms is not None:
        arrays += [found.histograms.pairs, found.histograms.non_mated, found.histograms.mated]
    for array in arrays:
        out.update(np.ascontiguousarray(array).tobytes())
    out.update(repr([(point.threshold, point.request.id) for point in found.operating_points]).encode())
    return out.hexdigest()


def paths() -> list[str]:
    return ["portable", *processor.flavours()[:1]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tile becomes a record."""
    monkeypatch.setattr(kept_tiles, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(kept_tiles, "SHARE", 10**9)
    monkeypatch.setattr(kept_tiles, "COST", 0)


class Stopped(Exception):
    pass


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("path", paths())
def test_a_pass_that_was_stopped_anywhere_goes_on_and_repeats_no_tile_that_was_kept(tmp_path: Path, path: str) -> None:
    embeddings = world()
    wanted = bits(compare(embeddings, operating_points=ASKED, path=path, threads=1))  # type: ignore[arg-type]
    steps: list[int] = []
    compare(embeddings, operating_points=ASKED, path=path, threads=1, progress=lambda done, total: steps.append(done))  # type: ignore[arg-type]
    assert len(steps) >= 5
    for stop_at in (1, len(steps) // 2, len(steps)):
        keep, seen = Kept(tmp_path / f"{path}{stop_at}"), []

        def stop(done: int, total: int, seen: list[int] = seen, stop_at: int = stop_at) -> None:
            seen.append(done)
            if len(seen) == stop_at:
                raise Stopped

        with pytest.raises(Stopped):
            compare(embeddings, operating_points=ASKED, path=path, threads=1, progress=stop, keep=keep)  # type: ignore[arg-type]
        again: list[int] = []
        keep = Kept(keep.folder)
        found = compare(
            embeddings,
            operating_points=ASKED,
            path=path,
            threads=1,
            progress=lambda done, total: again.append(done),  # noqa: B023
            keep=keep,
        )  # type: ignore[arg-type]
        assert bits(found) == wanted
        assert len(again) <= len(steps) - stop_at  # what was done is not done again
        other = compare(
            embeddings, operating_points=ASKED, path="portable", threads=2, keep=keep
        )  # cut otherwise: right all the same
        assert bits(other) == wanted
        keep.forget()
        assert list(keep.folder.iterdir()) == []


@pytest.mark.usefixtures("at_once")
def test_what_is_kept_belongs_to_these_templates_labels_and_limits_alone(tmp_path: Path) -> None:
    compare(world(), operating_points=ASKED, path="portable", keep=Kept(tmp_path))
    first = {folder.name for folder in tmp_path.iterdir()}
    for embeddings, asked, bins in (
        (world(seed=1), ASKED, 4096),
        (world(cells=2), ASKED, 4096),
        (world(), ASKED[:1], 4096),
        (world(), ASKED, 512),
    ):
        wanted = bits(compare(embeddings, operating_points=asked, bins=bins, path="portable"))
        assert (
            bits(compare(embeddings, operating_points=asked, bins=bins, path="portable", keep=Kept(tmp_path)))
            == wanted
        )
    assert len({folder.name for folder in tmp_path.iterdir()} - first) == 4


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("harm", ["cut", "bit", "empty", "other", "swapped"])
def test_damaged_records_are_made_again(tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    embeddings = world()
    wanted = bits(compare(embeddings, operating_points=ASKED, path="portable", keep=Kept(tmp_path)))
    records = sorted(tmp_path.rglob("*.shard"))
    assert len(records) >= 5
    data = records[0].read_bytes()
    body = b"no npz at all"
    records[0].write_bytes({
        "cut": data[:-7], "bit": data[:99] + bytes([data[99] ^ 4]) + data[100:], "empty": b"",
        # the same record twice: counted once
        "other": hashlib.sha256(body).digest() + body, "swapped": records[1].read_bytes(),
    }[harm])  # fmt: skip
    assert bits(compare(embeddings, operating_points=ASKED, path="portable", keep=Kept(tmp_path))) == wanted
    assert ("is ignored" in caplog.text) == (harm != "swapped")


def _counted(real, tiles: list[str]):
    def run(self, tile, cap, stop_now):
        tiles.append(str(tile))
        return real(self, tile, cap, stop_now)

    return run


@pytest.mark.usefixtures("at_once")
def test_a_pass_that_was_too_long_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = world()
    asked = [OperatingPointRequest("many", "fixed", threshold=0.1)]
    wanted = compare(embeddings, operating_points=asked, path="portable", memory_cap=2**20)
    assert wanted.streamed  # no list
    compare(embeddings, operating_points=asked, path="portable", memory_cap=2**20, keep=Kept(tmp_path))
    tiles: list[str] = []
    monkeypatch.setattr(run_tiles.PortablePass, "run", _counted(run_tiles.PortablePass.run, tiles))
    compare(embeddings, operating_points=asked, path="portable", memory_cap=2**20)
    fresh = len(tiles)
    again = compare(embeddings, operating_points=asked, path="portable", memory_cap=2**20, keep=Kept(tmp_path))
    assert [one.e.tolist() for one in again.streamed["many"]] == [one.e.tolist() for one in wanted.streamed["many"]]
    assert (
        len(tiles) - fresh < fresh
    )  # the passes that keep sums are made again, the one that is known to be too long is not
    larger = compare(embeddings, operating_points=asked, path="portable", memory_cap=2**30, keep=Kept(tmp_path))
    assert not larger.streamed  # with more memory it is tried again
    assert bits(larger) == bits(compare(embeddings, operating_points=asked, path="portable", memory_cap=2**30))


def test_a_short_pass_leaves_nothing_and_a_folder_that_cannot_be_made_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = bits(compare(world(400), operating_points=ASKED, path="portable", keep=Kept(tmp_path / "tiles")))
    assert not (tmp_path / "tiles").exists()
    monkeypatch.setattr(kept_tiles, "FIRST_SECONDS", 0.0)
    (tmp_path / "file").write_text("")
    assert (
        bits(compare(world(400), operating_points=ASKED, path="portable", keep=Kept(tmp_path / "file" / "tiles")))
        == wanted
    )


def test_passes_of_long_ago_go_when_another_is_kept(tmp_path: Path) -> None:
    for name, age in (("old", 31), ("new", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.shard").write_bytes(b"")
        for path in (tmp_path / name / "a.shard", tmp_path / name):
            os.utime(path, (time.time() - age * 86400,) * 2)
    Kept(tmp_path)._clear()
    assert [one.name for one in tmp_path.iterdir()] == ["new"]


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_kept_tiles import ASKED, bits, world
from audit.comparisons import compare, kept_tiles
from audit.comparisons.kept_tiles import Kept
kept_tiles.FIRST_SECONDS, kept_tiles.COST = 0.0, 0
steps = []
def slowly(done, total):
    steps.append(done)
    time.sleep(0.05)
    print("going", flush=True)
print(bits(compare(world(), operating_points=ASKED, path="portable", threads=2, progress=slowly, keep=Kept(Path(sys.argv[1])))), len(steps))
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL as on POSIX")
def test_kill_9_again_and_again_and_the_run_still_ends_with_the_same_bits(tmp_path: Path) -> None:
    wanted = bits(compare(world(), operating_points=ASKED, path="portable"))
    rng, command = np.random.default_rng(5), [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)]
    for _ in range(5):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(float(rng.uniform(0.0, 0.2)))
            child.kill()
    last = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    assert last[0] == wanted


def test_records_of_two_runs_that_overlap_count_no_tile_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = world()
    wanted = bits(compare(embeddings, operating_points=ASKED, path="portable", threads=1))
    monkeypatch.setattr(kept_tiles, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(kept_tiles, "COST", 0)
    monkeypatch.setattr(kept_tiles.KeptPass, "end", lambda self, whole: None)  # both were killed before the end
    monkeypatch.setattr(kept_tiles.KeptPass, "add", _every(3, 0))
    compare(embeddings, operating_points=ASKED, path="portable", threads=1, keep=Kept(tmp_path))
    first = set(tmp_path.rglob("*.shard"))
    # the other run cuts its records one tile later, so that each shares a tile with two of the first one's
    monkeypatch.setattr(kept_tiles.KeptPass, "answers", lambda self, tiles, real=kept_tiles.KeptPass.answers: {})
    monkeypatch.setattr(kept_tiles.KeptPass, "add", _every(3, 1))
    compare(embeddings, operating_points=ASKED, path="portable", threads=1, keep=Kept(tmp_path))
    monkeypatch.undo()
    assert len(first) >= 2
    assert len(set(tmp_path.rglob("*.shard")) - first) >= 2
    assert bits(compare(embeddings, operating_points=ASKED, path="portable", threads=1, keep=Kept(tmp_path))) == wanted


def _every(tiles: int, later: int):
    """Records of so many tiles, the first one shorter; their names make those of two runs take turns when they are
    read."""

    def add(self, answer) -> None:
        self._waiting.append(answer)
        self.taken = getattr(self, "taken", later) + 1
        if self.taken % tiles == 0:
            taken, self._waiting = self._waiting, []
            self._write(taken)
            newest = max(self._journal.folder.glob("*.shard"), key=lambda path: path.stat().st_mtime_ns)
            newest.rename(newest.with_name(f"{self.taken:03d}{later}.shard"))

    return add
