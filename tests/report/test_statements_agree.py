"""What a figure, its description, an exported drawing and a table say of one gap is one statement: of every committed
run and of planted ones."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import pytest
from planted_audits import PLANS

from audit.report import render
from audit.results import read, runs
from audit.words import wording

RESULTS = Path(os.environ.get("FACE_AUDIT_RESULTS") or Path(__file__).parents[2] / "results")
RUNS = [folder.name for folder in runs(RESULTS)]
HTML = "{http://www.w3.org/1999/xhtml}"
CERTAIN = (wording.CLEAR, wording.LIKELY, wording.UNCERTAIN)


def texts(node):
    return ["".join(part.itertext()) for part in node.iter() if part.tag.rpartition("}")[2] == "text"]


def gap_figures(page):
    root = html5lib.parse(page.decode())
    for figure in root.iter(f"{HTML}figure"):
        if figure.get("id", "").startswith("fig-gaps"):
            table = next(figure.iter(f"{HTML}table"))
            heads = ["".join(cell.itertext()) for cell in next(table.iter(f"{HTML}thead")).iter(f"{HTML}th")]
            body = [
                ["".join(cell.itertext()) for cell in row]
                for row in next(table.iter(f"{HTML}tbody")).iter(f"{HTML}tr")
            ]
            drawing = next(node for node in figure.iter() if node.tag.rpartition("}")[2] == "svg")
            yield figure.get("id")[4:], heads, body, drawing


def agrees(files):
    """How many gaps were held against their table rows."""
    seen = 0
    for name, heads, body, drawing in gap_figures(files["report.html"]):
        described = next("".join(node.itertext()) for node in drawing.iter() if node.tag.rpartition("}")[2] == "desc")
        exported = ElementTree.fromstring(files[f"figures/{name}.svg"])
        sure, ratio, limits = (
            heads.index(next(head for head in heads if head.startswith(word)))
            for word in ("How sure", "Times", "Interval")
        )
        for row in body:
            if not row[ratio]:
                continue
            number = f"{row[ratio]} ({row[limits]})" if row[limits] not in ("one-sided", "none given") else row[ratio]
            assert f"{row[0]}, {number}, {row[sure]}" in described, (name, row)
            for words in (texts(drawing), texts(exported)):
                at = words.index(row[0])
                assert words[at + 1] == number, (name, row)
                assert words[at + 2] == row[sure], (name, row)
            seen += 1
        for words in (described, *texts(drawing), *texts(exported)):  # never an equivalence without its "no"
            assert len(re.findall(r"larger than ×", words)) == len(
                re.findall(r"no difference larger than ×", words)
            ), words
        printed = [words for words in texts(exported) if words.startswith("no difference") or words in CERTAIN]
        assert printed == [row[sure] for row in body if row[ratio]]
    return seen


def cells(table):
    return [
        ["".join(cell.itertext()).strip() for cell in row]
        for row in next(table.iter(f"{HTML}tbody")).iter(f"{HTML}tr")
    ]


def rates_agree(files):
    """How many rates of figures were held against their table rows, their descriptions and the exported drawing."""
    seen = 0
    for figure in html5lib.parse(files["report.html"].decode()).iter(f"{HTML}figure"):
        name = figure.get("id", "")[4:]
        if not re.fullmatch(r"(fmr|fnmr|fpir|fnir|fta)(-p\d+)?", name):
            continue
        drawing = next(node for node in figure.iter() if node.tag.rpartition("}")[2] == "svg")
        described = next("".join(node.itertext()) for node in drawing.iter() if node.tag.rpartition("}")[2] == "desc")
        exported = texts(ElementTree.fromstring(files[f"figures/{name}.svg"]))
        for label, _, number, limits in cells(next(figure.iter(f"{HTML}table"))):
            if not number or (number == "0" and limits == "none given"):  # a file without people: "none (0 of 3,000)"
                continue
            bound = limits.removesuffix(", one-sided") if number == "none seen" else limits
            words = (
                number
                if limits == "none given"
                else f"{number}, {bound}"
                if number == "none seen"
                else f"{number} ({bound})"
            )
            label = next(known for known in (label, f"{label} (reference)") if known in exported)  # noqa: PLW2901
            assert f"{label}, {words}" in described or (
                limits == "none given" and f"{label}, {number} (" in described
            ), (name, label)
            for printed in (texts(drawing), exported):
                said = printed[printed.index(label) + 1]
                counts = limits == "none given" and re.fullmatch(
                    re.escape(words) + r" \([\d,]+ of [\d,]+\)", said
                )  # outputs without people
                assert said == words or counts, (name, label)
            seen += 1
    return seen


def json_agrees(files, result):
    """How many rates and certainties of report.json were held against the tables."""
    body = json.loads(files["report.json"])
    keys = ["operating_point", "measure", "weighting", "group", "other_group"]
    rates = {
        tuple(map(str, row[:5])): row[5] for row in result.rates[[*keys, "rate"]].itertuples(index=False, name=None)
    }
    for row in body["rates"]:
        value = rates[tuple(str(row[name]) for name in keys)]
        assert row["rate"] == value or (row["rate"] is None and not math.isfinite(value))
    names = ["operating_point", "measure", "weighting", "group", "reference"]
    gaps = {
        tuple(map(str, row[:5])): row[5:]
        for row in result.differentials[[*names, "ratio", "certainty"]].itertuples(index=False, name=None)
    }
    seen = 0
    for finding in body["findings"]:
        if "ratio" not in finding["values"]:
            continue
        given = finding["values"]["ratio"]
        ratio, certainty = gaps[tuple(str(given[name]) for name in names)]
        assert given["ratio"] == ratio or (given["ratio"] is None and not math.isfinite(ratio))
        assert given["certainty"] == finding["certainty"] == certainty
        if certainty in (wording.CLEAR, wording.LIKELY):
            assert f"a {certainty}" in finding["statement"]
            known = (ratio, given["low"], given["high"])
            if all(isinstance(value, float) and value > 0 for value in known):
                assert wording.ratio_in_words(*known) in finding["statement"]
        seen += 1
    return len(body["rates"]), seen


def answers_agree(files, result):
    """The four numbers of summary and report, and the ratio of the title, are those of the tables at the first
    threshold."""
    point, searched = str(result.operating_points["operating_point"].iloc[0]), "FPIR" in set(result.rates["measure"])
    rates = result.rates[(result.rates["operating_point"] == point) & (result.rates["other_group"] == "")]
    weighting = (
        "people"
        if ((rates["weighting"] == "people") & rates["measure"].isin(["FMR", "FPIR"])).any()
        else "comparisons"
    )
    rates = rates[rates["weighting"] == weighting]
    found = {(str(row.measure), wording.group_label(str(row.group))): row for row in rates.itertuples()}
    seen = 0
    for name in ("summary.html", "report.html"):
        table = next(
            (one for one in html5lib.parse(files[name].decode()).iter(f"{HTML}table") if one.get("class") == "four"),
            None,
        )
        for label, *numbers in cells(table) if table is not None else []:
            for measure, words in zip(("FPIR", "FNIR") if searched else ("FMR", "FNMR"), numbers, strict=True):
                row = found.get((measure, label.removesuffix(" (reference)")))
                if row is None or not row.rate > 0 or "too few" in words or "withheld" in words:
                    continue
                heads = "".join(table.itertext())
                pers = [int(per.replace(",", "")) for per in re.findall(r"person, in ([\d,]+)", heads)]
                assert words.split(" ")[0] == wording.out_of(row.rate, pers[0 if measure in ("FMR", "FPIR") else 1]), (
                    name,
                    label,
                )
                seen += 1
    return seen


def all_agree(result):
    files = render(result)
    rates_agree(files)
    json_agrees(files, result)
    answers_agree(files, result)
    return files


@pytest.mark.parametrize("name", RUNS)
def test_every_committed_run_prints_its_tables_rates_and_certainties_everywhere(name):
    all_agree(read(RESULTS / name))


@pytest.mark.parametrize("plan", PLANS)
def test_every_planted_world_prints_its_tables_rates_and_certainties_everywhere(plan, planted):
    all_agree(planted(plan))


def test_the_checks_look_at_something(planted):
    result = planted("clear")
    files = render(result)
    rows, certainties = json_agrees(files, result)
    assert rates_agree(files) > 20
    assert rows > 20
    assert certainties >= 2
    assert answers_agree(files, result) == 8


def test_two_thresholds_that_differ_never_print_alike_and_given_ones_stay_as_given():
    rows = [
        {"protocol": "target_fmr", "threshold": 0.4353290037710787},
        {"protocol": "target_fmr", "threshold": 0.4353290037710788},
        {"protocol": "target_fmr", "threshold": 0.43531},
        {"protocol": "target_fmr", "threshold": 0.6000000000001},
        {"protocol": "fixed", "threshold": 0.6},
        {"protocol": "vendor_default", "threshold": 0.43532},
        {"protocol": "target_fmr", "threshold": 123456.7},
        {"protocol": "target_fmr", "threshold": 1e-7},
        {"protocol": "per_group", "threshold": float("nan")},
    ]
    said = wording.shown_thresholds(rows)
    numbers = [words.removeprefix("about ") for words in said]
    assert len(set(numbers)) == len(numbers)
    for row, words in zip(rows, said, strict=True):
        if row["protocol"] in ("fixed", "vendor_default") or not words.startswith("about ") and words != "unknown":
            assert float(words) == row["threshold"]
    assert wording.shown_thresholds([{"protocol": "target_fmr", "threshold": 0.4353290037710787}]) == ["about 0.4353"]


@pytest.mark.parametrize("name", RUNS)
def test_every_committed_run_says_one_thing_of_each_gap(name):
    files = render(read(RESULTS / name))
    if b'id="fig-gaps' in files["report.html"]:
        assert agrees(files) > 0 or name.startswith("us_congress")  # too few people for any ratio


@pytest.mark.parametrize("plan", PLANS)
def test_every_planted_world_says_one_thing_of_each_gap(plan, planted):
    agrees(render(planted(plan)))


def test_the_planted_worlds_hold_an_equivalence(planted):
    said = {str(word) for plan in PLANS for word in planted(plan).differentials["certainty"]}
    assert {wording.CLEAR, wording.UNCERTAIN} <= said
    assert any(word.startswith("no difference larger than") for word in said)
