"""The PDF: tagged, titled, in one language, and the same each time."""

from __future__ import annotations

import io

import pytest

from audit.report import render
from audit.report.pdf import tagged_pdf

pytest.importorskip("weasyprint", reason="no WeasyPrint: pip install 'face-audit[pdf]'")
pypdf = pytest.importorskip("pypdf")


@pytest.fixture(scope="module")
def printed(planted):
    return render(planted("few"), pdf=True)["report.pdf"]


def tags(node, found):
    node = node.get_object()
    if isinstance(node, dict):
        if "/S" in node:
            found.append((str(node["/S"]), node))
        kids = node.get("/K")
        for kid in kids if isinstance(kids, list) else [kids] if kids is not None else []:
            if not isinstance(kid, int):
                tags(kid, found)
    return found


def test_it_says_that_it_is_accessible_and_how(printed):
    reader = pypdf.PdfReader(io.BytesIO(printed))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712 - a PDF boolean, not Python's
    assert str(root["/Lang"]).startswith("en")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert "pdfuaid" in metadata
    assert reader.metadata.title


def test_every_part_carries_its_tag_and_every_figure_its_words(printed):
    reader = pypdf.PdfReader(io.BytesIO(printed))
    found = tags(reader.trailer["/Root"]["/StructTreeRoot"], [])
    kinds = {kind for kind, _ in found}
    assert {"/H1", "/H2", "/H3", "/P", "/Table", "/TR", "/TH", "/TD", "/L", "/LI", "/Figure", "/Caption"} <= kinds
    assert sum(kind == "/H1" for kind, _ in found) == 1
    figures = [node for kind, node in found if kind == "/Figure"]
    assert figures
    assert all(len(str(node.get("/Alt", ""))) > 40 for node in figures)


def test_it_repeats_byte_for_byte_and_reads_no_clock():
    page = b"<!DOCTYPE html><html lang='en'><head><title>T</title></head><body><h1>H</h1><p>Words.</p></body></html>"
    assert tagged_pdf(page) == tagged_pdf(page)
    assert b"CreationDate" not in tagged_pdf(page)


def test_it_numbers_its_pages(printed):
    reader = pypdf.PdfReader(io.BytesIO(printed))
    assert f"2 / {len(reader.pages)}" in reader.pages[1].extract_text()


def test_a_limited_run_says_so_at_the_head_of_every_page(planted):
    data = render(planted("few", limited="Only ten photos were used."), pdf=True)["report.pdf"]
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    assert "Only ten photos were used." in pages[0].extract_text()
    assert all("A limited run" in page.extract_text() for page in pages)
