"""The kinds of figure: rows of marks with intervals, curves, a matrix, and outlines of scores.

In: rows of numbers with their words. Out: a function that draws them on any canvas, so that page, file and print show
one drawing. Its one idea: every number that a mark stands for is printed beside it, so nothing is said by position or
colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.report.figures.canvas import COLOURS, FAINT, INK, MUTED, Canvas, Scale
from audit.report.figures.row_marks import Draw, Style, anchor, apart

__all__ = [
    "Curve",
    "curves",
    "matrix",
    "outlines",
]


@dataclass(frozen=True)
class Curve:
    """One group's points, in order."""

    label: str
    style: Style
    points: tuple[tuple[float, float], ...]
    marked: tuple[int, ...] = field(default=())


def curves(
    lines: Sequence[Curve],
    across: Scale,
    up: Scale,
    across_words: Sequence[str],
    up_words: Sequence[str],
    axis: str,
    upward: str,
) -> Draw:
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
        printed = apart([across(tick) for tick in across.ticks], across_words)
        for k, (tick, words) in enumerate(zip(across.ticks, across_words, strict=True)):
            at = across(tick)
            canvas.line(at, top, at, bottom, colour=FAINT, name="faint")
            if k in printed:
                canvas.text(at, bottom + 17, words, anchor=anchor(at, k), size=13, colour=MUTED, name="muted")
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


def matrix(
    labels: Sequence[str], words: Sequence[Sequence[str]], depths: Sequence[Sequence[float]], axis: str
) -> Draw:
    """A square of printed values; darker is more. Columns carry letters, rows letters and names, so it fits a narrow
    page.
    """
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
                    canvas.box(
                        column * step, top + 20, (column + 1) * step - 0.004, side, colour="#f3f4f6", name="none"
                    )
                    canvas.text(
                        (column + 0.5) * step,
                        top + 42,
                        words[row][column],
                        anchor="middle",
                        size=13,
                        colour=MUTED,
                        name="muted",
                    )
                    continue
                level = min(8, max(0, round(depth * 8)))
                canvas.box(
                    column * step, top + 20, (column + 1) * step - 0.004, side, colour=_DEPTHS[level], name=f"d{level}"
                )
                paint = "#ffffff" if level >= 5 else INK
                canvas.text(
                    (column + 0.5) * step,
                    top + 42,
                    words[row][column],
                    anchor="middle",
                    size=13,
                    colour=paint,
                    name=f"d{level}",
                )
        canvas.text(0, 26 + size * (side + 22) + 18, axis, size=13, colour=MUTED, name="muted")
        return canvas

    return draw


_DEPTHS = ("#f4f8fc", "#e1edf7", "#c9def0", "#a9cbe6", "#83b3d9", "#2f74ad", "#1f5f96", "#124a7c", "#083461")


def _letter(k: int) -> str:
    return chr(ord("A") + k) if k < 26 else f"{_letter(k // 26 - 1)}{_letter(k % 26)}"


def outlines(
    lines: Sequence[tuple[str, Style, Sequence[float], Sequence[float]]],
    ticks: Sequence[tuple[float, str]],
    line_at: float | None,
    axis: str,
) -> Draw:
    """Per group two outlines over the score, of different people (grey) and of one person (coloured), each scaled to
    its own peak.
    """
    tall = 52

    def draw(width: int | None) -> Canvas:
        bottom = len(lines) * (tall + 24)
        canvas = Canvas(bottom + 44, width)
        for at, words in ticks:
            canvas.line(at, 0, at, bottom, colour=FAINT, name="faint")
            canvas.text(
                at,
                bottom + 17,
                words,
                anchor="start" if at < 0.02 else "end" if at > 0.98 else "middle",
                size=13,
                colour=MUTED,
                name="muted",
            )
        if line_at is not None:
            canvas.line(line_at, 0, line_at, bottom, size=1.6, dash="5 4")
        for k, (label, style, different, same) in enumerate(lines):
            base = (k + 1) * (tall + 24) - 4
            canvas.text(0, base - tall - 4, label)
            canvas.line(0, base, 1, base, colour=FAINT, name="faint")
            for values, colour, name in (
                (different, MUTED, "muted"),
                (same, COLOURS[style.colour % 6], f"c{style.colour % 6}"),
            ):
                peak = max(values, default=0.0)
                if peak > 0:
                    points = [
                        ((n + 0.5) / len(values), base - value / peak * (tall - 6)) for n, value in enumerate(values)
                    ]
                    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
                        if min(y1, y2) < base - 0.3:
                            canvas.line(x1, y1, x2, y2, colour=colour, name=name, size=2)
        canvas.text(0, bottom + 36, axis, size=13, colour=MUTED, name="muted")
        return canvas

    return draw
