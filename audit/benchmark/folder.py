"""A card and a folder in, the samples whose photographs are there out.

Its one idea: what is not on disk is counted and said, or refused, and never found out in the middle of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from audit.base.download import Progress
from audit.base.errors import BenchmarkError
from audit.benchmark import fetch
from audit.benchmark.adapters import Native
from audit.benchmark.card import Card
from audit.benchmark.on_disk import LEFT_OUT, MISSING, locate, refuse_many, unlisted

__all__ = ["folder_of", "on_disk"]


def folder_of(
    card: Card, data_dir: Path | None, variant: str, offline: bool, progress: Progress | None
) -> Path | None:
    """Where the photographs lie: the folder given, or the one they are fetched to; None for a benchmark of templates
    that needs none.
    """
    if card.holds == "templates":
        return data_dir
    if data_dir is not None:
        if not data_dir.is_dir():
            raise BenchmarkError(
                "--data",
                got="a folder that does not exist",
                allowed=card.layout or f"the folder with {card.title}",
                todo="Check the path",
            )
        return data_dir.resolve()
    wanted = variant or next((file.variant for file in card.files if file.variant), "")
    return fetch.ensure(
        card, fetch.default_data_dir(card.name), variant=wanted, offline=offline, progress=progress
    ).resolve()


def on_disk(
    card: Card, native: Native, folder: Path, samples: pd.DataFrame, chosen: Mapping[str, str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Find the photographs, mark those that are not there, and say what is odd; none at all, many or one outside the
    folder are refused.
    """
    where = f"benchmark {card.name}, data directory"
    row_of = {str(one): row for row, one in enumerate(native.samples["sample_id"], start=1)}
    found = locate(list(samples["path"]), native.root, folder)
    if found.outside:
        first = min(row_of.get(str(samples["sample_id"].iloc[place]), 0) for place in found.outside)
        raise BenchmarkError(
            where,
            got=f"paths of {len(found.outside):,} photographs that lead out of it (first: row {first})",
            allowed="files inside the data folder: no other absolute paths, no ../ and no links out of it",
            todo="Give --data the folder that holds them all, or copy them into it",
        )
    if not any(found.paths):
        raise BenchmarkError(
            where,
            got=f"labels of {len(samples):,} photographs, but none of them",
            allowed=card.layout,
            todo="Check that --data is the right folder",
        )
    paths = [there or path for there, path in zip(found.paths, samples["path"], strict=True)]
    samples = samples.assign(path=paths, **{LEFT_OUT: ["" if there else MISSING for there in found.paths]})
    columns = [(role, column) for role, column in chosen.items() if not card.attributes[column].numeric]
    missing = refuse_many(samples, columns, row_of, where)
    respelled = (
        f"{found.respelled:,} photographs were found under another spelling of their path (case, "
        f"form of letters, slashes or spaces)."
        if found.respelled
        else ""
    )
    whole = (
        folder if native.root.is_relative_to(folder) else native.root
    )  # what lies beside the chosen folder is no less overlooked
    return samples, tuple(filter(None, (missing, respelled, unlisted(whole, found.paths))))
