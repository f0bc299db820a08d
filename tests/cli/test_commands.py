"""Every command: exit codes as documented, data on stdout, the log on stderr, and a start that loads nothing heavy."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit.base.errors import ConfigError
from audit.cli import run_command_line
from audit.cli.limits import parse_limit
from audit.runs.verify import verify
from audit.words.terms import TERMS

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

COMMANDS = ("run", "plan", "report", "verify", "ls", "doctor", "schema", "explain")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_audits.write(tmp_path / "bench")


@pytest.fixture
def folder(tmp_path_factory, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_audits.written(tmp_path_factory), tmp_path / "results" / "small"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process: (exit code, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run_command_line([str(one) for one in arguments])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


def process(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audit", *map(str, arguments)], capture_output=True, text=True, check=False, **more
    )


# ---- start
# --------------------------------------------------------------------------------------------------


def test_an_index_of_no_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["index", "--results", str(tmp_path / "none")]) == 2
    assert "no folder" in capsys.readouterr().err


def test_help_loads_neither_numpy_nor_pandas_nor_anything_heavy(root: Path) -> None:
    code = (
        "import sys\nfrom audit.cli import run_command_line\nrun_command_line(['--help'])\n"
        "heavy = ('numpy', 'pandas', 'scipy', 'numba', 'cv2', 'pydantic', 'matplotlib', 'requests', 'rich')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert all(name in done.stdout for name in COMMANDS)


def test_importing_the_package_loads_nothing_heavy(root: Path) -> None:
    code = (
        "import sys, audit; print([name for name in ('numpy', 'pandas', 'cv2', 'typer') if name "
        "in sys.modules], audit.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command, name: str) -> None:
    code, out, err = command(name, "--help")
    assert (code, err) == (0, "")
    assert "Usage: face-audit" in out


def test_version_and_no_arguments(command) -> None:
    assert command("--version")[0] == 0
    code, out, err = command()
    assert code == 2
    assert "Commands" in out + err


# ---- usage and config: 2
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "No such command"),
        (["run"], "Missing argument"),
        (["run", "x.toml", "--wrong"], "No such option"),
        (["run", "x.toml", "--limit", "0"], "--limit"),
        (["run", "nowhere.toml"], "cannot be read"),
        (["ls", "cats"], "backends, benchmarks, metrics, runs"),
        (["explain", "qqqqqq"], "Choose one of these"),
        (["run", "configs/quickstart.toml", "--fail-on", "accuracy>5"], "MEASURE ratio>X"),
        (["run", "configs/quickstart.toml", "--fail-on", "FMR ratio>five"], "MEASURE ratio>X"),
        (["run", "configs/quickstart.toml", "--set", "groups.minimum_subject=3"], "Did you mean 'minimum_subjects'?"),
        (["report", "nowhere", "--audience", "mayor"], "council, auditor"),
    ],
)
def test_a_mistake_on_the_command_line_is_2_and_one_paragraph_on_stderr(
    command, root: Path, monkeypatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(root)
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert says in err
    assert "Traceback" not in err


def test_an_unknown_key_names_file_line_key_and_the_nearest_name(command, small: Path) -> None:
    small.write_text(small.read_text().replace("minimum_subjects", "minimum_subject"))
    line = next(k for k, text in enumerate(small.read_text().splitlines(), 1) if text.startswith("minimum_subject"))
    code, out, err = command("run", small, "--data", small.parent)
    assert (code, out) == (2, "")
    assert f"small.toml, line {line}, groups.minimum_subject: unknown key 'minimum_subject'" in err
    assert "Did you mean 'minimum_subjects'?" in err


# ---- run: 0, 1, 5
# --------------------------------------------------------------------------------------------------


def test_a_run_ends_with_its_finding_and_where_the_report_is(command, small: Path, tmp_path: Path) -> None:
    code, out, err = command("run", small, "--data", small.parent, "--results", tmp_path / "out")
    assert code == 0
    report = tmp_path / "out" / "small" / "report.html"
    assert out.strip().endswith(f"Report:   {report}")
    first = json.loads((report.parent / "findings.json").read_text())[0]["statement"]
    assert first in out
    assert report.is_file()
    assert (report.parent / "summary.html").is_file()
    assert "writing the report" in err
    assert "\x1b[" not in out + err
    code, out, err = command("run", small, "--data", small.parent, "--results", tmp_path / "out")
    assert code == 3
    assert "already exists" in err
    code, out, _ = command("run", small, "--data", small.parent, "--results", tmp_path / "out", "--replace", "--json")
    assert code == 0
    found = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    again = verify(report.parent)
    assert {key: found[key] for key in ("results", "report", "digest", "finding", "failed_limits", "limits")} == {
        "results": str(report.parent),
        "report": str(report),
        "digest": again["digest"],
        "finding": first,
        "failed_limits": [],
        "limits": [],
    }
    assert (len(found["rates"]), len(found["ratios"])) == (again["rates"], again["ratios"])
    assert found["findings"][0]["statement"] == first


def test_a_limit_that_fails_is_1_and_the_results_are_written(command, small: Path, tmp_path: Path) -> None:
    there = ["--data", small.parent, "--results", tmp_path / "out", "--replace"]
    assert command("run", small, *there, "--fail-on", "FMR ratio>1000")[0] == 0
    code, out, err = command("run", small, *there, "--fail-on", "FMR ratio>1.5", "--fail-on", "FTA>0.9", "--json")
    assert code == 1
    assert "limit failed: FMR ratio>1.5: race=A|sex=F is at least" in err
    failed = json.loads(out)["failed_limits"]
    assert failed
    assert all(text.startswith("FMR ratio>1.5") for text in failed)
    assert command("verify", tmp_path / "out" / "small")[0] == 0


def test_a_limit_that_nobody_can_be_held_to_is_5_and_not_a_pass(command, small: Path, tmp_path: Path) -> None:
    there = ["--data", small.parent, "--results", tmp_path / "out", "--set", "groups.minimum_subjects=1000"]
    code, _, err = command("run", small, *there, "--fail-on", "FMR ratio>1.5")
    assert code == 5
    assert "no group with enough people" in err
    assert command("verify", tmp_path / "out" / "small")[0] == 0


@pytest.mark.parametrize(
    ("text", "measure", "ratio", "bound"), [("FMR ratio>5", "FMR", True, 5), (" FNMR > 1e-2 ", "FNMR", False, 0.01)]
)
def test_limits_are_read(text: str, measure: str, ratio: bool, bound: float) -> None:
    found = parse_limit(text)
    assert (found.measure, found.ratio, found.bound) == (measure, ratio, bound)


@pytest.mark.parametrize("text", ["FMR<5", "ratio>5", "FMR ratio>1e", "FMR ratio>--1", ""])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="MEASURE ratio>X"):
        parse_limit(text)


def test_set_changes_the_run_and_is_kept_in_its_config(command, small: Path, tmp_path: Path) -> None:
    arguments = [
        "--data",
        small.parent,
        "--results",
        tmp_path / "out",
        "--set",
        "groups.minimum_subjects=23",
        "--set",
        "name=other",
    ]
    assert command("run", small, *arguments)[0] == 0
    assert "minimum_subjects = 23" in (tmp_path / "out" / "other" / "config.toml").read_text()


def test_a_limited_run_says_so_in_the_results(command, small: Path, tmp_path: Path) -> None:
    code, _, err = command("run", small, "--data", small.parent, "--results", tmp_path / "out", "--limit", "120")
    assert code == 0, err
    about = json.loads((tmp_path / "out" / "small" / "audit.json").read_text())
    assert re.match(r"This run was limited to \d+ photos", about["limited"])
    assert about["counts"]["samples"] <= 120
    assert "limited" in (tmp_path / "out" / "small" / "summary.html").read_text()


def test_a_limit_above_the_number_of_photos_limits_nothing(command, small: Path, tmp_path: Path) -> None:
    assert command("run", small, "--data", small.parent, "--results", tmp_path / "out", "--limit", "100000")[0] == 0
    assert json.loads((tmp_path / "out" / "small" / "audit.json").read_text())["limited"] == ""


# ---- plan, report, verify
# ---------------------------------------------------------------------------------------------------------------------


def test_plan_counts_what_the_run_then_compares(command, small: Path, folder: Path) -> None:
    code, out, _ = command("plan", small, "--data", small.parent, "--json")
    assert code == 0
    found = json.loads(out)
    about = json.loads((folder / "audit.json").read_text())
    assert found["samples"] == about["counts"]["samples"]
    assert found["subjects"] == about["counts"]["subjects"]
    assert found["comparisons"] == found["samples"] * (found["samples"] - 1) // 2
    assert {cell["cell"] for cell in found["cells"]} >= {"race=A|sex=F", "unlabelled"}
    code, out, _ = command("plan", small, "--data", small.parent)
    assert code == 0
    assert "too few people" in out
    assert f"{found['samples']:,} samples" in out


def test_report_renders_again_from_the_results_alone(command, folder: Path) -> None:
    numbers = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    before = (folder / "report.html").read_bytes()
    code, out, _ = command("report", folder)
    assert code == 0
    assert out.strip() == str(folder / "report.html")
    assert (folder / "report.html").read_bytes() == before
    assert {path.name: path.read_bytes() for path in folder.glob("*.csv")} == numbers
    assert command("verify", folder)[0] == 0


def test_verify_says_what_it_computed_again_and_what_differs(command, folder: Path) -> None:
    code, out, err = command("verify", folder)
    assert (code, err) == (0, "")
    assert re.search(
        r"\d+ files as summed; \d+ rates, \d+ ratios, every other table, verdict and page made again, the same bytes",
        out,
    )
    (folder / "rates.csv").write_text((folder / "rates.csv").read_text().replace("FNMR", "FMR", 1))
    code, out, err = command("verify", folder)
    assert code == 3
    assert "rates.csv differs from its sum" in out
    assert "problems" in err
    code, out, _ = command("verify", folder, "--json")
    assert code == 3
    assert "rates.csv differs from its sum" in json.loads(out)["problems"]
    assert command("verify", folder / "figures")[0] == 3


# ---- ls, doctor, schema, explain
# --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "name"),
    [("backends", "face_recognition"), ("benchmarks", "lfw-embedded"), ("metrics", "FMR"), ("runs", "small")],
)
def test_ls_lists_as_text_and_as_json(command, folder: Path, what: str, name: str) -> None:
    code, out, err = command("ls", what, "--results", folder.parent)
    assert (code, err) == (0, "")
    assert name in out
    code, out, _ = command("ls", what, "--results", folder.parent, "--json")
    rows = json.loads(out)
    assert code == 0
    assert all(set(row) == {"name", "what"} for row in rows)
    assert any(row["name"].endswith(name) for row in rows)


def test_a_broken_run_does_not_hide_the_others(command, folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "broken")
    (folder.parent / "broken" / "rates.csv").unlink()
    code, out, _ = command("ls", "runs", "--results", folder.parent)
    assert code == 0
    assert "cannot be read" in out
    assert "At the vendor's default threshold" in out


def test_ls_of_no_runs_is_empty(command, tmp_path: Path) -> None:
    assert command("ls", "runs", "--results", tmp_path) == (0, "", "")
    code, out, _ = command("ls", "runs", "--results", tmp_path, "--json")
    assert (code, json.loads(out)) == (0, [])


def test_doctor_says_what_is_there_and_how_to_get_what_is_missing(command) -> None:
    code, out, err = command("doctor")
    assert (code, err) == (0, "")
    assert "numpy" in out
    code, out, _ = command("doctor", "--json")
    rows = json.loads(out)
    assert all(set(row) == {"what", "ok", "found", "todo"} for row in rows)
    assert all(row["todo"] for row in rows if not row["ok"])


def test_schema_is_json_schema_of_every_section(command) -> None:
    code, out, _ = command("schema")
    assert code == 0
    assert "operating_points" in json.loads(out)["properties"]


@pytest.mark.parametrize("key", sorted(TERMS))
def test_explain_prints_the_plain_sentence_of_every_term(command, key: str) -> None:
    code, out, _ = command("explain", key)
    assert code == 0
    assert TERMS[key].plain in out
    assert json.loads(command("explain", key, "--json")[1])["plain"] == TERMS[key].plain


# ---- a process of its own
# ---------------------------------------------------------------------------------------------------------------------


def test_no_color_and_no_terminal_mean_no_escape_codes(small: Path, tmp_path: Path) -> None:
    arguments = ["run", small, "--data", small.parent, "--results", tmp_path / "out"]
    done = process(*arguments, env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "", "TERM": "xterm-256color"})
    assert done.returncode == 0, done.stderr
    assert "\x1b[" not in done.stdout + done.stderr


def test_the_installed_command_is_the_same_program(root: Path) -> None:
    installed = Path(sys.executable).with_name("face-audit")
    if not installed.is_file():
        pytest.skip("the project is not installed in this environment")
    done = subprocess.run([installed, "explain", "FMR"], capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0
    assert done.stdout == process("explain", "FMR", cwd=root).stdout


def test_a_reader_that_has_read_enough_is_no_error(root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "audit", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(timeout=60) == 0
    assert said == b""


# ---- Ctrl-C: 130, and the line that resumes
# ---------------------------------------------------------------------------------------------------

MATCHER = """
import time
import numpy as np
from audit.backends.options import fingerprint_of
from audit.backends.protocol import Extraction, ScoreRule, Status

class Slow:
    name, version, dimensions = "slow", "1", 3
    rule = ScoreRule("euclidean", "dissimilarity", -500.0, 0.0, 20.0, "distance")
    fingerprint = fingerprint_of(name="slow")
    def __init__(self, log): self.log = log
    def describe(self): return {"product": "slow", "version": "1"}
    def extract(self, images):
        time.sleep(0.1 * len(images))
        with open(self.log, "a") as file: file.write("x" * len(images))
        return [Extraction(Status.ACQUIRED, image.reshape(-1, 3).mean(axis=0).astype(np.float32), faces=1) for image in images]

def make(options):
    return Slow(options["log"])
"""


def photographs(folder: Path, people: int, photos: int) -> None:
    import cv2
    import numpy as np

    rng = np.random.default_rng(1)
    lines = ["path,subject,race,sex"]
    for person in range(people):
        colour = rng.integers(30, 220, 3)
        for photo in range(photos):
            image = np.clip(colour + rng.integers(-12, 13, (8, 8, 3)), 0, 255).astype(np.uint8)
            name = f"p{person}_{photo}.png"
            assert cv2.imwrite(str(folder / name), image)
            lines.append(f"{name},{person},{'AB'[person % 2]},{'FM'[person // 2 % 2]}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


SLOW = """
version = 1
name = "slow"
[benchmark]
name = "files"
[backend]
name = "slow_matcher:make"
options = {{ log = "{log}" }}
[groups]
attributes = {{ race = "race", sex = "sex" }}
reference = "race=A|sex=F"
minimum_subjects = 3
[[operating_points]]
kind = "vendor_default"
"""


@pytest.fixture
def slow(tmp_path: Path) -> tuple[list[str], dict[str, str], Path]:
    """Command, environment and log of a run from photographs that takes about four seconds of matching in each of two
    processes."""
    (tmp_path / "photos").mkdir()
    photographs(tmp_path / "photos", people=20, photos=4)
    (tmp_path / "slow_matcher.py").write_text(MATCHER)
    (tmp_path / "slow.toml").write_text(SLOW.format(log=tmp_path / "log"))
    arguments = [
        "run",
        str(tmp_path / "slow.toml"),
        "--data",
        str(tmp_path / "photos"),
        "--results",
        str(tmp_path / "out"),
    ]
    arguments += ["--cache", str(tmp_path / "cache"), "--jobs", "2"]
    return arguments, {**os.environ, "PYTHONPATH": str(tmp_path)}, tmp_path / "log"


def interrupt_when(running: subprocess.Popen[str], ready) -> tuple[int, str]:
    until = time.monotonic() + 120
    while not ready() and running.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert running.poll() is None, running.communicate()[1]
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: everybody in the group hears it
    _, err = running.communicate(timeout=60)
    return running.returncode, err


def test_ctrl_c_is_130_keeps_every_template_and_prints_the_line_that_resumes(slow, tmp_path: Path) -> None:
    arguments, environment, log = slow
    start = [sys.executable, "-m", "audit", *arguments]
    with subprocess.Popen(
        start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as running:
        code, err = interrupt_when(running, lambda: log.exists() and log.stat().st_size >= 12)
    assert code == 130
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].strip() == f"face-audit {' '.join(arguments)}"
    assert not (tmp_path / "out" / "slow").exists()
    assert [path.name for path in (tmp_path / "out").glob(".*")] == []
    seen = log.stat().st_size
    assert 12 <= seen < 80
    done = process(*arguments, env=environment)
    assert done.returncode == 0, done.stderr
    assert log.stat().st_size < seen + 80  # what was made before was not made again
    assert (
        log.stat().st_size - seen <= 80 - seen + 4
    )  # but for the photos that each process had in hand when it was stopped
    assert process("verify", tmp_path / "out" / "slow", env=environment).returncode == 0


@pytest.mark.shared
@pytest.mark.slow
def test_ctrl_c_while_the_real_matcher_works_on_real_photos(shared: Path, tmp_path: Path, root: Path) -> None:
    pytest.importorskip("dlib")
    arguments = [
        "run",
        str(root / "configs" / "lfw-face_recognition.toml"),
        "--data",
        str(shared / "data" / "lfw"),
        "--limit",
        "150",
    ]
    arguments += ["--results", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"), "--jobs", "1"]
    start = [sys.executable, "-m", "audit", *arguments]

    def shards() -> bool:
        return any((tmp_path / "cache").rglob("*.shard"))  # the first is written after ten seconds

    with subprocess.Popen(
        start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        code, err = interrupt_when(running, shards)
    if code == 0:
        pytest.skip("this machine is done before the first shard is written")
    assert code == 130
    assert "Traceback" not in err
    assert f"face-audit {' '.join(arguments)}" in err
    assert not (tmp_path / "out" / "lfw-face_recognition").exists()
    plan = process("plan", *arguments[1:6], "--cache", tmp_path / "cache", "--json")
    assert 0 < json.loads(plan.stdout)["cached"] < json.loads(plan.stdout)["samples"]
    done = process(*arguments)
    assert done.returncode == 0, done.stderr
    assert process("verify", tmp_path / "out" / "lfw-face_recognition").returncode == 0
