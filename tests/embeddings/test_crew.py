"""Processes that stay from one run to the next, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import toy_backends as toy

from audit.backends.protocol import Extraction, Status
from audit.base.errors import BackendError
from audit.base.photos import file_digest
from audit.embeddings.crew import Crew, Task

TOY = "toy_backends:make"


def tasks(paths: list[Path]) -> list[Task]:
    return [Task(row, path, file_digest(path)[0]) for row, path in enumerate(paths)]


def test_a_crew_keeps_its_processes_and_uses_as_many_as_it_is_told(photo, tmp_path) -> None:
    log = tmp_path / "pids"
    work = tasks([photo(f"{n}.png", 0, green=n) for n in range(8)])
    with Crew(TOY, {"pids": str(log), "sleep": 0.05}, jobs=2) as crew:
        crew.ready()
        first = set(crew.processes)
        for jobs, expected in ((2, first), (1, {crew.processes[0]}), (2, first)):
            log.write_text("")
            rows: dict[int, Extraction] = {}
            crew.run(work, rows.__setitem__, jobs=jobs)
            assert {int(pid) for pid in log.read_text().split()} == expected
            assert sorted(rows) == list(range(8))
            assert all(row.status == Status.ACQUIRED for row in rows.values())
        assert set(crew.processes) == first
    assert crew.processes == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in first)


def test_a_process_that_dies_in_one_run_is_replaced_in_it_and_the_next_run_loses_nothing(photo) -> None:
    bad, good = (
        tasks([photo("a.png", toy.CRASH), photo("b.png", 0)]),
        tasks([photo(f"{n}.png", 0, green=n) for n in range(4)]),
    )
    with Crew(TOY, {}, jobs=1) as crew:
        for work, expected in ((bad, [Status.ERROR, Status.ACQUIRED]), (good, [Status.ACQUIRED] * 4)):
            rows: dict[int, Extraction] = {}
            crew.run(work, rows.__setitem__)
            assert [rows[row].status for row in sorted(rows)] == expected


def test_a_crew_of_a_matcher_that_cannot_be_loaded_is_an_error_before_any_photo() -> None:
    with Crew(TOY, {"refuse": True}, jobs=2) as crew, pytest.raises(BackendError, match="the licence file is missing"):
        crew.ready()


def test_the_worker_times_decoding_and_passes_on_the_steps_that_are_durations(photo) -> None:
    rows: dict[int, Extraction] = {}
    with Crew("toy_backends:make_stepping", {}, jobs=1) as crew:
        crew.run(tasks([photo("a.png", 0)]), rows.__setitem__)
    assert set(rows[0].steps) == {"decode", "detect"}
    assert rows[0].steps["detect"] == 0.25
    assert rows[0].steps["decode"] != 99.0


STARTING = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from audit.embeddings.extract import extract

    if __name__ == "__main__":
        print("begun", flush=True)
        extract(sorted(Path({photos!r}).glob("*.png")), "toy_backends:make", dict(load_seconds=20), jobs=2)
"""


def test_ctrl_c_while_processes_start_ends_them_without_a_word(photo, tmp_path) -> None:
    for n in range(4):
        photo(f"{n}.png", 0, green=n)
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(STARTING.format(tests=str(Path(__file__).parent), photos=str(tmp_path))))
    root = Path(__file__).resolve().parents[2]
    for pause in (0.2, 0.4, 0.6):  # while they import, while the matcher loads
        process = subprocess.Popen(
            [sys.executable, str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(pause)
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
        _, errors = process.communicate(timeout=10)
        assert process.returncode != 0
        assert errors.count("Traceback") == 1  # this script's own; the command line makes one sentence of it
        assert errors.rstrip().endswith("KeyboardInterrupt")


def test_a_worker_killed_from_outside_loses_no_photo(photo, tmp_path) -> None:
    work = tasks([photo(f"{n}.png", 0, green=n) for n in range(6)])
    rows: dict[int, Extraction] = {}
    killed: list[int] = []
    with Crew(TOY, {"sleep": 0.3}, jobs=1) as crew:

        def done(row: int, extraction: Extraction) -> None:
            rows[row] = extraction
            if len(killed) < 3:
                killed.append(crew.processes[0])
                os.kill(killed[-1], signal.SIGKILL)

        crew.run(work, done)
    assert len(killed) == 3
    assert [rows[row].status for row in sorted(rows)] == [Status.ACQUIRED] * 6


def test_a_photo_on_which_a_worker_is_killed_twice_is_lost_alone(photo) -> None:
    rows: dict[int, Extraction] = {}
    with Crew("toy_backends:make_killed", {}, jobs=1) as crew:
        crew.run(tasks([photo("a.png", 0), photo("b.png", toy.CRASH), photo("c.png", 1)]), rows.__setitem__)
    assert [rows[row].status for row in range(3)] == [Status.ACQUIRED, Status.ERROR, Status.ACQUIRED]
    assert rows[1].reason == "the matcher crashed (SIGKILL)"
