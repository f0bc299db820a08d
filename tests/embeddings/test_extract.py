"""From paths to templates: bad photos, bad matchers, crashes, the cache, and
one result whatever the number of jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_backends as toy

from audit.backends.protocol import Status
from audit.base.errors import AuditError, BackendError
from audit.base.machine import cores
from audit.base.photos import read
from audit.embeddings.extract import extract
from audit.embeddings.store import Store

TOY = "toy_backends:make"


def bare(path: Path) -> np.ndarray:
    """The most naive matcher that could be right: mean colours of the photo as OpenCV reads it."""
    return cv2.imread(str(path)).reshape(-1, 3).mean(axis=0).astype(np.float32)


def test_rows_keep_the_order_of_the_paths(photo) -> None:
    paths = [photo(f"{n}.png", n % 7, green=n) for n in (3, 1, 2, 9, 8, 5)]
    found = extract(paths, TOY, {}, jobs=2)
    assert found.vectors.dtype == np.float32
    assert (found.vectors == np.stack([bare(path) for path in paths])).all()
    assert found.counts() == {"ACQUIRED": 6, "UNREADABLE": 0, "NO_FACE": 0, "MANY_FACES": 0, "ERROR": 0}
    assert found.sha256 == tuple(read(path).sha256 for path in paths)
    assert list(found.quality.columns) == ["brightness"]
    assert (found.faces == 1).all()


BREAKING = {
    2: (toy.CRASH, "the matcher crashed (SIGSEGV)"),
    4: (toy.EXIT, "the matcher's process ended (exit code 3)"),
    6: (toy.HANG, "the matcher gave no answer within 2.5 s"),
    7: (
        toy.RAISE,
        "the matcher raised RuntimeError: cannot do this one (toy_backends.py, line 73: raise "
        'RuntimeError("cannot do this one"))',
    ),
    10: (toy.NAN, "the matcher gave a template with NaN or infinity in place of finite numbers"),
    13: (toy.WIDE, "the matcher gave a template of float32 of shape (4,) in place of float32 of shape (3,)"),
    15: (toy.SHORT, "the matcher's extract() returned 0 answers for 1 image"),
}


@pytest.mark.parametrize("batch", [1, 4])
def test_a_photo_that_breaks_the_matcher_is_lost_alone(photo, batch) -> None:
    paths = [photo(f"{n}.png", BREAKING.get(n, (0, ""))[0], green=n) for n in range(18)]
    found = extract(paths, TOY, {"batch": batch}, jobs=2, timeout_seconds=2.5)
    assert {n: found.reasons[n] for n in range(18) if found.status[n] == Status.ERROR} == {
        n: reason for n, (_, reason) in BREAKING.items()
    }
    others = [n for n in range(18) if n not in BREAKING]
    assert (found.status[others] == Status.ACQUIRED).all()
    assert (found.vectors[others] == np.stack([bare(paths[n]) for n in others])).all()
    assert not found.vectors[list(BREAKING)].any()


def test_a_matcher_that_breaks_its_contract_at_every_photo_ends_the_run_and_says_how_and_where(
    photo, tmp_path
) -> None:
    (tmp_path / "Jane_Doe.png").write_bytes(b"not a photograph")
    paths = [tmp_path / "Jane_Doe.png", *(photo(f"{n}.png", 0, green=n) for n in range(22))]
    with pytest.raises(
        BackendError,
        match=r"photograph 2 of 23: the matcher's extract\(\) returned None in place of a list of 1 Extraction",
    ) as refused:
        extract(paths, "toy_backends:make_forgetful", {}, jobs=1)
    assert "Jane" not in str(refused.value)
    paths[3] = photo("nobody.png", toy.NONE)  # one sound answer, and it is the photographs that are at fault
    assert extract(paths, TOY, {}, jobs=1).counts()["ACQUIRED"] == 21


def test_bad_files_have_a_status_and_a_reason_and_no_name(photo, tmp_path) -> None:
    good = photo("good.png", 0)
    (tmp_path / "Jane_Doe.png").write_bytes(good.read_bytes()[:60])
    (tmp_path / "notes.jpg").write_text("not a photograph")
    paths = [
        tmp_path / "absent.jpg",
        tmp_path / "Jane_Doe.png",
        tmp_path / "notes.jpg",
        photo("nobody.png", toy.NONE),
        good,
    ]
    found = extract(paths, TOY, {}, jobs=1)
    assert [Status(value).name for value in found.status] == [
        "UNREADABLE",
        "UNREADABLE",
        "UNREADABLE",
        "NO_FACE",
        "ACQUIRED",
    ]
    assert found.reasons[0] == "file missing"
    assert found.reasons[2:] == ("not an image", "no face found", "")
    assert not any("Jane" in reason or str(tmp_path) in reason for reason in found.reasons)


def test_a_reason_is_cleared_of_the_name_of_the_photo_but_not_of_its_numbers(photo) -> None:
    found = extract(
        [photo("Jane_Doe.png", toy.NAMES), photo("4.png", toy.WIDE)],
        TOY,
        {"says": "cannot match Jane_Doe.png, Jane_Doe"},
        jobs=1,
    )
    assert found.reasons[0] == "cannot match the photo, the photo"
    assert found.reasons[1] == "the matcher gave a template of float32 of shape (4,) in place of float32 of shape (3,)"


def test_results_are_the_same_whatever_the_jobs_the_batch_and_the_cache(photo, tmp_path) -> None:
    paths = [photo(f"{n}.png", toy.NONE if n % 5 == 0 else 0, green=n) for n in range(12)]
    store = Store(tmp_path / "cache")
    runs = [extract(paths, TOY, {"batch": batch}, jobs=jobs) for jobs, batch in ((1, 1), (2, 1), (3, 5))]
    runs += [extract(paths, TOY, {}, jobs=1, store=store), extract(paths, TOY, {}, jobs=1, store=store)]
    for run in runs[1:]:
        assert run.vectors.tobytes() == runs[0].vectors.tobytes()
        assert (run.status == runs[0].status).all()
        assert run.reasons == runs[0].reasons
        assert run.quality.equals(runs[0].quality)
    assert [int(run.cached.sum()) for run in runs] == [0, 0, 0, 0, 12]


def test_the_same_bytes_are_computed_once(photo, tmp_path) -> None:
    first = photo("a.png", 0)
    (tmp_path / "b.png").write_bytes(first.read_bytes())
    log = tmp_path / "log"
    seen: list[tuple[int, int, int]] = []
    found = extract(
        [first, tmp_path / "b.png", first], TOY, {"log": str(log)}, jobs=2, progress=lambda *now: seen.append(now)
    )
    assert log.read_text() == "1\n"
    assert (found.vectors == bare(first)).all()
    assert found.cached.tolist() == [False, True, True]
    assert seen[0] == (0, 3, 0)
    assert seen[-1] == (3, 3, 2)


def test_batches_hold_as_many_photos_as_the_backend_asks_for(photo, tmp_path) -> None:
    log = tmp_path / "log"
    extract([photo(f"{n}.png", 0, green=n) for n in range(7)], TOY, {"log": str(log), "batch": 3}, jobs=1)
    assert log.read_text().split() == ["3", "3", "3", "3", "3", "3", "1"]


def test_errors_are_tried_again_by_the_next_run_and_failures_are_not(photo, tmp_path) -> None:
    paths = [photo("a.png", 0), photo("b.png", toy.NAN), photo("c.png", toy.NONE)]
    store = Store(tmp_path / "cache")
    extract(paths, TOY, {}, jobs=1, store=store)
    log = tmp_path / "log"
    again = extract(paths, TOY, {"log": str(log)}, jobs=1, store=store)
    assert log.read_text() == "1\n"
    assert again.cached.tolist() == [True, False, True]
    assert again.status.tolist() == [Status.ACQUIRED, Status.ERROR, Status.NO_FACE]


def test_no_photos_is_not_an_error() -> None:
    found = extract([], TOY, {})
    assert found.vectors.shape == (0, 3)


def test_a_matcher_that_cannot_be_loaded_is_an_error_at_once(photo) -> None:
    with pytest.raises(BackendError, match="the licence file is missing"):
        extract([photo("a.png", 0)], TOY, {"refuse": True})
    with pytest.raises(BackendError, match=r"the matcher crashed \(SIGKILL\) while it was loaded"):
        extract([photo("a.png", 0)], TOY, {"die_at_load": True})


def test_a_matcher_that_loses_every_photo_is_refused(photo, monkeypatch) -> None:
    monkeypatch.setattr("audit.embeddings.crew.LOST_AT_START", 3)
    with pytest.raises(BackendError, match="the first 3 photos were all lost"):
        extract([photo(f"{n}.png", toy.EXIT, green=n) for n in range(6)], TOY, {}, jobs=1)


@pytest.mark.parametrize("batch", [1, 2])
def test_a_worker_that_has_grown_too_large_is_replaced_and_loses_nothing(photo, tmp_path, monkeypatch, batch) -> None:
    # Each call keeps 40 MB; a worker may grow by 100 MB, so it serves 3 or 4 calls after its first.
    monkeypatch.setattr("audit.embeddings.crew.LEAK_BYTES", 100 * 2**20)
    paths = [photo(f"{n:02}.png", 0, green=n) for n in range(12 * batch)]
    found = extract(paths, TOY, {"leak": 40 * 2**20, "pids": str(tmp_path / "pids"), "batch": batch}, jobs=1)
    assert found.acquired.all()
    assert (found.vectors == np.stack([bare(path) for path in paths])).all()
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == 12 * batch
    assert 2 <= len(set(pids)) <= 6


def test_a_backend_error_ends_the_run_because_nothing_will_work(photo) -> None:
    with pytest.raises(BackendError, match="the key has expired"):
        extract([photo("a.png", 0)], "toy_backends:make_expired", {})


SCRIPT = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from audit.embeddings.extract import extract
    from audit.embeddings.store import Store
    import audit.embeddings.store as store

    if __name__ == "__main__":
        paths = sorted(Path({photos!r}).glob("*.png"))
        store.FLUSH_SECONDS = 0.25
        toy = dict(sleep=0.1, pids={pids!r})
        extract(paths, "toy_backends:make", toy, jobs=2, store=Store(Path({cache!r})), progress=lambda *now: print(*now, flush=True))
"""


def gone(pid: int, within_seconds: float) -> bool:
    end = time.monotonic() + within_seconds
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_goes_on_where_it_was(photo, tmp_path, ending) -> None:
    paths = [photo(f"{n:02}.png", 0, green=n) for n in range(40)]
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(
            SCRIPT.format(
                tests=str(Path(__file__).parent),
                photos=str(tmp_path),
                cache=str(tmp_path / "cache"),
                pids=str(tmp_path / "pids"),
            )
        )
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line.split()[0]) >= 16:
            break
    process.send_signal(ending)
    started = time.monotonic()
    rest, errors = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert process.returncode != 0
    if ending == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
    for pid in set(
        (tmp_path / "pids").read_text().split()
    ):  # no worker outlives the run, even if nobody could tell it to end
        assert gone(int(pid), within_seconds=10)
    reached = max([16, *(int(line.split()[0]) for line in rest.splitlines())])
    assert reached < 40
    found = extract(paths, TOY, {}, jobs=2, store=Store(tmp_path / "cache"))
    kept = int(found.cached.sum())
    assert (kept == reached) if ending == signal.SIGINT else (0 < kept <= reached)
    assert (found.vectors == np.stack([bare(path) for path in sorted(paths)])).all()


@pytest.mark.parametrize(
    ("quota", "jobs"),
    [("100000 100000", 1), ("50000 100000", 1), ("100000000 100000", None), ("max 100000", None), (None, None)],
)
def test_a_container_gets_as_many_jobs_as_its_quota_of_cores(tmp_path, quota, jobs) -> None:
    if quota:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    assert cores(tmp_path / "cpu.max") == (jobs or len(os.sched_getaffinity(0)))


def test_workers_hold_their_libraries_to_one_thread(photo) -> None:
    before = dict(os.environ)
    found = extract([photo("a.png", 0)], "toy_backends:make_threads", {}, jobs=1)
    assert found.vectors[0].tolist() == [1.0, 1.0, 1.0]
    assert dict(os.environ) == before


@pytest.mark.shared
def test_real_photos_through_workers_equal_the_backend_called_alone(shared) -> None:
    pytest.importorskip("dlib")
    from audit.backends.registry import make

    paths = sorted((shared / "data/lfw/images").glob("*/*.jpg"))[::1500]
    alone = make("face_recognition", {}).extract([cv2.imread(str(path)) for path in paths])
    found = extract(paths, "face_recognition", {}, jobs=2)
    assert found.status.tolist() == [row.status for row in alone]
    assert all((found.vectors[n] == row.template).all() for n, row in enumerate(alone) if row.template is not None)


def test_templates_that_describe_nothing_are_errors_of_their_photos(photo) -> None:
    found = extract([photo(f"{n}.png", n) for n in range(4)], "toy_backends:make_degenerate", {}, jobs=1)
    assert found.status.tolist() == [Status.ERROR, Status.ERROR, Status.ACQUIRED, Status.ACQUIRED]
    assert found.reasons[:2] == (
        "the matcher gave a template of zeros only in place of numbers that tell people apart",
        "the matcher gave a template of one number repeated in place of numbers that tell people apart",
    )


COMMAND = """
    import sys
    sys.path.insert(0, {tests!r})
    if __name__ == "__main__":
        from audit.cli import run_command_line
        sys.exit(run_command_line({words!r}))
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_terminated_keeps_every_template_and_says_how_to_go_on(photo, tmp_path, seed) -> None:
    names = [f"p{n:02}.png" for n in range(40)]
    for n, name in enumerate(names):
        photo(name, 0, green=n)
    (tmp_path / "labels.csv").write_text(
        "path,subject,sex\n" + "".join(f"{name},s{n // 2},{'FM'[n % 4 // 2]}\n" for n, name in enumerate(names))
    )
    (tmp_path / "toy.toml").write_text(
        'version = 1\nname = "toy"\n[benchmark]\nname = "files"\n[backend]\nname = '
        '"toy_backends:make"\noptions = { sleep = 0.15 }\n'
        '[groups]\nattributes = { sex = "sex" }\nreference = "sex=F"\nminimum_subjects = '
        '2\n[[operating_points]]\nkind = "vendor_default"\n'
    )
    words = [
        "run",
        f"{tmp_path}/toy.toml",
        "--data",
        str(tmp_path),
        "--results",
        f"{tmp_path}/out",
        "--cache",
        f"{tmp_path}/cache",
        "--jobs",
        "2",
    ]
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(COMMAND.format(tests=str(Path(__file__).parent), words=words)))
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    )
    shelves, end = tmp_path / "cache" / "templates", time.monotonic() + 30
    while (
        not list(shelves.glob("*/*.shard")) and time.monotonic() < end and seed
    ):  # after the first shard, or while nothing is there yet
        time.sleep(0.05)
    time.sleep(1.5 if not seed else 0.4 * seed)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    if not seed and process.returncode == -signal.SIGTERM:
        return  # told before the command line had begun to listen
    assert process.returncode == 143, errors
    assert "interrupted; every template made so far is kept. Resume with:" in errors
    assert "Traceback" not in errors
    if seed:
        found = extract([tmp_path / name for name in names], TOY, {"sleep": 0.0}, store=Store(tmp_path / "cache"))
        assert found.acquired.all()
        assert 12 <= int(found.cached.sum()) < 40


def test_a_read_only_cache_that_holds_all_is_used_and_one_that_lacks_some_is_refused(
    photo, tmp_path, monkeypatch
) -> None:
    paths = [photo(f"{n}.png", 0, green=n) for n in range(4)]
    extract(paths[:3], TOY, {}, jobs=1, store=Store(tmp_path / "cache"))

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("audit.base.journal.Path.touch", read_only)
    monkeypatch.setattr("audit.base.journal.write_private", read_only)
    found = extract(paths[:3], TOY, {}, jobs=1, store=Store(tmp_path / "cache"))
    assert found.cached.all()
    with pytest.raises(AuditError, match="it is read-only, and lacks the templates of 1 photographs"):
        extract(paths, TOY, {}, jobs=1, store=Store(tmp_path / "cache"))
