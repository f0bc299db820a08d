"""What the templates say before anything is compared: which are one and the same, and why some are not there.

In: a benchmark's samples and what the matcher made of them. Out: the benchmark with marks on samples that share a
template, and counts of reasons. Its one idea: two photographs of different bytes that give the same numbers to the
last bit are one photograph stored twice, an export that wrote one row twice, or a matcher that sees no difference;
none of these is a comparison of two photographs, and many of them are no matcher.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Status
from audit.base.errors import BackendError
from audit.benchmark.manifest import Benchmark
from audit.benchmark.on_disk import LEFT_OUT
from audit.benchmark.same_bytes import mark
from audit.embeddings.extract import Extracted

__all__ = ["COLLAPSED_SHARE", "first_errors", "in_words", "same_templates", "without_template"]

COLLAPSED_SHARE = 0.05
"""Where more than one template in twenty is another person's, to the last bit, there is nothing to audit."""

_MOST_REASONS = 20
_ALIKE = (
    "so it is one photograph filed under several people, a row exported twice, or a "
    "difference that the matcher does not see"
)


def same_templates(benchmark: Benchmark, extracted: Extracted, rows: NDArray[np.int64]) -> tuple[Benchmark, list[str]]:
    """Mark samples that share a template; ``rows`` says where each sample is among the extracted. Gives the new notes
    too.

    Raises
    ------
    BackendError
        More than ``COLLAPSED_SHARE`` of the templates are shared by several people.
    """
    acquired = extracted.acquired[rows] & (benchmark.samples[LEFT_OUT] == "").to_numpy(bool)
    # "+ 0" makes one of the two zeros
    keys = [
        hashlib.sha256((extracted.vectors[row] + 0).tobytes()).hexdigest() if one else ""
        for row, one in zip(rows, acquired, strict=True)
    ]
    samples, same = mark(benchmark.samples, keys)
    if same.conflicting > COLLAPSED_SHARE * int(acquired.sum()):
        raise BackendError(
            "templates",
            got=f"{same.conflicting:,} of {int(acquired.sum()):,} templates are another person's to the "
            f"last bit ({same.contents:,} different ones)",
            allowed=f"templates that tell people apart; up to {COLLAPSED_SHARE:.0%} alike are left out and counted",
            todo="Check what made them: `face-audit backend check`, the photographs it was given, or the file's rows",
        )
    notes = same.notes("template", _ALIKE)
    return replace(benchmark, samples=samples, notes=(*benchmark.notes, *notes)), notes


def without_template(benchmark: Benchmark, extracted: Extracted, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Status, reason and number of the samples that were tried and gave no template, the commonest first; rare reasons
    beyond 20 as one.
    """
    tried = (benchmark.samples[LEFT_OUT] == "").to_numpy(bool)
    found = Counter(
        (Status(int(extracted.status[row])).name, extracted.reasons[row] or "no reason given")
        for row, one in zip(rows, tried, strict=True)
        if one and extracted.status[row] != Status.ACQUIRED
    )
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    out = [
        {"status": status, "reason": reason, "samples": count} for (status, reason), count in ranked[:_MOST_REASONS]
    ]
    rest = sum(count for _, count in ranked[_MOST_REASONS:])
    return out + (
        [{"status": "", "reason": f"{len(ranked) - _MOST_REASONS} further reasons", "samples": rest}] if rest else []
    )


def first_errors(extracted: Extracted, rows: NDArray[np.int64]) -> dict[str, int]:
    """Reason of each ERROR to the place of the first sample that has it, counted from 1: whoever writes a backend can
    look at that photograph.
    """
    found: dict[str, int] = {}
    for place, row in enumerate(rows):
        if extracted.status[row] == Status.ERROR:
            found.setdefault(extracted.reasons[row], place + 1)
    return found


def in_words(failures: list[dict[str, Any]], samples: int, first: Mapping[str, int] | None = None) -> str:
    """One sentence; empty where every sample gave a template. ``first`` as of ``first_errors``."""
    if not failures:
        return ""

    def words(row: Mapping[str, Any]) -> str:
        place = (first or {}).get(row["reason"]) if row["status"] == Status.ERROR.name else None
        where = f"; first: photograph {place:,} of {samples:,}" if place else ""
        return f"{row['samples']:,} {row['status'].replace('_', ' ').lower()} ({row['reason']}{where})"

    return (
        f"No template from {sum(row['samples'] for row in failures):,} of {samples:,} photographs: "
        f"{'; '.join(map(words, failures))}."
    )
