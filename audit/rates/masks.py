"""Groups in, the pairs of cells that each of their rates looks at out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from audit.base.groups import Group
from audit.stats.dyadic import pair_mask

__all__ = ["masks_of"]


def masks_of(groups: Iterable[Group], cells: int) -> dict[tuple[str, str, str], NDArray[np.bool_]]:
    """(measure, group, other group) -> the set of cell pairs."""
    groups = list(groups)
    masks: dict[tuple[str, str, str], NDArray[np.bool_]] = {}
    for group in groups:
        inside = np.zeros(cells, bool)
        inside[list(group.cells)] = True
        masks["FMR", group.name, ""] = np.outer(inside, inside)
        if not group.finest:
            masks["FMR_same_cell", group.name, ""] = np.diag(inside)
    finest = [group for group in groups if group.finest]
    for position, g in enumerate(finest):
        for h in finest[position + 1 :]:
            masks["FMR", g.name, h.name] = pair_mask(cells, [[g.cells[0], h.cells[0]]])
    return masks
