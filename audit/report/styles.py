"""Groups in, the look of each in every figure out: a colour for the first attribute, a shape for the others."""

from __future__ import annotations

from collections.abc import Sequence

from audit.report.figures.row_marks import Style

__all__ = ["styles_of"]


def _parts(name: str) -> tuple[str, str]:
    first, _, rest = name.partition("|")
    return first, rest


def styles_of(cells: Sequence[str]) -> dict[str, Style]:
    """The look of each group."""
    firsts = list(dict.fromkeys(_parts(name)[0] for name in cells))
    rests = list(dict.fromkeys(_parts(name)[1] for name in cells))
    if rests == [""]:
        return {name: Style(k, k) for k, name in enumerate(cells)}
    out = {}
    for name in cells:
        first, rest = (values.index(part) for values, part in zip((firsts, rests), _parts(name), strict=True))
        out[name] = Style(
            first % 5, rest + len(rests) * (first // 5)
        )  # a sixth value takes the first colour again, with other shapes
    return out
