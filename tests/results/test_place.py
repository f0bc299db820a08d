"""Results take their place in one step: a kill at any step of writing leaves the old or the new ones, two runs of one
name never meet, and whoever reads meanwhile reads one of the two.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from audit import results
from audit.base.errors import ResultsError
from audit.results import place

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

WRITER = textwrap.dedent(
    """
    import os, pathlib, signal, sys
    from pathlib import Path
    from audit import results
    from audit.results import place

    source, target, at, exchange = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
    result = results.read(source)
    if not exchange:
        place._exchanged = lambda one, other: False
    count, swap = 0, []

    def watched(module, name):
        real = getattr(module, name)

        def step(*args, **named):
            global count
            for when in ("before", "after"):
                count += 1
                if name in ("_exchanged", "rename") and module is not os:
                    swap.append(count)
                if count == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                if when == "before":
                    found = real(*args, **named)
            return found

        setattr(module, name, step)

    for name in ("rename", "replace", "fsync", "open", "mkdir", "unlink", "rmdir", "chmod"):
        watched(os, name)
    for name in ("rename", "write_bytes", "chmod"):
        watched(pathlib.Path, name)
    if exchange:
        watched(place, "_exchanged")
    results.write(result, target, {"report.html": b"new", "figures/a.svg": b"<svg/>"}, replace=True)
    print(count, *swap)
    """
)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("source") / "small"
    results.write(small_audits.audited(tmp_path_factory), target, {"report.html": b"old"})
    return target


def write(source: Path, target: Path, at: int, exchange: bool) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WRITER, str(source), str(target), str(at), "1" if exchange else "0"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def hidden(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.name.startswith("."))


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two renames"])
def test_a_kill_at_any_step_of_the_write_leaves_the_old_or_the_new_results(
    source: Path, tmp_path: Path, exchange: bool
) -> None:
    target = tmp_path / "runs" / "small"
    whole = write(source, target, 0, exchange)
    assert whole.returncode == 0, whole.stderr
    steps, *swap = map(int, write(source, target, 0, exchange).stdout.split())
    assert steps > 100
    lost, found = 0, set()
    # every step of the swap and next to it, and some of all others: files, flushes, the old one's end
    for at in sorted({*range(1, steps + 1, max(1, steps // 12)), *range(min(swap) - 1, max(swap) + 3)}):
        (target / "report.html").write_bytes(b"old")
        (target / "SHA256SUMS").write_bytes(results.sums_of(target))
        killed = write(source, target, at, exchange)
        assert killed.returncode == -9, (at, killed.stderr)
        lost += not target.is_dir()
        with place.claim(target):  # what the next run does first
            assert target.is_dir(), at
        assert hidden(target.parent) == [], at
        assert results.checksum_errors(target) == [], at
        found.add((target / "report.html").read_bytes())
    assert found == {b"old", b"new"}
    assert lost == 0 if exchange else lost > 0  # without an exchange there is a moment, and the test meets it


def test_a_run_of_another_name_puts_right_what_a_killed_one_left(tmp_path: Path) -> None:
    old = place.hidden(tmp_path / "first", "old")
    (old / "was").mkdir()
    (old / "was" / "audit.json").write_text("{}")
    half = place.hidden(tmp_path / "third", "new")
    (half / "rates.csv").write_text("half")
    (tmp_path / ".first.face-audit-lock").write_text(f"{os.getpid()} elsewhere\n")  # nobody holds it
    for mine in (".mine", ".other.new-abcdefgh", ".third.old-abcdefgh"):
        (tmp_path / mine).mkdir()  # nobody's leftovers but the user's
    (tmp_path / ".theirs.lock").write_text("another program's")
    with place.claim(tmp_path / "second"):
        assert (tmp_path / "first" / "audit.json").read_text() == "{}"
        assert ".second.face-audit-lock" in hidden(tmp_path)
    assert hidden(tmp_path) == [".mine", ".other.new-abcdefgh", ".theirs.lock", ".third.old-abcdefgh"]
    assert (tmp_path / ".theirs.lock").read_text() == "another program's"


def test_what_another_run_is_writing_now_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from audit.results import place\nwith "
        "place.claim(pathlib.Path(sys.argv[1])) as t:\n"
        "  place.hidden(t, 'new'); print('in', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a")], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with place.claim(tmp_path / "b"):
            assert len([name for name in hidden(tmp_path) if name.startswith(".a.face-audit-new-")]) == 1
        begun = time.monotonic()
        with (
            pytest.raises(ResultsError, match=rf"another run \(process {other.pid}\) is writing it"),
            place.claim(tmp_path / "a"),
        ):
            pass
        assert time.monotonic() - begun < 1
    finally:
        other.kill()
        other.communicate()
    with place.claim(tmp_path / "a"):  # its lock file is still there; the kernel freed the lock
        pass
    assert hidden(tmp_path) == []


def test_two_threads_are_told_too_and_a_link_is_the_directory_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "disk" / "small").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "small")
    said: list[str] = []

    def second() -> None:
        try:
            with place.claim(tmp_path / "link"):
                said.append("in")
        except ResultsError as error:
            said.append(error.got)

    with place.claim(tmp_path / "disk" / "small"), place.claim(tmp_path / "disk" / "small"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert said == [f"another thread of process {os.getpid()} is writing it"]


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two renames"])
def test_readers_during_many_writes_never_fail_and_never_mix(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(place, "_exchanged", lambda one, other: False)
    target, result = tmp_path / "small", results.read(source)
    results.write(result, target, {"report.html": b"0"})
    errors: list[BaseException] = []
    reads, stop = [0], threading.Event()

    def reader() -> None:
        while not stop.is_set():
            try:
                results.read(target)
                assert place.settled(lambda: results.checksum_errors(target), target) == []
                reads[0] += 1
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=reader) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(25):
        results.write(result, target, {"report.html": str(number).encode()}, replace=True)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert reads[0] > 0
