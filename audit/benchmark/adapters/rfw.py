"""Racial Faces in-the-Wild: four folders of people, and four lists of hard-mined pairs.

In: ``test/`` as published, with ``data/<race>/<person>/<person>_0001.jpg`` and ``txts/<race>/<race>_pairs.txt``. Out:
native rows and pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.tables import text_lines
from audit.benchmark.adapters import Native, ids_option, need_file, need_folder, people
from audit.benchmark.card import Card
from audit.benchmark.tables import key, photographs_in

__all__ = ["RACES", "pairs", "read"]

RACES = ("African", "Asian", "Caucasian", "Indian")


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read all four folders; a person is known by race and folder together, and by their hash afterwards."""
    how = ids_option(options)
    root = need_folder(card, data_dir, "data", "test/data", "RFW/test/data")
    rows = [(path, *path.split("/")) for path in photographs_in(root, (3,)) if path.split("/")[0] in RACES]
    frame = pd.DataFrame(rows, columns=["path", "race", "person", "file"], dtype="str")
    frame["subject_id"] = people(frame["race"] + "/" + frame["person"], how, "folders of people").map(key)
    frame["sample_id"] = [
        _sample(race, person, file)
        for race, person, file in zip(frame["race"], frame["person"], frame["file"], strict=True)
    ]
    lacking = sorted(set(RACES) - set(frame["race"]))
    return Native(frame, root, notes=tuple(f"no photographs for {race}" for race in lacking))


def _sample(race: str, person: str, file: str) -> str:
    number = Path(file).stem.rpartition("_")[2]
    return (
        f"{key(f'{race}/{person}')}_{int(number):04d}"
        if number.isdigit()
        else f"{key(f'{race}/{person}')}_{key(file)}"
    )


def pairs(card: Card, data_dir: Path) -> pd.DataFrame:
    """Read the published pairs: per race 10 folds of 300 mated, then 300 non-mated.

    Lines are "person, n, m" or "person, n, person, m", separated by tabs, without a header.

    Returns
    -------
    DataFrame
        fold (1..10), a, b, mated, race.

    Raises
    ------
    BenchmarkError
        A list missing, or a line that is no pair.
    """
    rows: list[tuple[int, str, str, bool, str]] = []
    for race in RACES:
        path = need_file(
            card, data_dir, *(f"{where}txts/{race}/{race}_pairs.txt" for where in ("", "test/", "RFW/test/"))
        )
        for place, (number, line) in enumerate(text_lines(path)):
            cells = line.strip().split("\t")
            try:
                if len(cells) == 3:
                    a, b, mated = (cells[0], int(cells[1])), (cells[0], int(cells[2])), True
                else:
                    name_a, n, name_b, m = cells
                    a, b, mated = (name_a, int(n)), (name_b, int(m)), False
            except ValueError as error:
                raise BenchmarkError(
                    f"{race}_pairs.txt, line {number}",
                    got="no pair",
                    allowed="person, n, m or person, n, person, m",
                    todo="Unpack it again",
                ) from error
            first, second = (f"{key(f'{race}/{name}')}_{photo:04d}" for name, photo in (a, b))
            rows.append((place // 600 + 1, first, second, mated, race))
    return pd.DataFrame(rows, columns=["fold", "a", "b", "mated", "race"])
