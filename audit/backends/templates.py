"""Precomputed templates: a table of vectors and sample ids in; one ``Extraction`` per asked sample out. No image is
read.

The one idea: whoever made the templates may keep the matcher and the photos. ``precomputed`` is true on this backend,
and the pipeline then calls ``lookup(sample_ids)`` (through ``audit.embeddings.extract.from_templates``) in place of
reading images.

Files
-----
``.npy``      (N, D) array; ``samples`` names a CSV with one row per vector: sample_id, and status and reason if known.
``.npz``      arrays ``vectors`` (N, D) and ``sample_id`` (N,), optionally ``status`` and ``reason`` (N,).
``.parquet``  column sample_id, one column ``vector`` (list of D numbers) or D columns ``v0`` ... ``v{D-1}``;
              optionally status and reason.

``id = "..."`` names another column, or array, than sample_id. An id is the sample's sample_id, or the path of its
photograph below the data folder, with or without its ending. Numbers that float32 does not hold stay float64, and are
compared so.

``status`` holds ``Status`` names or numbers: ACQUIRED, UNREADABLE, NO_FACE, MANY_FACES, ERROR. A failure's vector is
ignored. A sample of the benchmark that is not in the table is an error, not a silent failure to acquire: a gap in a
file and a face that was not found are different things.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from audit.backends.options import Options, file_sha256, fingerprint_of, parse_options
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.backends.template_files import Vectors, read
from audit.backends.useless import useless
from audit.base.errors import BackendError
from audit.base.words import sayable

__all__ = ["Templates", "TemplatesOptions", "make"]


class TemplatesOptions(Options):
    """Options under ``[backend.options]``. ``low`` and ``high`` bound the score (larger = more alike; a distance of 2
    is -2).
    """

    path: Path
    samples: Path | None = None
    measure: Literal["euclidean", "cosine", "inner"]
    kind: Literal["similarity", "dissimilarity"] | None = None
    low: float | None = None
    high: float | None = None
    default_threshold: float | None = None
    unit: str = ""
    id: str = Field(default="sample_id", min_length=1)
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
        self._vectors, table = read(options.path, options.samples, options.id)
        self.dimensions = int(self._vectors.shape[1])
        self._status = _statuses(table, options.path)
        self._reason = table["reason"].tolist() if "reason" in table else [""] * len(table)
        self._row = _index(table["sample_id"], options.path)
        _check(self._vectors, self._status, options)
        self.rule = _rule(options, self._vectors[self._status == Status.ACQUIRED])

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over the files and the options."""
        named = set() if self.options.id != "sample_id" else {"id"}
        chosen = self.options.model_dump(exclude={"path", "samples"} | named)
        return fingerprint_of(name=self.name, files=self._files(), options=chosen)

    def _files(self) -> list[str]:
        return [file_sha256(path) for path in (self.options.path, self.options.samples) if path]

    def describe(self) -> dict[str, Any]:
        """What the config declares of the matcher, and the files' sha256."""
        said = self.options.model_dump(include={"matcher", "matcher_version", "licence", "training_data", "measure"})
        return {
            "product": self.options.matcher,
            "version": self.options.matcher_version,
            "precomputed": True,
            "files": self._files(),
            **said,
        }

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """Always refused: there is no matcher here, only what it once made."""
        raise BackendError(
            "backend 'templates'",
            got="images",
            allowed="sample ids",
            todo="Use a backend that can see, or lookup(sample_ids)",
        )

    def lookup(self, sample_ids: Sequence[str], paths: Sequence[str] = ()) -> list[Extraction]:
        """One ``Extraction`` per sample, in order; the template is float64 where the file holds more than float32
        does.

        Parameters
        ----------
        sample_ids : sequence of N str
        paths : sequence of N str, optional
            The photographs' paths below the data folder. The file's ids may be these in place of the sample ids, with
            or without the ending: what most of its ids are, all must be.

        Raises
        ------
        BackendError
            A sample is not in the table.
        """
        ways = [[str(one) for one in sample_ids]]
        if len(paths) == len(ways[0]):
            plain = [_plain(one) for one in paths]
            ways += [plain, [one.rpartition(".")[0] or one for one in plain]]
        spelled = {_plain(name): row for name, row in self._row.items()}
        known = (
            spelled if len(spelled) == len(self._row) else self._row
        )  # where two ids differ in nothing else, each stands for itself
        found = [[known.get(one, self._row.get(one)) for one in way] for way in ways]
        rows = min(found, key=lambda way: way.count(None))
        absent = rows.count(None)
        if absent:
            raise BackendError(
                str(self.options.path),
                got=f"no row for {absent} of {len(rows)} samples (first: sample {rows.index(None)} of the benchmark)",
                allowed="one row per sample; its id is the sample_id, or the photograph's path below the data "
                "folder, with or without its ending; "
                "failures to acquire have a status such as NO_FACE",
                todo="Add the rows, or name the column that holds such ids: id = ...",
            )
        if len(set(rows)) < len(rows):
            raise BackendError(
                str(self.options.path),
                got="one row for two samples",
                allowed="one row per sample",
                todo="Use paths with their endings",
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


def _statuses(table: pd.DataFrame, path: Path) -> NDArray[np.int8]:
    if "status" not in table:
        return np.zeros(len(table), dtype=np.int8)
    known = {name: int(value) for name, value in Status.__members__.items()} | {
        str(int(value)): int(value) for value in Status
    }
    codes = [known.get(str(value).strip().upper()) for value in table["status"]]
    if None in codes:
        row, words = codes.index(None), [str(value) for value in table["status"]]
        got = f"a status that is none in row {row} ({sayable(words, [words[row]])})"
        raise BackendError(str(path), got=got, allowed=", ".join(Status.__members__), todo="Correct it")
    return np.array(codes, dtype=np.int8)


def _plain(path: str) -> str:
    """A path as it is spelled here: forward slashes, composed letters, no "./" before it."""
    return unicodedata.normalize("NFC", path.strip().replace("\\", "/")).removeprefix("./")


def _index(ids: pd.Series, path: Path) -> dict[str, int]:
    names = ids.astype(str)
    twice = names.duplicated()
    if twice.any():
        row = int(np.argmax(twice.to_numpy()))
        raise BackendError(
            str(path),
            got=f"{int(twice.sum())} repeated sample ids (first: row {row})",
            allowed="one row per sample",
            todo="Remove them",
        )
    return {name: row for row, name in enumerate(names)}


def _check(vectors: Vectors, status: NDArray[np.int8], options: TemplatesOptions) -> None:
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


def _rule(options: TemplatesOptions, vectors: Vectors) -> ScoreRule:
    """Take the rule from the options; bounds that are not given are those the norms of these templates imply."""
    kind = options.kind or ("dissimilarity" if options.measure == "euclidean" else "similarity")
    longest = _longest(vectors)
    low, high = {
        "cosine": (-1.0, 1.0),
        "euclidean": (-2 * longest, 0.0),
        "inner": (-(longest * longest), longest * longest),
    }[options.measure]
    low, high = low if options.low is None else options.low, high if options.high is None else options.high
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise BackendError(
            "backend.options.low",
            got=f"low {low}, high {high}",
            allowed="low < high",
            todo="A distance of 2 is a score of -2",
        )
    unit = options.unit or ("distance" if kind == "dissimilarity" else "similarity")
    return ScoreRule(options.measure, kind, low, high, options.default_threshold, unit)


def _longest(vectors: Vectors) -> float:
    """Largest norm of the rows."""
    if not len(vectors):
        return 1.0
    with np.errstate(over="ignore"):
        plain = float(np.sqrt(np.square(vectors.astype(np.float64)).sum(axis=1).max()))
    if math.isfinite(plain) and plain > 1e-150:
        return plain
    largest = float(np.abs(vectors).max())  # squares leave float64: scaled
    return (
        largest * float(np.sqrt(np.square(vectors.astype(np.float64) / largest).sum(axis=1).max())) if largest else 1.0
    )
