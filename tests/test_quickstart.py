"""The quickstart as a newcomer runs it: a process of its own, the committed templates, a report that holds its own
answer."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

APART = {"provenance.json", "PROVENANCE.sha256"}


@pytest.fixture(scope="module")
def quickstart(root: Path, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    results = tmp_path_factory.mktemp("quickstart")
    command = [sys.executable, "-m", "audit", "run", "configs/quickstart.toml", "--results", str(results), "--offline"]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert done.returncode == 0, done.stderr
    return results / "quickstart", done


class Headings(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.h1, self.text, self.skip = 0, [], 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.h1 += tag == "h1"
        self.skip += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self.skip -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self.skip:
            self.text.append(data)


def read(path: Path) -> Headings:
    page = Headings()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def test_it_ends_with_its_first_finding_and_where_the_report_is(quickstart) -> None:
    folder, done = quickstart
    finding = json.loads((folder / "findings.json").read_text())[0]["statement"]
    assert finding in done.stdout
    assert done.stdout.rstrip().endswith(f"Report:   {folder / 'report.html'}")
    assert "Traceback" not in done.stderr


def test_the_report_has_one_heading_and_the_first_finding_in_it(quickstart) -> None:
    folder, _ = quickstart
    page = read(folder / "report.html")
    assert page.h1 == 1
    text = " ".join("".join(page.text).split())
    values = json.loads((folder / "findings.json").read_text())[0]["values"]
    rates = f"about {values['ratio']['ratio']:.2g}".rstrip("0").rstrip(".")
    assert rates.split()[1] in text
    assert "clear difference" in text
    assert len(text) > 5000
    assert (folder / "report.html").stat().st_size <= 2_000_000


def test_the_one_page_summary_is_there(quickstart) -> None:
    folder, _ = quickstart
    assert read(folder / "summary.html").h1 == 1


def test_no_page_asks_the_network_for_anything(quickstart) -> None:
    folder, _ = quickstart
    for path in folder.glob("*.html"):
        assert (
            re.findall(
                r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+\.(?:js|css|png|svg|woff2?)""",
                path.read_text(encoding="utf-8"),
            )
            == []
        )


def test_it_compared_every_acquired_photo_with_every_other(quickstart) -> None:
    folder, _ = quickstart
    about = json.loads((folder / "audit.json").read_text())
    counts = about["counts"]
    assert counts["samples"] == 13233
    assert counts["comparisons"] == counts["acquired"] * (counts["acquired"] - 1) // 2 > 80_000_000
    assert about["limited"] == ""


def test_its_sums_are_right(quickstart) -> None:
    folder, _ = quickstart
    for name in ("SHA256SUMS", "PROVENANCE.sha256"):
        for line in (folder / name).read_text().splitlines():
            digest, _, file = line.partition("  ")
            assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest


def test_the_committed_run_has_the_same_bytes_but_for_the_clock(quickstart, root: Path) -> None:
    folder, _ = quickstart
    committed = root / "results" / "quickstart"
    if not (committed / "SHA256SUMS").is_file():
        pytest.skip("results/quickstart is not committed")
    ours, theirs = (
        {path.relative_to(at).as_posix(): path.read_bytes() for path in at.rglob("*") if path.is_file()}
        for at in (folder, committed)
    )
    assert set(ours) == set(theirs)
    assert sorted(name for name in ours if ours[name] != theirs[name] and name not in APART) == []
