"""The kinds of figure: rows of marks with intervals, curves, a matrix, and outlines of scores.

In: rows of numbers with their words. Out: a function that draws them on any canvas, so that page, file and print show one drawing. Its one idea:
every number that a mark stands for is printed beside it, so nothing is said by position or colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from audit.report.figures.canvas import COLOURS, FAINT, INK, MUTED, Canvas, Scale

__all__ = ["Curve", "Row", "Style", "curves", "matrix", "outlines", "rows_of_marks"]

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


@dataclass(frozen=True)
class Curve:
    """One group's points, in order."""

    label: str
    style: Style
    points: tuple[tuple[float, float], ...]
    marked: tuple[int, ...] = field(default=())


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
    both = below and any(row.more and row.sure and (len(row.more) + len(row.sure) + 3) * _SMALL > _NARROW for row in rows)
    pitch = pitch + 18 * (below + both)

    def draw(width: int | None) -> Canvas:
        if width is not None:
            return _on_one_line(rows, scale, tick_words, axis, line_at, band, width)
        bottom = len(rows) * pitch
        lines = axis.split("\n")
        canvas = Canvas(bottom + 24 + 18 * len(lines), width)
        if band:
            canvas.box(scale(band[0]), 0, scale(band[1]), bottom, colour="#e9ecef", name="band")
        for tick in scale.ticks:
            canvas.line(scale(tick), 0, scale(tick), bottom, colour=FAINT, name="faint")
        if line_at is not None:
            canvas.line(scale(line_at), 0, scale(line_at), bottom, size=1.6)
        for k, row in enumerate(rows):
            _row(canvas, row, scale, k * pitch, 64 if both else 46)
        canvas.line(0, bottom, 1, bottom, colour=MUTED, name="muted")
        for k in sorted(_apart([scale(tick) for tick in scale.ticks], tick_words)):
            across = scale(scale.ticks[k])
            canvas.text(across, bottom + 17, tick_words[k], anchor=_anchor(across, k), size=13, colour=MUTED, name="muted")
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
    """Where the width is known: label, interval with mark, and number on one line; what else a row says, small on a second one."""
    lines = axis.split("\n")
    below = any(row.more or row.sure for row in rows)
    pitch = 44 if below else 26
    bottom = len(rows) * pitch
    canvas = Canvas(bottom + 24 + 18 * len(lines), width)
    inner = width - 2 * canvas.pad
    left = min(0.42, (max((len(row.label) * (_BOLD if row.bold else _PLAIN) for row in rows), default=0) + _GAP) / inner)
    right = 1 - min(0.33, (max((len(row.words) for row in rows), default=0) * _PLAIN + _GAP) / inner)

    def at(value: float) -> float:
        return left + scale(value) * (right - left)

    if band:
        canvas.box(at(band[0]), 0, at(band[1]), bottom, colour="#e9ecef", name="band")
    for tick in scale.ticks:
        canvas.line(at(tick), 0, at(tick), bottom, colour=FAINT, name="faint")
    if line_at is not None:
        canvas.line(at(line_at), 0, at(line_at), bottom, size=1.6)
    for k, row in enumerate(rows):
        canvas.text(0, k * pitch + 18, row.label, bold=row.bold)
        _value(canvas, row, k * pitch + 18)
        _drawn(canvas, row, scale, at, k * pitch + 13)
        if row.sure:
            canvas.text(0, k * pitch + 35, row.sure, size=13, colour=MUTED, name="muted")
        if row.more:
            canvas.text(1, k * pitch + 35, row.more, anchor="end", size=13, colour=MUTED, name="muted")
    canvas.line(left, bottom, right, bottom, colour=MUTED, name="muted")
    for k in sorted(_apart([scale(tick) for tick in scale.ticks], tick_words, 0.25 * inner)):  # as beside the longest words, whatever they are
        canvas.text(at(scale.ticks[k]), bottom + 17, tick_words[k], anchor="middle", size=13, colour=MUTED, name="muted")
    for k, words in enumerate(lines):
        canvas.text(0, bottom + 36 + 18 * k, words, size=13, colour=MUTED, name="muted")
    return canvas


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


def curves(lines: Sequence[Curve], across: Scale, up: Scale, across_words: Sequence[str], up_words: Sequence[str], axis: str, upward: str) -> Draw:
    """Lines of points, each with its mark; a key of marks and words stands below."""

    def draw(width: int | None) -> Canvas:
        top, height = 42.0, 290.0
        bottom = top + height
        canvas = Canvas(bottom + 50 + 24 * len(lines), width)
        canvas.text(0, 16, upward, size=13, colour=MUTED, name="muted")

        def y(value: float) -> float:
            return bottom - up(value) * height

        for tick, words in zip(up.ticks, up_words, strict=True):
            canvas.line(0, y(tick), 1, y(tick), colour=FAINT, name="faint")
            canvas.text(0, y(tick) - 4, words, size=13, colour=MUTED, name="muted")
        printed = _apart([across(tick) for tick in across.ticks], across_words)
        for k, (tick, words) in enumerate(zip(across.ticks, across_words, strict=True)):
            at = across(tick)
            canvas.line(at, top, at, bottom, colour=FAINT, name="faint")
            if k in printed:
                canvas.text(at, bottom + 17, words, anchor=_anchor(at, k), size=13, colour=MUTED, name="muted")
        canvas.text(0, bottom + 36, axis, size=13, colour=MUTED, name="muted")
        for line in lines:
            colour, name = COLOURS[line.style.colour % len(COLOURS)], f"c{line.style.colour % len(COLOURS)}"
            for (x1, y1), (x2, y2) in zip(line.points, line.points[1:], strict=False):
                canvas.line(across(x1), y(y1), across(x2), y(y2), colour=colour, name=name, size=2)
        for line in lines:
            for k in line.marked:
                canvas.mark(across(line.points[k][0]), y(line.points[k][1]), line.style.colour, line.style.shape)
        for k, line in enumerate(lines):
            at = bottom + 60 + 24 * k
            canvas.mark(0.02, at - 5, line.style.colour, line.style.shape)
            canvas.text(0.06, at, line.label)
        return canvas

    return draw


def matrix(labels: Sequence[str], words: Sequence[Sequence[str]], depths: Sequence[Sequence[float]], axis: str) -> Draw:
    """A square of printed values; darker is more. Columns carry letters, rows letters and names, so it fits a narrow page."""
    side = 34

    def draw(width: int | None) -> Canvas:
        size = len(labels)
        canvas = Canvas(26 + size * (side + 22) + 28, width)
        step = 1 / max(1, size)
        for k in range(size):
            canvas.text((k + 0.5) * step, 16, _letter(k), anchor="middle", bold=True)
        for row in range(size):
            top = 26 + row * (side + 22)
            canvas.text(0, top + 15, f"{_letter(row)}  {labels[row]}")
            for column in range(size):
                depth = depths[row][column]
                if not math.isfinite(depth):
                    canvas.box(column * step, top + 20, (column + 1) * step - 0.004, side, colour="#f3f4f6", name="none")
                    canvas.text((column + 0.5) * step, top + 42, words[row][column], anchor="middle", size=13, colour=MUTED, name="muted")
                    continue
                level = min(8, max(0, round(depth * 8)))
                canvas.box(column * step, top + 20, (column + 1) * step - 0.004, side, colour=_DEPTHS[level], name=f"d{level}")
                paint = "#ffffff" if level >= 5 else INK
                canvas.text((column + 0.5) * step, top + 42, words[row][column], anchor="middle", size=13, colour=paint, name=f"d{level}")
        canvas.text(0, 26 + size * (side + 22) + 18, axis, size=13, colour=MUTED, name="muted")
        return canvas

    return draw


_NARROW, _LETTER, _SMALL = 260, 7.2, 6.2
"""Pixels across the narrowest drawing, of one letter of a tick, and of one small letter of a text."""


def _anchor(at: float, k: int) -> str:
    return "start" if at < 0.02 else "end" if at > 0.98 and k else "middle"


def _apart(places: Sequence[float], words: Sequence[str], across: float = 0.0) -> set[int]:
    """Which ticks keep their words so that none touch on the narrowest page, or on one ``across`` pixels wide, from the right; all lines stay."""
    kept, free = set(), math.inf
    for k in reversed(range(len(places))):
        wide = len(words[k]) * _LETTER
        start = places[k] * (across or _NARROW) - {"start": 0.0, "middle": wide / 2, "end": wide}[_anchor(places[k], k)]
        if start + wide <= free:
            kept.add(k)
            free = start - _LETTER
    return kept


_DEPTHS = ("#f4f8fc", "#e1edf7", "#c9def0", "#a9cbe6", "#83b3d9", "#2f74ad", "#1f5f96", "#124a7c", "#083461")


def _letter(k: int) -> str:
    return chr(ord("A") + k) if k < 26 else f"{_letter(k // 26 - 1)}{_letter(k % 26)}"


def outlines(
    lines: Sequence[tuple[str, Style, Sequence[float], Sequence[float]]], ticks: Sequence[tuple[float, str]], line_at: float | None, axis: str
) -> Draw:
    """Per group two outlines over the score, of different people (grey) and of one person (coloured), each scaled to its own peak."""
    tall = 52

    def draw(width: int | None) -> Canvas:
        bottom = len(lines) * (tall + 24)
        canvas = Canvas(bottom + 44, width)
        for at, words in ticks:
            canvas.line(at, 0, at, bottom, colour=FAINT, name="faint")
            canvas.text(
                at, bottom + 17, words, anchor="start" if at < 0.02 else "end" if at > 0.98 else "middle", size=13, colour=MUTED, name="muted"
            )
        if line_at is not None:
            canvas.line(line_at, 0, line_at, bottom, size=1.6, dash="5 4")
        for k, (label, style, different, same) in enumerate(lines):
            base = (k + 1) * (tall + 24) - 4
            canvas.text(0, base - tall - 4, label)
            canvas.line(0, base, 1, base, colour=FAINT, name="faint")
            for values, colour, name in ((different, MUTED, "muted"), (same, COLOURS[style.colour % 6], f"c{style.colour % 6}")):
                peak = max(values, default=0.0)
                if peak > 0:
                    points = [((n + 0.5) / len(values), base - value / peak * (tall - 6)) for n, value in enumerate(values)]
                    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
                        if min(y1, y2) < base - 0.3:
                            canvas.line(x1, y1, x2, y2, colour=colour, name=name, size=2)
        canvas.text(0, bottom + 36, axis, size=13, colour=MUTED, name="muted")
        return canvas

    return draw
