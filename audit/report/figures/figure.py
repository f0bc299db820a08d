"""A figure with everything that belongs to it: title, drawing, table and the box "Which number is this?"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from audit.report.boxes import Box
from audit.report.figures.row_marks import Draw
from audit.report.printed import Table
from audit.report.standing import Point

__all__ = ["Figure"]

WIDTH = 640


@dataclass(frozen=True)
class Figure:
    """One figure with everything that belongs to it. ``box`` answers "Which number is this?"."""

    id: str
    kind: str
    title: str
    description: str
    box: Box
    draw: Draw
    table: Table
    point: Point | None = None
    least: int = 0
    """Pixels below which the drawing scrolls sideways in its own frame; 0: it fits any page."""

    def renamed(self, ident: str) -> Figure:
        """The same figure under another id, where a page shows it twice."""
        return replace(self, id=ident)

    @property
    def inline(self) -> str:
        """SVG that stretches with the page."""
        return self.draw(None).svg(self.id, self.title, self.description)

    @property
    def one_line(self) -> str:
        """SVG for a wide page: label, mark and number on one line."""
        return self.draw(WIDTH).svg(f"{self.id}-wide", self.title, self.description, inside=True)

    @property
    def file(self) -> str:
        """SVG of fixed width, for a file and for print."""
        return self.draw(WIDTH).svg(self.id, self.title, self.description)
