"""What the pages say: the answer follows the numbers, and the words follow the rules."""

from __future__ import annotations

import html
import io
import json
import re
from functools import cache

import html5lib
import pandas as pd
import pytest
import textstat

from audit.report import compare_page, index_page, render
from audit.report.facts import Facts
from audit.report.withheld import published
from audit.results import read
from audit.words import wording

PLANS = ["none", "clear", "reversed", "few", "zero", "uncertain", "many"]
SECTIONS = [
    "answer",
    "tested",
    "claims",
    "wrong",
    "missed",
    "gaps",
    "threshold",
    "gallery",
    "exposure",
    "failures",
    "matrix",
    "people",
    "limits",
    "method",
    "appendix",
    "reproduce",
    "glossary",
]


@pytest.fixture(scope="module")
def pages(planted):
    made = {}

    def of(name, **changes):
        key = (name, tuple(changes.items()))
        if key not in made:
            made[key] = render(planted(name, **changes))
        return made[key]

    return of


@cache
def tree(page):
    root = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.decode())
    for node in root.iter():
        if isinstance(node.tag, str):
            node.tag = node.tag.rpartition("}")[2]
    return root


def words(element, skip=("style", "script", "svg", "table", "summary", "dt", "dl", "figcaption", "cite")):
    """Running text: tables, boxes, captions and drawings left out; blocks end with a full stop."""
    parts = []

    def walk(node):
        if not isinstance(node.tag, str) or node.tag in skip or "chip" in (node.get("class") or ""):
            return
        parts.append(node.text or "")
        for child in node:
            walk(child)
            parts.append(child.tail or "")
        if node.tag in ("p", "li", "h1", "h2", "h3", "div", "section"):
            parts.append(" ¶ ")

    walk(element)
    blocks = [re.sub(r"\s+", " ", block).strip() for block in "".join(parts).split("¶")]
    return [block for block in blocks if block]


@pytest.fixture(autouse=True)
def no_dictionary(monkeypatch):
    """Without its downloaded dictionary textstat counts syllables by hyphenation; tests do not use the network."""
    import textstat.backend.counts._count_syllables as syllables

    monkeypatch.setattr(syllables, "get_cmudict", lambda lang: None)


def vowel_grade(text):
    """Flesch-Kincaid grade with syllables as groups of vowels: a second opinion that rather counts too many."""
    said = re.findall(r"[A-Za-z’']+", text)
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^l])e$|es$|ed$", "", word.lower())))) for word in said
    )
    return 0.39 * len(said) / max(1, len(re.findall(r"[.?!:]+(?=\s|$)", text))) + 11.8 * syllables / len(said) - 15.59


def section(page, name):
    return next(node for node in tree(page).iter("section") if node.get("id") == name)


@pytest.mark.parametrize("name", PLANS)
def test_every_page_is_strictly_valid_html(pages, name):
    for file, content in pages(name).items():
        if file.endswith(".html"):
            root = tree(content)
            assert root.find("head/title").text.strip()
            ids = [node.get("id") for node in root.iter() if isinstance(node.tag, str) and node.get("id")]
            assert len(ids) == len(set(ids)), sorted(ident for ident in ids if ids.count(ident) > 1)[:5]


@pytest.mark.parametrize("name", PLANS)
def test_all_seventeen_sections_stand_in_order(pages, name):
    found = [node.get("id") for node in tree(pages(name)["report.html"]).iter("section") if node.get("id")]
    assert [ident for ident in found if ident in SECTIONS] == SECTIONS


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (
            "clear",
            r"Two different people recorded as Black women were taken for one person about 2\d times \(.*\) as often as two people recorded",
        ),
        (
            "reversed",
            r"Two different people recorded as White men, the reference group, were taken for one person about 1\d times \(.*\) as",
        ),
        (
            "none",
            r"Wrong person: no difference larger than ×2 was seen between the reference group and any of 5 groups compared with it",
        ),
        ("few", r"Too few people to say whether groups differ in how often two different people are taken for one"),
        (
            "zero",
            r"No two different people were taken for one person in any group large enough to judge; the true rates may still differ",
        ),
        (
            "many",
            r"Two different people recorded as White women|Two different people recorded as White men|Two different",
        ),
        (
            "uncertain",
            r"Wrong person: (whether groups differ is too uncertain|no difference larger than ×2 for 1 group; for the others it is too)",
        ),
    ],
)
def test_the_title_is_the_finding_of_the_planted_numbers(pages, name, title):
    for file in ("summary.html", "report.html"):
        heads = list(tree(pages(name)[file]).iter("h1"))
        assert len(heads) == 1
        assert re.match(title, "".join(heads[0].itertext())), "".join(heads[0].itertext())


def test_missed_persons_come_first_where_only_they_differ(planted, with_report):
    facts = Facts(planted("clear"))
    assert facts.outcome(facts.headline, "FMR").case == "more"
    assert facts.outcome(facts.headline, "FNMR").case == "uncertain"


@pytest.mark.parametrize("name", PLANS)
def test_no_page_prints_a_missing_number_as_nan_or_none(pages, name):
    for file, content in pages(name).items():
        if file.endswith((".html", ".svg")):
            text = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", content.decode(), flags=re.S)
            assert not re.search(
                r"\b(nan|inf|None(?![.:])|undefined|-inf)\b", re.sub(r"\bnone (seen|given)\b", "", text)
            ), file


BANNED = [
    r"bias-free",
    r"unbiased",
    r"\bfair\b",
    r"\bproves?\b",
    r"\baccura\w+",
    r"error rate(?!s? (?:rose|of|from))",
    r"\bsignifican\w+",
    r"genuine",
    r"impostor",
    r"\bFAR\b",
    r"\bFRR\b",
    r"\bexplained\b",
    r"80 % rule",
]


def unquoted(text):
    return re.sub(r"“[^”]*”", "", text)


def check_words(files):
    """No banned word outside quotes."""
    for file in ("summary.html", "report.html", "guide.html"):
        for block in words(tree(files[file]).find("body")):
            for word in BANNED:
                hit = re.search(word, unquoted(block), re.I if word.islower() else 0)
                assert not hit, (file, word, block)


def check_reading(files):
    """Sections 1 to 9: grade 9 or lower, sentences under 20 words on average."""
    blocks = [block for ident in SECTIONS[:9] for block in words(section(files["report.html"], ident))]
    text = " ".join(block if block.endswith((".", "?", "!", ":")) else block + "." for block in blocks)
    assert textstat.flesch_kincaid_grade(text) <= 9
    assert vowel_grade(text) <= 9
    sentences = [sentence for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z“])", text) if len(sentence.split()) > 2]
    assert sum(len(sentence.split()) for sentence in sentences) / len(sentences) < 20


def check_digits(files):
    """Counts of people, photos, groups, years and the matcher's own numbers are exact; every other number in the
    answer has at most two digits."""
    answer = " ".join(
        block
        for block in words(section(files["report.html"], "answer"))
        if not block.startswith(("This test", "This audit"))
    )
    exact = (
        r"\b(19|20)\d\d\b|[\d,]+ (people|person|pairs? of people|photos?|groups?)|[Oo]f [\d,]+|in [\d,]+ \(|in [\d,]+"
    )
    for number in re.findall(r"(?<![\w.])\d[\d,]*\.?\d*", re.sub(exact, "", answer)):
        digits = number.replace(",", "").rstrip(".")
        significant = digits.replace(".", "").strip("0") if "." in digits else digits.rstrip("0")
        assert len(significant.lstrip("0")) <= 2, (number, answer)


def check_rates(files):
    """Rates of one sentence share a denominator, and each stands with its interval and its people."""
    for block in words(section(files["report.html"], "answer")):
        said = re.findall(r"Of ([\d,]+) [^.]*?, about [\d.,]+(?: under 0\.1)? (?:were|would)[^(]*\(([^)]*)\)", block)
        assert len({per for per, _ in said}) <= 1, block
        for _, inside in said:
            assert re.fullmatch(r"(under 0.1|[\d.,]+) to [\d.,]+, 95 %; [\d,]+ people", inside), inside
        rates = re.sub(
            r"\b(?:distance|similarity|score|cosine) about [\d.]+", "", block
        )  # a computed threshold, exact in its table
        assert rates.count("about") == 0 or said or "times (" in block


def check_certainties(result):
    """Only the four phrases, or a reason why there is none."""
    for certainty in set(result.differentials["certainty"].fillna("")) - {"", "too few people"}:
        assert certainty in wording.CERTAINTIES or re.fullmatch(r"no difference larger than ×[\d.]+", certainty)


RULES = [check_words, check_reading, check_digits, check_rates]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", PLANS)
def test_the_words_follow_the_rules(pages, name, rule):
    rule(pages(name))


@pytest.mark.parametrize("name", PLANS)
def test_the_summary_speaks_without_p_values_and_says_what_it_does_not_tell(pages, name):
    text = " ".join(words(tree(pages(name)["summary.html"]).find("body")))
    assert not re.search(r"\bp\s*[<=]|p-value|alpha", text)
    assert "What this does not tell" in text
    assert "Arrests are not measured" in text


def test_none_seen_gives_a_one_sided_limit(pages):
    answer = " ".join(words(section(pages("zero")["report.html"], "answer")))
    # 60 people make 1,770 pairs.
    assert re.search(
        r"none seen among 1,770 pairs of people; the true rate could be up to [\d,]+ in [\d,]+ \(one-sided 95 %; 60 people\)",
        answer,
    )


def test_too_few_people_are_shown_and_never_estimated(pages, planted):
    report = pages("clear")["report.html"].decode()
    assert "too few people (8)" in report
    assert "too few people to say (8 people; this report asks for 20)" in report
    facts = Facts(planted("clear"))
    assert [
        row.standing for row in facts.comparisons(facts.headline, "FMR") if row.group == "race=Indian|sex=Male"
    ] == ["too few"]
    rate = facts.rate(facts.headline, "FMR", "race=Indian|sex=Male", other="race=White|sex=Male")
    assert rate.standing == "too few"


@pytest.mark.parametrize("name", PLANS)
def test_only_the_four_certainty_phrases_are_used(planted, name):
    check_certainties(planted(name))


@pytest.mark.parametrize("name", PLANS)
def test_every_figure_has_a_finding_a_description_a_table_and_its_box(pages, name):
    for figure in tree(pages(name)["report.html"]).iter("figure"):
        svg = figure.find(".//svg")
        assert svg.get("role") == "img"
        title, description = (next(svg.iter(tag)) for tag in ("title", "desc"))
        assert svg.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
        assert len(description.text) > len(title.text) > 20
        finding = next(node for node in figure.iter("p") if node.get("class") == "finding")
        assert finding.text == title.text
        assert figure.find(".//table/caption") is not None
        heads = [node.text for node in figure.iter("dt")]
        assert heads == ["Task", "Error", "Threshold", "Gallery", "Who"]
        assert "Source:" in figure.find("figcaption").text
        assert "Date: 2026-11-21" in figure.find("figcaption").text


def test_evidence_links_lead_to_rows(pages):
    root = tree(pages("clear")["report.html"])
    ids = {node.get("id") for node in root.iter() if isinstance(node.tag, str)}
    targets = [node.get("href") for node in root.iter("a")]
    assert len([target for target in targets if target.startswith("#row-")]) > 30
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in ids
        else:
            assert target.split("#")[0] in set(pages("clear")) | {"provenance.json"}


def test_a_limited_run_says_so_on_every_page(pages):
    for file, content in pages("clear", limited="Ten people stand for many.").items():
        if file.endswith(".html"):
            assert b"Ten people stand for many." in content, file


def test_the_same_results_give_the_same_bytes(planted):
    assert render(planted("clear")) == render(planted("clear"))


def test_the_report_is_small_and_asks_for_nothing_outside(pages):
    for name in PLANS:
        for file, content in pages(name).items():
            if file.endswith(".html"):
                assert len(content) < 2_000_000
                outside = re.findall(rb"""(?:src|href|url\()\s*=?\s*["']?(?:https?:)?//[^"' )>]+""", content)
                assert not outside, file


def test_published_tables_are_described(pages):
    files = pages("clear")
    package = json.loads(files["tables/datapackage.json"])
    assert {resource["path"] for resource in package["resources"]} == {
        name[7:] for name in files if name.startswith("tables/") and name.endswith(".csv")
    }
    for resource in package["resources"]:
        frame = pd.read_csv(io.BytesIO(files[f"tables/{resource['path']}"]))
        assert [entry["name"] for entry in resource["schema"]["fields"]] == list(frame.columns)


def test_small_groups_are_withheld_everywhere_when_published(planted, with_report):
    result = with_report(planted("clear"), suppress_below=65)  # Black women are 60, Indian men 8, the unlabelled 60
    shown, small = published(result)
    assert small == {"race=Black|sex=Female", "race=Indian|sex=Male", "race=Indian", "unlabelled"}
    files = render(result)
    rates = pd.read_csv(io.BytesIO(files["tables/rates.csv"]))
    hit = rates["group"].isin(small) | rates["other_group"].isin(small)
    assert hit.sum() > 20
    assert rates.loc[hit, ["rate", "low", "high", "errors", "trials", "subjects"]].isna().all().all()
    assert rates.loc[~hit, "rate"].notna().any()
    assert (rates.loc[hit, "note"] == "withheld: fewer than 65 people").all()
    exact = planted("clear").rates.query(
        "group == 'race=Black|sex=Female' and measure == 'FMR' and weighting == 'people' and other_group == ''"
    )["rate"]
    # Another group's number may begin with the same four digits.
    gaps = pd.read_csv(io.BytesIO(files["tables/differences.csv"]))
    others = {f"{value:.4g}" for table in (rates, gaps) for value in table.select_dtypes("number").to_numpy().ravel()}
    secret = {f"{value:.4g}" for value in exact} - others
    assert secret
    for file, content in files.items():
        for value in secret:
            assert value.encode() not in content, file
    head = next(tree(files["report.html"]).iter("h1"))
    assert "Black women" not in "".join(head.itertext())
    facts = Facts(shown, small)
    assert facts.rate(facts.headline, "FMR", "race=Black|sex=Female").standing == "withheld"


def test_the_summary_always_shows_the_groups_that_it_names(pages):
    page = pages("many")["summary.html"].decode()
    named = re.findall(r'<tr><th scope="row">([^<]*?)(?: \(reference\))?</th>', page)
    drawn = re.findall(r'class="t-ink"[^>]*>([A-Z][^<]*?)(?: \(reference\))?</text>', page)
    assert len(named) == 2
    assert set(named) <= set(drawn)
    assert len(drawn) < 2 * 9
    assert "6 more groups are in the full report" in page


def test_auditors_find_the_tables_open(planted):
    closed, opened = (
        render(planted("few"), audience=audience)["report.html"].decode() for audience in ("council", "auditor")
    )
    assert '<details class="rows" open>' in opened
    assert '<details class="rows" open>' not in closed


def test_no_further_table_keeps_a_number_of_a_withheld_group(planted, with_report):
    """Whatever its columns are called: curves were once let through."""
    from dataclasses import replace

    result = with_report(planted("clear"), suppress_below=65)
    cells = result.tallies.labellings[0].cells
    points, levels = [0.6] * len(cells), [0.1 + 0.01 * k for k in range(len(cells))]
    curve = pd.DataFrame(
        {
            "group": cells,
            "weighting": "people",
            "score_threshold": points,
            "FMR": levels,
            "FMR_low": levels,
            "subjects": 99,
        }
    )
    gaps = pd.DataFrame(
        {
            "group": cells,
            "reference": "race=White|sex=Male",
            "difference": levels,
            "reference_rate": levels,
            "note": "",
        }
    )
    shown, withheld = published(replace(result, tables={"curves": curve, "differences": gaps}))
    assert "race=Black|sex=Female" in withheld
    for name, numbers in (
        ("curves", ["FMR", "FMR_low", "subjects"]),
        ("differences", ["difference", "reference_rate"]),
    ):
        frame = shown.tables[name]
        hit = frame["group"].isin(withheld)
        assert hit.sum() == 3
        assert frame.loc[hit, numbers].isna().all(axis=None)
        assert frame.loc[~hit, numbers].notna().all(axis=None)
    assert shown.tables["curves"]["score_threshold"].notna().all()


def test_nothing_is_withheld_unless_asked(planted):
    assert published(planted("clear"))[1] == frozenset()


def test_references_other_than_the_configured_one_have_a_static_table(planted):
    from dataclasses import replace

    result = planted("clear")
    swapped = result.differentials.rename(columns={"group": "reference", "reference": "group"})[
        result.differentials.columns
    ]
    page = render(
        replace(
            result,
            tables={
                "references": swapped.assign(
                    ratio=1 / swapped["ratio"], low=1 / swapped["high"], high=1 / swapped["low"]
                )
            },
        )
    )["report.html"]
    found = [node.get("data-reference") for node in tree(page).iter("details") if node.get("class") == "reference"]
    assert "race=Black|sex=Female" in found


def test_optional_tables_fill_their_places(planted, with_report):
    from dataclasses import replace

    from audit.words import columns

    result = planted("clear")
    nan = float("nan")
    point = "vendor_default"
    summaries = pd.DataFrame(
        [(point, "FMR", "people", "cells", "max_over_min", 27.0, 20.0, 33.0, 1.0, 1.7, 0.001, "")],
        columns=[
            "operating_point",
            "measure",
            "weighting",
            "grouping",
            "summary",
            "value",
            "low",
            "high",
            "null_low",
            "null_high",
            "homogeneity_p",
            "note",
        ],
    )
    power = pd.DataFrame(
        [
            (point, "FMR", "people", group, "race=White|sex=Male", 40, 3.0, 2.6, "")
            for group in result.acquisition["group"]
        ],
        columns=[
            "operating_point",
            "measure",
            "weighting",
            "group",
            "reference",
            "errors",
            "design_effect",
            "detectable_ratio",
            "note",
        ],
    )
    labels = pd.DataFrame(
        [
            (
                point,
                "FMR",
                "people",
                "race=Black|sex=Female",
                "race=White|sex=Male",
                "race_other",
                55,
                20.0,
                15.0,
                27.0,
                "",
            ),
            (point, "FMR", "people", "race=Black|sex=Male", "race=White|sex=Male", "race_other", 5, nan, nan, nan, ""),
        ],
        columns=[
            "operating_point",
            "measure",
            "weighting",
            "group",
            "reference",
            "label_source",
            "subjects",
            "ratio",
            "low",
            "high",
            "note",
        ],
    )
    given = {"summaries": summaries, "power": power, "label_sensitivity": labels}
    given = {name: columns.frame(name, frame.to_dict("records")) for name, frame in given.items()}
    files = render(with_report(replace(result, tables=given)))
    page = files["report.html"].decode()
    assert "The grey band ends at 1.7 times" in page
    assert "ratio of extremes (max_over_min)" in page
    assert "Smallest gap usually seen" in page
    assert "×2.6" in page
    assert "about 20 times (15 to 27)" in page
    assert "too few people to say (5 people; this report asks for 20)" in page
    assert "Not shown: the band" not in page
    assert "usually be missed in 7 of 7 groups" in page
    tree(files["report.html"])


def test_two_runs_compared_say_what_changed(planted):
    comparison = pd.DataFrame(
        [("vendor_default", "FMR", "race=Black|sex=Female", 0.3, 0.1, 0.33, 0.25, 0.45, wording.CLEAR),
         ("vendor_default", "FNMR", "race=White|sex=Male", 0.05, 0.06, 1.2, 0.5, 2.9, wording.UNCERTAIN)],
        columns=["operating_point", "measure", "group", "rate_a", "rate_b", "ratio", "low", "high", "certainty"],
    )  # fmt: skip
    page = compare_page(planted("clear"), planted("none"), comparison)
    head = "".join(next(tree(page).iter("h1")).itertext())
    assert head.startswith(
        "From Planted matcher 1.0 (planted) to Planted matcher 1.0 (planted), beyond chance, "
        "wrong persons rose in 0 and fell in 1 of 1 group"
    )
    assert "missed persons rose in 0 and fell in 0 of 1 group" in head
    assert b"about 0.33 times (0.25 to 0.45)" in page


def test_the_index_lists_runs_with_their_first_finding():
    page = index_page(
        [
            {"name": "quickstart", "title": "A on B", "finding": "Nothing & more"},
            {"name": "x", "title": "C", "finding": "F", "limited": "Few."},
        ]
    )
    root = tree(page)
    assert [node.get("href") for node in root.iter("a") if "report" in node.get("href")] == [
        "quickstart/report.html",
        "x/report.html",
    ]
    assert "2 audits" in "".join(next(root.iter("h1")).itertext())
    assert b"Few." in page
    tree(index_page([]))


def committed(root):
    return sorted(path.parent for path in (root / "results").glob("*/audit.json"))


def test_the_committed_reports_follow_the_same_rules(root):
    folders = committed(root)
    if not folders:
        pytest.skip("no committed results")
    for folder in folders:
        result = read(folder)
        files = render(result)
        assert len(files["report.html"]) < 2_000_000
        check_certainties(result)
        check_words(files)
        check_reading(files)
        if result.about.get("people_known", True) and result.tallies is not None:
            check_digits(files)
            check_rates(files)
        if result.about.get("limited"):
            assert all(
                result.about["limited"][:30] in html.unescape(files[file].decode())
                for file in ("summary.html", "report.html", "guide.html")
            )


SCORES = """
version = 1
name = "handed"
[benchmark]
name = "outputs"
[benchmark.options.labels.race]
title = "Race"
kind = "annotator"
source = "planted"
[backend]
name = "{backend}"
[backend.options]
path = "{path}"
{options}
[groups]
attributes = {{ race = "race" }}
reference = "race=White"
[[operating_points]]
kind = "vendor_default"
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Two real audits of planted outputs: pairs without people, and searches of people."""
    import numpy as np

    from audit.config import parse_config
    from audit.runs import pipeline

    folder, rng = tmp_path_factory.mktemp("outputs"), np.random.default_rng(3)
    rows = [
        (race, mated, rng.random() < (0.9 if mated else wrong))
        for race, wrong in (("White", 0.02), ("Black", 0.2))
        for mated in (0, 1)
        for _ in range(400)
    ]
    pairs = pd.DataFrame(rows, columns=["race", "mated", "score"])
    pairs.assign(score=pairs["score"] * 0.5 + 0.2).to_csv(folder / "scores.csv", index=False)
    searches = []
    for race, wrong in (("White", 0.02), ("Black", 0.3)):
        for k in range(300):
            found = [(0.8, 1)] if k % 2 and rng.random() < 0.9 else []
            found += [(0.6, 0)] if rng.random() < wrong else []
            for rank, (score, mate) in enumerate(found or [(None, None)], start=1):
                searches.append((f"{race}{k}", rank if found else None, score, mate, k % 2, f"{race}{k}", race))
    pd.DataFrame(searches, columns=["probe", "rank", "score", "mate", "enrolled", "subject", "race"]).to_csv(
        folder / "candidates.csv", index=False
    )
    made = {}
    for backend, options in (
        ("scores", "default_threshold = 0.5"),
        ("candidates", 'subject = "subject"\ngallery = 5000\ndefault_threshold = 0.5'),
    ):
        config = parse_config(SCORES.format(backend=backend, path=folder / f"{backend}.csv", options=options))
        made[backend] = render(pipeline.run(config, pipeline.Settings(offline=True)))
    return made


def test_where_nobody_said_who_the_people_are_no_interval_is_given(outputs):
    for file in ("summary.html", "report.html", "guide.html"):
        text = " ".join(words(tree(outputs["scores"][file]).find("body")))
        assert not re.search(r"-1 people|\bnan\b", text)
    text = " ".join(words(tree(outputs["scores"]["summary.html"]).find("body")))
    assert "no range can be given" in text
    assert "too uncertain to say" in text
    assert not re.search(r"\d to \d+, 95 %", text)


def test_an_audit_of_searches_speaks_of_searches(outputs):
    report = outputs["candidates"]["report.html"]
    text = " ".join(words(tree(report).find("body")))
    assert "searches" in text
    assert "5,000" in report.decode()
    assert "This run compared photos two at a time" not in text
    for file in ("summary.html", "guide.html"):
        tree(outputs["candidates"][file])


def test_a_change_of_gaps_is_told_apart_from_a_change_of_rates(planted):
    row = {
        "operating_point": "vendor_default",
        "measure": "FMR",
        "weighting": "people",
        "group": "race=Black|sex=Female",
        "subjects": 60,
        "rate_a": 0.3,
        "rate_b": 0.1,
        "ratio": 0.33,
        "low": 0.25,
        "high": 0.45,
        "certainty": wording.CLEAR,
        "reference": "race=White|sex=Male",
        "differential_a": 27.0,
        "differential_b": 26.0,
        "change": 0.97,
        "change_low": 0.8,
        "change_high": 1.2,
        "change_certainty": "no difference larger than ×2",
        "note": "",
    }
    page = compare_page(planted("clear"), planted("none"), pd.DataFrame([row, row | {"weighting": "comparisons"}]))
    text = page.decode()
    assert "Did the gap change?" in text
    assert "about 0.97 times (0.8 to 1.2)" in text
    assert text.count("0 rose and 1 fell") >= 1


def test_two_runs_compared_do_not_estimate_for_too_few_people(planted):
    row = ("vendor_default", "FMR", "race=Indian|sex=Male", 0.1234, 0.4321, 3.5016, 1.1, 9.0, "too few people")
    names = ["operating_point", "measure", "group", "rate_a", "rate_b", "ratio", "low", "high", "certainty"]
    text = compare_page(planted("clear"), planted("clear"), pd.DataFrame([row], columns=names)).decode()
    assert "too few people to say" in text
    assert not re.search(r"120 of|\b430\b|3\.5 times", text)


def test_a_comparison_without_gaps_is_strictly_valid_too(planted):
    row = ("vendor_default", "FMR", "race=Black|sex=Female", 0.3, 0.1, 0.33, 0.25, 0.45, wording.CLEAR)
    names = ["operating_point", "measure", "group", "rate_a", "rate_b", "ratio", "low", "high", "certainty"]
    page = compare_page(planted("clear"), planted("none"), pd.DataFrame([row], columns=names))
    tree(page)


def test_the_title_of_a_comparison_counts_changes_at_a_threshold_that_both_runs_have(planted):
    """The first run's headline threshold may be missing from the second; then the first shared one is counted, not
    nothing."""
    first = planted("clear")
    group = Facts(first).labelled[0].name
    row = {
        "operating_point": "fmr=0.001:all:people",
        "measure": "FMR",
        "weighting": "people",
        "group": group,
        "rate_a": 0.01,
        "rate_b": 0.002,
    }
    row |= {"ratio": 0.2, "low": 0.1, "high": 0.4, "certainty": wording.CLEAR, "subjects": 200, "note": ""}
    text = compare_page(first, planted("none"), pd.DataFrame([row])).decode()
    title = re.search(r"<h1>(.*?)</h1>", text, re.S).group(1)
    assert "rose in 0 and fell in 1 of 1 group" in title


def _with_ratio(result, point, group, **numbers):
    """The same audit with one ratio of people-weighted FMR as a test wants it."""
    from dataclasses import replace

    frame = result.differentials.copy()
    row = (
        (frame["operating_point"] == point)
        & (frame["measure"] == "FMR")
        & (frame["weighting"] == "people")
        & (frame["group"] == group)
    )
    assert row.sum() == 1
    for name, value in numbers.items():
        frame.loc[row, name] = value
    return replace(result, differentials=frame)


def test_a_title_that_names_the_surest_gap_names_a_larger_one_too(planted):
    from audit.report.fill import say

    result = planted("clear")
    before = Facts(result)
    assert before.outcome(before.headline, "FMR").larger is None
    assert ";" not in str(say().title_of(before, before.headline, "FMR"))
    likely = {"ratio": 80.0, "low": 2.0, "high": 900.0, "certainty": "likely difference"}
    facts = Facts(_with_ratio(result, "vendor_default", "race=Asian|sex=Male", **likely))
    outcome = facts.outcome(facts.headline, "FMR")
    assert (outcome.worst.group, outcome.larger.group) == ("race=Black|sex=Female", "race=Asian|sex=Male")
    title = " ".join(str(say().title_of(facts, facts.headline, "FMR")).split())
    assert re.search(
        r"as often as two people recorded as White men: a clear difference; for people recorded as Asian men, about 80 times \(2 to 900\), a likely "
        r"difference\.$",
        title,
    )
    clear = {"ratio": 80.0, "low": 2.0, "high": 900.0, "certainty": "clear difference"}
    facts = Facts(_with_ratio(result, "vendor_default", "race=Asian|sex=Male", **clear))
    assert "; for people recorded as Asian men, about 80 times (2 to 900)." in " ".join(
        str(say().title_of(facts, facts.headline, "FMR")).split()
    )


def test_evidence_is_in_words_and_keeps_its_key_for_machines(pages):
    page = tree(pages("clear")["report.html"])
    links = [node for node in page.iter("a") if node.get("data-key")]
    assert len(links) > 20
    for link in links:
        words = "".join(link.itertext())
        assert not re.search(r"fmr=|race=|sex=|:|_", words), words
        table = link.get("data-key").partition(":")[0]
        assert link.get("href").startswith("#row-") or link.get("href") == f"tables/{table}.csv"
    said = {"".join(link.itertext()) for link in links}
    assert "Wrong person, Black women, over White men, at distance 0.6" in said
    assert "Wrong person, Black women, minus White men, at distance 0.6" in said


def test_both_weightings_stand_in_the_method_with_who_dominates_the_second(pages, planted):
    page = " ".join(pages("clear")["report.html"].decode().split())
    assert "Held by ten people" in page
    assert "they differ because in the second, people with many photos count more often" in page
    held = planted("clear").tables["most_photographed"].set_index("group")
    share = held.share_of_mated["race=White|sex=Male"]
    assert f">{float(f'{share:.2g}') * 100:.4g} %<" in page


def test_curves_show_both_weightings_in_plain_words_and_fold_the_second(planted):
    from dataclasses import replace

    from audit.rates import every_rate as rate_tables
    from audit.rates.curves import curves

    result = planted("clear")
    rates = rate_tables.compute(result.tallies)
    files = render(replace(result, tables={"curves": curves(rates, rates.thresholds, dissimilarity=True)}))
    page = files["report.html"].decode()
    assert {"figures/det.svg", "figures/det-comparisons.svg"} <= set(files)
    assert (
        page.index("fig-det")
        < page.index('<details class="more"><summary>The same curves, weighted by comparisons')
        < page.index("fig-det-comparisons")
    )
    for name in ("det", "det-comparisons"):
        ticks = re.findall(r'class="t-muted"[^>]*>([^<]*%)</text>', files[f"figures/{name}.svg"].decode())
        assert len(ticks) > 5
        assert all(re.fullmatch(r"[\d.]+ %", tick) for tick in ticks)
