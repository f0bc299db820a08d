"""A naive recount of real pair scores gives the rates and summaries that the product's functions give (RFW, four
matchers, four groups).

The scores are cosine similarities of 24,000 hard-mined pairs without subject ids: no subject-clustered interval is
possible, and none is made.
"""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from audit.stats.inequity import at_least, summarise
from audit.validation.published_scores import at_best_accuracy

MATCHERS = ("balanced34", "global34", "balanced50", "global50")
GROUPS = ("African", "Asian", "Caucasian", "Indian")

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def pairs(shared: Path) -> list[dict[str, str]]:
    with gzip.open(shared / "data" / "rfw_scores" / "rfw_pair_scores.csv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def recount(pairs: list[dict[str, str]], matcher: str, threshold: float) -> tuple[list[float], list[float], float]:
    """FMR and FNMR per group and overall accuracy, by reading every line."""
    wrong, missed, non_mated, mated = ([0] * 4 for _ in range(4))
    for line in pairs:
        g, match = GROUPS.index(line["ethnicity"]), float(line[matcher]) >= threshold
        if line["mated"] == "1":
            mated[g] += 1
            missed[g] += not match
        else:
            non_mated[g] += 1
            wrong[g] += match
    accuracy = 1 - (sum(wrong) + sum(missed)) / len(pairs)
    return (
        [a / b for a, b in zip(wrong, non_mated, strict=True)],
        [a / b for a, b in zip(missed, mated, strict=True)],
        accuracy,
    )


def best_threshold(pairs: list[dict[str, str]], matcher: str) -> float:
    """The smallest observed score at which overall accuracy is best."""
    score = np.array([float(line[matcher]) for line in pairs])
    mated = np.array([line["mated"] == "1" for line in pairs])
    order = np.argsort(-score, kind="stable")
    cut = np.flatnonzero(np.diff(score[order], append=-np.inf))  # last of each block of ties
    right = np.cumsum(mated[order])[cut] + (~mated).sum() - np.cumsum(~mated[order])[cut]
    return float(score[order][cut[len(right) - 1 - np.argmax(right[::-1])]])


def naive_summaries(fmr: list[float], fnmr: list[float]) -> dict[str, float]:
    """METRICS 2's table, written out."""

    def gini(x: list[float]) -> float:
        n, mean = len(x), sum(x) / len(x)
        return n / (n - 1) * sum(abs(a - b) for a in x for b in x) / (2 * n * n * mean)

    def geometric(x: list[float]) -> float:
        return math.exp(sum(math.log(v) for v in x) / len(x))

    return {
        "garbe": 0.5 * gini(fmr) + 0.5 * gini(fnmr),
        "fdr": 1 - 0.5 * (max(fmr) - min(fmr)) - 0.5 * (max(fnmr) - min(fnmr)),
        "inequity_rate": math.sqrt(max(fmr) / min(fmr)) * math.sqrt(max(fnmr) / min(fnmr)),
        "werm": math.sqrt(max(fmr) / geometric(fmr)) * math.sqrt(max(fnmr) / geometric(fnmr)),
    }


@pytest.mark.parametrize("matcher", MATCHERS)
def test_summaries_of_real_scores_equal_a_naive_recount_at_several_thresholds(
    pairs: list[dict[str, str]], matcher: str
) -> None:
    for threshold in (0.25, 0.3, best_threshold(pairs, matcher), 0.45):
        fmr, fnmr, _ = recount(pairs, matcher, threshold)
        for which, value in naive_summaries(fmr, fnmr).items():
            assert float(summarise(which, fmr, fnmr)) == pytest.approx(value, rel=1e-12)
            assert at_least(which, fmr, [1.0] * 4, fnmr, [1.0] * 4).value == pytest.approx(value, rel=1e-12)
        for which, x in (("max_over_geometric_mean", fmr), ("ratio", fnmr)):
            assert float(summarise(which, x)) >= 1


def test_the_published_table_is_the_recount_at_the_best_threshold(pairs: list[dict[str, str]], shared: Path) -> None:
    table = at_best_accuracy(shared / "data" / "rfw_scores" / "rfw_pair_scores.csv.gz")
    for matcher in MATCHERS:
        rows = table[table["matcher"] == matcher].set_index("group")
        threshold = best_threshold(pairs, matcher)
        fmr, fnmr, accuracy = recount(pairs, matcher, threshold)
        assert (rows["threshold"] == threshold).all()
        assert rows["accuracy"].iloc[0] == pytest.approx(accuracy)
        assert rows.loc[list(GROUPS), "FMR"].tolist() == pytest.approx(fmr)
        assert rows.loc[list(GROUPS), "FNMR"].tolist() == pytest.approx(fnmr)
        for which, value in naive_summaries(fmr, fnmr).items():
            assert rows[which].iloc[0] == pytest.approx(value)


def test_no_threshold_beats_the_best_one(pairs: list[dict[str, str]]) -> None:
    best = best_threshold(pairs, "global50")
    top = recount(pairs, "global50", best)[2]
    for other in np.linspace(0.2, 0.6, 15):
        assert recount(pairs, "global50", float(other))[2] <= top
