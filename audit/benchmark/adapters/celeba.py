"""CelebA: attributes per photograph, so one person can carry both values of an attribute, and then counts as disputed.

In: ``list_attr_celeba.txt`` (number of photographs, attribute names, then file and +1 or -1 per attribute),
``identity_CelebA.txt`` (file, number of the person) and ``img_align_celeba/``. Out: native rows with the attributes
that the card names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.tables import text_lines
from audit.benchmark.adapters import Native, need_file, need_folder, option
from audit.benchmark.card import Card
from audit.benchmark.tables import key

__all__ = ["read"]


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read photographs, people and attributes.

    Raises
    ------
    BenchmarkError
        A file missing, a count that is not the list's, or a photograph without a person.
    """
    option(options, {})
    root = need_folder(card, data_dir, "img_align_celeba", "Img/img_align_celeba", "img_celeba", "Img/img_celeba")
    path = need_file(card, data_dir, "list_attr_celeba.txt", "Anno/list_attr_celeba.txt")
    lines = [line for _, line in text_lines(path)]
    names = lines[1].split() if len(lines) > 1 else []
    rows = [line.split() for line in lines[2:] if line.strip()]
    lacking = [column for column in card.attributes if column not in names]
    if lacking or lines[0].strip() != str(len(rows)) or any(len(row) != len(names) + 1 for row in rows):
        raise BenchmarkError(
            path.name,
            got=f"no attribute {lacking[0]}"
            if lacking
            else f"{len(rows)} rows under a header that says {_count(lines)}",
            allowed="number of photographs, attribute names, then one row per photograph",
            todo="Fetch it again",
        )
    frame = pd.DataFrame(rows, columns=["path", *names], dtype="str")
    people = need_file(card, data_dir, "identity_CelebA.txt", "Anno/identity_CelebA.txt")
    whose = [line.split() for _, line in text_lines(people)]
    person = dict(one for one in whose if len(one) == 2)
    known = frame["path"].map(person)
    if known.isna().any() or len(person) != len(whose):
        got = (
            f"no person for {int(known.isna().sum())} photographs"
            if known.isna().any()
            else "lines that are no pair, or a photograph twice"
        )
        raise BenchmarkError(
            "identity_CelebA.txt", got=got, allowed="a file and a person in every line", todo="Fetch it again"
        )
    frame["subject_id"] = known.map(key)
    frame["sample_id"] = frame["path"].map(lambda one: Path(one).stem)
    return Native(frame, root)


def _count(lines: list[str]) -> str:
    """What the first line says, if it is a number; nothing else of a list is repeated."""
    said = lines[0].strip() if lines else ""
    return said if said.isdecimal() and len(said) < 12 else "no number"
