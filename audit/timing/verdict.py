"""Two bench runs held against each other: what is slower, what is noise.

In: two results of ``run``. Out: a markdown table, and whether it is a failure. Its one idea: rounds scatter, so a
ratio comes with an interval, and only a ratio whose interval lies above 1 is a change. Rounds of one run share its
minute, so three things stand between a busy machine and a false alarm: times are divided by the raw product beside
them, rounds that others disturbed are left out, and two runs of the same program are taken to differ a little
(``RUN``). ``benches/false_alarms.py`` measures how often it is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ConfigError, ResultsError
from audit.timing.measure import FORMAT
from audit.timing.rounds import DISTURBED

__all__ = ["compare"]

PACED: Final = frozenset({"ms a photograph", "photographs a second", "million comparisons a second"})
"""Units of time and speed: they follow the machine's pace, and are judged only on the yardstick that was timed beside
them."""

ENOUGH: Final = 3
"""Undisturbed rounds that a run must have to be judged, if any of its rounds were disturbed."""
RUN: Final = 0.02
"""Standard deviation, on logs, between runs of one program that its rounds do not show (where memory lies, how warm
the processor is)."""


def compare(a: Mapping[str, Any], b: Mapping[str, Any], fail_on: str = "ratio>1.10") -> tuple[str, bool]:
    """Hold run ``b`` against run ``a``.

    Ratios say how much WORSE b is (above 1: slower), with a 95 % interval from the scatter between rounds (Welch's t
    on logs) and between runs. Only a ratio whose interval lies above 1 is a change; only such a change can fail. Fewer
    than ``ENOUGH`` undisturbed rounds tell nothing, where a run says which were disturbed.

    Returns
    -------
    markdown : str
    failed : bool

    Raises
    ------
    ConfigError
        ``fail_on`` is not like ``ratio>1.10``.
    ResultsError
        Not two results of ``run``, or nothing to compare.
    """
    match = re.fullmatch(r"\s*ratio\s*(>=?)\s*([0-9]*\.?[0-9]+)\s*", fail_on)
    if match is None:
        raise ConfigError(
            "fail-on", got=repr(fail_on), allowed="ratio>NUMBER", todo="For example --fail-on 'ratio>1.10'"
        )
    limit, inclusive = float(match[2]), match[1] == ">="
    for name, result in (("first", a), ("second", b)):
        if result.get("format") != FORMAT or not isinstance(result.get("entries"), list):
            raise ResultsError(
                f"the {name} bench result",
                got=f"format {result.get('format')!r}",
                allowed=f"format {FORMAT}",
                todo="Measure again",
            )
        if not all(map(_is_entry, result["entries"])):
            raise ResultsError(
                f"the {name} bench result", got="entries that this program does not write", todo="Measure again"
            )
    before = {entry["name"]: entry for entry in a["entries"]}
    shared = [entry for entry in b["entries"] if entry["name"] in before]
    if not shared:
        raise ResultsError(
            "bench compare",
            got="no entry with the same name in both",
            allowed="runs of the same sizes",
            todo="Measure both alike",
        )
    lines, failed = ["| what | before | after | worse by (95 %) | verdict |", "|---|---:|---:|---:|---|"], False
    for entry in shared:
        old, new = _logs(before[entry["name"]]), _logs(entry)
        ratio, low, high = _ratio(old.undisturbed, new.undisturbed)
        judged = old.steady and new.steady
        if not judged:
            ratio, low, high = _ratio(old.plain, new.plain)
        verdict = "not judged: no yardstick" if not judged else _verdict(low, high)
        if judged and old.disturbed | new.disturbed:
            verdict, low = "not judged: others used the machine", math.nan
        beyond = verdict == "slower" and (ratio >= limit if inclusive else ratio > limit)
        failed = failed or beyond
        values = f"{_median(before[entry['name']]['values']):.3g} | {_median(entry['values']):.3g} {entry['unit']}"
        band = "" if math.isnan(low) else f" ({low:.2f} to {high:.2f})"
        lines.append(
            f"| {entry['name']} | {values} | {ratio:.2f}{band} | {verdict}{f', beyond {fail_on}' if beyond else ''} |"
        )
    if a.get("machine") != b.get("machine"):
        lines += ["", "The machines differ: compare ratios to the raw product only."]
    return "\n".join(lines) + "\n", failed


def _is_entry(entry: Any) -> bool:
    """Whether it has what is read of it, each of its kind."""
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("name", "better", "unit")):
        return False
    lists = [entry.get(key, []) for key in ("values", "yardstick_seconds", "others")]
    return "values" in entry and all(isinstance(one, list) and all(map(_number, one)) for one in lists)


def _number(one: Any) -> bool:
    return one is None or (isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e300)


class _Logs(NamedTuple):
    """Logs of an entry's values, more = worse: as they are, and those to be judged, on the yardstick where there is
    one.
    """

    plain: NDArray[np.float64]
    undisturbed: NDArray[np.float64]
    steady: bool
    disturbed: bool


def _logs(entry: Mapping[str, Any]) -> _Logs:
    values = np.asarray(entry["values"], dtype=np.float64)
    if values.ndim != 1 or not len(values) or not (values > 0).all():
        raise ResultsError(
            f"bench entry '{entry['name']}'",
            got="values that are no positive numbers",
            allowed="one per round",
            todo="Measure again",
        )
    plain = np.log(values) if entry["better"] == "less" else -np.log(values)
    yardstick = np.asarray(entry.get("yardstick_seconds", []), dtype=np.float64)
    on_it = yardstick.shape == values.shape and bool((yardstick > 0).all())
    paced = entry["unit"] in PACED
    relative = plain - np.log(yardstick) if paced and on_it else plain
    if entry["unit"] == "MB":  # memory does not care who else is at work
        return _Logs(plain, plain, True, False)
    shares = entry.get("others", [])
    quiet = np.array([share is None or share <= DISTURBED for share in shares], dtype=bool)
    if quiet.shape != values.shape or quiet.all():
        return _Logs(plain, relative, not paced or on_it, False)
    few = int(quiet.sum()) < ENOUGH
    return _Logs(plain, relative if few else relative[quiet], not paced or on_it, few)


def _verdict(low: float, high: float) -> str:
    if math.isnan(low):
        return "too few rounds to tell"
    return "slower" if low > 1 else "faster" if high < 1 else "no change beyond noise"


def _ratio(old: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[float, float, float]:
    """Ratio of geometric means and its 95 % interval, Welch's between rounds and ``RUN`` between runs; NaN where a run
    has fewer than two.
    """
    from scipy.stats import t

    difference = float(new.mean() - old.mean())
    if min(len(old), len(new)) < 2:
        return math.exp(difference), math.nan, math.nan
    parts = np.array([old.var(ddof=1) / len(old), new.var(ddof=1) / len(new)])
    total = float(parts.sum())
    rounds = 0.0
    if total > 0.0:
        freedom = total**2 / float((parts**2 / (np.array([len(old), len(new)]) - 1)).sum())
        rounds = float(t.ppf(0.975, freedom)) * math.sqrt(total)
    half = math.hypot(rounds, 1.96 * math.sqrt(2) * RUN)
    return math.exp(difference), math.exp(difference - half), math.exp(difference + half)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))
