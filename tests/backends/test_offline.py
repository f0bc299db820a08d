"""No backend speaks to a network in ``--offline``, and nothing is written outside cache and results: the system's own
calls are listed by strace."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TOML = """version = 1
name = "x"
[benchmark]
name = "files"
[backend]
name = "{backend}"
[backend.options]
{options}
[groups]
attributes = {{ race = "race" }}
reference = "race=A"
minimum_subjects = 2
[[operating_points]]
kind = "fixed"
threshold = 0.5
[uncertainty]
replicates = 100
[report]
curve = [0.1]
"""
PROGRAM = """import json, sys
for line in sys.stdin:
    q = json.loads(line)
    if "hello" in q:
        a = {"hello": 1, "name": "p", "version": "1", "dimensions": 2, "measure": "cosine", "default_threshold": 0.5}
    else:
        data = open(q["image"], "rb").read()
        a = {"id": q["id"], "status": "ACQUIRED", "template": [float(sum(data[20:])), 1000.0 + data[30] + data[-30]], "faces": 1}
    print(json.dumps(a), flush=True)
"""


def world(folder: Path) -> None:
    """Eight photographs of four people."""
    rows = ["path,subject,race"]
    for k in range(8):
        image = np.random.default_rng(k).integers(0, 255, (64, 60, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{k}.png"), image)
        rows.append(f"{k}.png,p{k // 2},{'AB'[k // 4]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def options_of(backend: str, folder: Path, models: Path) -> str:
    yunet = f'detector = "{models / "face_detection_yunet_2026may.onnx"}"'
    if backend == "process":
        (folder / "p.py").write_text(PROGRAM)
        return f"command = {json.dumps([sys.executable, '-S', str(folder / 'p.py')])}\nformat = 'ppm'"
    if backend == "templates":
        np.savez(
            folder / "t.npz",
            vectors=np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32),
            path=[f"{k}.png" for k in range(8)],
        )
        return f'path = "{folder / "t.npz"}"\nid = "path"\nmeasure = "cosine"\ndefault_threshold = 0.5'
    if backend == "onnx":
        from tiny_onnx import block_means

        (folder / "net.onnx").write_bytes(block_means())
        return (
            f'model = "{folder / "net.onnx"}"\n{yunet}\ndefault_threshold = 0.5\nproduct = '
            f'"n"\nlicence = "x"\ntraining_data = "x"'
        )
    if backend == "opencv_sface":
        return f'model = "{models / "face_recognition_sface_2021dec.onnx"}"\n{yunet}'
    return ""


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("backend", ["templates", "process", "onnx", "opencv_sface", "face_recognition"])
def test_no_connection_and_no_file_outside(backend: str, tmp_path: Path, shared: Path) -> None:
    data, home, out = (tmp_path / name for name in ("data", "home", "out"))
    for folder in (data, home, out):
        folder.mkdir()
    world(data)
    (tmp_path / "x.toml").write_text(
        TOML.format(backend=backend, options=options_of(backend, data, shared / "models"))
    )
    before = {path for path in tmp_path.rglob("*")}
    log, there = (
        tmp_path / "strace.log",
        {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(home / "xdg"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    watched = [
        "strace",
        "-f",
        "-qq",
        "-s",
        "200",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg,openat,creat,mkdir,rename",
        "-o",
        str(log),
    ]
    command = [
        *watched,
        sys.executable,
        "-m",
        "audit",
        "run",
        str(tmp_path / "x.toml"),
        "--data",
        str(data),
        "--offline",
        "--jobs",
        "1",
    ]
    command += ["--results", str(out / "results"), "--cache", str(tmp_path / "cache")]
    environment = {**os.environ, **there, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=out, env=environment, capture_output=True, text=True, timeout=120)
    if "ptrace" in ran.stderr and ran.returncode:
        pytest.skip("this system does not let strace look")
    assert ran.returncode in (0, 4, 5), (
        ran.stderr
    )  # these are no faces: a matcher may refuse them all, after it has run
    calls = log.read_text(errors="replace").splitlines()
    assert len(calls) > 100  # it looked
    assert not [call for call in calls if re.search(r"AF_INET6?", call)]
    written = [call for call in calls if re.search(r"O_(WRONLY|RDWR|CREAT)", call) and " = -1 " not in call]
    paths = {found[1] for call in written if (found := re.search(r'"([^"]+)"', call))}
    fine = ("/dev/", "/proc/", str(tmp_path / "cache"), str(out / "results"), str(home))
    code = "/__pycache__"  # compiled code of Python and of numba, beside its source; it holds nothing of the data
    assert not [path for path in paths if path.startswith("/") and not path.startswith(fine) and code not in path]
    left = [
        path
        for path in set(tmp_path.rglob("*")) - before - {log}
        if not str(path).startswith((str(tmp_path / "cache"), str(out / "results")))
    ]
    assert left == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_strace_sees_what_it_must(tmp_path: Path) -> None:
    """The test above can fail: a connection, and a file outside, stand in such a log."""
    code = (
        f"import socket; open({str(tmp_path / 'x')!r}, 'w'); s = socket.socket(socket.AF_INET, "
        f"socket.SOCK_DGRAM); s.connect(('127.0.0.1', 9))"
    )
    log = tmp_path / "log"
    subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=connect,openat", "-o", str(log), sys.executable, "-S", "-c", code],
        check=True,
    )
    assert "AF_INET" in log.read_text()
    assert re.search(rf'"{tmp_path / "x"}", O_WRONLY', log.read_text())
