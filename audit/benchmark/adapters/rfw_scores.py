"""Scores of four matchers on RFW's pairs: no photographs, no people, only what a matcher said.

In: ``rfw_pair_scores.csv.gz`` (ethnicity, mated, one column per matcher). Out: pairs. Samples cannot be read from it,
and ``read`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.tables import as_numbers
from audit.base.tables import read as read_lines
from audit.benchmark.adapters import need_file
from audit.benchmark.card import Card

__all__ = ["pairs", "read"]


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> NoReturn:
    """Refuse: there are no samples."""
    raise BenchmarkError(
        f"benchmark {card.name}",
        got="a table of scores",
        allowed="photographs or templates",
        todo='Use backend "scores"',
    )


def pairs(card: Card, data_dir: Path) -> pd.DataFrame:
    """Read the scores.

    Returns
    -------
    DataFrame
        fold (0), a, b ("": not published), mated, race (the audit's word), then one float column per matcher; larger =
        more alike.

    Raises
    ------
    BenchmarkError
        A column missing, a value that is not on the card, a score that is not a number.
    """
    matchers = [str(one) for one in card.settings["matchers"]]
    path = need_file(card, data_dir, "rfw_pair_scores.csv.gz", "rfw_pair_scores.csv")
    table = read_lines(path, ["ethnicity", "mated", *matchers])
    words = {value: card.attributes["ethnicity"].word(value) for value in table.frame["ethnicity"].unique()}
    strange = table.frame["ethnicity"].map(lambda value: words[value] is None).to_numpy(bool)
    allowed = ", ".join(card.attributes["ethnicity"].categories)
    table.refuse("ethnicity", strange, "an ethnicity that is not on the card", allowed, "Check the file")
    mated = table.truth("mated", "", pairs=True) == 1
    out = pd.DataFrame({"fold": 0, "a": "", "b": "", "mated": mated, "race": table.frame["ethnicity"].map(words)})
    for matcher in matchers:
        scores = as_numbers(table.frame[matcher])
        table.refuse(matcher, ~np.isfinite(scores), "no finite number", "a number in every row", "Check the file")
        out[matcher] = scores
    return out
