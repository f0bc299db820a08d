"""Where the folders ``datasets`` and ``configs`` are: name of a folder in, places out, nearest first.

The one idea: a clone, a folder of one's own and an installed wheel are asked in the same way. What lies nearer wins by
name, and what the package ships is always there.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["HOME", "places"]

HOME = "FACE_AUDIT_HOME"
"""Environment variable: a folder that is asked in place of the current one and its parents."""

PACKAGE = Path(__file__).resolve().parents[1]


def places(folder: str) -> list[Path]:
    """Give the existing folders of that name.

    ``FACE_AUDIT_HOME/<folder>`` where that variable is set, else the one in the current folder or in a parent of it;
    then the one beside the package (a clone), then the one inside it (a wheel).

    Examples
    --------
    >>> places("datasets")[-1].name
    'datasets'
    """
    home = os.environ.get(HOME)
    near = [Path(home)] if home else [Path.cwd(), *Path.cwd().parents]
    found: list[Path] = []
    for place in [*near, PACKAGE.parent, PACKAGE / "shipped"]:
        path = place / folder
        if path.is_dir() and path not in found:
            found.append(path)
    return found
