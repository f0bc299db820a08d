"""Precomputed templates: a table of vectors and sample ids in; one ``Extraction`` per asked sample out. No image is read.

The one idea: whoever made the templates may keep the matcher and the photos. ``precomputed`` is true on this backend, and the pipeline then calls
``lookup(sample_ids)`` (through ``audit.embeddings.extract.from_templates``) in place of reading images.

Files
-----
``.npy``      (N, D) array; ``samples`` names a CSV with one row per vector: sample_id and, optionally, status and reason.
``.npz``      arrays ``vectors`` (N, D) and ``sample_id`` (N,), optionally ``status`` and ``reason`` (N,).
``.parquet``  column sample_id, one column ``vector`` (list of D numbers) or D columns ``v0`` ... ``v{D-1}``, optionally status and reason.

``status`` holds ``Status`` names or numbers: ACQUIRED, UNREADABLE, NO_FACE, MANY_FACES, ERROR. A failure's vector is ignored. A sample of the
benchmark that is not in the table is an error, not a silent failure to acquire: a gap in a file and a face that was not found are different things.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.backends.options import Options, file_sha256, fingerprint_of, parse_options
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.backends.useless import useless
from audit.base.errors import BackendError

__all__ = ["Templates", "TemplatesOptions", "make"]


class TemplatesOptions(Options):
    """Options under ``[backend.options]``. ``low`` and ``high`` bound the score (larger = more alike; a distance of 2 is -2)."""

    path: Path
    samples: Path | None = None
    measure: Literal["euclidean", "cosine", "inner"]
    kind: Literal["similarity", "dissimilarity"] | None = None
    low: float | None = None
    high: float | None = None
    default_threshold: float | None = None
    unit: str = ""
    matcher: str = "precomputed templates"
    matcher_version: str = "not stated"
    licence: str = "not stated"
    training_data: str = "not stated"


def make(options: Mapping[str, Any]) -> Backend:
    """Read the file and check every row of it; raises BackendError that names the first bad row."""
    return Templates(parse_options("templates", TemplatesOptions, options))


class Templates:
    """See the module."""

    precomputed = True
    name = "templates"

    def __init__(self, options: TemplatesOptions) -> None:
        self.options = options
        self.version = f"{options.matcher} {options.matcher_version}"
        self._vectors, table = _load(options)
        self.dimensions = int(self._vectors.shape[1])
        self._status = _statuses(table, options.path)
        self._reason = table["reason"].fillna("").astype(str).tolist() if "reason" in table else [""] * len(table)
        self._row = _index(table["sample_id"], options.path)
        _check(self._vectors, self._status, options)
        self.rule = _rule(options, self._vectors[self._status == Status.ACQUIRED])

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over the files and the options."""
        return fingerprint_of(name=self.name, files=self._files(), options=self.options.model_dump(exclude={"path", "samples"}))

    def _files(self) -> list[str]:
        return [file_sha256(path) for path in (self.options.path, self.options.samples) if path]

    def describe(self) -> dict[str, Any]:
        """What the config declares of the matcher, and the files' sha256."""
        said = self.options.model_dump(include={"matcher", "matcher_version", "licence", "training_data", "measure"})
        return {"product": self.options.matcher, "version": self.options.matcher_version, "precomputed": True, "files": self._files(), **said}

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """Always refused: there is no matcher here, only what it once made."""
        raise BackendError("backend 'templates'", got="images", allowed="sample ids", todo="Use a backend that can see, or lookup(sample_ids)")

    def lookup(self, sample_ids: Sequence[str]) -> list[Extraction]:
        """One ``Extraction`` per sample id, in order.

        Raises
        ------
        BackendError
            A sample is not in the table.
        """
        rows = [self._row.get(str(sample)) for sample in sample_ids]
        absent = rows.count(None)
        if absent:
            raise BackendError(
                str(self.options.path),
                got=f"no row for {absent} of {len(rows)} samples (first: sample {rows.index(None)} of the benchmark)",
                allowed="one row per sample; failures to acquire have a status such as NO_FACE",
                todo="Add the rows, with a status where the matcher gave no template",
            )
        out = []
        for row in rows:
            assert row is not None
            status = Status(int(self._status[row]))
            if status == Status.ACQUIRED and (what := useless(self._vectors[row], self.rule.measure)):
                out.append(Extraction(Status.ERROR, reason=f"a template of {what}"))
            elif status == Status.ACQUIRED:
                out.append(Extraction(status, self._vectors[row], faces=1))
            else:
                out.append(Extraction(status, reason=self._reason[row] or f"recorded as {status.name}"))
        return out


def _load(options: TemplatesOptions) -> tuple[NDArray[np.float32], pd.DataFrame]:
    """Vectors (N, D) float32 and a table of N rows with sample_id."""
    path = options.path
    try:
        if path.suffix == ".npy":
            if options.samples is None:
                raise BackendError(str(path), got="no option 'samples'", allowed="a CSV with column sample_id, one row per vector", todo="Set it")
            vectors, table = np.load(path, allow_pickle=False), pd.read_csv(options.samples, dtype=str)
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                vectors = file["vectors"]
                table = pd.DataFrame({name: file[name] for name in ("sample_id", "status", "reason") if name in file})
        elif path.suffix == ".parquet":
            table = pd.read_parquet(path)
            vectors = _columns(table, path)
        else:
            raise BackendError(str(path), got=f"a file ending in {path.suffix!r}", allowed=".npy, .npz, .parquet", todo="Convert it")
    except (OSError, KeyError, ValueError) as error:
        raise BackendError(str(path), got=f"it cannot be read ({error})", allowed="see audit/backends/templates.py", todo="Write it again") from error
    if vectors.ndim != 2 or not vectors.shape[1] or not np.issubdtype(vectors.dtype, np.number) or np.iscomplexobj(vectors):
        got = f"vectors of shape {vectors.shape} and type {vectors.dtype}"
        raise BackendError(str(path), got=got, allowed="real numbers of shape (samples, dimensions)", todo="Write it again")
    if "sample_id" not in table or len(table) != len(vectors):
        got = f"{len(vectors)} vectors, a table of {len(table)} rows with columns {', '.join(map(str, table.columns))}"
        raise BackendError(str(path), got=got, allowed="one row per vector and a column sample_id", todo="Write it again")
    return np.ascontiguousarray(vectors, dtype=np.float32), table


def _columns(table: pd.DataFrame, path: Path) -> NDArray[Any]:
    if "vector" in table:
        rows = [np.asarray(row, dtype=np.float64) if row is not None else None for row in table["vector"]]
        width = next((len(row) for row in rows if row is not None), 0)
        for place, row in enumerate(rows):
            if row is not None and row.shape != (width,):
                got = f"row {place} has a vector of shape {row.shape}, row 0 one of {width}"
                raise BackendError(str(path), got=got, allowed="one width for all", todo="Check what made this row")
        return np.array([np.full(width, np.nan) if row is None else row for row in rows])
    width = sum(str(name).startswith("v") and str(name)[1:].isdigit() for name in table.columns)
    return table[[f"v{place}" for place in range(width)]].to_numpy(dtype=np.float64)


def _statuses(table: pd.DataFrame, path: Path) -> NDArray[np.int8]:
    if "status" not in table:
        return np.zeros(len(table), dtype=np.int8)
    known = {name: int(value) for name, value in Status.__members__.items()} | {str(int(value)): int(value) for value in Status}
    codes = [known.get(str(value).strip().upper()) for value in table["status"]]
    if None in codes:
        row = codes.index(None)
        raise BackendError(
            str(path), got=f"status {table['status'].iloc[row]!r} in row {row}", allowed=", ".join(Status.__members__), todo="Correct it"
        )
    return np.array(codes, dtype=np.int8)


def _index(ids: pd.Series, path: Path) -> dict[str, int]:
    names = ids.astype(str)
    twice = names.duplicated()
    if twice.any():
        row = int(np.argmax(twice.to_numpy()))
        raise BackendError(
            str(path), got=f"{int(twice.sum())} repeated sample ids (first: row {row})", allowed="one row per sample", todo="Remove them"
        )
    return {name: row for row, name in enumerate(names)}


def _check(vectors: NDArray[np.float32], status: NDArray[np.int8], options: TemplatesOptions) -> None:
    acquired = status == Status.ACQUIRED
    bad = acquired & ~np.isfinite(vectors).all(axis=1)
    what = "NaN or infinity"
    if not bad.any() and options.measure == "cosine":
        bad, what = acquired & ~vectors.any(axis=1), "zeros only, for which cosine has no value"
    if bad.any():
        raise BackendError(
            str(options.path),
            got=f"{what} in {int(bad.sum())} templates (first: row {int(bad.argmax())})",
            allowed="finite templates",
            todo="Give such rows a status, e.g. ERROR or NO_FACE, in place of a template",
        )


def _rule(options: TemplatesOptions, vectors: NDArray[np.float32]) -> ScoreRule:
    """Take the rule from the options; bounds that are not given are those the norms of these templates imply."""
    kind = options.kind or ("dissimilarity" if options.measure == "euclidean" else "similarity")
    longest = float(np.sqrt(np.square(vectors.astype(np.float64)).sum(axis=1).max())) if len(vectors) else 1.0
    low, high = {"cosine": (-1.0, 1.0), "euclidean": (-2 * longest, 0.0), "inner": (-(longest**2), longest**2)}[options.measure]
    low, high = low if options.low is None else options.low, high if options.high is None else options.high
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise BackendError("backend.options.low", got=f"low {low}, high {high}", allowed="low < high", todo="A distance of 2 is a score of -2")
    unit = options.unit or ("distance" if kind == "dissimilarity" else "similarity")
    return ScoreRule(options.measure, kind, low, high, options.default_threshold, unit)
