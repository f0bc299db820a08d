"""The pages in a real browser: accessible, printable, legible at every width, quiet on the network."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from audit.report import compare_page, index_page, render

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = ("summary.html", "report.html", "guide.html")
PLANS = ("clear", "reversed", "none", "few", "zero", "uncertain", "many")

pytestmark = pytest.mark.browser


def with_curves(result):
    """The planted audit with curves from false match rates of 1 in 10 to 1 in 10 million, so that ticks have long
    words."""
    import pandas as pd

    from audit.words.columns import TABLES

    rows = []
    for k, group in enumerate(result.tallies.labellings[0].cells):
        for weighting in ("people", "comparisons"):
            for n in range(13):
                fmr, fnmr = (1 + k / 10) * 10 ** (-1 - n / 2), 0.02 + 0.06 * n
                known = (
                    (fnmr, fnmr * 0.8, fnmr * 1.1, 9)
                    if weighting == "people"
                    else (fnmr, float("nan"), float("nan"), 9)
                )
                rows.append(
                    (group, weighting, 0.6 - n / 100, n / 100 - 0.6, fmr, fmr / 2, fmr * 2, 9, *known, 90, 90, "")
                )
    return replace(result, tables={"curves": pd.DataFrame(rows, columns=list(TABLES["curves.csv"]))})


@pytest.fixture(scope="module")
def folder(planted, tmp_path_factory):
    top = tmp_path_factory.mktemp("pages")
    for plan in PLANS:
        limited = (
            "This run stands on a small part of the photos, so its ranges are wide and some groups are missing."
            if plan == "clear"
            else ""
        )
        for name, content in render(planted(plan, **({"limited": limited} if limited else {}))).items():
            path = top / plan / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (top / "curves").mkdir()
    (top / "curves" / "report.html").write_bytes(render(with_curves(planted("clear")))["report.html"])
    import pandas as pd

    row = ("vendor_default", "FMR", "race=Black|sex=Female", 0.3, 0.1, 0.33, 0.25, 0.45, "clear difference")
    names = ["operating_point", "measure", "group", "rate_a", "rate_b", "ratio", "low", "high", "certainty"]
    (top / "compare.html").write_bytes(
        compare_page(planted("clear"), planted("none"), pd.DataFrame([row], columns=names))
    )
    (top / "index.html").write_bytes(
        index_page([{"name": "clear", "title": "Planted", "finding": "A finding", "limited": "Planted."}])
    )
    return top


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is absent")
    sync = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with sync.sync_playwright() as play:
        try:
            opened = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        except sync.Error as error:
            pytest.skip(f"the browser does not start: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, folder):
    """``visit("clear/report.html", width=375)``: a page, with every request it makes."""
    contexts = []

    def go(name, width=1280, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.errors = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto((folder / name).as_uri())
        return page

    yield go
    for context in contexts:
        context.close()


def violations(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-playwright-python")
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = axe.Axe().run(page, options=options).response["violations"]
    return [(entry["id"], [node["html"][:160] for node in entry["nodes"]][:3]) for entry in found]


@pytest.mark.parametrize(
    "name",
    [f"clear/{page}" for page in PAGES]
    + ["few/report.html"]
    + [f"{plan}/summary.html" for plan in PLANS[1:]]
    + ["compare.html", "index.html"],
)
def test_axe_finds_nothing(visit, name):
    page = visit(name)
    page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true })")
    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_the_dark_and_on_a_phone(visit, name):
    page = visit(f"clear/{name}", width=375, color_scheme="dark")
    page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true })")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_forced_colours_keep_every_mark_and_word(visit, name):
    page = visit(f"clear/{name}", forced_colors="active")
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    colours = page.evaluate(
        "[...document.querySelectorAll('.plot text')].map(node => getComputedStyle(node).fill + "
        "getComputedStyle(document.body).backgroundColor)"
    )
    assert all(not re.match(r"^(rgb\([^)]*\))\1$", pair) for pair in colours)
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 640])
@pytest.mark.parametrize(
    "name", [f"clear/{page}" for page in PAGES] + ["few/report.html", "many/report.html", "compare.html", "index.html"]
)
def test_nothing_but_wide_tables_scrolls_sideways(visit, name, width):
    """320 pixels, and 1,280 pixels at 200 % (640)."""
    page = visit(name, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(node => !node.closest('.scroll') && node.getClientRects().length
        && node.getBoundingClientRect().right > innerWidth + 1).map(node => node.outerHTML.slice(0, 120))"""
    )
    assert beyond == []


def test_letters_in_figures_do_not_shrink_on_a_phone(visit):
    page = visit("clear/report.html", width=320)
    sizes = page.evaluate(
        "[...document.querySelectorAll('#wrong .plot text')].map(node => node.getBoundingClientRect().height)"
    )
    assert min(size for size in sizes if size) >= 12


def test_labels_and_values_do_not_collide_on_a_phone(visit):
    page = visit("clear/report.html", width=320)
    clashes = page.evaluate(
        """() => [...document.querySelectorAll('#wrong .panel:first-of-type .plot')].flatMap(plot => {
        const boxes = [...plot.querySelectorAll('text')].map(node => [node.textContent, node.getBoundingClientRect()]);
        return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) => p.width && q.width && p.left < q.right - 1 && q.left < p.right - 1
        && p.top < q.bottom - 3 && q.top < p.bottom - 3).map(([b]) => a + ' / ' + b)); })"""
    )
    assert clashes == []


def test_every_number_stands_there_without_javascript(visit):
    page = visit("clear/report.html", java_script_enabled=False)
    assert page.locator("#controls").is_hidden()
    assert page.locator("#wrong .panel").count() == 2
    other = page.locator("#wrong details.other")
    other.locator("> summary").click()
    assert other.locator("svg.plot").is_visible()


def test_a_threshold_can_be_chosen_and_everything_follows(visit):
    page = visit("clear/report.html")
    assert page.errors == []
    title = page.locator("h1").text_content()
    slider = page.locator("#choose-point")
    assert (slider.get_attribute("min"), slider.get_attribute("max")) == ("0", "1")
    assert page.locator("#now").is_hidden()
    slider.fill("1")
    assert page.locator("#wrong .panel[data-point=p0]").is_hidden()
    assert page.locator("#wrong .panel[data-point=p1] svg.plot").is_visible()
    for room in ("#answer", "#claim-C1"):
        assert page.locator(f"{room} .panel[data-point=p0]").is_hidden()
        assert page.locator(f"{room} .panel[data-point=p1]").first.is_visible()
    assert page.locator("h1").text_content() != title
    assert page.title() == page.locator("h1").text_content()
    assert "another threshold" in page.locator("#now").text_content()
    assert page.locator("#fig-fta").is_visible()
    slider.fill("0")
    assert page.locator("#wrong .panel[data-point=p0]").is_visible()
    assert page.locator("h1").text_content() == title
    assert page.locator("#now").is_hidden()


POINT = "fmr=0.001:all:people"


def test_a_state_in_the_address_gives_the_numbers_of_its_rows_and_outlives_a_reload(visit, folder, planted):
    from audit.words import wording

    page = visit("clear/report.html")
    page.goto((folder / "clear/report.html").as_uri() + "#wrong;at=fmr%3D0.001%3Aall%3Apeople")
    page.reload()
    assert page.errors == []
    rates = planted(
        "clear",
        limited="This run stands on a small part of the photos, so its ranges are wide and some groups are missing.",
    ).rates
    rows = rates[
        (rates.operating_point == POINT)
        & (rates.measure == "FMR")
        & (rates.weighting == "people")
        & (rates.other_group == "")
    ]
    table = page.locator("#answer .panel[data-point=p1] table.four")
    per = int(re.search(r"Wrong person, in ([\d,]+)", table.text_content()).group(1).replace(",", ""))
    seen = 0
    for line in table.locator("tbody tr").all():
        label = line.locator("th").text_content().replace(" (reference)", "")
        row = next(row for row in rows.itertuples() if wording.group_label(row.group) == label)
        assert line.locator("td").first.text_content().strip() == (
            f"{wording.out_of(row.rate, per)} ({wording.interval_in_words(row.low, row.high, per)})"
        )
        seen += 1
    assert seen == 2
    page.locator(".toc a").nth(5).click()  # a link inside the page keeps the state
    page.wait_for_timeout(100)
    assert "at=fmr" in page.evaluate("location.hash")
    assert page.locator("#wrong .panel[data-point=p0]").is_hidden()


@pytest.mark.parametrize(
    "words", ["#at=nothing", "#at=", "#over=nobody", "#;;;=", "#at=%E0%A4%A", "#wrong;at=<b>", "#__proto__"]
)
def test_an_address_that_names_nothing_shows_the_headline(visit, folder, words):
    page = visit("clear/report.html")
    page.goto((folder / "clear/report.html").as_uri() + words)
    page.reload()
    assert page.errors == []
    assert page.locator("#now").is_hidden()
    assert page.locator("#wrong .panel[data-point=p0]").is_visible()


def test_an_evidence_link_opens_the_table_it_leads_to(visit):
    page = visit("clear/report.html")
    evidence = page.locator("#claim-C1 details.evidence")
    evidence.locator("> summary").click()
    link = evidence.locator("a").first
    target = link.get_attribute("href")
    link.click()
    assert page.locator(target).is_visible()


def test_the_keyboard_reaches_the_skip_link_first_then_everything_in_order(visit):
    page = visit("clear/report.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page = visit("clear/report.html")
    seen, tops = [], []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
        tops.append(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        shown = page.evaluate(
            "(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > "
            "0)(getComputedStyle(document.activeElement))"
        )
        assert shown, seen[-1]
    assert tops == sorted(tops)
    assert len(set(tops)) == 40


def test_the_page_asks_for_nothing_but_itself(visit):
    for name in PAGES:
        page = visit(f"clear/{name}")
        page.wait_for_load_state("networkidle")
        assert len(page.asked) == 1
        assert page.errors == []


@pytest.mark.parametrize("plan", PLANS)
def test_the_summary_prints_on_one_letter_page(visit, plan):
    from pypdf import PdfReader

    page = visit(f"{plan}/summary.html")
    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(printed.pages) == 1
    width, height = (float(value) for value in printed.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (612, 792)
    text = printed.pages[0].extract_text()
    assert "What this does not tell" in text
    assert "Which number is this?" in text


def test_the_guide_prints_on_two_pages(visit):
    from pypdf import PdfReader

    printed = PdfReader(io.BytesIO(visit("none/guide.html").pdf(prefer_css_page_size=True)))
    assert len(printed.pages) <= 2


def test_the_printed_report_opens_its_tables_and_numbers_its_pages(visit):
    from pypdf import PdfReader

    page = visit("clear/report.html")
    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    text = "\n".join(sheet.extract_text() for sheet in printed.pages)
    assert "Interval, 95 %" in text
    assert f"1 / {len(printed.pages)}" in text


def printed_text(page):
    from pypdf import PdfReader

    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    text = unicodedata.normalize("NFKC", "\n".join(sheet.extract_text() for sheet in printed.pages))  # ligatures
    return len(printed.pages), " ".join(text.split())


def test_print_folds_other_thresholds_into_a_pointer_and_prints_what_was_opened(visit):
    page = visit("clear/report.html")
    other = page.locator("#wrong details.other")
    figure = other.locator(".finding").first.text_content()
    assert page.locator(".printed").first.is_hidden()
    folded_pages, folded = printed_text(page)
    assert "the figures and tables at 1 other threshold" in folded
    assert folded.count(" ".join(figure.split())) < page.locator(".finding").all_text_contents().count(figure)
    other.locator("> summary").click()
    opened_pages, opened = printed_text(page)
    assert opened_pages > folded_pages
    assert opened.count(" ".join(figure.split())) == folded.count(" ".join(figure.split())) + 1


def test_the_threshold_that_was_chosen_is_the_one_that_prints(visit):
    page = visit("clear/report.html")
    words = page.locator("#wrong details.other > summary").text_content().strip()
    headline = page.locator("h1").text_content()
    page.locator("#choose-point").fill("1")
    text = " ".join(printed_text(page)[1].split())
    assert words in text
    assert "You read this report at another threshold" in text
    assert headline not in text


def test_absolute_gaps_stand_beside_ratios_and_fit_a_phone(visit):
    page = visit("clear/report.html", width=320)
    plots = page.locator("#gaps .panel:not(.other) .plot")
    texts = plots.first.locator("text").all_text_contents()
    assert any(re.fullmatch(r"[\d,.]+ more \([\d,.]+ to [\d,.]+\)", text) for text in texts)
    inside = page.evaluate(
        """() => [...document.querySelectorAll('#gaps .panel:not(.other) .plot')].flatMap(plot => [...plot.querySelectorAll('text')]
        .filter(node => node.getBoundingClientRect().left < 0 || node.getBoundingClientRect().right > innerWidth).map(node => node.textContent))"""
    )
    assert inside == []


@pytest.mark.parametrize("name", ["det", "det-comparisons"])
def test_the_words_of_a_long_axis_stay_apart_and_inside_on_a_phone(visit, name):
    page = visit("curves/report.html", width=320)
    page.evaluate("document.querySelectorAll('#appendix details').forEach(node => { node.open = true })")
    boxes = page.evaluate(
        """name => [...document.querySelectorAll('#fig-' + name + ' .plot .t-muted')].map(node => [node.textContent, node.getBoundingClientRect()])
        .map(([words, box]) => [words, box.left, box.right, box.top])""",
        name,
    )
    below = sorted(
        [box for box in boxes if box[3] > min(other[3] for other in boxes) + 250 and "%" in box[0]],
        key=lambda box: box[1],
    )
    across = [box for box in below if abs(box[3] - below[-1][3]) < 2]
    assert len(across) >= 3
    assert all(a[2] < b[1] for a, b in zip(across, across[1:], strict=False))
    assert all(box[1] >= 0 and box[2] <= 320 for box in boxes)


@pytest.mark.parametrize("width", [360, 1280])
def test_every_contents_link_lands_on_its_heading(visit, width):
    page = visit("clear/report.html", width=width)
    bar = page.evaluate("document.getElementById('controls').getBoundingClientRect().height")
    for target in page.evaluate("[...document.querySelectorAll('.toc a')].map(node => node.getAttribute('href'))")[1:]:
        page.evaluate("target => { location.hash = target }", target)
        page.wait_for_timeout(100)
        top = page.evaluate("target => document.querySelector(target + ' h2').getBoundingClientRect().top", target)
        last = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
        assert bar <= top <= bar + 80 or last, (target, top)
