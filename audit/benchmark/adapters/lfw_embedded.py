"""LFW without photographs: opaque people, labels, and templates that were turned by a matrix nobody has.

In: ``datasets/lfw/samples.csv.gz``. Out: native rows without paths, and the template file's place. How the file is
made: ``benchmark.embedded``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.base.errors import BenchmarkError
from audit.benchmark.adapters import Native, option
from audit.benchmark.card import Card
from audit.benchmark.tables import read_table

__all__ = ["read"]


def read(card: Card, data_dir: Path | None, options: Mapping[str, Any]) -> Native:
    """Read the committed table; ``data_dir`` is used where given (another build), else the folder the card's settings
    name.

    Raises
    ------
    BenchmarkError
        The files are not there.
    """
    option(options, {})
    folder = data_dir if data_dir is not None else (card.folder / str(card.settings.get("folder", "."))).resolve()
    path, templates = folder / "samples.csv.gz", folder / str(card.settings.get("templates", "face_recognition.npz"))
    for one in (path, templates):
        if not one.is_file():
            raise BenchmarkError(f"benchmark {card.name}", got=f"no {one.name}", allowed=card.layout, todo=card.obtain)
    frame = read_table(path)
    frame["path"] = ""
    return Native(frame, folder, next(iter(card.variants), ""), templates)
