"""Sums and functions that give the same bits everywhere: against the C library and exact fractions, and whole results
under forced kernels."""

from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from audit.base import sums

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("ours", "theirs", "x"),
    [
        (sums.exp, math.exp, RNG.uniform(-700, 700, 20_000)),
        (sums.exp, math.exp, RNG.uniform(-1, 1, 20_000)),
        (sums.expm1, math.expm1, np.concatenate([RNG.uniform(-2, 2, 20_000), 10.0 ** RNG.uniform(-300, 0, 2_000)])),
        (sums.log, math.log, np.concatenate([10.0 ** RNG.uniform(-307, 307, 20_000), RNG.uniform(0.5, 2, 20_000)])),
        (
            sums.log1p,
            math.log1p,
            np.concatenate([RNG.uniform(-0.999, 4, 20_000), -(10.0 ** RNG.uniform(-300, -0.1, 5_000))]),
        ),
    ],
)
def test_functions_are_the_c_librarys_within_a_few_units_in_the_last_place(ours, theirs, x) -> None:  # type: ignore[no-untyped-def]
    wanted = np.array([theirs(value) for value in x.tolist()])
    assert (np.abs(ours(x) - wanted) <= 5 * np.spacing(np.abs(wanted))).all()


def test_functions_keep_to_the_ends_of_their_range() -> None:
    inf, nan = math.inf, math.nan
    assert sums.exp([-inf, 0, inf, 5000, -5000]).tolist() == [0, 1, inf, inf, 0]
    assert sums.expm1([-inf, 0, inf]).tolist() == [-1, 0, inf]
    assert sums.log([0, 1, inf]).tolist() == [-inf, 0, inf]
    assert sums.log1p([-1, 0, inf]).tolist() == [-inf, 0, inf]
    assert np.isnan([*sums.exp([nan]), *sums.log([-1, nan]), *sums.log1p([-2, nan]), *sums.expm1([nan])]).all()
    assert sums.raised([0.0, 4.0], 0.5).tolist() == [0.0, 2.0]
    assert sums.raised([0.0, 1.0], 1.7).tolist() == [0.0, 1.0]


def test_a_dot_product_is_the_sum_of_its_rounded_products_correctly_rounded() -> None:
    a, b = RNG.standard_normal(300) * 10.0 ** RNG.integers(-12, 12, 300), RNG.standard_normal(300)
    assert sums.dot(a, b) == float(sum((Fraction(x) for x in (a * b).tolist()), Fraction(0)))


def test_a_product_of_matrices_adds_in_index_order() -> None:
    a, b = RNG.standard_normal((7, 31)), RNG.standard_normal((31, 5))
    for i in range(7):
        for j in range(5):
            total = 0.0
            for k in range(31):
                total += float(a[i, k]) * float(b[k, j])
            assert sums.product(a, b)[i, j] == total
    assert sums.product(a, b[:, 0]).tolist() == sums.product(a, b)[:, 0].tolist()


def test_powers_are_repeated_multiplication() -> None:
    x = RNG.standard_normal(50)
    assert sums.power(x, 4).tolist() == ((x * x) * (x * x)).tolist()
    assert sums.power(x, 3).tolist() == (x * (x * x)).tolist()
    assert sums.power(x, 0).tolist() == [1.0] * 50


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_the_root_of_a_correlation_multiplies_back_to_it(rank: int) -> None:
    x = RNG.standard_normal((6, rank))
    corr = x @ x.T
    corr /= np.sqrt(np.outer(np.diagonal(corr), np.diagonal(corr)))
    root = sums.root_of(corr)
    assert np.allclose(root @ root.T, corr, atol=1e-9)


FORCED = {
    "BLAS of Haswell, NumPy as it comes": {"OPENBLAS_CORETYPE": "Haswell"},
    "BLAS of Skylake X, two threads": {"OPENBLAS_CORETYPE": "SkylakeX", "OPENBLAS_NUM_THREADS": "2"},
    "nothing beyond SSE": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "+sse2",
    },
    "AVX2 of Zen": {
        "OPENBLAS_CORETYPE": "Zen",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx2,+fma",
    },
}
CLOCK = {"provenance.json", "PROVENANCE.sha256", "SHA256SUMS"}
"""Say when and where, or follow from what does; pages print that too."""


def results_of(folder: Path, environment: dict[str, str]) -> dict[str, bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS_", "NPY_", "NUMBA_"))}
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "audit",
        "run",
        "quickstart",
        "--offline",
        "--limit",
        "3000",
        "--results",
        str(folder),
        "--cache",
        str(folder / "cache"),
    ]
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    files = [
        path
        for path in (folder / "quickstart").rglob("*")
        if path.is_file() and path.name not in CLOCK and path.suffix not in (".html", ".json")
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forced as on Linux")
def test_a_whole_audit_is_the_same_bytes_whatever_the_processor_is_taken_for(tmp_path: Path) -> None:
    seen = {name: results_of(tmp_path / str(k), environment) for k, (name, environment) in enumerate(FORCED.items())}
    first, *others = seen.items()
    assert len(first[1]) > 15
    for name, files in others:
        assert files.keys() == first[1].keys()
        assert [file for file in files if files[file] != first[1][file]] == [], name


UNFIXED = set(
    [
        "dot",
        "einsum",
        "exp",
        "exp2",
        "expm1",
        "inner",
        "linalg",
        "log",
        "log10",
        "log1p",
        "log2",
        "matmul",
        "power",
        "tensordot",
        "vdot",
        "vecdot",
    ]
)
PUBLISHED = ("rates", "stats", "observations", "findings", "outputs")


@pytest.mark.parametrize("room", PUBLISHED)
def test_rooms_whose_numbers_are_published_call_nothing_whose_last_bits_depend_on_the_machine(room: str) -> None:
    found = []
    for path in sorted((Path(__file__).parents[2] / "audit" / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
                found.append(f"{path.name}:{node.lineno} @")
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "np"
                and node.attr in UNFIXED
            ):
                found.append(f"{path.name}:{node.lineno} np.{node.attr}")
            fourth = (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Pow)
                and isinstance(node.left, ast.Name)
                and path.name != "shift_sums.py"
            )
            if (
                fourth
                and isinstance(node.right, ast.Constant)
                and node.right.value in (3, 4)
                and node.left.id in ("influence", "R", "S_i", "weight")
            ):  # type: ignore[attr-defined]
                found.append(f"{path.name}:{node.lineno} **{node.right.value}")  # type: ignore[attr-defined]
    assert found == []
