"""Arrays and tables in memory in, an audited ``Result`` out: the doors of DESIGN 7, for a notebook or a test of one's
own.

Its one idea: nothing here counts. What is handed over goes through the same doors as files do, so it is checked, asked
about and refused in the same words, and a result can be written, read and verified like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit import results as files
from audit.base.errors import ConfigError
from audit.config import AuditConfig, load_config, parse_config
from audit.results import AuditResult
from audit.runs import pipeline

__all__ = ["Result", "compare", "read", "run"]

Groups = Mapping[str, Sequence[Any]] | pd.DataFrame | Sequence[Any]


class Result(AuditResult):
    """``AuditResult`` with the ways of a notebook: tidy frames ``rates``, ``differentials``, ``summaries``; ``report``
    and ``write``.
    """

    @property
    def summaries(self) -> pd.DataFrame:
        """One number for many groups: ``summaries.csv`` (columns as ``face-audit explain summaries.csv`` says)."""
        return self.tables.get("summaries", pd.DataFrame())

    def report(self, path: str | Path) -> Path:
        """Write ``summary.html``, ``report.html``, figures and tables into the folder ``path``; give the path of the
        report.
        """
        for name, data in self._pages().items():
            target = Path(path) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return Path(path) / "report.html"

    def write(self, folder: str | Path = "results", *, replace: bool = False) -> Path:
        """Write the results directory ``folder/<name>`` that ``face-audit verify`` checks, whole or not at all; give
        its path.
        """
        target = Path(folder) / self.config.name
        files.write(self, target, self._pages(), replace=replace)
        return target

    def _pages(self) -> dict[str, bytes]:
        from audit.report import render

        return render(self, digest=files.digest(self))


def _as_result(made: AuditResult) -> Result:
    return Result(**{one.name: getattr(made, one.name) for one in fields(AuditResult)})


def run(
    config: AuditConfig | Mapping[str, Any] | str | Path,
    *,
    data: str | Path | None = None,
    limit: int | None = None,
    **settings: Any,
) -> Result:
    """Run an audit.

    Parameters
    ----------
    config : AuditConfig, mapping, str or Path
        A configuration, its sections as nested mappings, a file, or the name of a shipped one.
    data : path, optional
        Folder of the benchmark's photographs or tables.
    limit : int, optional
        About how many samples to use.
    **settings
        ``jobs``, ``offline``, ``cache`` as on the command line (``pipeline.Settings``).

    Raises
    ------
    AuditError
        At the first door that cannot be passed, with what to do.

    Examples
    --------
    >>> import audit
    >>> result = audit.run("quickstart")  # doctest: +SKIP
    >>> result.rates.query("measure == 'FMR' and weighting == 'people'")  # doctest: +SKIP
    """
    if isinstance(config, (str, Path)):
        config = load_config(Path(config))
    elif not isinstance(config, AuditConfig):
        config = _config(config)
    chosen = pipeline.Settings(data=Path(data) if data is not None else None, limit=limit, **settings)
    result = _as_result(pipeline.run(config, chosen))
    for clean in chosen.written:
        clean()
    return result


def _config(sections: Mapping[str, Any]) -> AuditConfig:
    """Check nested mappings exactly as a file would be."""
    import tomli_w

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items() if item is not None}
        if isinstance(value, (list, tuple, np.ndarray)):
            return [plain(item) for item in value]
        return value.item() if isinstance(value, np.generic) else value

    try:
        text = tomli_w.dumps(plain(sections))
    except TypeError as error:
        raise ConfigError(
            "config", got=str(error), allowed="numbers, words, lists and mappings", todo="Give plain values"
        ) from error
    return parse_config(text, "config")


def read(path: str | Path) -> Result:
    """Read a results directory; raises ResultsError where it is none.

    Examples
    --------
    >>> import audit
    >>> audit.read("results/quickstart").rates.measure.unique()  # doctest: +SKIP
    """
    return _as_result(files.read(Path(path)))


def compare(
    first: AuditResult | str | Path, second: AuditResult | str | Path, *, cache: str | Path | None = None
) -> pd.DataFrame:
    """Say what changed between two audits of the same people: two matchers, or one before and after an update.

    Parameters
    ----------
    first, second : Result, or path of a results directory
    cache : path, optional
        Where this machine keeps who is who (the run's ``cache``); results do not say it.

    Returns
    -------
    DataFrame
        One row per operating point, measure and group: both rates, their ratio with interval and certainty, and the
        change of the differential.

    Raises
    ------
    ResultsError
        Not the same people, or no common operating point.
    """
    from audit.embeddings.store import Store
    from audit.runs import compare as room
    from audit.runs.compare_reading import who_is_who

    a, b = (one if isinstance(one, AuditResult) else files.read(Path(one)) for one in (first, second))
    nowhere = Path(second if not isinstance(second, AuditResult) else ".") / "no comparison"
    return room.compare(a, b, who_is_who(a, b, Store(Path(cache) if cache is not None else None).folder, nowhere))
