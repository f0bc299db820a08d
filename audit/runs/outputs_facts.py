"""What is said of an audit of outputs (``audit.json``): configuration, card facts and a few counts in, plain values
out.

Its one idea: nearly all of it follows from the configuration and from the tables of counts, so ``verify`` makes it
again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from audit.config import AuditConfig
from audit.observations.facts import FORMAT
from audit.outputs.options import CandidatesOptions, Options, ScoresOptions, parse

__all__ = ["about_outputs", "options_of"]

_LIMITED = {
    "scores": (
        "This audit was made from scores alone. Nobody here saw a photo or ran the matcher.",
        " The file does not say who the people are, so no interval can be given.",
    ),
    "candidates": (
        "This audit was made from lists of candidates alone. Nobody here saw a photo or ran the matcher.",
        " The file does not say who is searched for, so no interval can be given.",
    ),
}


def options_of(config: AuditConfig) -> tuple[ScoresOptions | CandidatesOptions, bool]:
    """The options of the outputs, and whether their people are known."""
    if config.backend.name == "scores":
        scores = parse(ScoresOptions, config.backend.options)
        return scores, bool(scores.subject_a)
    lists = parse(CandidatesOptions, config.backend.options)
    return lists, bool(lists.subject)


def about_outputs(
    config: AuditConfig, benchmark: Mapping[str, Any], given: Mapping[str, Any], counted: Mapping[str, Any]
) -> dict[str, Any]:
    """``audit.json``.

    Parameters
    ----------
    config : AuditConfig
    benchmark : mapping
        Facts of the card.
    given : mapping
        ``file``, ``sha256`` and ``rows`` of the table that was read.
    counted : mapping
        What is counted of it.
    """
    options, known = options_of(config)
    always, unknown = _LIMITED[config.backend.name]
    return {
        "format": FORMAT,
        "name": config.name,
        "benchmark": dict(benchmark),
        "matcher": _matcher(config.backend.name, options, str(given["sha256"])),
        "input": dict(given),
        "people_known": known,
        "weighting": "people" if known else "comparisons",
        "limited": always + ("" if known else unknown),
        "protocol": None,
        "counts": dict(counted),
    }


def _matcher(name: str, options: Options, sha256: str) -> dict[str, Any]:
    source = json.dumps({"file": sha256, **options.model_dump(mode="json")}, sort_keys=True)
    return {
        "backend": name,
        "product": options.product or "a matcher known by its outputs",
        "version": options.version,
        "description": options.description,
        "fingerprint": hashlib.sha256(source.encode()).hexdigest(),
        "measure": options.measure,
        "kind": options.kind,
        "unit": options.unit,
        "default_threshold": options.default_threshold,
    }
