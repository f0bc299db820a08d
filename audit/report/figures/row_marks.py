"""Rows of numbers in, a drawing with one mark a row out: label, mark with its interval, number.

Its one idea: one drawing for a phone and for print; where a page is wide, label, mark and number share a line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.report.figures.canvas import COLOURS, FAINT, INK, MUTED, Canvas, Scale

__all__ = ["Draw", "Row", "Style", "anchor", "apart", "rows_of_marks"]

Draw = Callable[[int | None], Canvas]


@dataclass(frozen=True)
class Style:
    """A group's look, the same in every figure: colour by its first attribute, shape by the others."""

    colour: int = 5
    shape: int = 0


@dataclass(frozen=True)
class Row:
    """One group in a figure of marks. Without a value, ``words`` say why, and only a limit may be drawn."""

    label: str
    words: str
    style: Style
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    tick: float = math.nan
    bold: bool = False
    more: str = ""
    """A second line of words, below the mark, at the right."""
    sure: str = ""
    """How sure it is, in full, below the mark, at the left."""


def rows_of_marks(
    rows: Sequence[Row],
    scale: Scale,
    tick_words: Sequence[str],
    axis: str,
    *,
    line_at: float | None = None,
    band: tuple[float, float] | None = None,
    pitch: int = 46,
) -> Draw:
    """Label and printed value above, interval and mark below, a row a group."""
    below = any(row.more or row.sure for row in rows)
    both = below and any(
        row.more and row.sure and (len(row.more) + len(row.sure) + 3) * _SMALL > _NARROW for row in rows
    )
    pitch = pitch + 18 * (below + both)

    def draw(width: int | None) -> Canvas:
        if width is not None:
            return _on_one_line(rows, scale, tick_words, axis, line_at, band, width)
        bottom = len(rows) * pitch
        lines = axis.split("\n")
        canvas = Canvas(bottom + 24 + 18 * len(lines), width)
        _ground(canvas, scale, scale.ticks, band, line_at, bottom)
        for k, row in enumerate(rows):
            _row(canvas, row, scale, k * pitch, 64 if both else 46)
        canvas.line(0, bottom, 1, bottom, colour=MUTED, name="muted")
        for k in sorted(apart([scale(tick) for tick in scale.ticks], tick_words)):
            across = scale(scale.ticks[k])
            canvas.text(
                across, bottom + 17, tick_words[k], anchor=anchor(across, k), size=13, colour=MUTED, name="muted"
            )
        for k, words in enumerate(lines):
            canvas.text(0, bottom + 36 + 18 * k, words, size=13, colour=MUTED, name="muted")
        return canvas

    return draw


_PLAIN, _BOLD, _GAP = 7.6, 8.4, 18
"""Pixels that a letter of a row's words needs at most, plain and bold, and the space between words and drawing."""


def _on_one_line(
    rows: Sequence[Row],
    scale: Scale,
    tick_words: Sequence[str],
    axis: str,
    line_at: float | None,
    band: tuple[float, float] | None,
    width: int,
) -> Canvas:
    """Where the width is known: label, interval with mark, and number on one line; what else a row says, small on a
    second one.
    """
    lines = axis.split("\n")
    below = any(row.more or row.sure for row in rows)
    pitch = 44 if below else 26
    bottom = len(rows) * pitch
    canvas = Canvas(bottom + 24 + 18 * len(lines), width)
    inner = width - 2 * canvas.pad
    left = min(
        0.42, (max((len(row.label) * (_BOLD if row.bold else _PLAIN) for row in rows), default=0) + _GAP) / inner
    )
    right = 1 - min(0.33, (max((len(row.words) for row in rows), default=0) * _PLAIN + _GAP) / inner)

    def at(value: float) -> float:
        return left + scale(value) * (right - left)

    _ground(canvas, at, scale.ticks, band, line_at, bottom)
    for k, row in enumerate(rows):
        canvas.text(0, k * pitch + 18, row.label, bold=row.bold)
        _value(canvas, row, k * pitch + 18)
        _drawn(canvas, row, scale, at, k * pitch + 13)
        if row.sure:
            canvas.text(0, k * pitch + 35, row.sure, size=13, colour=MUTED, name="muted")
        if row.more:
            canvas.text(1, k * pitch + 35, row.more, anchor="end", size=13, colour=MUTED, name="muted")
    canvas.line(left, bottom, right, bottom, colour=MUTED, name="muted")
    for k in sorted(
        apart([scale(tick) for tick in scale.ticks], tick_words, 0.25 * inner)
    ):  # as beside the longest words, whatever they are
        canvas.text(
            at(scale.ticks[k]), bottom + 17, tick_words[k], anchor="middle", size=13, colour=MUTED, name="muted"
        )
    for k, words in enumerate(lines):
        canvas.text(0, bottom + 36 + 18 * k, words, size=13, colour=MUTED, name="muted")
    return canvas


def _ground(
    canvas: Canvas,
    at: Callable[[float], float],
    ticks: Sequence[float],
    band: tuple[float, float] | None,
    line_at: float | None,
    bottom: float,
) -> None:
    """What lies under the rows: the band of chance, a line a tick, and the line that marks are read against."""
    if band:
        canvas.box(at(band[0]), 0, at(band[1]), bottom, colour="#e9ecef", name="band")
    for tick in ticks:
        canvas.line(at(tick), 0, at(tick), bottom, colour=FAINT, name="faint")
    if line_at is not None:
        canvas.line(at(line_at), 0, at(line_at), bottom, size=1.6)


def _value(canvas: Canvas, row: Row, baseline: float) -> None:
    known = math.isfinite(row.value)
    canvas.text(1, baseline, row.words, anchor="end", colour=INK if known else MUTED, name="ink" if known else "muted")


def _row(canvas: Canvas, row: Row, scale: Scale, top: float, more_at: int) -> None:
    canvas.text(0, top + 14, row.label, bold=row.bold)
    _value(canvas, row, top + 14)
    _drawn(canvas, row, scale, scale, top + 25)
    if row.sure:
        canvas.text(0, top + 46, row.sure, size=13, colour=MUTED, name="muted")
    if row.more:
        canvas.text(1, top + more_at, row.more, anchor="end", size=13, colour=MUTED, name="muted")


def _drawn(canvas: Canvas, row: Row, scale: Scale, at: Callable[[float], float], middle: float) -> None:
    """Interval, mark and the smallest gap usually seen."""
    name, colour = f"c{row.style.colour % len(COLOURS)}", COLOURS[row.style.colour % len(COLOURS)]
    if math.isfinite(row.high):
        low = row.low if math.isfinite(row.low) else scale.low
        canvas.line(at(low), middle, at(row.high), middle, colour=colour, name=name, size=3)
        for end in (row.low, row.high):
            if math.isfinite(end) and scale.low <= end <= scale.high and end > 0:
                canvas.line(at(end), middle - 4, at(end), middle + 4, colour=colour, name=name, size=2)
    if math.isfinite(row.tick) and scale.low <= row.tick <= scale.high:
        canvas.line(at(row.tick), middle - 7, at(row.tick), middle + 7, colour=MUTED, name="muted", size=2, dash="1 4")
    if math.isfinite(row.value):
        canvas.mark(at(row.value), middle, row.style.colour, row.style.shape, hollow=row.value <= 0)


_NARROW, _LETTER, _SMALL = 260, 7.2, 6.2
"""Pixels across the narrowest drawing, of one letter of a tick, and of one small letter of a text."""


def anchor(at: float, k: int) -> str:
    """How the words below the k-th tick are set, so that none leaves the drawing."""
    return "start" if at < 0.02 else "end" if at > 0.98 and k else "middle"


def apart(places: Sequence[float], words: Sequence[str], across: float = 0.0) -> set[int]:
    """Which ticks keep their words so that none touch on the narrowest page, or on one ``across`` pixels wide, from
    the right; all lines stay.
    """
    kept, free = set(), math.inf
    for k in reversed(range(len(places))):
        wide = len(words[k]) * _LETTER
        start = places[k] * (across or _NARROW) - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor(places[k], k)]
        if start + wide <= free:
            kept.add(k)
            free = start - _LETTER
    return kept
