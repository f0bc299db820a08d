"""The folder of ``face-audit compare``: the table, what was compared, who is who in both, the page, sums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import ResultsError
from audit.results.content import as_json, npz, unpack
from audit.results.files import digest, put, sibling
from audit.results.result import AuditResult
from audit.results.sums import checksum_errors
from audit.words.columns import csv_bytes

__all__ = ["comparison_people", "write_comparison"]


def comparison_people(folder: Path) -> NDArray[np.int64] | None:
    """(S,) which person of A is which of B, from a comparison's folder; None where there is none."""
    if not (folder / "people.npz").is_file() or checksum_errors(folder):
        return None
    number = unpack(folder / "people.npz")["number_in_b"].astype(np.int64)
    return number if np.array_equal(np.sort(number), np.arange(len(number))) else None


def write_comparison(
    target: Path,
    a: AuditResult,
    b: AuditResult,
    number: NDArray[np.int64],
    table: pd.DataFrame,
    page: bytes,
    *,
    replace: bool,
) -> None:
    """Write the folder of ``face-audit compare``: the table, what was compared
    and who is who in both, the page, sums.
    """
    if target.exists() and not replace:
        raise ResultsError(
            str(target),
            got="a folder that already exists",
            allowed="a new name",
            todo="Give --replace, or another --out",
        )
    if target.exists() and not (target / "comparison.csv").is_file():
        raise ResultsError(
            str(target),
            got="a folder that holds no comparison",
            allowed="a comparison to replace",
            todo="Choose another --out",
        )
    about = {
        "a": {"name": a.config.name, "digest": digest(a), "matcher": a.about["matcher"]},
        "b": {"name": b.config.name, "digest": digest(b), "matcher": b.about["matcher"]},
        "benchmark": a.about["benchmark"],
    }
    files = {"comparison.csv": csv_bytes(table), "comparison.json": as_json(about), "report.html": page}
    files["people.npz"] = npz({"number_in_b": number.astype(np.int32)})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(
            str(target.parent), got=f"cannot be written ({error.strerror})", todo="Choose another --out"
        ) from error
    with sibling(target) as temporary:
        put(temporary, files)
