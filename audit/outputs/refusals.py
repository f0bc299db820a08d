"""What a black-box audit was asked for and cannot say: ``refused.csv``, one row each: what, why, what would be needed.

Its one idea: a missing number has a name and a reason, so nobody takes it for a zero or for an oversight.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from audit.outputs.options import CandidatesOptions
from audit.words import columns

__all__ = ["for_candidates", "for_scores"]


class _Row(NamedTuple):
    """One question that is refused."""

    what: str
    why: str
    needs: str


_PHOTOS: tuple[_Row, ...] = (
    _Row(
        "Photos that never got in (FTA), and rates that count them",
        "The file holds outputs only. A missing score may be a photo without a template, a pair "
        "nobody compared, or a row left out.",
        "For each group, photos tried and photos without a template.",
    ),
    _Row(
        "Whether labels and identities are right",
        "There is no photo to look at. A wrong identity looks like an error of the matcher, or hides one.",
        "The photos, or a review by somebody who may see them.",
    ),
    _Row(
        "Image quality, pose and age as explanations",
        "There is no photo to measure.",
        "The photos, or their quality measures beside the scores.",
    ),
)
_NOBODY: tuple[_Row, ...] = (
    _Row(
        "An interval for any rate or ratio, and how sure a difference is",
        "No subject ids. Comparisons that share a person are not independent, and without ids "
        "nobody knows which do. An interval that forgets this "
        "is far too narrow.",
        "Ids of the people, in the same file. Opaque numbers are enough.",
    ),
    _Row(
        "Rates by people (two random people, one photo each)",
        "No subject ids: how often each person was compared is not known.",
        "Ids of the people. Opaque numbers are enough.",
    ),
    _Row(
        "The smallest gap that these people would usually show",
        "No subject ids: how many people there are is not known.",
        "Ids of the people.",
    ),
)


def for_scores(rates: pd.DataFrame, *, known: bool) -> pd.DataFrame:
    """What pair scores cannot tell, given which kinds of pairs there were.

    Parameters
    ----------
    rates : DataFrame
        ``rates.csv``.
    known : bool
        Whether the file has subject ids.
    """
    rows = [] if known else list(_NOBODY)
    rows += _PHOTOS
    for measure, what, kind in (
        ("FMR", "Wrong person (FMR)", "two different people"),
        ("FNMR", "Missed person (FNMR)", "one person"),
    ):
        if not (rates.loc[rates["measure"] == measure, "trials"] > 0).any():
            rows.append(_Row(what, f"The file holds no pair of {kind}.", f"Pairs of {kind}."))
    across = rates[(rates["measure"] == "FMR") & (rates["other_group"] != "")]
    if not (across["trials"] > 0).any():
        rows.append(
            _Row(
                "Wrong matches across groups",
                "The file holds no pair of people from two groups.",
                "Non-mated pairs across groups.",
            )
        )
    rows += [
        _Row(
            "Rates over other pairs than these",
            "Whoever made the file chose who was compared with whom. Hard pairs give higher rates than random ones.",
            "The templates, or the scores of all pairs.",
        ),
        _Row(
            "Searches of a gallery (FPIR, FNIR)",
            "Scores of pairs are not lists of candidates.",
            'Lists of candidates, with the backend "candidates".',
        ),
    ]
    return columns.frame("refused", (row._asdict() for row in rows))


def for_candidates(
    options: CandidatesOptions, rates: pd.DataFrame, selectivity: pd.DataFrame, *, known: bool
) -> pd.DataFrame:
    """What lists of candidates cannot tell."""
    rows = [] if known else [_NOBODY[0], *_NOBODY[2:]]
    rows += _PHOTOS
    rows.append(
        _Row(
            "Rates of comparisons (FMR, FNMR)",
            "A list holds the best candidates only. The comparisons that were not returned are not known.",
            'Pair scores, with the backend "scores".',
        )
    )
    for measure, what, kind in (
        ("FPIR", "Wrong person returned (FPIR)", "not enrolled"),
        ("FNIR", "Right person not returned (FNIR)", "enrolled"),
    ):
        if not (rates.loc[rates["measure"] == measure, "trials"] > 0).any():
            rows.append(
                _Row(what, f"No search was for somebody who is {kind}.", f"Searches for people who are {kind}.")
            )
    if selectivity["note"].astype(str).str.startswith("refused").any():
        rows.append(
            _Row(
                "Candidates per search (SEL), at thresholds where lists were full",
                "A full list may go on: what comes after its last candidate was cut off.",
                "Lists without a limit, or a stricter threshold.",
            )
        )
    if options.floor is not None:
        rows.append(
            _Row(
                f"Thresholds below {options.floor:g}",
                "The system returns nobody below its floor.",
                "Lists made with a lower floor.",
            )
        )
    if options.list_length is not None:
        limit = options.list_length
        rows.append(
            _Row(
                f"Ranks beyond {limit}",
                f"Lists end at {limit}. A person further down counts as not returned.",
                "Longer lists.",
            )
        )
    rows.append(
        _Row(
            "Galleries of another size",
            f"All searches were of one gallery of {options.gallery:,} faces. Wrong candidates grow with the gallery.",
            "Searches of galleries of several sizes.",
        )
    )
    return columns.frame("refused", (row._asdict() for row in rows))
