"""A package that somebody else might write: the one printed in audit/backends/README.md, installed and found by its
entry point."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPT = """
import json, sys
from pathlib import Path
from audit.backends.check import check
from audit.backends.registry import make, names
from audit.embeddings.extract import extract
from audit.base.errors import BackendError

if __name__ == "__main__":
    photos = sorted(Path(sys.argv[1]).glob("*.png"))
    found = extract(photos, "acme", {"blur": 1}, jobs=2)
    try:
        make("acme", {"blurr": 1})
    except BackendError as error:
        refused = str(error)
    checks = check("acme", {}, photos=photos, huge=False)
    print(json.dumps({
        "line": names()["acme"],
        "status": found.status.tolist(),
        "vectors": found.vectors.tolist(),
        "refused": refused,
        "failed": [row for row in checks if row.passed is False],
        "checks": len(checks),
    }))
"""


def test_every_config_in_the_readme_names_options_that_exist(root) -> None:
    from audit.backends.http import HttpOptions
    from audit.backends.onnx_options import OnnxOptions
    from audit.backends.process import ProcessOptions

    kinds = {"onnx": OnnxOptions, "process": ProcessOptions, "http": HttpOptions}
    seen = []
    for block in re.findall(r"```toml\n(\[backend\].*?)```", (root / "audit/backends/README.md").read_text(), re.S):
        backend = tomllib.loads(block)["backend"]
        kinds[backend["name"]].model_validate(backend["options"])
        seen.append(backend["name"])
    assert seen == ["onnx", "process", "http"]


def blocks(readme: str, language: str) -> str:
    return re.search(rf"```{language}\n# \S+\n(.*?)```", readme, re.S).group(1)


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("third_party")
    readme = (root / "audit/backends/README.md").read_text()
    project = blocks(readme, "toml") + '\n[tool.setuptools]\npy-modules = ["face_audit_acme"]\n'
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n' + project
    )
    (folder / "face_audit_acme.py").write_text(blocks(readme, "python"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-build-isolation",
        "--no-deps",
        "--disable-pip-version-check",
    ]
    subprocess.run(
        [*command, "--target", str(folder / "site"), str(folder)], check=True, capture_output=True, text=True
    )
    return folder / "site"


def test_a_package_written_as_the_readme_says_is_found_by_name_and_audited(installed, tmp_path) -> None:
    rng = np.random.default_rng(2)
    images = [rng.integers(0, 256, (40, 32, 3)).astype(np.uint8) for _ in range(4)]
    for n, image in enumerate(images):
        cv2.imwrite(str(tmp_path / f"{n}.png"), image)
    (tmp_path / "run.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    run = subprocess.run(
        [sys.executable, str(tmp_path / "run.py"), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(run.stdout)
    assert seen["line"] == "from package face-audit-acme (face_audit_acme:make)"
    assert seen["status"] == [0, 0, 0, 0]
    # 40 x 32 in 4 x 4 blocks of 10 x 8 pixels, mean colour each.
    expected = [
        [
            image[10 * r : 10 * r + 10, 8 * c : 8 * c + 8].reshape(-1, 3).mean(axis=0)
            for r in range(4)
            for c in range(4)
        ]
        for image in images
    ]
    np.testing.assert_allclose(seen["vectors"], np.array(expected).reshape(4, 48), rtol=1e-6)
    assert "unknown option 'blurr'" in seen["refused"]
    assert seen["failed"] == []
    assert seen["checks"] > 20


def test_without_the_package_its_name_is_unknown() -> None:
    from audit.backends.registry import names

    assert "acme" not in names()
