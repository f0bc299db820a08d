"""Cell names in, the groups that rates are given for out.

A *cell* is the finest group, ``race=Asian|sex=Male``; a *coarser group* names fewer attributes, ``sex=Female``, and is the union of the cells
that agree with it; ``all labelled`` is the union of all. The cell ``unlabelled`` belongs to none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

__all__ = ["ALL", "APART", "MOST_GROUPS", "UNLABELLED", "Group", "coarser_reference", "groups_of"]

ALL = "all labelled"
UNLABELLED = "unlabelled"
MOST_GROUPS = 32_000
"""Groups are numbered in 16 bits everywhere behind the doors."""
APART = "people set apart, "
"""How ``calibrated_on`` begins where other people than those measured set the threshold."""


@dataclass(frozen=True)
class Group:
    """A set of cells under one name; ``finest`` where it is one cell, ``order`` the number of attributes that name it."""

    name: str
    cells: tuple[int, ...]
    finest: bool
    order: int


def _parts(cell: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in cell.split("|") if "=" in part)


def groups_of(cells: Sequence[str]) -> list[Group]:
    """Finest cells in the order given, then coarser groups (more attributes first, sorted by name), then all labelled, then unlabelled."""
    labelled = [k for k, name in enumerate(cells) if name != UNLABELLED]
    out = [Group(cells[k], (k,), True, len(_parts(cells[k]))) for k in labelled]
    roles = list(_parts(cells[labelled[0]])) if labelled else []
    for size in range(len(roles) - 1, 0, -1):
        found: dict[str, list[int]] = {}
        for chosen in combinations(roles, size):
            for k in labelled:
                parts = _parts(cells[k])
                found.setdefault("|".join(f"{role}={parts[role]}" for role in chosen), []).append(k)
        out += [Group(name, tuple(found[name]), False, size) for name in sorted(found)]
    if labelled:
        out.append(Group(ALL, tuple(labelled), False, 0))
    out += [Group(name, (k,), True, 0) for k, name in enumerate(cells) if name == UNLABELLED]
    return out


def coarser_reference(group: Group, reference: str) -> str:
    """Name of the group that ``group`` is compared with: the reference's values in the attributes that name the group."""
    wanted = _parts(reference)
    return "|".join(f"{role}={wanted[role]}" for role in _parts(group.name) if role in wanted)
