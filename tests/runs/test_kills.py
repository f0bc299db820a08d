"""Whole runs killed (-9) in every phase after the templates: the same command then gives the same bytes, repeats no
tile that was kept, and leaves nothing. ``benches/kills.py`` does it with photographs, two matchers and many more
kills.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

# The command with slower tiles, which says each tile and the beginning of each phase.
PROGRAM = """
import importlib, sys, time
from audit.comparisons import kept_tiles
from audit.comparisons.kernels.portable import PortablePass
kept_tiles.FIRST_SECONDS, kept_tiles.COST, PortablePass.rows = 0.0, 0, 16
def said(place, name, phase, wait):
    inner = getattr(place, name)
    def call(*args, **named):
        print(phase, file=sys.stderr, flush=True)
        time.sleep(wait)
        return inner(*args, **named)
    setattr(place, name, call)
said(PortablePass, "run", "PHASE tile", 0.05)
for module, name, phase in (
    ("audit.runs.pipeline", "again", "rates"), ("audit.report", "render", "pages"), ("audit.results.place", "take_place", "write"),
    ("audit.results.files", "take_place", "write"),
):
    said(importlib.import_module(module), name, "PHASE " + phase, 0.3)
from audit.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return small_audits.write(tmp_path_factory.mktemp("world"))


def begin(world: Path, folder: Path) -> subprocess.Popen[str]:
    words = [
        "run",
        world,
        "--data",
        world.parent,
        "--results",
        folder / "results",
        "--cache",
        folder / "cache",
        "--offline",
        "--replace",
    ]
    words += ["--set", "compute.threads=1"]
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def through(world: Path, folder: Path) -> list[str]:
    """Run to the end; what was said."""
    with begin(world, folder) as child:
        _, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    return said.splitlines()


def kill(world: Path, folder: Path, phase: str, time_: int) -> None:
    """Kill the run when a phase is said for the n-th time."""
    with begin(world, folder) as child:
        assert child.stderr is not None
        for line in child.stderr:
            time_ -= line.strip() == f"PHASE {phase}"
            if time_ == 0:
                child.kill()
                break
    assert child.returncode == -9


def tree(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if path.name not in ("provenance.json", "PROVENANCE.sha256")
    }


@pytest.fixture(scope="module")
def calm(world: Path, tmp_path_factory) -> tuple[dict[str, bytes], int]:
    folder = tmp_path_factory.mktemp("calm")
    said = through(world, folder)
    return tree(folder / "results"), said.count("PHASE tile")


@pytest.mark.parametrize(
    ("phase", "time_", "done"),
    [("tile", 1, 0), ("tile", 6, 5), ("rates", 1, None), ("pages", 1, None), ("write", 1, None)],
)
def test_a_run_killed_in_a_phase_goes_on_to_the_same_bytes(
    world: Path, calm, tmp_path: Path, phase: str, time_: int, done: int | None
) -> None:
    wanted, tiles = calm
    assert tiles >= 12
    kill(world, tmp_path, phase, time_)
    listed = subprocess.run(
        [sys.executable, "-m", "audit", "cache", "ls", "--cache", str(tmp_path / "cache"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    kinds = [entry["kind"] for entry in json.loads(listed.stdout)["entries"]]
    assert ("tiles" in kinds) == (done != 0)
    again = through(world, tmp_path).count("PHASE tile")
    assert again == (0 if done is None else tiles - done)  # nothing but the tile in flight
    assert tree(tmp_path / "results") == wanted
    assert [one.name for one in (tmp_path / "results").iterdir()] == ["small"]
    assert list((tmp_path / "cache" / "tiles").iterdir()) == []
