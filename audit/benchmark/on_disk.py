"""Which photographs of a benchmark are in its folder, before any of them is read.

In: the benchmark's samples with their paths, the folder. Out: the same samples with the files that are there, and a
mark where there is none. Its one idea: a file that is not there says nothing about a matcher, so it is found out
before any template is made: a few are left out and counted, many are a wrong copy and refused. Nothing outside the
folder is ever opened, whatever a table's paths or a link in the folder say.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from audit.base.errors import BenchmarkError

__all__ = [
    "LEFT_OUT",
    "MISSING",
    "MISSING_GROUP_SHARE",
    "MISSING_SHARE",
    "PHOTO_ENDINGS",
    "Located",
    "locate",
    "refuse_many",
    "unlisted",
]

LEFT_OUT = "left_out"
"""Column of the samples: "" for a sample that is used, else why it is not."""
MISSING = "missing"

MISSING_SHARE = 0.05
"""More than one photograph in twenty that is not there is another copy than the labels are of, and refused."""
MISSING_GROUP_SHARE = 0.5
"""So is a group that lost more than half of its photographs."""

PHOTO_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".bmp",
    ".dib",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".gif",
    ".avif",
    ".heic",
    ".heif",
    ".jp2",
    ".j2k",
    ".jpx",
    ".jxl",
    ".raw",
    ".dng",
    ".cr2",
    ".nef",
    ".arw",
)

_PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")


@dataclass(frozen=True)
class Located:
    """Where the photographs are: N paths as text ("" where there is none), how many were found under another spelling,
    positions outside.
    """

    paths: tuple[str, ...]
    respelled: int
    outside: tuple[int, ...]


def locate(paths: Sequence[str], root: Path, data: Path) -> Located:
    """Find every file.

    Parameters
    ----------
    paths : sequence of N str
        Absolute, or relative to ``root``; "" where the benchmark has no photograph.
    root, data : Path
        What paths are relative to, and the folder that the user gave. Either may itself be reached over a link; what
        leaves both is outside.

    Returns
    -------
    Located
        A path that leads to no regular file is looked for again: composed and decomposed letters, upper and lower
        case, back-slashes and spaces at the ends of names are taken as one. Where exactly one file fits it is the
        photograph, else there is none.
    """
    inside = tuple(os.path.realpath(one) for one in (root, data))
    parents: dict[str, str] = {}
    found, outside, lost = [""] * len(paths), [], []
    for place, path in enumerate(paths):
        if not path:
            continue
        full = os.path.join(root, path)
        state = _state(full, parents, inside)
        if state == "there":
            found[place] = full
        elif state == "outside":
            outside.append(place)
        else:
            lost.append(place)
    respelled = 0
    if lost:
        others = _by_spelling(root)
        for place in lost:
            fits = others.get(_spelling(_below(paths[place], root)), [])
            if len(fits) == 1 and _state(fits[0], parents, inside) == "there":
                found[place] = fits[0]
                respelled += 1
    return Located(tuple(found), respelled, tuple(outside))


def _state(full: str, parents: dict[str, str], inside: tuple[str, ...]) -> str:
    """Say "there", "absent" (also: no regular file) or "outside"; a folder's real place is asked for once."""
    folder, name = os.path.split(full)
    try:
        if folder not in parents:
            parents[folder] = os.path.realpath(folder)
        real = os.path.join(parents[folder], name)
        if name in ("", ".", "..") or os.path.islink(real):
            real = os.path.realpath(real)
        if not any(real.startswith(one.rstrip(os.sep) + os.sep) for one in inside):
            return "outside"
        return "there" if stat.S_ISREG(os.stat(real).st_mode) else "absent"
    except (OSError, ValueError):  # no such file, a name too long, a NUL in it
        return "absent"


def _below(path: str, root: Path) -> str:
    return path.removeprefix(f"{root}{os.sep}")


def _spelling(path: str) -> str:
    """What a path is when letters' case and form, the slash's direction and spaces around names do not count."""
    parts = unicodedata.normalize("NFC", path).replace("\\", "/").split("/")
    return "/".join(
        unicodedata.normalize("NFC", part.strip().casefold()) for part in parts if part.strip() not in ("", ".")
    )


def _by_spelling(root: Path) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for folder, _, names in os.walk(root):
        below = os.path.relpath(folder, root)
        for name in names:
            out.setdefault(_spelling(f"{below}/{name}"), []).append(os.path.join(folder, name))
    return out


def refuse_many(samples: pd.DataFrame, columns: Sequence[tuple[str, str]], row_of: dict[str, int], where: str) -> str:
    """Say how many photographs are missing.

    Parameters
    ----------
    samples : DataFrame
        With ``LEFT_OUT`` marked.
    columns : sequence of (role, column)
        Of the labels that groups are made of.
    row_of : dict of sample id to int
        Row of each sample, from 1, where the benchmark lists it.
    where : str

    Returns
    -------
    str
        A note; "" where none is missing.

    Raises
    ------
    BenchmarkError
        More than ``MISSING_SHARE`` of all, or more than ``MISSING_GROUP_SHARE`` of one group.
    """
    gone = samples[LEFT_OUT] == MISSING
    if not gone.any():
        return ""
    first = min(row_of.get(str(one), 0) for one in samples.loc[gone, "sample_id"])
    said = (
        f"{int(gone.sum()):,} of {len(samples):,} photographs are not in "
        f"--data{_of_whom(samples, gone.tolist(), columns)}; first: row {first}"
    )
    labels = (
        ["|".join(words) for words in zip(*(samples[column].astype(str) for _, column in columns), strict=True)]
        if columns
        else [""] * len(gone)
    )
    all_, lost = Counter(labels), Counter(label for label, one in zip(labels, gone, strict=True) if one)
    emptied = sum(count > MISSING_GROUP_SHARE * all_[label] for label, count in lost.items())
    if gone.mean() > MISSING_SHARE or emptied:
        raise BenchmarkError(
            where,
            got=said,
            allowed=f"a copy that lacks at most {MISSING_SHARE:.0%} of its photographs, and at most "
            f"{MISSING_GROUP_SHARE:.0%} of any group's",
            todo="Check that --data is the folder that the paths start from and that the copy is complete, "
            "or take those rows out",
        )
    return f"{said}. They are left out and count as nobody's failure."


def _of_whom(samples: pd.DataFrame, gone: list[bool], columns: Sequence[tuple[str, str]]) -> str:
    """Which labels the missing carry, where that is telling."""
    telling = []
    for role, column in columns:
        words = samples[column].astype(str)
        found = Counter(words[gone])
        if len(found) == 1 and words.nunique() > 1:
            word = next(iter(found))
            telling.append(
                f"{'all' if found[word] == (words == word).sum() else 'only'} of {role}={word or 'unlabelled'}"
            )
    return f" ({', '.join(telling)})" if telling else ""


def _ending(name: str) -> str:
    """The ending of a file's name in small letters; of one that was packed once more, that of the photograph inside:
    ".ppm.bz2".
    """
    stem, ending = os.path.splitext(name.lower())
    inside = os.path.splitext(stem)[1]
    return inside + ending if ending in _PACKED and inside in PHOTO_ENDINGS else ending


def unlisted(root: Path, used: Sequence[str]) -> str:
    """A note on files below ``root`` that end like photographs and are in no sample; "" where there are none."""
    known = {os.path.normpath(path) for path in used if path}
    depths = Counter(path.count(os.sep) for path in known)
    endings: Counter[str] = Counter()
    deeper = 0
    usual = {os.path.splitext(path)[1].lower() for path in known}
    for folder, folders, names in os.walk(root):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            ending = _ending(name)
            path = os.path.normpath(os.path.join(folder, name))
            if (ending in PHOTO_ENDINGS or ending.count(".") > 1) and not name.startswith(".") and path not in known:
                endings[ending] += 1
                deeper += bool(depths) and path.count(os.sep) not in depths
    if not endings:
        return ""
    count = sum(endings.values())
    strange = ", ".join(
        f"{number:,} end in {ending}" for ending, number in sorted(endings.items()) if ending not in usual
    )
    reasons = "; ".join(filter(None, (strange, f"{deeper:,} lie at another depth of folders" if deeper else "")))
    return (
        f"{count:,} files in the data folder end like photographs and are none of this "
        f"benchmark's{f' ({reasons})' if reasons else ''}."
    )
