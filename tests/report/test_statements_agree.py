"""What a figure, its description, an exported drawing and a table say of one gap is one statement: of every committed run and of planted ones."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import pytest
from planted_audits import PLANS

from audit.report import render
from audit.results import read, runs
from audit.words import wording

RESULTS = Path(__file__).parents[2] / "results"
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
            body = [["".join(cell.itertext()) for cell in row] for row in next(table.iter(f"{HTML}tbody")).iter(f"{HTML}tr")]
            drawing = next(node for node in figure.iter() if node.tag.rpartition("}")[2] == "svg")
            yield figure.get("id")[4:], heads, body, drawing


def agrees(files):
    """How many gaps were held against their table rows."""
    seen = 0
    for name, heads, body, drawing in gap_figures(files["report.html"]):
        described = next("".join(node.itertext()) for node in drawing.iter() if node.tag.rpartition("}")[2] == "desc")
        exported = ElementTree.fromstring(files[f"figures/{name}.svg"])
        sure, ratio, limits = (heads.index(next(head for head in heads if head.startswith(word))) for word in ("How sure", "Times", "Interval"))
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
            assert len(re.findall(r"larger than ×", words)) == len(re.findall(r"no difference larger than ×", words)), words
        printed = [words for words in texts(exported) if words.startswith("no difference") or words in CERTAIN]
        assert printed == [row[sure] for row in body if row[ratio]]
    return seen


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
