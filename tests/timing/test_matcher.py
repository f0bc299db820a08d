"""Bench results: real measurements in, verdicts that tell noise from change out."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from audit import timing
from audit.base.errors import ConfigError, ResultsError
from audit.cli import run_command_line
from audit.timing.rounds import least_disturbed, others_seconds

ROOT = Path(__file__).resolve().parents[2]
TOYS = ROOT / "tests" / "embeddings"


def result(
    values: list[float], *, name: str = "core", better: str = "less", unit: str = "x raw product"
) -> dict[str, Any]:
    return {"format": 1, "machine": {}, "entries": [{"name": name, "unit": unit, "better": better, "values": values}]}


def test_a_small_run_measures_the_core_against_the_raw_product() -> None:
    got = timing.run(sizes=[(600, 32, "cosine")], rounds=2, threads=1)
    ratio = got["entries"][1]
    assert ratio["comparisons"] == 600 * 599 // 2
    assert ratio["values"] == [c / r for c, r in zip(ratio["seconds"], ratio["raw_seconds"], strict=True)]
    assert json.loads(json.dumps(got)) == got


def test_a_clear_slowdown_fails_and_says_so() -> None:
    markdown, failed = timing.compare(result([1.00, 1.01, 0.99, 1.0]), result([1.30, 1.31, 1.29, 1.3]))
    assert failed
    assert "slower, beyond ratio>1.10" in markdown
    # 1.30 / 1.00 by geometric means.
    assert "| 1.30 (" in markdown


def test_noise_does_not_fail_even_if_its_middle_lies_beyond_the_limit() -> None:
    # Geometric means 0.97 and 1.16: a ratio of 1.2, but the rounds scatter by a factor of two.
    markdown, failed = timing.compare(result([0.7, 1.4, 0.7, 1.3]), result([0.8, 1.7, 0.9, 1.5]))
    assert not failed
    assert "no change beyond noise" in markdown


def test_a_real_but_small_slowdown_is_named_and_does_not_fail() -> None:
    markdown, failed = timing.compare(result([1.0, 1.001, 0.999]), result([1.08, 1.081, 1.079]))
    assert not failed
    assert "| slower |" in markdown


def test_more_photographs_a_second_is_faster() -> None:
    one, two = (
        timed(values, [0.05] * 3, better="more", unit="photographs a second")
        for values in ([9.0, 9.1, 9.0], [18.0, 18.1, 18.2])
    )
    assert "faster" in timing.compare(one, two)[0]
    assert timing.compare(two, one)[1]


def test_one_round_is_too_few_to_tell() -> None:
    markdown, failed = timing.compare(result([1.0]), result([2.0]))
    assert not failed
    assert "too few rounds" in markdown


def test_equal_rounds_need_no_interval() -> None:
    assert timing.compare(result([1.0, 1.0]), result([1.5, 1.5]))[1]
    assert not timing.compare(result([1.0, 1.0]), result([1.0, 1.0]))[1]


def test_the_interval_covers_no_change_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    false_alarms = sum(
        "| slower"
        in (
            text := timing.compare(
                result(np.exp(0.1 * rng.standard_normal(7)).tolist()),
                result(np.exp(0.1 * rng.standard_normal(7)).tolist()),
            )[0]
        )
        or "| faster" in text
        for _ in range(400)
    )
    # 5 % of 400 is 20; four standard deviations of a binomial are 17.
    assert false_alarms <= 37


@pytest.mark.parametrize("rule", ["ratio", "seconds>1", "ratio>x", "ratio<1.1"])
def test_a_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(ConfigError, match="fail-on"):
        timing.compare(result([1.0]), result([1.0]), rule)


def test_results_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ResultsError, match="format"):
        timing.compare({"format": 0}, result([1.0]))
    with pytest.raises(ResultsError, match="same name"):
        timing.compare(result([1.0], name="x"), result([1.0]))
    with pytest.raises(ResultsError, match="positive"):
        timing.compare(result([0.0]), result([1.0]))


def timed(
    values: list[float], yardstick: list[float], *, better: str = "less", unit: str = "ms a photograph"
) -> dict[str, Any]:
    found = result(values, better=better, unit=unit)
    found["entries"][0]["yardstick_seconds"] = yardstick
    return found


def test_a_machine_at_half_its_pace_is_no_change_of_a_matcher() -> None:
    # Twice the time, and the raw product beside it took twice the time too.
    markdown, failed = timing.compare(
        timed([10.0, 10.1, 9.9], [0.05, 0.05, 0.05]), timed([20.0, 20.2, 19.8], [0.1, 0.1, 0.1])
    )
    assert not failed
    assert "no change beyond noise" in markdown
    speeds = (
        timed(values, yard, better="more", unit="photographs a second")
        for values, yard in (([10.0, 10.1], [0.05] * 2), ([5.0, 5.05], [0.1] * 2))
    )
    assert not timing.compare(*speeds)[1]


def test_a_slower_matcher_on_a_machine_of_the_same_pace_fails() -> None:
    markdown, failed = timing.compare(
        timed([10.0, 10.1, 9.9], [0.05, 0.05, 0.05]), timed([12.0, 12.1, 11.9], [0.05, 0.05, 0.05])
    )
    assert failed
    assert "| 1.20 (" in markdown


def test_times_without_a_yardstick_are_shown_and_never_fail() -> None:
    markdown, failed = timing.compare(
        result([1.0, 1.01], unit="ms a photograph"), result([3.0, 3.03], unit="ms a photograph")
    )
    assert not failed
    assert "not judged" in markdown
    assert "| 3.00" in markdown


def test_rounds_that_others_disturbed_are_left_out_and_too_few_others_tell_nothing() -> None:
    calm, busy = result([1.0, 1.0, 1.01, 1.0, 1.0]), result([1.0, 1.01, 1.0, 3.0, 3.0])
    calm["entries"][0]["others"] = [0.0, 0.01, 0.0, 0.02, 0.0]
    busy["entries"][0]["others"] = [0.0, 0.05, 0.0, 0.5, 0.4]
    assert "| 1.00 (" in timing.compare(calm, busy)[0]
    worse = result([1.5, 1.5, 1.51, 1.5, 1.5])
    for shares, fails in (([0.0, 0.0, 0.0, 0.5, 0.5], True), ([0.0, 0.0, 0.5, 0.5, 0.5], False), ([None] * 5, True)):
        worse["entries"][0]["others"] = shares
        markdown, failed = timing.compare(calm, worse)
        assert failed == fails
        assert ("not judged: others used the machine" in markdown) != fails


def test_what_other_processes_use_is_seen() -> None:
    if others_seconds() is None:
        pytest.skip("this system does not tell what all processes used (/proc/stat)")
    before, start = others_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
    assert spent >= 0.5
    assert others_seconds() - before >= spent - 0.1  # the kernel counts in steps of 10 ms


def test_disturbed_rounds_are_done_again_for_a_while_and_the_least_disturbed_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, used = (
        iter(range(1000)),
        iter([0, 9, 9, 9, 9, 18, 18, 18] + [x for k in range(9) for x in (20 * k, 20 * k + 5 + k)]),
    )
    monkeypatch.setattr("audit.timing.rounds.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("audit.timing.rounds.others_seconds", lambda processes=(): next(used))
    monkeypatch.setattr("audit.timing.rounds.os.cpu_count", lambda: 1)
    count = iter(range(1000))
    kept: list[Any] = []
    least_disturbed(
        lambda: next(count), 2, kept
    )  # rounds 0 and 2 are disturbed: others take 9 seconds in the one that each lasts
    assert [result for result, _ in kept] == [1, 3]
    least_disturbed(
        lambda: next(count), 3, kept
    )  # all are, more and more: three times three tries, and the first three are kept
    assert [result for result, _ in kept] == [4, 5, 6]
    assert next(count) == 13


# ---- a matcher


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and its workers import tests/embeddings/toy_backends.py: a third party's backends, which say
    nothing of steps."""
    monkeypatch.syspath_prepend(str(TOYS))


def photographs(folder: Path, count: int = 6) -> list[Path]:
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((12, 10, 3), 20 + number, np.uint8))
    return sorted(folder.glob("*.png"))


def named(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Entries by what stands behind the matcher's name."""
    return {entry["name"].partition(": ")[2]: entry for entry in found["entries"]}


def test_a_backend_that_says_nothing_of_steps_has_decode_and_total(toys: None, tmp_path: Path) -> None:
    found = timing.run(
        sizes=[],
        backend="toy_backends:make",
        options={"sleep": 0.001},
        photographs=photographs(tmp_path),
        jobs=2,
        rounds=2,
    )
    entries = named(found)
    memory = (
        {"memory, one process", "memory, 3 processes, this one with them"}
        if Path("/proc/self/status").exists()
        else set()
    )
    batches = {"batches of 4", "batches of 16"}  # toy has ``batch``
    assert (
        set(entries)
        == {"decode", "total", "1 process", "2 processes", "2 processes, share of linear"} | batches | memory
    )
    assert all(len(entry["values"]) == 2 and min(entry["values"]) > 0 for entry in entries.values())
    assert all(entry["photographs"] == entry["acquired"] == 6 for entry in entries.values())
    assert all(
        entry["name"].startswith("toy_backends:make sleep=0.001, 6 photographs: ") for entry in entries.values()
    )
    # A photograph takes the millisecond that the toy sleeps, and decoding on top of it.
    for decode, total in zip(entries["decode"]["values"], entries["total"]["values"], strict=True):
        assert total >= decode + 1.0
    one, two, share = (
        entries[name]["values"] for name in ("1 process", "2 processes", "2 processes, share of linear")
    )
    assert share == [b / (2 * a) for a, b in zip(one, two, strict=True)]
    assert json.loads(json.dumps(found)) == found


def test_one_process_has_no_share_of_linear_and_memory_is_that_of_the_processes(toys: None, tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system keeps no peak of a process's memory in /proc")
    few, many = (
        named(
            timing.run(
                sizes=[],
                backend="toy_backends:make",
                options={"leak": leak},
                photographs=photographs(tmp_path, count=2),
                jobs=1,
                rounds=2,
            )
        )
        for leak in (1, 40 * 2**20)
    )
    assert "2 processes" not in few
    # Two photographs warm up, and every one (two single, and two as a batch of 4 and of 16, in two rounds) keeps 40 MB
    # in the second: at least 2 x 40 MB more at the peak of the first round, and more again in the second.
    first, second = many["memory, one process"]["values"]
    assert first > few["memory, one process"]["values"][0] + 80
    assert second > first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--backend", "toy_backends:make"], "--photos"),
        (["--photos", "."], "--backend"),
        (["--option", "sleep=1"], "--backend"),
        (["--backend", "toy_backends:make", "--photos", "nowhere"], "no such folder"),
        (["--backend", "toy_backends:make", "--photos", "empty"], "no photographs"),
        (["--backend", "toy_backends:make", "--photos", "broken"], "none of which can be read"),
        (["--backend", "toy_backends:make", "--photos", "faceless"], "none gave a template (NO_FACE)"),
        (["--backend", "toy_backends:make", "--photos", "raising"], "every photograph was an error"),
        (
            ["--backend", "toy_backends:make", "--photos", "good", "--option", "refuse=true"],
            "the licence file is missing",
        ),
        (["--backend", "toy", "--photos", "good"], "unknown backend 'toy'"),
        (["--backend", "scores", "--photos", "good"], "makes no templates"),
        (["--backend", "toy_backends:make", "--photos", "good", "--out", "nowhere/x.json"], "a folder that exists"),
        (["--size", "10"], "N,D,measure"),
    ],
)
def test_a_mistake_is_one_error_before_anything_long(
    toys: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    for name, mark in (
        ("good", 20),
        ("faceless", toy_backends().NONE),
        ("raising", toy_backends().RAISE),
        ("empty", None),
        ("broken", None),
    ):
        (tmp_path / name).mkdir()
        if mark is not None:
            cv2.imwrite(str(tmp_path / name / "a.png"), np.full((12, 10, 3), mark, np.uint8))
    (tmp_path / "broken" / "a.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    sizes = [] if "--size" in arguments else ["--size", "300,16,cosine"]
    code = run_command_line(["bench", "--rounds", "2", *sizes, *arguments])
    shown = capsys.readouterr()
    assert code in (2, 3, 4)
    assert said in shown.err
    assert shown.out == ""
    assert len([line for line in shown.err.splitlines() if line.startswith("face-audit: ")]) == 1


def toy_backends() -> Any:
    import toy_backends

    return toy_backends


def test_ctrl_c_keeps_the_rounds_that_were_finished_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "audit", "bench", "--size", "300,16,cosine", "--rounds", "6", "--out", str(out)]
    command += ["--backend", "toy_backends:make", "--option", "sleep=0.05", "--photos", str(tmp_path), "--jobs", "2"]
    photographs(tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TOYS)])}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "round 2," in line:
            break
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
    shown, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted; what was measured is kept" in errors
    assert "Traceback" not in errors
    assert shown == f"{out}.partial\n"
    assert not out.exists()
    kept = json.loads((tmp_path / "bench.json.partial").read_text())
    assert kept["interrupted"]
    assert 1 <= len(named(kept)["total"]["values"]) <= 6
    assert len(kept["entries"][1]["values"]) == 6
    # What is kept can be compared.
    assert "no change beyond noise" in timing.compare(kept, kept)[0]


@pytest.mark.shared
@pytest.mark.parametrize("engine", ["dlib", "onnx"])
def test_dlib_says_how_long_it_detects_and_describes(shared: Path, engine: str) -> None:
    pytest.importorskip("dlib")
    pytest.importorskip("onnxruntime")
    photos = sorted((shared / "data/lfw/images").glob("*/*.jpg"))[::3000]
    steps_add_up(
        timing.run(
            sizes=[], backend="face_recognition", options={"engine": engine}, photographs=photos, jobs=1, rounds=2
        )
    )


@pytest.mark.shared
def test_an_onnx_network_behind_yunet_says_so_too_and_takes_batches(shared: Path) -> None:
    pytest.importorskip("onnxruntime")
    photos = sorted((shared / "data/lfw/images").glob("*/*.jpg"))[::3000]
    models = {
        "model": shared / "models/mobilenet_vggface2.onnx",
        "detector": shared / "models/face_detection_yunet_2026may.onnx",
    }
    options = {"preset": "mobilenet_vggface2", **{key: str(path) for key, path in models.items()}}
    found = timing.run(sizes=[], backend="onnx", options=options, photographs=photos, jobs=1, rounds=2)
    steps_add_up(found)
    assert {"batches of 4", "batches of 16"} <= set(named(found))
    assert str(shared) not in json.dumps(found)


def steps_add_up(found: dict[str, Any]) -> None:
    entries = named(found)
    for detect, describe, decode, total in zip(
        *(entries[step]["values"] for step in ("detect", "describe", "decode", "total")), strict=True
    ):
        assert detect + describe + decode > 0
        # What is left of the total is quality measures. All photographs have a face, so means add up.
        assert detect + describe + decode <= total * 1.0001


ENTRY = {
    "name": "x",
    "unit": "seconds",
    "better": "less",
    "values": [1.0, 1.1, 1.2],
    "yardstick_seconds": [1.0, 1.0, 1.0],
    "others": [0.0] * 3,
}


@pytest.mark.parametrize("key", ["name", "unit", "better", "values"])
@pytest.mark.parametrize("value", [None, [], {}, ["a"], 1, "9" * 30, [[1.0]], [10**400]])
def test_a_measurement_that_this_program_does_not_write_is_refused(tmp_path, capsys, key, value) -> None:
    from audit.timing.verdict import FORMAT

    for name, entry in (
        ("a", ENTRY),
        ("b", {**ENTRY, key: value}),
        ("c", {one: ENTRY[one] for one in ENTRY if one != key}),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps({"format": FORMAT, "entries": [entry]}))
    for other in "bc":
        code = run_command_line(["bench", "compare", str(tmp_path / "a.json"), str(tmp_path / f"{other}.json")])
        assert code in ((0, 3) if isinstance(value, str) and other == "b" else (3,)), capsys.readouterr().err
