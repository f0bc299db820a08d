"""Markup in every word that a config, a table, a card or a matcher can carry: none of it runs, and none leaves its
place."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from planted_audits import CELLS, CONFIG, audit, judged

from audit.config import AuditConfig
from audit.report import compare_page, index_page, render
from audit.runs.pipeline import Settings, run

CHROMIUM = Path("/usr/bin/chromium")
PAYLOADS = {
    "script": "<script>window.ran=1</script>",
    "image": "<img src=x onerror=window.ran=2>",
    "attribute": '"><svg onload="window.ran=3">',
    "handler": '" autofocus onfocus="window.ran=4" x="',
    "quote": "' onmouseover='window.ran=5' y='",
    "address": "javascript:window.ran=6",
    "title": "</title></desc></svg><script>window.ran=7</script>",
    "style": "</style><style>*{display:none}</style>",
    "end": "</script><script>window.ran=8</script>",
    "comment": "<!--<script>window.ran=9</script>",
    "template": "{{7*7}}{% for x in 'abc' %}{{x}}{% endfor %}${7*7}",
    "entity": "&lt;script&gt;window.ran=10&lt;/script&gt;&#x3c;b&#x3e;",
    "cdata": "]]><script>window.ran=11</script>",
    "control": "\x0b\x0c\x1c\u2028<b>\x08\x1f\u202e",
    "lone": "\ud800<i>",
}
CODES = ("backend", "kind", "column", "role", "measure")
"""Keys whose values are the product's own words: a backend's registered name, a kind out of four."""


def everywhere(value, word, key=""):
    """The same structure with every string that somebody else wrote replaced."""
    if isinstance(value, dict):
        return {name: everywhere(item, word, name) for name, item in value.items()}
    if isinstance(value, list):
        return [everywhere(item, word, key) for item in value] or ([word] if key in ("agreement",) else [])
    return word if isinstance(value, str) and key not in CODES and key != "limited" else value


def register_of(word, folder):
    """A register of the reader's own."""
    said = json.dumps(word.replace("\ud800", ""))  # TOML cannot hold half a surrogate pair
    path = folder / "register.toml"
    path.write_text(
        f"version = 1\ntitle = {said}\nabout = {said}\n[sources]\nS = {said}\n"
        f'[[claims]]\nid = "X1"\nquote = {said}\nsource = "S"\nquestion = {said}\nrule = '
        f'"differential"\nneeds = {said}\nnote = {said}\n'
        f'measures = ["FMR"]\n[[claims.parts]]\nwords = {said}\n[[claims.parts]]\nwords = "others"\n'
        f'[[claims]]\nid = "X2"\nparaphrase = {said}\nsource = {said}\nquestion = {said}\nrule = '
        f'"needs"\nneeds = {said}\n',
        encoding="utf-8",
    )
    return str(path)


def dressed(word, folder):
    """A whole audit, its groups, thresholds' unit, tables, findings, card and matcher all named by ``word``."""
    values = {cell: f"race={k}{word}".replace("|", "/") + f"|sex={word}{k}" for k, cell in enumerate(CELLS)}
    plan = {values[cell].replace("\ud800", ""): (60, 0.04 + 0.05 * k, 0.1) for k, cell in enumerate(CELLS)}
    config = CONFIG.replace('"race=White|sex=Male"', json.dumps(list(plan)[-1])).replace(
        'race = "race"', f"race = {json.dumps(word.replace(chr(0xD800), ''))}"
    )
    made = audit(plan, config=config)
    report = made.config.report.model_copy(
        update={"date": word, "prepared_by": word, "title": word, "claims": register_of(word, folder)}
    )
    about = everywhere(made.about, word) | {"limited": word}
    about["benchmark"]["labels"] = [
        {**entry, "categories": [word, word], "kind": word} for entry in about["benchmark"]["labels"]
    ]
    about["benchmark"]["agreement"] = [{word: word, "n": 3}]
    about["counts"]["unlabelled"] = {word: 3}
    framed = word.replace("\ud800", "")  # no frame holds half a surrogate pair
    points = made.operating_points.assign(unit=framed, calibrated_on=framed)
    summary = pd.DataFrame(
        [("vendor_default", "FMR", "people", framed, 2.0, 1.0, 3.0, 1.0, 2.0, framed)],
        columns=[
            "operating_point",
            "measure",
            "weighting",
            "summary",
            "value",
            "low",
            "high",
            "null_low",
            "null_high",
            "note",
        ],
    )
    refused = pd.DataFrame([(framed, framed, framed)], columns=["what", "why", "needs"])
    own = pd.DataFrame([(framed, 1.5)], columns=[framed, "number"])
    tables = made.tables | {"summaries": summary, "refused": refused, "own": own}
    made = judged(replace(made, config=made.config.model_copy(update={"report": report})))
    return replace(
        made,
        about=about,
        operating_points=points,
        rates=made.rates.assign(note=framed, interval=framed),
        tables=tables,
    )


def outputs(word, folder):
    """An audit of scores, from a real table whose group words and options are ``word``."""
    word = word.replace("\ud800", "")
    place = folder / "outputs"
    place.mkdir(exist_ok=True)
    shown = (
        " ".join(
            "".join(letter for letter in word if letter.isprintable()).replace("=", " ").replace("|", " ").split()
        )
        or "x"
    )
    rows = [(f"{shown}{g}", k % 2, 0.1 + 0.8 * (k % 2) + 0.001 * k + 0.01 * g) for g in range(3) for k in range(40)]
    pd.DataFrame(rows, columns=["column", "mated", "score"]).to_csv(place / "given.csv", index=False)
    card = {name: word for name in ("title", "licence", "permitted_use", "people", "how_made", "homepage")}
    card |= {"citation": [word], "defects": [word], "labels": {"column": {"title": word, "source": word}}}
    options = {
        "path": "given.csv", "kind": "similarity", "unit": word, "product": word, "version": word, "description": word,
    }  # fmt: skip
    config = {
        "version": 1,
        "name": "toy",
        "benchmark": {"name": "outputs", "options": card},
        "groups": {"attributes": {"race": "column"}, "reference": f"race={shown}0", "minimum_subjects": 2},
        "backend": {"name": "scores", "options": options},
        "operating_points": [{"kind": "fixed", "threshold": 0.5}],
        "report": {"date": word, "prepared_by": word, "claims": register_of(word, place)},
    }
    return run(AuditConfig.model_validate(config), Settings(data=place))


def pages(word, folder):
    """Every page of the product, by name."""
    made, other = dressed(word, folder), dressed(word, folder)
    out = {
        f"dressed/{name}": content
        for name, content in render(made, digest="0" * 16).items()
        if name.endswith((".html", ".svg"))
    }
    rows = [
        ("vendor_default", "FMR", group, 0.3, 0.1, 0.33, 0.25, 0.45, "clear difference")
        for group in made.acquisition["group"]
    ]
    names = ["operating_point", "measure", "group", "rate_a", "rate_b", "ratio", "low", "high", "certainty"]
    out["compare.html"] = compare_page(made, other, pd.DataFrame(rows, columns=names))
    entry = {"name": word.replace("/", "-"), "title": word, "finding": word, "limited": word, "date": word}
    out["index.html"] = index_page([entry, entry])
    return out


class Seen(HTMLParser):
    """Tags with their attributes' names, addresses and text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.addresses, self.text = Counter(), set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value for name, value in attrs if name in ("href", "src", "action", "xlink:href")]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """``made(word)`` and ``made(word, outputs)``: pages and drawings, made once for all tests of this file."""
    kept = {}

    def go(word, maker=None):
        if (word, maker) not in kept:
            folder = tmp_path_factory.mktemp("words")
            kept[word, maker] = pages(word, folder) if maker is None else render(maker(word, folder))
        return kept[word, maker]

    return go


@pytest.fixture(scope="module")
def harmless(made):
    return {name: Seen(content.decode()) for name, content in made("word").items()}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_markup_in_every_word_gives_the_same_elements_as_a_plain_word(kind, harmless, made):
    for name, content in made(PAYLOADS[kind]).items():
        seen = Seen(content.decode())
        assert seen.tags == harmless[name].tags, name
        assert seen.attributes == harmless[name].attributes, name
        assert not [name for name in seen.attributes if name.startswith("on") or name == "style"]
        assert not [
            address
            for address in seen.addresses
            if not address.startswith(
                (
                    "#",
                    "tables/",
                    "report.html",
                    "summary.html",
                    "guide.html",
                    "provenance.json",
                    "data:image/svg+xml;base64,",
                )
            )
            and not address.endswith(("/report.html", "/summary.html"))
        ]
        assert not [
            address for address in seen.addresses if ":" in address and not address.startswith(("data:image", "#"))
        ]


def test_a_template_in_a_word_stays_as_it_was_written(made):
    for content in made(PAYLOADS["template"]).values():
        text = "".join(Seen(content.decode()).text)
        assert PAYLOADS["template"] in text
        assert "49" not in text.replace("0.049", "").partition("{{7*7}}")[2][:40]


@pytest.mark.parametrize("kind", PAYLOADS)
def test_pages_of_outputs_carry_hostile_group_words_as_text(kind, made):
    plain = made("word", outputs)
    for name, content in made(PAYLOADS[kind], outputs).items():
        if name.endswith((".html", ".svg")):
            seen, twin = Seen(content.decode()), Seen(plain[name].decode())
            assert (seen.tags, seen.attributes) == (twin.tags, twin.attributes), name


@pytest.mark.parametrize("kind", PAYLOADS)
def test_exported_drawings_are_well_formed(kind, made):
    from xml.etree import ElementTree

    drawings = [content for name, content in made(PAYLOADS[kind]).items() if name.endswith(".svg")]
    assert len(drawings) > 5
    for content in drawings:
        assert {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(content).iter()} <= {
            "svg",
            "title",
            "desc",
            "rect",
            "line",
            "text",
            "path",
        }


def test_every_page_names_its_style_and_its_script_by_sum_and_allows_nothing_else(planted):
    import base64
    import hashlib
    import re

    files = render(planted("clear"))
    files["index.html"] = index_page([{"name": "a", "title": "t", "finding": "f"}])
    for name in ("report.html", "summary.html", "guide.html", "index.html"):
        page = files[name].decode()
        policy = (
            re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
            .group(1)
            .replace("&#39;", "'")
        )
        assert page.index("Content-Security-Policy") < page.index("<title>") < page.index("<style>")
        sums = {
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in re.findall(r"<style>(.*?)</style>|<script>(.*?)</script>", page, flags=re.S)
            for text in text
            if text
        }
        assert policy.startswith("default-src 'none'; ")
        assert set(re.findall(r"'sha256-[^']*'", policy)) == sums
        assert "unsafe" not in policy
        assert ("script-src" in policy) == (name == "report.html")


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is absent")
    sync = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with sync.sync_playwright() as play:
        try:
            opened = play.chromium.launch(
                executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
            )
        except sync.Error as error:
            pytest.skip(f"the browser does not start: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


def visit(browser, path):
    page = browser.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    if path.suffix == ".html":
        page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true })")
        page.evaluate(
            "document.querySelectorAll('main *').forEach(node => { node.dispatchEvent(new "
            "MouseEvent('mouseover')); node.focus && node.focus() })"
        )
    return page, said, asked


@pytest.mark.browser
@pytest.mark.parametrize("kind", PAYLOADS)
def test_nothing_runs_in_a_browser(kind, browser, made, tmp_path):
    files = made(PAYLOADS[kind]) | {
        f"outputs/{name}": content for name, content in made(PAYLOADS[kind], outputs).items() if name.endswith(".html")
    }
    chosen = [name for name in files if name.endswith(".html")] + [name for name in files if name.endswith(".svg")][:4]
    for name in chosen:
        path = tmp_path / "pages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
        page, said, asked = visit(browser, path)
        assert page.evaluate("window.ran") is None, name
        assert said == [], name
        assert asked == [path.as_uri()], name
        page.close()


@pytest.mark.browser
def test_the_policy_stops_what_would_get_in_all_the_same(browser, planted, tmp_path):
    """The second lock by itself: markup put into finished pages neither runs nor loads nor styles."""
    put = "<script>window.ran=1</script><img src=https://127.0.0.1:9/x onerror=window.ran=2>"
    put += "<style>h1{display:none}</style><p style='color:red' id=own>x</p>"
    files = render(planted("clear"))
    for name in ("report.html", "summary.html", "guide.html"):
        path = tmp_path / name
        path.write_bytes(files[name].replace(b"<main", put.encode() + b"<main"))
        page, said, asked = visit(browser, path)
        assert page.evaluate("window.ran") is None
        assert page.locator("h1").is_visible()
        assert page.evaluate("getComputedStyle(document.getElementById('own')).color") != "rgb(255, 0, 0)"
        assert any("Content Security Policy" in text for text in said)
        page.close()
    page, _, _ = visit(
        browser, _written(tmp_path / "index.html", index_page([]).replace(b"<main", put.encode() + b"<main"))
    )
    assert page.evaluate("window.ran") is None


def _written(path, content):
    path.write_bytes(content)
    return path
