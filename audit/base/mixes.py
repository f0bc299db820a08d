"""Who is in a gallery: a mix as blocks of cells, and how many people are drawn from each block for a gallery of N.

In: the mixes a configuration names, and the cells people are in. Out: ``Mix`` values. Its one idea: every mix is a set
of blocks of people drawn from without replacement; "natural" is one block of everybody labelled, so that no second law
is needed for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ConfigError
from audit.base.groups import ALL, UNLABELLED, groups_of
from audit.base.mix_names import EQUAL, NATURAL
from audit.base.nearest import nearest

__all__ = ["Mix", "gallery_sizes", "headline_size", "mix_of", "target_size"]


@dataclass(frozen=True, eq=False)
class Mix:
    """A way to fill a gallery.

    Attributes
    ----------
    name : str
    groups : tuple of B str
        What each block is called.
    block : NDArray (C,) int64
        Block of each cell; -1 where nobody of the cell is enrolled.
    shares : NDArray (B,) float64
        Of the gallery; they add up to 1.
    """

    name: str
    groups: tuple[str, ...]
    block: NDArray[np.int64]
    shares: NDArray[np.float64]

    def sizes(self, people: int) -> NDArray[np.int64]:
        """(B,) people of each block in a gallery of so many: largest remainders,
        the first block where two are alike.
        """
        exact = self.shares * people
        out = np.floor(exact + 1e-9).astype(np.int64)
        order = np.argsort(-(exact - out), kind="stable")
        out[order[: people - int(out.sum())]] += 1
        return out


def mix_of(name: str, quotas: Mapping[str, Mapping[str, float]], cells: Sequence[str]) -> Mix:
    """The mix of a name.

    Raises
    ------
    ConfigError
        Quotas name a group that nobody is in, or two groups that share people.
    """
    labelled = [k for k, cell in enumerate(cells) if cell != UNLABELLED]
    block = np.full(len(cells), -1, np.int64)
    if name == NATURAL:
        block[labelled] = 0
        return Mix(name, (ALL,), block, np.ones(1))
    if name == EQUAL:
        block[labelled] = np.arange(len(labelled))
        return Mix(name, tuple(cells[k] for k in labelled), block, np.full(len(labelled), 1 / max(len(labelled), 1)))
    groups = {group.name: group.cells for group in groups_of(cells) if group.name != UNLABELLED}
    where = f"identification.quotas.{name}"
    for k, asked in enumerate(quotas[name]):
        if asked not in groups:
            raise ConfigError(
                where,
                got=repr(asked),
                allowed=", ".join(groups),
                todo=nearest(asked, list(groups), "Name groups of the benchmark"),
            )
        inside = list(groups[asked])
        if (block[inside] >= 0).any():
            raise ConfigError(
                where,
                got=f"{asked!r} and another group that holds some of the same people",
                allowed="groups without common people",
            )
        block[inside] = k
    return Mix(name, tuple(quotas[name]), block, np.array(list(quotas[name].values())))


_USUAL = tuple(lead * 10**k for k in range(9) for lead in (1, 2, 5))


def gallery_sizes(people: int, asked: Sequence[int] = (), doors: Sequence[int] = ()) -> tuple[int, ...]:
    """Sizes that can be drawn, ascending: those asked for, or 1, 2, 5, 10, ...; rosters of doors too; up to two fewer
    than the people there are.
    """
    return tuple(sorted({size for size in (*(asked or _USUAL), *doors) if size <= people - 2}))


def headline_size(people: int, asked: Sequence[int] = ()) -> int:
    """The gallery of which sentences speak: 1,000, or the largest of the sizes that is at most half of the people; 0
    where there is none.
    """
    fit = [size for size in gallery_sizes(people, asked) if size <= people // 2]
    return 1000 if 1000 in fit else max(fit, default=0)


def target_size(people: int, wanted: int | None, asked: Sequence[int] = ()) -> int:
    """N of ``target_fpir``: as asked; else 1,000, or the largest of the sizes where fewer people are at hand; 0 where
    that cannot be drawn.
    """
    fit = gallery_sizes(people, asked)
    if wanted is None:
        return 1000 if people - 2 >= 1000 else max(fit, default=0)
    return wanted if wanted <= people - 2 else 0
