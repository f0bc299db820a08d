"""Small drawings by hand: a canvas that stretches with the page, or one of fixed width for files and print.

In: fractions across and pixels down. Out: SVG text. Its one idea: across is a fraction, so that one drawing is right
at 320 pixels and at 1,280 without its letters shrinking; every colour stands both as an attribute (for files) and as a
class (for the page's dark and forced colours).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["COLOURS", "SHAPES", "Canvas", "Scale", "linear_scale", "log_scale", "span_scale"]

COLOURS = ("#0067a5", "#b84300", "#00734f", "#8a3f8f", "#7d5a00", "#4a5560")
"""Colours of the first attribute's values: after Okabe and Ito, darkened to 4.5:1 on white; the page has a light set
for dark mode."""
INK, FAINT, MUTED = "#1b1f24", "#d9dde2", "#59636e"
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

SHAPES = (
    "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
    "M-5.2-5.2h10.4v10.4h-10.4z",
    "M0-7 6.6 5h-13.2z",
    "M0-7.4 7.4 0 0 7.4-7.4 0z",
    "M0 7-6.6-5h13.2z",
    "M-2.2-6.6h4.4v4.4h4.4v4.4h-4.4v4.4h-4.4v-4.4h-4.4v-4.4h4.4z",
)
"""Marks of the other attributes' values: told apart without colour."""


_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(words: str) -> str:
    """Words as text of an element or an attribute; characters that no XML may hold become the mark for a character
    that is not known.
    """
    return escape(_NO_XML.sub("\ufffd", words))


@dataclass(frozen=True)
class Scale:
    """Where a value stands across (0 to 1), and the ticks beside it."""

    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """Fraction across, held inside the drawing."""
        if self.log:
            at = (math.log(max(value, 1e-300)) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        else:
            at = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, at))


def _steps(low: float, high: float, steps: Sequence[float]) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [float(f"{step}e{power}") for power in range(first - 1, last + 1) for step in steps]


def log_scale(values: Sequence[float], most: int = 6) -> Scale:
    """A scale of equal steps for equal ratios over all positive values, with plain ticks (1, 2, 5 or 1, 3 or powers of
    ten).
    """
    positive = [value for value in values if math.isfinite(value) and value > 0] or [1.0]
    low, high = min(positive), max(positive)
    steps = _steps(low, high * 10, (1, 2, 5))
    start = max(step for step in steps if step <= low * 1.0000001)
    end = min(step for step in steps if step >= high * 0.9999999 and step > start)
    for kind in ((1, 2, 5), (1, 3), (1,)):
        ticks = [tick for tick in _steps(start, end, kind) if start * 0.9999 <= tick <= end * 1.0001]
        if len(ticks) <= most:
            break
    while len(ticks) > most:
        ticks = ticks[::2]
    return Scale(start, end, True, tuple(ticks or (start, end)))


def span_scale(values: Sequence[float], top: float) -> Scale:
    """From a round number below every value up to ``top``: for marks, whose place and not whose length is read."""
    low = min([value for value in values if math.isfinite(value)] + [top])
    step = next((step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if (top - low) / step <= 5), 20.0)
    count = max(1, math.ceil((top - low) / step - 1e-9))
    return Scale(top - step * count, top, False, tuple(top - step * (count - k) for k in range(count + 1)))


def linear_scale(values: Sequence[float], least: float = 0.0) -> Scale:
    """From 0 to a round number above every value."""
    high = max([value for value in values if math.isfinite(value)] + [least]) or 1.0
    step = float(f"1e{math.floor(math.log10(high))}")
    step = next(step * part for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if math.ceil(high / (step * part) - 1e-9) <= 5)
    count = max(1, math.ceil(high / step - 1e-9))
    return Scale(0.0, step * count, False, tuple(step * k for k in range(count + 1)))


class Canvas:
    """Collects marks. ``width`` None: stretches with its container."""

    def __init__(self, height: float, width: int | None = None, pad: int = 20) -> None:
        self.height, self.width, self.pad = height, width, pad
        self.parts: list[str] = []

    def x(self, across: float) -> str:
        """An x coordinate: percent, or pixels where the width is fixed."""
        if self.width is None:
            return f"{across * 100:.4g}%"
        return f"{self.pad + across * (self.width - 2 * self.pad):.5g}"

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        colour: str = INK,
        name: str = "ink",
        size: float = 1.0,
        dash: str = "",
    ) -> None:
        """A straight line."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{self.x(x1)}" y1="{y1:.4g}" x2="{self.x(x2)}" y2="{y2:.4g}" class="s-{name}" '
            f'stroke="{colour}" stroke-width="{size:g}"'
            f'{dashed} stroke-linecap="round"/>'
        )

    def box(
        self, x1: float, y: float, x2: float, height: float, *, colour: str, name: str = "", opacity: float = 1.0
    ) -> None:
        """A filled rectangle from x1 to x2."""
        wide = f"{(x2 - x1) * 100:.4g}%" if self.width is None else f"{(x2 - x1) * (self.width - 2 * self.pad):.5g}"
        named = f' class="f-{name}"' if name else ""
        faint = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        self.parts.append(
            f'<rect x="{self.x(x1)}" y="{y:.4g}" width="{wide}" height="{height:.4g}"{named} fill="{colour}"{faint}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        size: float = 14,
        bold: bool = False,
        colour: str = INK,
        name: str = "ink",
    ) -> None:
        """Words at a baseline."""
        weight = ' font-weight="600"' if bold else ""
        ends = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.parts.append(
            f'<text x="{self.x(x)}" y="{y:.4g}"{ends} class="t-{name}" fill="{colour}" '
            f'font-size="{size:g}"{weight}>{_text(words)}</text>'
        )

    def mark(self, x: float, y: float, colour: int, shape: int, *, hollow: bool = False, scale: float = 1.0) -> None:
        """A group's mark: colour and shape together."""
        paint = COLOURS[colour % len(COLOURS)]
        style = (
            f'class="h-{colour % len(COLOURS)}" fill="#ffffff" stroke="{paint}"'
            if hollow
            else f'class="m-{colour % len(COLOURS)}" fill="{paint}" stroke="#ffffff"'
        )
        path = f'<path d="{SHAPES[shape % len(SHAPES)]}" {style} stroke-width="{2 if hollow else 1.2}"'
        if self.width is None:
            resized = f' transform="scale({scale:g})"' if scale != 1 else ""
            self.parts.append(f'<svg x="{self.x(x)}" y="{y:.4g}" overflow="visible">{path}{resized}/></svg>')
        else:
            resized = f" scale({scale:g})" if scale != 1 else ""
            self.parts.append(f'{path} transform="translate({self.x(x)} {y:.4g}){resized}"/>')

    def svg(self, ident: str, title: str, description: str, *, inside: bool = False) -> str:
        """The whole drawing, with its title (the finding) and description; ``inside`` a page, a drawing of known width
        scales with it.
        """
        ident = _text(ident)
        names = f'role="img" aria-labelledby="{ident}-t {ident}-d"'
        head = f'<title id="{ident}-t">{_text(title)}</title><desc id="{ident}-d">{_text(description)}</desc>'
        body = "".join(self.parts)
        if self.width is None:
            return f'<svg class="plot" {names} width="100%" height="{self.height:g}">{head}{body}</svg>'
        if inside:
            return (
                f'<svg class="plot" {names} width="100%" viewBox="0 0 {self.width} {self.height:g}">{head}{body}</svg>'
            )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {names} width="{self.width}" height="{self.height:g}" '
            f'viewBox="0 0 {self.width} {self.height:g}" font-family="{escape(_FONT)}">{head}'
            f'<rect width="{self.width}" height="{self.height:g}" fill="#ffffff"/>{body}</svg>\n'
        )
