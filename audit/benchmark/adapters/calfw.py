"""CALFW and CPLFW: LFW's people again, paired across age or pose.

In: ``aligned images/<Person_Name>_0001.jpg`` and ``pairs_CALFW.txt`` (or CPLFW), two lines per pair: "file fold", fold
1..10 in a mated pair and 0 in a non-mated one. Out: native rows with the labels of LFW's card, joined by the same
hash, and pairs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.tables import text_lines
from audit.benchmark.adapters import Native, need_file, need_folder, option
from audit.benchmark.card import Card
from audit.benchmark.tables import key, photographs_in, read_table

__all__ = ["pairs", "read"]


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read the photographs; people whom LFW's label table does not know have no labels.

    sample_id is ``<hash of the person>_<number>``, as in LFW, but numbers do not mean the same photographs as there.
    """
    option(options, {})
    root = need_folder(card, data_dir, "aligned images", "images", ".")
    frame = pd.DataFrame({"path": [path for path in photographs_in(root, (1,)) if path[-8:-4].isdigit()]}, dtype="str")
    frame["sample_id"] = frame["path"].map(_sample)
    frame["subject_id"] = frame["sample_id"].str.partition("_")[0]
    labels = read_table(
        (card.folder / str(card.settings.get("labels", "../lfw/labels.csv.gz"))).resolve(), columns=["subject_id"]
    )
    frame = frame.merge(labels, on="subject_id", how="left", validate="many_to_one").fillna("")
    people = set(frame["subject_id"])
    strange, every = len(people - set(labels["subject_id"])), len(people)
    said = f"LFW's label table knows {every - strange:,} of {every:,} people; the others are unlabelled."
    return Native(frame, root, notes=(said,) if strange else ())


def _sample(file: str) -> str:
    name, _, number = Path(file).stem.rpartition("_")
    return f"{key(name)}_{number}"


def pairs(card: Card, data_dir: Path) -> pd.DataFrame:
    """Read the pairs; non-mated ones have no fold in the file and get theirs from the order of the list, or 0 where
    that does not tell.

    Raises
    ------
    BenchmarkError
        No list, an odd number of lines, or two lines of a pair that disagree.
    """
    path = need_file(card, data_dir, f"pairs_{card.name.upper()}.txt")  # both lists may lie in one folder
    lines = [(number, line.split()) for number, line in text_lines(path)]
    rows = []
    for place, ((number, one), (_, two)) in enumerate(zip(lines[::2], lines[1::2], strict=False)):
        if len(one) != 2 or len(two) != 2 or one[1] != two[1] or not re.fullmatch("[0-9]{1,4}", one[1]):
            raise BenchmarkError(
                f"{path.name}, line {number}, pair {place + 1}",
                got="two lines that are no pair",
                allowed="two lines of a file name and one common number",
                todo="Unpack it again",
            )
        rows.append((int(one[1]), _sample(one[0]), _sample(two[0]), one[1] != "0"))
    if len(lines) % 2:
        raise BenchmarkError(
            path.name, got=f"{len(lines)} lines", allowed="two lines per pair", todo="Unpack it again"
        )
    return _with_folds(pd.DataFrame(rows, columns=["fold", "a", "b", "mated"]))


def _with_folds(pairs: pd.DataFrame) -> pd.DataFrame:
    """Give non-mated pairs the folds of the list's order: as many to each fold as it has mated ones, fold by fold.

    So the published protocol reads the list (ten folds of consecutive pairs, one half of each kind). Only where the
    mated pairs stand in the order of their folds and there are as many pairs of both kinds; elsewhere nobody can tell,
    and they stay in fold 0.
    """
    mated = pairs.loc[pairs["mated"], "fold"]
    free = ~pairs["mated"]
    if not mated.is_monotonic_increasing or int(free.sum()) != len(mated):
        return pairs
    return pairs.assign(
        fold=pairs["fold"].mask(free, pd.Series(mated.to_numpy(), index=pairs.index[free])).astype("int64")
    )
