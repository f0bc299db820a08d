"""The whole chain compare -> tally -> tables on real templates, against the most naive loops that could be right.

The oracle reads the committed files with ``csv`` and ``numpy.load``, scores pairs in plain Python, puts people into
groups by their label words and divides fractions. It shares no line with the product.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.backends import registry
from audit.benchmark import manifest
from audit.comparisons import compare
from audit.config import parse_config
from audit.embeddings.extract import from_templates
from audit.embeddings.privacy_line import cross
from audit.observations import operating_points
from audit.observations.count import tally
from audit.observations.tallies import CURVE, Labelling
from audit.rates import every_rate

ROLES = ("race", "sex")
REFERENCE = "race=White|sex=Male"
CONFIG = """
version = 1
name = "three-hundred"
[benchmark]
name = "lfw-embedded"
[backend]
name = "templates"
[backend.options]
measure = "euclidean"
kind = "dissimilarity"
low = -2.0
high = 0.0
default_threshold = 0.6
[groups]
attributes = { race = "race_attribute", sex = "sex_verified" }
alternatives = { race = ["race_mica"] }
reference = "race=White|sex=Male"
[[operating_points]]
kind = "vendor_default"
[[operating_points]]
kind = "fixed"
threshold = 0.5
[[operating_points]]
kind = "target_fmr"
target = 0.01
[[operating_points]]
kind = "target_fmr"
target = 0.01
weighting = "comparisons"
[[operating_points]]
kind = "target_fmr"
target = 0.02
over = "reference"
[[operating_points]]
kind = "target_fmr"
target = 0.05
over = "per_group"
[[operating_points]]
kind = "target_fmr"
target = 0.0
"""
LOST = 37  # every 37th sample is taken to have failed, so that failures to acquire are among the 300


@dataclass
class Sample:
    person: str
    cell: str
    template: list[float] | None


def word(row: dict[str, str], column: str) -> str:
    return "" if row[column] in ("", "(undecided)") else row[column]


def cell_of(row: dict[str, str], race: str) -> str:
    words = (word(row, race), word(row, "sex_verified"))
    return f"race={words[0]}|sex={words[1]}" if all(words) else "unlabelled"


@pytest.fixture(scope="module")
def lfw():
    found = manifest.load(
        "lfw-embedded",
        attributes={"race": "race_attribute", "sex": "sex_verified"},
        alternatives={"race": ["race_mica"]},
        limit=300,
    )
    assert 280 <= len(found.samples) <= 300
    return found


@pytest.fixture(scope="module")
def through(lfw):
    """What the product makes of the 300 samples."""
    config = parse_config(CONFIG)
    backend = registry.make("templates", {**config.backend.options, "path": str(lfw.templates)})
    found = from_templates(backend, list(lfw.samples["sample_id"]))
    status = found.status.copy()
    status[::LOST] = 2
    crossed = cross(
        lfw, found.rule, vectors=found.vectors, status=status, seconds=found.seconds, quality=found.quality, seed=7
    )
    asked = (
        *operating_points.requests(config, found.rule, crossed.embeddings.cells),
        *operating_points.ladder(config, len(crossed.embeddings)),
    )
    comparisons = compare(crossed.embeddings, operating_points=asked, bins=512)
    tallies = tally(
        comparisons,
        crossed.embeddings,
        crossed.attempted,
        tuple(Labelling(*labelling) for labelling in crossed.labellings),
    )
    return crossed, comparisons, tallies


@pytest.fixture(scope="module")
def samples(lfw) -> dict[str, list[Sample]]:
    """The same samples read from the committed files by other means; one list per label source."""
    folder = Path(lfw.templates).parent
    with gzip.open(folder / "samples.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = {row["sample_id"]: row for row in csv.DictReader(file)}
    with np.load(lfw.templates) as file:
        place = {str(name): k for k, name in enumerate(file["sample_id"])}
        status, vectors = file["status"], file["vectors"]
    out: dict[str, list[Sample]] = {"race_attribute": [], "race_mica": []}
    for k, sample in enumerate(lfw.samples["sample_id"]):
        lost = k % LOST == 0 or str(status[place[sample]]) != "ACQUIRED"
        template = None if lost else vectors[place[sample]].tolist()
        for source, found in out.items():
            found.append(Sample(rows[sample]["subject_id"], cell_of(rows[sample], source), template))
    return out


@pytest.fixture(scope="module")
def pairs(samples) -> list[tuple[int, int, float]]:
    """Every pair of acquired samples with its float64 score, d in index order."""
    got = [(k, one.template) for k, one in enumerate(samples["race_attribute"]) if one.template is not None]
    out = []
    for (i, a), (j, b) in combinations(got, 2):
        total = 0.0
        for x, y in zip(a, b, strict=True):
            total += (x - y) * (x - y)
        out.append((i, j, -math.sqrt(total)))
    return out


def threshold(
    people: list[Sample], pairs: list[tuple[int, int, float]], target: float, weighting: str, inside
) -> float:
    """Smallest observed score at which the FMR over the pairs with both people inside is at most the target, ties
    whole."""
    photos: dict[str, int] = defaultdict(int)
    for one in people:
        photos[one.person] += one.template is not None
    weights: dict[float, Fraction] = defaultdict(Fraction)
    for i, j, score in pairs:
        a, b = people[i], people[j]
        if a.person != b.person and inside(a.cell) and inside(b.cell):
            weights[score] += Fraction(1, photos[a.person] * photos[b.person]) if weighting == "people" else 1
    if not weights:
        return math.inf
    total, sofar, best = sum(weights.values()), Fraction(0), math.nextafter(max(weights), math.inf)
    for score in sorted(weights, reverse=True):
        sofar += weights[score]
        if sofar > Fraction(target) * total * (1 + Fraction(1, 10**12)):
            break
        best = score
    return best


@pytest.fixture(scope="module")
def asked(samples, pairs) -> dict[str, float]:
    """Operating point -> its threshold, by the oracle."""
    return points(samples["race_attribute"], pairs)


@pytest.fixture(scope="module")
def counted(samples, pairs, asked) -> dict[str, dict]:
    """Operating point -> every rate under the headline labels, by the oracle."""
    return {point: naive(samples["race_attribute"], pairs, at) for point, at in asked.items()}


def points(people: list[Sample], pairs: list[tuple[int, int, float]]) -> dict[str, float]:
    out = {"vendor_default": -0.6, "threshold=0.5": -0.5}
    labelled = lambda cell: cell != "unlabelled"  # noqa: E731
    out["fmr=0.01:all:people"] = threshold(people, pairs, 0.01, "people", labelled)
    out["fmr=0.01:all:comparisons"] = threshold(people, pairs, 0.01, "comparisons", labelled)
    out["fmr=0.02:reference:people"] = threshold(people, pairs, 0.02, "people", lambda cell: cell == REFERENCE)
    for name in {one.cell for one in people} - {"unlabelled"}:
        out[f"fmr=0.05:per_group:people:{name}"] = threshold(
            people, pairs, 0.05, "people", lambda cell, name=name: cell == name
        )
    out["fmr=0:all:people"] = threshold(people, pairs, 0.0, "people", labelled)
    return out


def members(people: list[Sample]) -> dict[str, set[str]]:
    """Group -> finest cells in it."""
    cells = {one.cell for one in people}
    labelled = cells - {"unlabelled"}
    out = {cell: {cell} for cell in cells} | {"all labelled": labelled}
    for cell in labelled:
        for part in cell.split("|"):
            out.setdefault(part, set()).add(cell)
    return out


def naive(
    people: list[Sample], pairs: list[tuple[int, int, float]], at: float
) -> dict[tuple[str, str, str, str], tuple[int, int, Fraction | None]]:
    """(measure, weighting, group, other group) -> (errors, trials, rate); the rate is None without trials."""
    dyads: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    mated: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    home, tried, got = {}, defaultdict(int), defaultdict(int)
    for one in people:
        home[one.person] = one.cell
        tried[one.person] += 1
        got[one.person] += one.template is not None
    for i, j, score in pairs:
        a, b = people[i].person, people[j].person
        place = mated[a] if a == b else dyads[min(a, b), max(a, b)]
        place[0] += (score < at) if a == b else (score >= at)
        place[1] += 1
    out: dict[tuple[str, str, str, str], tuple[int, int, Fraction | None]] = {}

    def put(measure: str, group: str, other: str, found: list[tuple[int, int]]) -> None:
        """Each observation (errors, trials) is a pair of people, or a person."""
        found = [(e, m) for e, m in found if m]
        errors, trials = sum(e for e, _ in found), sum(m for _, m in found)
        out[measure, "comparisons", group, other] = errors, trials, Fraction(errors, trials) if trials else None
        out[measure, "people", group, other] = (
            errors,
            trials,
            sum(Fraction(e, m) for e, m in found) / len(found) if found else None,
        )

    groups = members(people)
    for group, cells in groups.items():
        inside = [(a, b, *counts) for (a, b), counts in dyads.items() if home[a] in cells and home[b] in cells]
        put("FMR", group, "", [(e, m) for _, _, e, m in inside])
        if group not in home.values():
            put("FMR_same_cell", group, "", [(e, m) for a, b, e, m in inside if home[a] == home[b]])
        own = [person for person in home if home[person] in cells]
        put("FNMR", group, "", [tuple(mated[person]) for person in own])
        every = [
            (mated[p][0] + tried[p] * (tried[p] - 1) // 2 - mated[p][1], tried[p] * (tried[p] - 1) // 2) for p in own
        ]
        put("FNMR_with_failures", group, "", every)
        put("FTA", group, "", [(tried[person] - got[person], tried[person]) for person in own])
    order = sorted(cell for cell in set(home.values()) if cell != "unlabelled") + ["unlabelled"]
    for g, h in combinations(order, 2):
        put("FMR", g, h, [tuple(counts) for (a, b), counts in dyads.items() if {home[a], home[b]} == {g, h}])
    return out


@pytest.mark.parametrize(("source", "labelling"), [("race_attribute", 0), ("race_mica", 1)])
def test_errors_trials_and_rates_equal_a_naive_double_loop_in_every_cell_pair(
    through, samples, pairs, asked, counted, source: str, labelling: int
) -> None:
    _, _, tallies = through
    frame = every_rate.frame(every_rate.compute(tallies, labelling=labelling))
    chosen = asked if labelling == 0 else {point: asked[point] for point in list(asked)[:3]}
    for point, at in chosen.items():
        expected = counted[point] if labelling == 0 else naive(samples[source], pairs, at)
        ours = frame[frame.operating_point.isin((point, ""))]
        assert len(ours) == len(expected)
        for row in ours.itertuples():
            errors, trials, rate = expected[row.measure, row.weighting, row.group, row.other_group]
            assert (row.errors, row.trials) == (errors, trials), (point, row)
            if rate is None:
                assert math.isnan(row.rate)
                assert row.note
            else:
                assert row.rate == pytest.approx(float(rate), rel=1e-12, abs=0)
    assert set(asked) == {point.id for point in tallies.points}
    assert (
        frame.errors[frame.measure == "FMR"].max() > 20
    )  # the comparison means something: there are false matches in it
    assert frame.errors[frame.measure == "FTA"].max() >= 280 // LOST


def test_thresholds_for_a_target_are_the_naive_ones_to_the_last_bit(through, asked) -> None:
    _, comparisons, _ = through
    assert {point.id: point.threshold for point in comparisons.operating_points if point.id in asked} == asked


def test_the_achieved_false_match_rates_are_those_of_the_people_the_threshold_was_set_on(through, counted) -> None:
    crossed, comparisons, tallies = through
    made = [(point.id, point.threshold) for point in comparisons.operating_points if not point.id.startswith(CURVE)]
    asked = operating_points.frame(parse_config(CONFIG), made, crossed.embeddings.rule, crossed.embeddings.cells)
    found = operating_points.with_achieved(asked, every_rate.frame(every_rate.compute(tallies))).set_index(
        "operating_point"
    )
    for point, expected in counted.items():
        group = found.calibrated_on[point] or "all labelled"
        for weighting, column in (("people", "achieved_people"), ("comparisons", "achieved_comparisons")):
            _, trials, rate = expected["FMR", weighting, group, ""]
            assert (
                (found[column][point] == pytest.approx(float(rate), rel=1e-12, abs=0))
                if trials
                else math.isnan(found[column][point])
            )


def test_all_comparisons_add_up_to_n_n_minus_1_over_2(through) -> None:
    crossed, comparisons, tallies = through
    n = len(crossed.embeddings)
    assert comparisons.histograms is not None
    assert comparisons.histograms.total() == n * (n - 1) // 2
    mated = int(comparisons.histograms.mated.sum())
    photos = tallies.acquired.astype(int)
    assert mated == len(comparisons.mated.i) == int((photos * (photos - 1) // 2).sum())
    frame = every_rate.frame(every_rate.compute(tallies))
    fmr = frame[
        (frame.operating_point == "vendor_default") & (frame.measure == "FMR") & (frame.weighting == "comparisons")
    ]
    cells = set(tallies.labellings[0].cells)
    once = fmr[fmr.group.isin(cells)]  # each finest cell, and each pair of them, once
    assert once.trials.sum() == n * (n - 1) // 2 - mated
    fnmr = frame[
        (frame.operating_point == "vendor_default") & (frame.measure == "FNMR") & (frame.weighting == "comparisons")
    ]
    assert fnmr[fnmr.group.isin(cells)].trials.sum() == mated


def test_histograms_and_rates_count_the_same_comparisons_in_every_cell_pair(through) -> None:
    _, comparisons, tallies = through
    frame = every_rate.frame(every_rate.compute(tallies))
    fmr = frame[
        (frame.operating_point == "vendor_default") & (frame.measure == "FMR") & (frame.weighting == "comparisons")
    ]
    trials = {(row.group, row.other_group): row.trials for row in fmr.itertuples()}
    names = tallies.labellings[0].cells
    histograms = comparisons.histograms
    for (g, h), counts in zip(histograms.pairs.tolist(), histograms.non_mated, strict=True):
        assert trials[names[g], "" if g == h else names[h]] == counts.sum()


def test_a_coarser_group_is_all_pairs_inside_it_and_same_cell_the_part_that_shares_the_finest_cell(through) -> None:
    _, _, tallies = through
    frame = every_rate.frame(every_rate.compute(tallies))
    rows = frame[(frame.operating_point == "vendor_default") & (frame.weighting == "comparisons")]
    cells = [cell for cell in tallies.labellings[0].cells if cell.endswith("sex=Female")]
    fmr = rows[rows.measure == "FMR"].set_index(["group", "other_group"])
    same = rows[rows.measure == "FMR_same_cell"].set_index("group")
    within = sum(int(fmr.trials[cell, ""]) for cell in cells)
    across = sum(int(fmr.trials[g, h]) for g, h in combinations(sorted(cells), 2))
    assert same.trials["sex=Female"] == within
    assert fmr.trials["sex=Female", ""] == within + across
    assert across > 0


def test_the_order_of_samples_and_the_seed_of_opaque_ids_change_no_row(lfw, through) -> None:
    crossed, _, tallies = through
    config = parse_config(CONFIG)
    backend = registry.make("templates", {**config.backend.options, "path": str(lfw.templates)})
    found = from_templates(backend, list(lfw.samples["sample_id"]))
    status = found.status.copy()
    status[::LOST] = 2
    other = cross(
        lfw, found.rule, vectors=found.vectors, status=status, seconds=found.seconds, quality=found.quality, seed=8
    )
    assert not np.array_equal(other.labellings[0][2], crossed.labellings[0][2])
    asked = (
        *operating_points.requests(config, found.rule, other.embeddings.cells),
        *operating_points.ladder(config, len(other.embeddings)),
    )
    again = tally(
        compare(other.embeddings, operating_points=asked, threads=1, path="portable"),
        other.embeddings,
        other.attempted,
        tuple(Labelling(*labelling) for labelling in other.labellings),
    )
    left, right = (every_rate.frame(every_rate.compute(one)) for one in (tallies, again))
    pd.testing.assert_frame_equal(left, right, rtol=1e-9, atol=0)
