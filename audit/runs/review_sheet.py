"""A run's review list and the user's own photographs in, a contact sheet outside ``results/`` out; filled in, it
becomes an override file.

Its one idea: numbers lead back to photographs only through the benchmark and the way back, which the machine that ran
the audit keeps in its own cache, never in results. Each side is checked against the run (people and photos per
person), so that a sheet cannot show other pairs than those that were compared. It shows pairs of the list and takes no
photograph from elsewhere: it answers "are these two one person, as the benchmark says?", never "who is this?".
"""

from __future__ import annotations

import base64
import hashlib
import html
from pathlib import Path

import pandas as pd

from audit.base.errors import BenchmarkError, ResultsError
from audit.base.nearest import nearest
from audit.base.spreadsheet import to_csv, unquoted
from audit.benchmark.overrides import COLUMNS, DIFFERENT, EXCLUDE, REASONS, SAME, UNSURE
from audit.benchmark.tables import read_table
from audit.observations.review_pairs import Located

__all__ = ["FORM", "check_folder", "collect", "write_sheet"]

FORM = ("review", "filed_as", "same_person", "wrong_photo", "reason", "note")
ANSWERS = {"yes": SAME, "no": DIFFERENT, "unsure": UNSURE, "": ""}
SIDES = ("", "left", "right", "both")
_LONGEST = 360  # pixels: enough to judge, small enough for a page of hundreds


def check_folder(folder: Path, results: Path) -> None:
    """Refuse a place where photographs do not belong.

    Raises
    ------
    ResultsError
        Inside a results directory or a folder of them, or a folder that holds something already.
    """
    place, run = folder.resolve(), results.resolve()
    around = (place, *place.parents)
    if (
        run in around
        or run.parent in around
        or any(one.name == "results" or (one / "audit.json").exists() for one in around)
    ):
        raise ResultsError(
            "--out",
            got="a folder inside results/",
            allowed="a folder outside: results are published, photographs of people are not",
            todo="Choose a private folder",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ResultsError(
            "--out",
            got="a place that holds something already",
            allowed="a new or empty folder",
            todo="Choose another name",
        )


def write_sheet(located: list[Located], folder: Path) -> int:
    """Write ``index.html``, photographs and ``answers.csv``, readable by their owner only.

    Returns
    -------
    int
        Pairs of which at least one photograph could not be read (shown as such).

    Raises
    ------
    BenchmarkError
        The benchmark has no photographs.
    """
    if all(not path.is_file() for row in located for path in row.paths):
        raise BenchmarkError(
            "face-audit review",
            got="a benchmark without photographs here",
            allowed="the photographs that were compared",
            todo="Give --data",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    missing = 0
    figures = []
    for row in located:
        sides = [
            _picture(path, folder / f"{row.review:04d}-{side}.jpg")
            for path, side in zip(row.paths, ("left", "right"), strict=True)
        ]
        missing += not all(sides)
        figures.append(_figure(row, sides))
    page = _PAGE.format(
        policy=html.escape(_POLICY), style=_STYLE, count=len(located), figures="\n".join(figures), reasons=_reasons()
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
    form = pd.DataFrame([(row.review, _filed(row.kind), "", "", "", "") for row in located], columns=list(FORM))
    (folder / "answers.csv").write_bytes(to_csv(form))
    return missing


def collect(form: Path, located: list[Located], before: pd.DataFrame | None = None) -> str:
    """Turn a filled form into the text of an override file.

    Parameters
    ----------
    form : Path
        ``answers.csv``, filled in: same_person yes, no, unsure, or empty for "not looked at"; wrong_photo left, right
        or both where a photo is filed under the wrong person; reason one of ``REASONS`` ("looked at" where empty).
    located : list of Located
    before : DataFrame, optional
        Rows of the override file that the run already used; they are kept.

    Raises
    ------
    BenchmarkError
        A row that is not in the list, or an answer that is not allowed; names the line.
    """
    table = read_table(form, columns=FORM)
    rows: list[tuple[str, ...]] = (
        [] if before is None else [tuple(map(str, row)) for row in before.itertuples(index=False)]
    )
    by_number = {row.review: row for row in located}
    done = {row[:3] for row in rows}
    for line, entry in enumerate(table[list(FORM)].itertuples(index=False), start=2):
        number, _, answer, wrong, reason, note = (unquoted(str(value).strip()) for value in entry)
        where = f"{form.name}, line {line}"
        row = by_number.get(int(number)) if number.isdigit() else None
        if row is None:
            raise BenchmarkError(
                where,
                got="no review number of this run",
                allowed=f"1 to {len(located)}",
                todo="Use the form of this run",
            )
        for column, value, allowed in (
            ("same_person", answer.lower(), ANSWERS),
            ("wrong_photo", wrong.lower(), SIDES),
            ("reason", reason, REASONS),
        ):
            if value not in allowed and not (column == "reason" and not value):
                words = [one for one in allowed if one]
                todo = nearest(value, words, "Mend the line")
                raise BenchmarkError(f"{where}, {column}", got="another word", allowed=", ".join(words), todo=todo)
        for found in _judgement(row, ANSWERS[answer.lower()], wrong.lower(), reason or "looked at", note):
            if found[:3] not in done:
                done.add(found[:3])
                rows.append(found)
    return to_csv(pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)).decode()


def _judgement(row: Located, kind: str, wrong: str, reason: str, note: str) -> list[tuple[str, ...]]:
    """Lines of the override file for one answer: a photo said to be wrong is taken out, whatever else was answered."""
    left, right = row.samples
    sides = {"left": [left], "right": [right], "both": [left, right]}.get(wrong, [])
    if sides:
        return [(EXCLUDE, sample, "", reason, note) for sample in sides]
    return [(kind, min(left, right), max(left, right), reason, note)] if kind else []


def _filed(kind: str) -> str:
    return "one person" if kind == "mated" else "two people"


def _picture(source: Path, target: Path) -> bool:
    """Copy a photograph as a JPEG of at most ``_LONGEST`` pixels; False where it cannot be read."""
    import cv2

    from audit.base.photos import read

    pixels = read(source).pixels
    if pixels is None:
        return False
    scale = min(1.0, _LONGEST / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    good, data = cv2.imencode(".jpg", small)
    if good:
        target.write_bytes(data.tobytes())
    return bool(good)


def _figure(row: Located, sides: list[bool]) -> str:
    cells = [
        f'<img src="{row.review:04d}-{side}.jpg" alt="{side} photo of pair {row.review}" loading="lazy">'
        if there
        else f"<p>The {side} photo cannot be read.</p>"
        for side, there in zip(("left", "right"), sides, strict=True)
    ]
    caption = f"{row.review}. Filed as {_filed(row.kind)}"
    return f"<figure><figcaption>{html.escape(caption)}</figcaption><div>{''.join(cells)}</div></figure>"


def _reasons() -> str:
    return "".join(f"<li><b>{html.escape(word)}</b>: {html.escape(text)}</li>" for word, text in REASONS.items())


_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 1rem auto;
  max-width: 80rem; padding: 0 1rem; color: #1a1a1a; background: #fff }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)) }
figure { margin: 0; border: 1px solid #767676; padding: .5rem } figure div { display: flex; gap: .5rem }
figcaption { font-weight: 600 } img { width: calc(50% - .25rem); height: auto }
"""
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "img-src 'self' file:; base-uri 'none'; form-action 'none'"
)
"""Nothing but this style and the photographs beside the page may load, and no script runs."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Pairs to look at</title><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><style>{style}</style></head><body><h1>{count} pairs to look at</h1>
<p>Private: photographs of people. Delete this folder when you are done. The pairs are in random order;
groups are not shown, so that each is judged alike.
Fill in <code>answers.csv</code>: <b>same_person</b> yes, no or unsure
(empty: not looked at); <b>wrong_photo</b> left, right or both,
where a photo is filed under the wrong person and should be taken out;
<b>reason</b>, one of these:</p><ul>{reasons}</ul>
<p>Twins and relatives are different people: answer no. Two matchers agreeing is not proof.</p>
<main>
{figures}
</main></body></html>
"""
