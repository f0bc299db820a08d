"""A program that confuses whose answer is whose: an answer may be lost, and never be given to another photograph."""

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
from test_process import program

from audit.backends.protocol import Status
from audit.backends.registry import make
from audit.base.errors import BackendError
from audit.embeddings.extract import extract
from audit.embeddings.store import Store

READ = 'shade = open(q["image"], "rb").read()[-1]'
"""The photograph's only truth: its grey value."""

HABITS = {
    "twice at once": "say(id=q['id'], template=[1, shade]); say(id=q['id'], template=[1, shade])",
    "twice, the second later": "say(id=q['id'], template=[1, shade]); time.sleep(0.02); say(id=q['id'], template=[1, "
    "shade])",
    "twice, without line end between": "sys.stdout.write(json.dumps(dict(id=q['id'], template=[1, shade])) * 2 + chr(10)); "
    "sys.stdout.flush()",
    "the last answer again first": "last and say(**last); last = dict(id=q['id'], template=[1, shade]); say(**last)",
    "under the last question's id": "say(id=last or q['id'], template=[1, shade]); last = q['id']",
    "its own count as id": "last = (last or 0) + 1; say(id=last - 1, template=[1, shade])",
    "ids as texts": "say(id=str(q['id']), template=[1, shade])",
    "ids as decimals": "say(id=float(q['id']), template=[1, shade])",
    "ids as lists": "say(id=[q['id']], template=[1, shade])",
    "no ids": "say(template=[1, shade])",
    "id null": "say(id=None, template=[1, shade])",
    "two ids": 'print(\'{"id": %d, "id": %d, "template": [1, %d]}\' % (q[\'id\'], last or 0, shade), '
    "flush=True); last = q['id']",
    "every third twice": "n += 1; [say(id=q['id'], template=[1, shade]) for _ in range(2 if n % 3 == 0 else 1)]",
    "a word in between": "n += 1; n % 3 == 0 and print('processed', flush=True); say(id=q['id'], template=[1, shade])",
    "an answer before every question": "say(id=q['id'] + 1, template=[1, 255]); say(id=q['id'], template=[1, shade])",
}


def body_of(habit: str) -> str:
    return f"last, n = None, 0\nfor line in sys.stdin:\n    q = json.loads(line)\n    {READ}\n    {HABITS[habit]}\n"


def shades(backend, count: int, batch: int) -> list:
    images = [np.full((4, 4, 3), 10 + n, np.uint8) for n in range(count)]
    return [row for at in range(0, count, batch) for row in backend.extract(images[at : at + batch])]


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("habit", HABITS)
def test_no_photograph_gets_another_ones_template(tmp_path, habit, window) -> None:
    backend = make("process", program(tmp_path, body_of(habit), window=window, format="ppm"))
    try:
        found = shades(backend, 12, 4)
    except BackendError as error:
        found = [str(error)]
    finally:
        backend.close()
    if isinstance(found[0], str):
        assert "were all lost" in found[0]
        return
    for n, row in enumerate(found):
        assert row.status == Status.ERROR or row.template.tolist() == [1, 10 + n]
    if habit in {"every third twice", "a word in between"}:
        assert sum(row.status == Status.ACQUIRED for row in found) >= 8
    elif (
        habit != "twice, the second later"
    ):  # such an answer is right, and its echo ends the program before the next question
        assert {row.status for row in found if row.status != Status.ACQUIRED} == {Status.ERROR}


def test_what_a_confused_program_said_is_not_kept(tmp_path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(12)]
    for n, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((4, 4, 3), 10 + n, np.uint8))
    options = program(tmp_path, body_of("every third twice"), window=4, format="ppm")
    extract(paths, "process", options, jobs=1, store=Store(tmp_path / "cache"))
    again = extract(paths, "process", options, jobs=1, store=Store(tmp_path / "cache"))
    assert again.cached.sum() >= 8
    for n in np.flatnonzero(again.acquired):
        assert again.vectors[n].tolist() == [1, 10 + n]


def test_ids_never_come_twice_and_are_not_counted(tmp_path) -> None:
    log = tmp_path / "ids"
    body = f"""
        for line in sys.stdin:
            q = json.loads(line)
            open({str(log)!r}, "a").write(str(q["id"]) + " ")
            say(id=q["id"], template=[1, 2])
    """
    for _ in range(2):
        backend = make("process", program(tmp_path, body))
        shades(backend, 12, 3)
        backend.close()
    ids = [int(word) for word in log.read_text().split()]
    assert len(ids) == len(set(ids)) == 24
    assert max(ids) < 2**53
    assert min(abs(a - b) for n, a in enumerate(ids) for b in ids[:n]) > 1000  # by chance once in 10^10


def test_answers_prepared_before_the_questions_are_never_taken(tmp_path) -> None:
    body = "for n in range(2000):\n    say(id=n, template=[1, 255])\n" + body_of("twice at once")
    backend = make("process", program(tmp_path, body, format="ppm"))
    assert {row.status for row in shades(backend, 3, 3)} == {Status.ERROR}
    backend.close()


def test_an_answer_after_its_time_is_not_the_next_ones(tmp_path) -> None:
    body = f"""
        for line in sys.stdin:
            q = json.loads(line)
            {READ}
            time.sleep(1.0 if shade == 11 else 0)
            say(id=q["id"], template=[1, shade])
    """
    backend = make("process", {**program(tmp_path, body, window=1, format="ppm"), "timeout_seconds": 0.6})
    found = shades(backend, 4, 2)
    assert [row.template.tolist() if row.template is not None else row.reason for row in found] == [
        [1, 10], "the program gave no answer within 0.6 s", [1, 12], [1, 13]
    ]  # fmt: skip
    backend.close()


def test_two_programs_on_one_stdout_are_not_mixed(tmp_path) -> None:
    body = f"""
        if not os.fork():  # the second one answers what it guesses, on the same stdout
            while True:
                say(id=4503599627370497, template=[1, 255])
                time.sleep(0.01)
        for line in sys.stdin:
            q = json.loads(line)
            {READ}
            time.sleep(0.05)
            say(id=q["id"], template=[1, shade])
    """
    backend = make("process", program(tmp_path, body, format="ppm"))
    try:
        found = shades(backend, 6, 2)
        assert {row.status for row in found} == {Status.ERROR}
    finally:
        backend.close()


@pytest.mark.parametrize(
    ("flood", "reason"),
    [
        ("while True: os.write(1, b'\\n' * 65536)", "blank lines without end"),
        ("while True: os.write(1, b' \\t\\n' * 9999)", "blank lines without end"),
        ("while True: os.write(1, b'9' * 65536)", "a line of more than 16 MB"),
        ("os.write(1, b'[' * 100000 + b'\\n')", "nested too deeply"),
        ("os.write(1, b'{\"id\":' * 100000 + b'\\n')", "nested too deeply"),
        (
            "print('{\"id\": %d, \"template\": [%s, 1]}' % (q['id'], '9' * 5000), flush=True)",
            "a number of 5000 digits",
        ),
        ("say(id=q['id'], template=[10**399, 1])", "beyond float32"),
        ("say(id=q['id'], template=[1e39, 1])", "beyond float32"),
        ("say(id=q['id'], template=[1e-60, 0])", "below the smallest of float32"),
        ("say(id=q['id'], template=[float('nan'), 1])", "NaN, which is no number in JSON"),
        ("say(id=q['id'], template=[float('-inf'), 1])", "Infinity, which is no number in JSON"),
        ("print('{\"id\": %d, \"template\": [1e999, 1]}' % q['id'], flush=True)", "too large"),
        ("say(id=q['id'], template=[True, 1])", "true or false in place of number 0"),
        ("say(id=q['id'], template=['1', 1])", "a text in place of number 0"),
        ("say(id=q['id'], template=[1, 2, 3])", "3 numbers in place of 2"),
        ("say(id=q['id'], template=[[1, 2]])", "1 numbers in place of 2"),
        ("say(id=q['id'], template={'0': 1})", "an object in place of a list of 2 numbers"),
        ("say(id=q['id'], template=[1, 2], faces=10**300)", "a whole number from 0"),
        ("say(id=q['id'], template=[1, 2], faces=-1)", "a whole number from 0"),
        ("say(id=q['id'], template=[1, 2], quality={'a': 1e300})", "no number below 1e30"),
        ("say(id=q['id'], template=[1, 2], quality={'a': 'dark'})", "no number below 1e30"),
        ("say(id=q['id'], status=['ACQUIRED'])", "unknown status"),
        ("say(id=q['id'], status='NO_FACE', template=[1, 2])", "gave a result as well"),
        ("say(id=q['id'], template=[1, 2], template_base64='AACAPwAAgD8=')", "both"),
        ("say(id=q['id'], template_base64=base64.b64encode(b'abc').decode())", "holds 3 bytes in place of 8"),
        ("os.write(2, b'model file is missing\\n'); os._exit(9)", "last on its stderr: 'model file is missing'"),
    ],
)
def test_floods_and_monsters_cost_their_photograph_and_little_else(tmp_path, flood, reason) -> None:
    import resource

    body = f"""
        for line in sys.stdin:
            q = json.loads(line)
            {READ}
            if shade == 11:
                {flood}
            else:
                say(id=q["id"], template=[1, shade])
    """
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    backend = make("process", program(tmp_path, body, window=2, format="ppm"))
    found = shades(backend, 3, 3)
    backend.close()
    assert [row.status for row in found] == [Status.ACQUIRED, Status.ERROR, Status.ACQUIRED]
    assert reason in found[1].reason
    assert len(found[1].reason) < 500
    assert time.monotonic() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024  # KB


def test_a_greeting_of_blank_lines_is_refused_soon(tmp_path) -> None:
    start = time.monotonic()
    with pytest.raises(BackendError, match="blank lines without end"):
        make("process", program(tmp_path, "", "while True: os.write(1, b'\\n' * 65536)\n"))
    assert time.monotonic() - start < 5


def test_a_program_that_never_answers_well_is_refused(tmp_path) -> None:
    backend = make("process", program(tmp_path, "for line in sys.stdin: print('hm', flush=True)"))
    with pytest.raises(BackendError, match=r"its first 20 questions were all lost .*'hm'"):
        shades(backend, 30, 10)


AUDIT = """
import sys
import numpy as np
from audit.backends.registry import make
make("process", {"command": [sys.executable, sys.argv[1]], "timeout_seconds": 600.0}).extract([np.zeros((4, 4, 3), np.uint8)])
"""

IN_WORKERS = """
import sys
from pathlib import Path
from audit.embeddings.extract import extract
if __name__ == "__main__":
    extract([Path(sys.argv[2])], "process", {"command": [sys.executable, sys.argv[1]], "timeout_seconds": 600.0}, jobs=1)
"""


@pytest.mark.parametrize("script", [AUDIT, IN_WORKERS])
def test_after_kill_9_no_program_lives_on_and_no_photograph_stays(tmp_path, script) -> None:
    body = f"""
        import subprocess
        q = json.loads(sys.stdin.readline())
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(tmp_path / "pids.part")!r}, "w").write(f"{{os.getpid()}} {{child.pid}} {{q['image']}}")
        os.rename({str(tmp_path / "pids.part")!r}, {str(tmp_path / "pids")!r})
        time.sleep(600)
    """
    command = program(tmp_path, textwrap.dedent(body))["command"]
    (tmp_path / "run.py").write_text(script)
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((4, 4, 3), np.uint8))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(Path(__file__).parents[2])}
    running = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), command[1], str(tmp_path / "photo.png")], env=environment
    )
    try:
        _until(lambda: (tmp_path / "pids").exists(), 30)
        *pids, image = (tmp_path / "pids").read_text().split()
        assert Path(image).is_file()
        running.send_signal(signal.SIGKILL)
        running.wait()
        _until(lambda: not any(_alive(int(pid)) for pid in pids) and not any(temporary.rglob("*.p?[gm]")), 10)
    finally:
        running.kill()
        running.wait()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _until(fact, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)
