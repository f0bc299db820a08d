"""Programs in other languages as matchers: a whole one in Perl, and short ones that misbehave."""

from __future__ import annotations

import base64
import os
import shutil
import sys
import textwrap
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from audit.backends.protocol import Backend, Status
from audit.backends.registry import make
from audit.base.errors import BackendError
from audit.embeddings.extract import extract

NOISE = np.random.default_rng(5).integers(9, 256, (5, 33, 47, 3)).astype(np.uint8)


def blocks(image: np.ndarray) -> list[float]:
    height, width = image.shape[:2]
    sums, counts = np.zeros(16), np.zeros(16)
    for y in range(height):
        for x in range(width):
            sums[4 * (4 * y // height) + 4 * x // width] += image[y, x].astype(float).mean()
            counts[4 * (4 * y // height) + 4 * x // width] += 1
    return list(sums / counts)


@pytest.fixture
def perl(root: Path) -> dict:
    if not shutil.which("perl"):
        pytest.skip("no perl on this machine")
    return {"command": ["perl", str(root / "audit/backends/examples/block_means.pl")], "format": "ppm"}


def test_a_program_in_perl_is_a_backend(perl) -> None:
    backend = make("process", perl)
    assert isinstance(backend, Backend)
    assert (backend.version, backend.dimensions, backend.rule.default_threshold) == ("block_means.pl 1", 16, 20.0)
    images = [*NOISE, np.zeros((9, 9, 3), np.uint8)]
    found = backend.extract(images)
    assert [row.status for row in found] == [Status.ACQUIRED] * 5 + [Status.NO_FACE]
    np.testing.assert_allclose([row.template for row in found[:5]], [blocks(image) for image in NOISE], rtol=1e-6)
    assert found[5].reason == "nothing but darkness"
    backend.close()


def test_a_program_scores_pairs(perl) -> None:
    backend = make("process", perl)
    scores = backend.score(list(NOISE[:2]), list(NOISE[1:3]))
    expected = [np.linalg.norm(np.subtract(blocks(NOISE[n]), blocks(NOISE[n + 1]))) for n in range(2)]
    np.testing.assert_allclose([score.score for score in scores], expected)
    assert backend.score([NOISE[0]], [NOISE[0]])[0].score == 0
    backend.close()


def test_a_program_goes_through_workers_like_any_backend(perl, tmp_path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for path, image in zip(paths, NOISE, strict=True):
        cv2.imwrite(str(path), image)
    found = extract(paths, "process", perl, jobs=2)
    np.testing.assert_allclose(found.vectors, [blocks(image) for image in NOISE], rtol=1e-6)
    assert found.backend["product"] == "an example"


HEAD = """
    import base64, json, os, sys, time
    def say(**words):
        print(json.dumps(words), flush=True)
    sys.stdin.readline()
"""

GREETING = 'say(hello=1, name="toy", version="1", dimensions=2, measure="cosine")\n'


def program(tmp_path: Path, body: str, greeting: str = GREETING, **options) -> dict:
    path = tmp_path / "matcher.py"
    path.write_text(textwrap.dedent(HEAD) + greeting + textwrap.dedent(body))
    return {"command": [sys.executable, str(path)], "timeout_seconds": 2.5, **options}


PLACE = 'int(os.path.basename(q["image"]).split(".")[0])'

ANSWER = f'say(id=q["id"], template=[1, {PLACE}])'


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("time.sleep(60)", "the program gave no answer within 2.5 s"),
        ("os._exit(3)", "the program ended (exit code 3)"),
        ("os.kill(os.getpid(), 11)", "the program ended (SIGSEGV)"),
        (
            'print("oops", flush=True)',
            "the program wrote a line that cannot be used: it is not JSON (Expecting value at character 0): 'oops'",
        ),
        ('print("[1]", flush=True)', "the program wrote JSON that is not an object: '[1]'"),
        ("say(id=99, template=[1, 2])", "the program answered a question that was never asked"),
        (
            'say(id=q["id"], status="LOST")',
            "the program gave the unknown status \"'LOST'\", not one of ACQUIRED, UNREADABLE, "
            "NO_FACE, MANY_FACES, ERROR",
        ),
        (
            'say(id=q["id"], status="ACQUIRED")',
            "the program's answer cannot be used: it holds neither template nor template_base64",
        ),
        (
            'say(id=q["id"], template="none")',
            "the program's answer cannot be used: a text in place of a list of 2 numbers",
        ),
        ('say(id=q["id"], template_base64="?")', "the program's answer cannot be used: template_base64 is not base64"),
        ('say(id=q["id"], status="ERROR", reason="too dark")', "too dark"),
    ],
)
@pytest.mark.parametrize("window", [1, 3])
def test_a_question_that_breaks_the_program_is_lost_alone(tmp_path, harm, reason, window) -> None:
    body = f"""
        for line in sys.stdin:
            q = json.loads(line)
            if open(q["image"], "rb").read()[-1] == 255:
                {harm}
            else:
                {ANSWER}
    """
    images = [np.full((4, 4, 3), 255 if n == 2 else n, np.uint8) for n in range(6)]
    backend = make("process", program(tmp_path, body, window=window, format="ppm"))
    found = backend.extract(images)
    assert [row.status.name for row in found] == ["ACQUIRED", "ACQUIRED", "ERROR", "ACQUIRED", "ACQUIRED", "ACQUIRED"]
    assert found[2].reason == reason
    assert [row.template.tolist() for row in found if row.template is not None] == [[1.0, n] for n in (0, 1, 3, 4, 5)]
    backend.close()


def test_answers_may_come_in_any_order_and_as_base64(tmp_path) -> None:
    body = """
        import struct
        open_ = []
        for line in sys.stdin:
            q = json.loads(line)
            open_.append((q["id"], PLACE))
            if len(open_) == 3:
                for name, n in reversed(open_):
                    say(id=name, template_base64=base64.b64encode(struct.pack("<2f", 1, n)).decode(), quality={"x": 1}, faces=2)
                open_ = []
    """.replace("PLACE", PLACE)
    found = make("process", program(tmp_path, body, window=3)).extract([np.zeros((4, 4, 3), np.uint8)] * 6)
    assert [row.template.tolist() for row in found] == [[1.0, n] for n in range(6)]
    assert (found[0].faces, found[0].quality) == (2, {"x": 1.0})
    assert base64.b64decode(b"AACAPw==") == np.float32(1).tobytes()


def test_no_more_questions_are_open_than_the_window_allows(tmp_path) -> None:
    body = """
        import select
        for line in iter(sys.stdin.readline, ""):
            q = json.loads(line)
            time.sleep(0.05)
            lines = b""
            while select.select([sys.stdin.fileno()], [], [], 0)[0]:
                lines += os.read(sys.stdin.fileno(), 65536)
            names = [q["id"], *(json.loads(other)["id"] for other in lines.splitlines())]
            for name in names:
                say(id=name, template=[1, len(names)])
    """
    found = make("process", program(tmp_path, body, window=2)).extract([np.zeros((4, 4, 3), np.uint8)] * 8)
    assert max(row.template[1] for row in found if row.template is not None) == 2


def test_images_are_gone_and_their_names_say_nothing(tmp_path) -> None:
    body = """
        for line in sys.stdin:
            q = json.loads(line)
            mode = oct(os.stat(os.path.dirname(q["image"])).st_mode)[-3:]
            say(id=q["id"], status="NO_FACE", reason=mode + " " + q["image"])
    """
    reason = make("process", program(tmp_path, body)).extract([np.zeros((4, 4, 3), np.uint8)])[0].reason
    mode, path = reason.split(" ")
    assert mode == "700"
    assert Path(path).name == "0.png"
    assert not Path(path).parent.exists()


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        ("", "the program ended"),
        ("time.sleep(60)\n", "no answer within"),
        ("say(hello=True)\n", "a first answer without"),
        ('say(hello=1, dimensions=2, measure="cosine", dimension=2)\n', "unknown key 'dimension'"),
        ('say(hello=1, dimensions=2.0, measure="cosine")\n', "dimensions '2.0'"),
        ('say(hello=1, dimensions=10**9, measure="cosine")\n', "from 0 (scores only) to 65536"),
        ('say(hello=1, dimensions=2, measure="cosine", default_threshold="0.5")\n', "Allowed: a finite number"),
        ('sys.exit("no licence file")\n', "last on its stderr: 'no licence file'"),
        ("say(hello=2)\n", "a first answer without"),
        ('say(hello=1, dimensions=2, measure="manhattan")\n', "Allowed: cosine, euclidean, inner"),
        ('say(hello=1, dimensions=2, measure="euclidean")\n', "low None"),
        ('say(hello=1, dimensions="many", measure="cosine")\n', "dimensions \"'many'\""),
    ],
)
def test_a_program_that_does_not_greet_is_refused(tmp_path, greeting, words) -> None:
    with pytest.raises(BackendError) as error:
        make("process", program(tmp_path, "", greeting, start_seconds=5))
    assert words in str(error.value)


def test_a_program_that_is_absent_is_refused() -> None:
    with pytest.raises(BackendError, match="'no-such-program' cannot be started"):
        make("process", {"command": ["no-such-program"]})


def test_what_the_program_started_is_ended_with_it(tmp_path) -> None:
    body = f"""
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        time.sleep(60)
    """
    make("process", program(tmp_path, body)).extract([np.zeros((4, 4, 3), np.uint8)])
    stat = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    time.sleep(0.2)
    assert not stat.exists() or stat.read_text().split()[2] == "Z"


def test_the_fingerprint_follows_the_program_file(tmp_path) -> None:
    options = program(tmp_path, "")
    first = make("process", options).fingerprint
    assert first == make("process", options).fingerprint
    assert first != make("process", {**options, "revision": "2"}).fingerprint
    Path(options["command"][1]).write_text(Path(options["command"][1]).read_text() + "# changed\n")
    assert first != make("process", options).fingerprint


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="this system has no waitid")
def test_a_group_is_killed_while_its_number_is_still_its_own(tmp_path, monkeypatch) -> None:
    """A program that ended stays unwaited for until its group was killed: nobody
    else can have been given its number."""
    seen = []
    kill = os.killpg

    def watched(group: int, number: int) -> None:
        deadline = time.monotonic() + 1
        while Path(f"/proc/{group}").exists() and "Z" not in state(group) and time.monotonic() < deadline:
            time.sleep(0.001)
        seen.append(state(group))
        kill(group, number)

    def state(pid: int) -> str:
        place = Path(f"/proc/{pid}/stat")
        return place.read_text().rpartition(")")[2].split()[0] if place.exists() else "gone"

    monkeypatch.setattr(os, "killpg", watched)
    made = make("process", program(tmp_path, "pass"))  # it ends as soon as its stdin does
    made.load()
    made.close()
    assert seen == [
        "Z",
        "Z",
    ]  # greeted once when made, once when loaded: ended both times, and waited for only afterwards
