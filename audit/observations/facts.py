"""Card, matcher and counts in, ``audit.json`` out: what was tested and on whom, as plain values without clock or
machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import ScoreRule
from audit.benchmark.card import Card
from audit.benchmark.cells import Cells
from audit.benchmark.manifest import Benchmark

__all__ = ["FORMAT", "benchmark_facts", "card_facts", "counts", "matcher_facts", "sums"]

FORMAT = 2
"""Of a results directory; results of another format are read by the version that wrote them."""


def _attribute(card: Card, column: str) -> dict[str, Any]:
    attribute = card.attributes[column]
    return {
        "column": column,
        "role": attribute.role,
        "title": attribute.title,
        "kind": attribute.kind,
        "source": attribute.source,
        "categories": list(attribute.categories),
    }


def benchmark_facts(benchmark: Benchmark) -> dict[str, Any]:
    """Give what a reader must know of the photographs and of who made the labels."""
    columns = list(
        dict.fromkeys(
            [*benchmark.attributes.values(), *(c for other in benchmark.alternatives for c in other.columns.values())]
        )
    )
    return card_facts(benchmark.card, benchmark.attributes, columns, variant=benchmark.variant, notes=benchmark.notes)


def card_facts(
    card: Card, attributes: Mapping[str, str], columns: Sequence[str], *, variant: str = "", notes: Sequence[str] = ()
) -> dict[str, Any]:
    """Give what a card says, for the label columns that are used."""
    return {
        "name": card.name,
        "title": card.title,
        "homepage": card.homepage,
        "citation": list(card.citation),
        "licence": card.licence,
        "permitted_use": card.permitted_use,
        "people": card.people,
        "how_made": card.how_made,
        "variant": variant,
        "variant_title": card.variants[variant].title if variant in card.variants else "",
        "defects": list(card.defects),
        "caveats": list(card.caveats),
        "one_sample_per_subject": card.one_sample_per_subject,
        "attributes": dict(attributes),
        "labels": [_attribute(card, column) for column in columns],
        "agreement": [entry.model_dump(mode="json") for entry in card.agreement if set(entry.columns) <= set(columns)],
        "notes": list(notes),
    }


def matcher_facts(describe: dict[str, Any], name: str, fingerprint: str, rule: ScoreRule) -> dict[str, Any]:
    """Give product, version, rule and fingerprint of the matcher under audit."""
    return {
        "backend": name,
        **describe,
        "fingerprint": fingerprint,
        "measure": rule.measure,
        "kind": rule.kind,
        "unit": rule.unit,
        "default_threshold": rule.default_threshold,
    }


def counts(cells: Cells, attempted: NDArray[np.int32], acquired: NDArray[np.int32]) -> dict[str, Any]:
    """Give integers of the whole run; ``attempted`` and ``acquired`` are samples per person."""
    return sums(attempted, acquired, cells.names) | {"unlabelled": cells.reasons()}


def sums(attempted: NDArray[np.int32], acquired: NDArray[np.int32], cells: Sequence[str]) -> dict[str, Any]:
    """Give what follows from samples per person and the names of cells."""
    n = acquired.astype(np.int64)
    total, mated = int(n.sum()), int((n * (n - 1) // 2).sum())
    return {
        "subjects": int((attempted > 0).sum()),
        "subjects_acquired": int((acquired > 0).sum()),
        "samples": int(attempted.sum()),
        "acquired": total,
        "comparisons": total * (total - 1) // 2,
        "mated": mated,
        "non_mated": total * (total - 1) // 2 - mated,
        "cells": len([name for name in cells if name != "unlabelled"]),
        "share_of_ten_most_photographed": _top_share(n),
    }


def _top_share(n: NDArray[np.int64]) -> dict[str, float]:
    """Share of all comparisons, mated and non-mated, that involve the ten people with most samples."""
    total = int(n.sum())
    others = total - int(np.sort(n)[-10:].sum())
    mated_all = float((n * (n - 1) // 2).sum())
    rest = np.sort(n)[:-10]
    mated_rest = float((rest * (rest - 1) // 2).sum())
    non_all = total * (total - 1) / 2 - mated_all
    non_rest = others * (others - 1) / 2 - mated_rest
    return {
        "mated": 1 - mated_rest / mated_all if mated_all else 0.0,
        "non_mated": 1 - non_rest / non_all if non_all else 0.0,
    }
