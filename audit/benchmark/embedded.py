"""A benchmark without photographs: templates turned by a matrix that is thrown away, people and samples under ids
drawn at random.

In: a benchmark of photographs, and the templates one matcher made of them. Out: ``samples.csv.gz`` and
``<matcher>.npz``. Its one idea: an orthogonal matrix changes every template and no inner product, norm or distance, so
every rate stays what it was, while a photograph's own template finds nothing in the file. It is no protection against
somebody who holds the photographs and the matcher: a few hundred known templates give the matrix back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.benchmark.canonical import FIXED
from audit.benchmark.manifest import Benchmark
from audit.benchmark.tables import write_table

__all__ = ["TOLERANCE", "Embedded", "random_orthogonal", "write_embedded"]

TOLERANCE = 1e-6
"""Largest change of a distance that rounding to float32 may cause; dlib's templates are about 1.4 long, which gives
about 1e-7."""


class Embedded(NamedTuple):
    """The two files, and the largest change of a distance that was found."""

    samples: Path
    templates: Path
    largest_change: float


def random_orthogonal(dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw an orthogonal matrix (D, D) uniformly (Haar): QR of a Gaussian matrix, signs of R's diagonal moved into Q
    (Mezzadri 2007).
    """
    q, r = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))
    out: NDArray[np.float64] = q * np.sign(np.diag(r))
    return out


def write_embedded(
    benchmark: Benchmark,
    status: Sequence[str],
    vectors: NDArray[np.float32],
    folder: Path,
    *,
    matcher: str,
    rng: np.random.Generator | None = None,
) -> Embedded:
    """Write the two files.

    Parameters
    ----------
    benchmark : Benchmark
        Of photographs; its rows give the order of the next two.
    status : sequence of N str
        Name of each sample's acquisition status; "ACQUIRED" where there is a template.
    vectors : array (N, D) float32
        Templates; rows of samples without one are ignored.
    folder : Path
    matcher : str
        Names the template file.
    rng : Generator, optional
        For tests only. By default everything (ids, order, matrix) is drawn from the operating system's entropy and
        kept nowhere.

    Returns
    -------
    Embedded
        ``samples.csv.gz``: sample_id, subject_id, label columns in the audit's words, sorted by sample_id;
        ``<matcher>.npz``: sample_id (N,) str, status (N,) str, vectors (N, D) float32 (zeros where not acquired), in
        the same order.

    Raises
    ------
    BenchmarkError
        The numbers of samples, statuses and templates differ, or a distance changed by more than 1e-6 (templates that
        are far too long).
    """
    samples = benchmark.samples
    if vectors.ndim != 2 or not len(samples) == len(status) == len(vectors):
        raise BenchmarkError(
            "write_embedded",
            got=f"{len(samples)} samples, {len(status)} statuses, templates of shape {vectors.shape}",
            allowed="one status and one row of templates per sample",
            todo="Extract again",
        )
    rng = np.random.default_rng() if rng is None else rng
    people = _fresh_ids("p", len(benchmark.subject_ids), rng)
    ids = _fresh_ids("s", len(samples), rng)
    out = samples.drop(columns=list(FIXED))
    out.insert(0, "sample_id", ids)
    out.insert(1, "subject_id", people[benchmark.subject_code])
    turned = (vectors.astype(np.float64) @ random_orthogonal(vectors.shape[1], rng)).astype(np.float32)
    names = np.array(status, dtype=str)
    turned[names != "ACQUIRED"] = 0
    change = _largest_change(vectors[names == "ACQUIRED"], turned[names == "ACQUIRED"])
    if change > TOLERANCE:
        raise BenchmarkError(
            "write_embedded",
            got=f"a distance changed by {change:.2g}",
            allowed=f"{TOLERANCE:g}",
            todo="Scale the templates down",
        )
    order = np.argsort(ids)
    folder.mkdir(parents=True, exist_ok=True)
    write_table(out.iloc[order], folder / "samples.csv.gz")
    np.savez_compressed(folder / f"{matcher}.npz", sample_id=ids[order], status=names[order], vectors=turned[order])
    return Embedded(folder / "samples.csv.gz", folder / f"{matcher}.npz", change)


def _largest_change(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Compare the distances of 500 evenly spread templates to all of them, before and after, in float64."""
    largest = 0.0
    for k in np.unique(np.linspace(0, len(before) - 1, 500).astype(int)) if len(before) else ():
        one, two = (
            np.linalg.norm(table.astype(np.float64) - table[k].astype(np.float64), axis=1) for table in (before, after)
        )
        largest = max(largest, float(np.abs(one - two).max()))
    return largest


def _fresh_ids(letter: str, count: int, rng: np.random.Generator) -> NDArray[np.str_]:
    width = max(4, len(str(count)))
    return np.array([f"{letter}{number:0{width}d}" for number in rng.permutation(count) + 1])
