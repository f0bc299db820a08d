"""Which person has which number in a run: kept in the user's own cache, never in results.

In: a run's tallies and the order of its people. Out: a small file named after the tallies; later the same order back,
for showing a person their own photographs (``face-audit review``) and for comparing two runs on the same people. Its
one idea: results say nothing of who is who, so whoever ran the audit keeps that apart, readable by their owner only.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ResultsError
from audit.observations.tallies import Tallies

__all__ = ["Kept", "find", "keep", "link"]

TODO = "Run the audit again on this machine: templates are cached, and the same inputs give the same results"


class Kept(NamedTuple):
    """For each number, the person's place among the sorted subject ids; and which people these are, as a sum of their
    ids.
    """

    person: NDArray[np.int64]
    people: str


def _name(tallies: Tallies) -> str:
    """A run's tallies as a name: sha256 of what is counted of people and pairs."""
    found = hashlib.sha256()
    columns = [tallies.attempted, tallies.acquired, *(labelling.cell for labelling in tallies.labellings)]
    columns += [getattr(point, name) for point in (*tallies.points, *tallies.curve) for name in ("i", "j", "e", "f")]
    for column in columns:
        found.update(np.ascontiguousarray(column, dtype=np.int64).tobytes())
    return found.hexdigest()[:32]


def keep(cache: Path, tallies: Tallies, person: NDArray[np.int64], subject_ids: Sequence[str]) -> None:
    """Write the way back; a cache that cannot be written only means that there is none."""
    folder = cache / "people"
    people = hashlib.sha256("\n".join(subject_ids).encode()).hexdigest()
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:  # made 0600
            temporary = Path(file.name)
            np.savez_compressed(file, person=person.astype(np.int32), people=np.array(people))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / f"{_name(tallies)}.npz")
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def find(cache: Path, tallies: Tallies) -> Kept | None:
    """Give the way back of a run, where this machine's cache has it and it fits."""
    path = cache / "people" / f"{_name(tallies)}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            kept = Kept(data["person"].astype(np.int64), str(data["people"]))
    except Exception:  # noqa: BLE001 - absent or damaged: there is no way back
        return None
    return kept if np.array_equal(np.sort(kept.person), np.arange(tallies.subjects)) else None


def link(a: Kept, b: Kept) -> NDArray[np.int64]:
    """(S,) for each person of ``a`` their number in ``b``.

    Raises
    ------
    ResultsError
        Not the same people.
    """
    if a.people != b.people or len(a.person) != len(b.person):
        raise ResultsError(
            "compare",
            got="two runs on different people",
            allowed="two runs of one benchmark",
            todo="Run both on the same people",
        )
    number = np.empty(len(b.person), dtype=np.int64)
    number[b.person] = np.arange(len(b.person))
    return number[a.person]
