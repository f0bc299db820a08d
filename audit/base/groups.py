"""Cell names in, the groups that rates are given for out.

A *cell* is the finest group, ``race=Asian|sex=Male``; a *coarser group* names fewer attributes, ``sex=Female``, and is
the union of the cells that agree with it; ``all labelled`` is the union of all. The cell ``unlabelled`` belongs to
none of them. Where people have several labels of one attribute (``ancestry=Asia and also Europe``), the group
``ancestry=Asia (alone or with others)`` holds everybody who has that one: groups overlap then, and none is ever
compared with a group that it shares people with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

__all__ = [
    "ALL",
    "APART",
    "JOINED",
    "MOST_GROUPS",
    "UNLABELLED",
    "WITH_OTHERS",
    "Group",
    "coarser_reference",
    "groups_of",
]

ALL = "all labelled"
UNLABELLED = "unlabelled"
MOST_GROUPS = 32_000
"""Groups are numbered in 16 bits everywhere behind the doors."""
APART = "people set apart, "
"""How ``calibrated_on`` begins where other people than those measured set the threshold."""

JOINED = " and also "
"""Between the words of a person with several labels of one attribute: such people are a cell of their own, and count
in each group named."""
WITH_OTHERS = " (alone or with others)"
"""After a word, in the name of the group of all people who have it, whatever they have beside it."""


@dataclass(frozen=True)
class Group:
    """A set of cells under one name; ``finest`` where it is one cell, ``order``
    the number of attributes that name it.
    """

    name: str
    cells: tuple[int, ...]
    finest: bool
    order: int


def _parts(cell: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in cell.split("|") if "=" in part)


def groups_of(cells: Sequence[str]) -> list[Group]:
    """Finest cells in the order given, then coarser groups (more attributes first, sorted by name), then all labelled,
    then unlabelled.
    """
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
    out += _with_others(cells, labelled, roles)
    if labelled:
        out.append(Group(ALL, tuple(labelled), False, 0))
    out += [Group(name, (k,), True, 0) for k, name in enumerate(cells) if name == UNLABELLED]
    return out


def _with_others(cells: Sequence[str], labelled: Sequence[int], roles: Sequence[str]) -> list[Group]:
    """Groups of everybody who has a label, alone or beside others, for the
    labels that some people have beside others.
    """
    parts = {k: _parts(cells[k]) for k in labelled}
    shared = {
        (role, word)
        for one in parts.values()
        for role, said in one.items()
        if JOINED in said
        for word in said.split(JOINED)
    }
    if not shared:
        return []
    out: list[Group] = []
    for size in range(len(roles), 0, -1):
        found: dict[str, list[int]] = {}
        for chosen in combinations(roles, size):
            for k, said in parts.items():
                words = [[(role, word) for word in said[role].split(JOINED)] for role in chosen]
                for picked in product(*words):
                    names = [f"{role}={word}{WITH_OTHERS if (role, word) in shared else ''}" for role, word in picked]
                    if any(name.endswith(WITH_OTHERS) for name in names):
                        found.setdefault("|".join(names), []).append(k)
        out += [Group(name, tuple(found[name]), False, size) for name in sorted(found)]
    return out


def coarser_reference(group: Group, reference: str) -> str:
    """Name of the group that ``group`` is compared with: the reference's values in the attributes that name the group.

    A group that shares people with that one is compared with nobody: its own name comes back.
    """
    wanted = _parts(reference)
    if all(word.removesuffix(WITH_OTHERS) == wanted.get(role) for role, word in _parts(group.name).items()):
        return (
            group.name
            if WITH_OTHERS in group.name
            else "|".join(f"{role}={wanted[role]}" for role in _parts(group.name))
        )
    return "|".join(f"{role}={wanted[role]}" for role in _parts(group.name) if role in wanted)
