"""Scores of four matchers on RFW's pairs: no photographs, no people, only what a matcher said.

In: ``rfw_pair_scores.csv.gz`` (ethnicity, mated, one column per matcher). Out: pairs. Samples cannot be read from it, and ``read`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.tables import as_numbers
from audit.benchmark.adapters import need_file
from audit.benchmark.card import Card
from audit.benchmark.tables import read_table

__all__ = ["pairs", "read"]


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> NoReturn:
    """Refuse: there are no samples."""
    raise BenchmarkError(f"benchmark {card.name}", got="a table of scores", allowed="photographs or templates", todo='Use backend "scores"')


def pairs(card: Card, data_dir: Path) -> pd.DataFrame:
    """Read the scores.

    Returns
    -------
    DataFrame
        fold (0), a, b ("": not published), mated, race (the audit's word), then one float column per matcher; larger = more alike.

    Raises
    ------
    BenchmarkError
        A column missing, a value that is not on the card, a score that is not a number.
    """
    matchers = [str(one) for one in card.settings["matchers"]]
    path = need_file(card, data_dir, "rfw_pair_scores.csv.gz", "rfw_pair_scores.csv")
    table = read_table(path, columns=["ethnicity", "mated", *matchers])
    words = {value: card.attributes["ethnicity"].word(value) for value in table["ethnicity"].unique()}
    if None in words.values() or not table["mated"].isin(["0", "1"]).all():
        raise BenchmarkError(path.name, got="an ethnicity or a value of mated that is not on the card", allowed="see the card", todo="Check the file")
    out = pd.DataFrame({"fold": 0, "a": "", "b": "", "mated": table["mated"] == "1", "race": table["ethnicity"].map(words)})
    for matcher in matchers:
        out[matcher] = as_numbers(table[matcher])
        if out[matcher].isna().any():
            raise BenchmarkError(f"{path.name}, {matcher}", got="scores that are not numbers", allowed="a number in every row", todo="Check the file")
    return out
