"""A benchmark without photographs: templates turned by a matrix that is thrown away, people and samples under ids drawn at random.

In: a benchmark of photographs, and the templates one matcher made of them. Out: ``samples.csv.gz`` and ``<matcher>.npz``. Its one idea: an
orthogonal matrix changes every template and no inner product, norm or distance, so every rate stays what it was, while a photograph's own template
finds nothing in the file. It is no protection against somebody who holds the photographs and the matcher: a few hundred known templates give the
matrix back.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.benchmark.adapters.lfw import write_table
from audit.benchmark.manifest import FIXED, Benchmark
from audit.errors import BenchmarkError

__all__ = ["random_orthogonal", "write_embedded"]


def random_orthogonal(dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw an orthogonal matrix (D, D) uniformly (Haar): QR of a Gaussian matrix, signs of R's diagonal moved into Q (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))
    out: NDArray[np.float64] = q * np.sign(np.diag(r))
    return out


def write_embedded(
    benchmark: Benchmark,
    status: NDArray[np.integer],
    vectors: NDArray[np.float32],
    folder: Path,
    *,
    matcher: str,
    status_names: dict[int, str],
    rng: np.random.Generator | None = None,
) -> tuple[Path, Path]:
    """Write the two files.

    Parameters
    ----------
    benchmark : Benchmark
        Of photographs; its rows give the order of ``status``.
    status : array (N,) of integers
        0 where a template was acquired.
    vectors : array (n, D) float32
        One template per acquired sample, in the order of the rows.
    folder : Path
    matcher : str
        Names the template file.
    status_names : dict of int to str
        What the statuses are called.
    rng : Generator, optional
        For tests only. By default everything (ids, order, matrix) is drawn from the operating system's entropy and kept nowhere.

    Returns
    -------
    (Path, Path)
        ``samples.csv.gz``: sample_id, subject_id, status, label columns in the audit's words, sorted by sample_id;
        ``<matcher>.npz``: sample_id (n,) str, vectors (n, D) float32, in the same order.

    Raises
    ------
    BenchmarkError
        The numbers of samples, statuses and templates do not fit.
    """
    samples = benchmark.samples
    acquired = np.flatnonzero(np.asarray(status) == 0)
    if len(status) != len(samples) or len(vectors) != len(acquired) or vectors.ndim != 2:
        raise BenchmarkError(
            "write_embedded",
            got=f"{len(samples)} samples, {len(status)} statuses, {len(acquired)} of them acquired, templates of shape {vectors.shape}",
            allowed="one status per sample and one template per acquired sample",
            todo="Extract again",
        )
    rng = np.random.default_rng() if rng is None else rng
    people = _fresh_ids("p", len(benchmark.subject_ids), rng)
    ids = _fresh_ids("s", len(samples), rng)
    out = samples.drop(columns=list(FIXED))
    out.insert(0, "sample_id", ids)
    out.insert(1, "subject_id", people[benchmark.subject_code])
    out.insert(2, "status", [status_names[int(code)] for code in status])
    turned = (vectors.astype(np.float64) @ random_orthogonal(vectors.shape[1], rng)).astype(np.float32)
    order = np.argsort(ids[acquired])
    folder.mkdir(parents=True, exist_ok=True)
    write_table(out.sort_values("sample_id"), folder / "samples.csv.gz")
    path = folder / f"{matcher}.npz"
    np.savez(path, sample_id=ids[acquired][order], vectors=turned[order])
    return folder / "samples.csv.gz", path


def _fresh_ids(letter: str, count: int, rng: np.random.Generator) -> NDArray[np.str_]:
    width = max(4, len(str(count)))
    return np.array([f"{letter}{number:0{width}d}" for number in rng.permutation(count) + 1])
