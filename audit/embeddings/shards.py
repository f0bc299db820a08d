"""The bytes of one file of the template cache: extractions in, a npz out, and back.

The one idea: arrays, not objects. A shard is read into a handful of arrays and gives an ``Extraction`` when one is
asked for, so a cache of a million templates opens in seconds.
"""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Extraction, Status

__all__ = ["Shard", "pack", "unpack"]


class Shard(NamedTuple):
    """The arrays of one file: n rows, of which ``place`` says where an acquired one's vector is."""

    keys: NDArray[np.uint8]
    status: NDArray[np.int8]
    seconds: NDArray[np.float32]
    faces: NDArray[np.int32]
    vectors: NDArray[np.float32]
    place: NDArray[np.int64]
    quality: NDArray[np.float32]
    names: list[str]
    reasons: list[str]
    reason: NDArray[np.int32]

    def row(self, row: int) -> Extraction:
        """Build the extraction of one row."""
        status = Status(int(self.status[row]))
        return Extraction(
            status,
            self.vectors[self.place[row]] if status == Status.ACQUIRED else None,
            reason=self.reasons[self.reason[row]],
            faces=int(self.faces[row]),
            quality={
                name: float(value)
                for name, value in zip(self.names, self.quality[row], strict=True)
                if not np.isnan(value)
            },
            seconds=float(self.seconds[row]),
        )


def pack(items: dict[bytes, Extraction], dimensions: int) -> bytes:
    """Lay extractions out as a npz: one row each, vectors of the acquired rows only, reasons as codes into a list of
    the distinct ones.
    """
    rows = list(items.values())
    names = sorted({name for row in rows for name in row.quality})
    vectors = [row.template for row in rows if row.template is not None]
    reasons = sorted({row.reason for row in rows})
    code = {reason: place for place, reason in enumerate(reasons)}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        keys=np.frombuffer(b"".join(items), dtype=np.uint8).reshape(-1, 32),
        status=np.array([row.status for row in rows], dtype=np.int8),
        seconds=np.array([row.seconds for row in rows], dtype=np.float32),
        faces=np.array([row.faces for row in rows], dtype=np.int32),
        vectors=np.array(vectors, dtype=np.float32).reshape(-1, dimensions),
        quality=np.array(
            [[row.quality.get(name, np.nan) for name in names] for row in rows], dtype=np.float32
        ).reshape(len(rows), len(names)),
        quality_names=np.array(names, dtype=np.str_),
        reasons=np.array(reasons, dtype=np.str_),
        reason=np.array([code[row.reason] for row in rows], dtype=np.int32),
    )
    return buffer.getvalue()


def unpack(body: bytes, dimensions: int) -> Shard:
    """Undo ``pack``; raises ValueError or KeyError on another layout."""
    with np.load(io.BytesIO(body), allow_pickle=False) as npz:
        arrays = {name: npz[name] for name in npz.files}
    acquired = arrays["status"] == Status.ACQUIRED
    if arrays["vectors"].shape != (int(acquired.sum()), dimensions):
        raise ValueError(f"templates of shape {arrays['vectors'].shape}, not {dimensions} wide")
    return Shard(
        arrays["keys"],
        arrays["status"],
        arrays["seconds"],
        arrays["faces"],
        arrays["vectors"],
        np.cumsum(acquired) - 1,
        arrays["quality"],
        [str(name) for name in arrays["quality_names"]],
        [str(reason) for reason in arrays["reasons"]],
        arrays.get("reason", np.arange(len(acquired), dtype=np.int32)),  # the first shards held one reason a row
    )
