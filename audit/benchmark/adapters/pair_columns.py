"""A list of pairs in, which of its columns says what out."""

from __future__ import annotations

from pathlib import Path

from audit.base.errors import BenchmarkError

__all__ = ["PAIR_NAMES", "other_lists", "pair_column"]


def other_lists(data_dir: Path, used: str, table: str) -> tuple[str, ...]:
    """Say which files look like lists of pairs and are not read."""
    lists = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".gz")
    found = [
        path.name for path in data_dir.iterdir() if "pair" in path.name.casefold() and path.suffix.lower() in lists
    ]
    others = sorted(name for name in found if name not in (used, table))
    if not others:
        return ()
    more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
    return (
        f"{others[0][:100]}{more} in the data folder looks like a list of pairs and is not read; "
        f"benchmark.options.pairs names the list.",
    )


PAIR_NAMES: dict[str, tuple[str, ...]] = {
    "a": ("a", "image1", "img1", "image_1", "path1", "file1", "left", "image_a"),
    "b": ("b", "image2", "img2", "image_2", "path2", "file2", "right", "image_b"),
    "mated": ("mated", "label", "same", "is_same", "issame", "genuine", "match", "same_person"),
}
"""Header words of a pair list, in lower case; the first is this project's own."""


def pair_column(part: str, columns: list[str], name: str) -> str:
    """The one column of a pair list that is called as ``part`` may be; raises BenchmarkError where none or several
    are.
    """
    found = [part] if part in columns else [one for one in columns if str(one).lower() in PAIR_NAMES[part]]
    if len(found) != 1:
        got = f"{'no' if not found else 'more than one'} column for {part}"
        raise BenchmarkError(
            name, got=got, allowed=", ".join(PAIR_NAMES[part]), todo="Rename the columns: a, b, mated"
        )
    return found[0]
