"""What a person asks for beside the config: folders, limits, processes, and where progress is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Progress", "Settings"]

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); stages are "fetch", "templates" (samples) and "comparisons"."""


def _silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""


@dataclass(frozen=True)
class Settings:
    """What the command line adds to a config: where the photographs are, how the machine is used; nothing here changes
    a number.

    Attributes
    ----------
    data : Path or None
        Folder of photographs; fetched where None and the card has addresses.
    limit : int or None
        About how many samples to use; the result says that it is limited.
    jobs : int or None
        Processes that read photographs.
    offline : bool
        Never fetch.
    cache : Path or None
        Template cache; the user's where None.
    fresh : bool
        Make every template again, whatever the cache holds.
    progress : callable
    say : callable
        Takes a sentence that a person should read while the run goes on: what is left out, and why there is no
        template.
    written : list of callables
        What to call when the result is written: removes what was kept in case the run is cut short.
    """

    data: Path | None = None
    limit: int | None = None
    jobs: int | None = None
    offline: bool = False
    cache: Path | None = None
    fresh: bool = False
    progress: Progress = field(default=_silent)
    say: Callable[[str], None] = field(default=lambda text: None)
    written: list[Callable[[], None]] = field(default_factory=list)
