"""The coverage study as a page and two tables.

In: the study's table and the vectors. Out: ``coverage.csv``, ``vectors.csv`` and a ``README.md`` that says what
missed. Its one idea: the text is made from the table, so it cannot be kinder than the numbers.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from audit.base.spreadsheet import to_csv
from audit.validation.rate_rows import AGAINST
from audit.validation.study import GATE, MANY, TOP

__all__ = ["page", "publish"]

_HEAD = """# Do the intervals hold?

`coverage.csv` has one line per world, quantity and method: how often the {nominal:.0%} interval held the planted truth in {replicates:,} worlds
(fewer where they take long: the column `replicates`) drawn from the seed {seed}. `face-audit validate` draws them again; the same numbers
come out on any machine with the same numpy. `printed` marks what the product prints; the other methods are there for comparison. A test counts as
covering when it keeps quiet in a world where its hypothesis is true.

* Worlds: Z = √rho·(a_i + a_j)/√2 + √delta·d_ij + noise; rho is the person's share of a score, delta the pair's. One photo each, LFW's own photo
  counts (one person has 530 of 13,233), or other counts. Rows whose id begins with `held` were chosen before a method was tried on them.
  What they showed then moved two choices: nearly z instead of z below, and degrees of freedom of at most the errors seen above.
* Gate: at least {gate} wherever an interval is printed (.90 where people come in kinds, some of them rare), at most {top} where {many:g} or more
  errors are expected; a "clear difference" among equal groups in at most 5 of 100 worlds; a ratio named for 80 % power called clear in 75 to 85 of
  100. `gate` and `gate_top` hold each line's own. Monte Carlo error: {error:.3f}.
* `expected_errors` counts comparisons (of the group with the fewest). `effective_errors` is how many independent errors they are worth,
  p²(1-p)/V with V the rate's variance over the replicates. Where a few people make most of the errors the second is far smaller (15 errors of 55
  people at rho .8 are worth 1.6), and it is the second that says how much can be known. The upper half of the gate is read both ways below.
* Departures from the plain closed form, each because it missed here (`closed form, t or z by METRICS` is its line), are stated in
  `audit/stats/limits.py`, `dyadic.py`, `fnmr.py` and `noise.py`.
"""


def page(table: pd.DataFrame, vectors: pd.DataFrame, seed: int, scores: pd.DataFrame | None = None) -> str:
    """The README's text; ``scores`` is ``published_scores.at_best_accuracy``'s
    table where those scores are at hand.
    """
    printed = table[table["printed"]]
    answered = printed[printed["answered"] > 0]
    below = answered[
        (answered["coverage"] < answered["gate"]) | (_power(answered) & (answered["coverage"] > answered["gate_top"]))
    ]
    over = answered[(answered["coverage"] > answered["gate_top"]) & ~_power(answered)]
    never = printed[printed["answered"] == 0]
    against = table[table["method"] == AGAINST]
    error = float(answered["monte_carlo_error"].median())
    size = int(table["replicates"].max())
    parts = [_HEAD.format(nominal=0.95, replicates=size, seed=seed, gate=GATE, top=TOP, many=MANY, error=error)]
    parts.append(f"Vectors of METRICS: {int(vectors['agrees'].sum())} of {len(vectors)} agree (`vectors.csv`).\n")
    parts.append(_summary(answered, len(below)))
    parts.append("## Below the gate\n")
    parts.append(_lines(below) if len(below) else "None.\n")
    for reading, column in (
        ("ten errors or more expected", "most_by_errors"),
        ("ten effective errors or more expected", "most_by_effective_errors"),
    ):
        high = answered[answered[column] == "ABOVE"]
        parts.append(f"## Above {TOP}, {reading}\n")
        parts.append(_lines(high) if len(high) else "None.\n")
    few = over[(over["most_by_errors"] != "ABOVE") & (over["most_by_effective_errors"] != "ABOVE")]
    parts.append(f"## Above {TOP}, fewer expected (allowed)\n")
    parts.append(_lines(few) if len(few) else "None.\n")
    parts.append("## All printed intervals\n")
    parts.append(_lines(answered))
    if len(against):
        parts.append("## Against an assumption\n")
        parts.append(_AGAINST)
        parts.append(_lines(against))
    parts.append("## Never printed, because nothing tried covers\n")
    parts.append(_lines(never) if len(never) else "None.\n")
    parts.append("## What a reader might have used instead\n")
    parts.append(_range(table[~table["printed"] & (table["method"] != AGAINST)]))
    parts.append(_TRIED)
    if scores is not None:
        parts.append(_scores(scores))
    return "\n".join(parts)


_TRIED = """## Tried, measured, and left

Least and greatest coverage over 20 to 60 worlds of the kinds above (800 to 3,000 replicates a world), other seeds than the table's.

| what | form | coverage |
|---|---|---|
| FMR by people | METRICS: one t or z on both sides | .83 to .98 |
| | ΣR²/M² with z on both sides | .88 to .99 |
| | METRICS below, ΣR²/M² and t of 4 above below 30 effective errors (printed until now) | .95 to .997 |
| | z below, ΣR²/M² fading from 8 effective errors, t of at least 3 above | .928 to .98 |
| FMR by comparisons | METRICS | .83 to .96 |
| | enclosing METRICS and the pooled variance (printed until now) | .91 to .999 |
| | mean of both variances, z | .84 to .98 |
| | geometric mean of both limits | .91 to .99 |
| | pooled over people with weights M_i^1.5 | .81 to .97 |
| | pooled over the people of most photos worth 30 / 100 | .69 / .83 to .98 |
| | pooled, with the quantiles of METRICS for people | .84 to .98 |
| FNMR by people | q(1-q)/n with z (METRICS, printed until now) | .93 to 1.000 |
| | the spread seen, Σ(y-q)²/n², t of at least 3 above | .72 to .98 |
| | the spread seen and the largest y² once more | .73 to .98 |
| | the spread seen and one unseen person, not fading | .94 to .998 |
| summaries | percentile above, t on logs below (printed until now) | .94 to 1.000 |
| | inverted test on both sides | .84 to 1.000 |
| | half way above | .929 to .986 |
| | half way above, 2.5 % below at equality too | .93 to .997 |
| null bands | t on logs | .955 to .973 |
| | the limits' spreads on logs / ∛p / √p | .92 to .975 / .945 to .993 / .949 to 1.000 |
| contrasts of log rates | without taking Σψ² away | .967 to .994 |

Lines that stay above .98 where ten comparisons in error are expected have few effective errors: their upper limits never miss, and only a lower limit
raised above its nominal 2.5 % would bring them down.
"""

_AGAINST = """By comparisons the spread between people is pooled over everybody, as if those with many photos varied like the rest. Here they
vary half as much again, and the printed intervals fall short. In LFW's own templates they vary less (their V/p² is .2 to .9 of the others'), which
errs to the wide side.

The group that is named because it is furthest from the reference was chosen by its own error, and its interval, which is made for a group chosen
before, holds the truth less often. The page says so beside the sentence; ratios are judged at the level for all groups at once and are not chosen so.
"""


def _power(table: pd.DataFrame) -> pd.Series[bool]:
    """Lines whose coverage is a power that was promised: their gate has two sides whatever is expected."""
    return table["quantity"].str.startswith("power of")


def _summary(answered: pd.DataFrame, below: int) -> str:
    """The gate, line by line, in both readings."""
    text = f"## Printed intervals: {len(answered)} lines, {below} below the gate\n\n"
    text += "| upper half of the gate, read by | lines | at most .98 | above |\n|---|---|---|---|\n"
    for words, column in (
        ("errors expected", "most_by_errors"),
        ("effective errors expected", "most_by_effective_errors"),
    ):
        counts = answered[column].value_counts()
        holds, high = int(counts.get("holds", 0)), int(counts.get("ABOVE", 0))
        text += f"| {words} | {holds + high} | {holds} | {high} |\n"
    return text


def _lines(table: pd.DataFrame) -> str:
    head = (
        "| world | quantity | weighting | method | coverage | truth below / above | errors "
        "expected / effective | median limits | truth |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    rows = []
    for line in table.itertuples():
        errors = f"{line.expected_errors:.3g} / {line.effective_errors:.3g}"
        if line.answered == 0:
            rows.append(
                f"| {line.about} | {line.quantity} | {line.weighting} | none printed | | | {errors} | | "
                f"{line.truth:.3g} |"
            )
            continue
        sides = f"{line.truth_below:.3f} / {line.truth_above:.3f}"
        is_test = "quiet" in str(line.method) or any(
            word in str(line.quantity) for word in ("together", "power of", "no false")
        )
        limits, truth = (
            ("", "") if is_test else (f"{line.median_low:.3g} to {line.median_high:.3g}", f"{line.truth:.3g}")
        )
        named = f"| {line.about} | {line.quantity} | {line.weighting} | {line.method} "
        rows.append(f"{named}| {line.coverage:.3f} | {sides} | {errors} | {limits} | {truth} |")
    return head + "\n".join(rows) + "\n"


def _range(table: pd.DataFrame) -> str:
    head = (
        "| method | quantity | weighting | worlds | least coverage | median | most |\n|---|---|---|---|---|---|---|\n"
    )
    rows = []
    for key, part in table[table["answered"] > 0].groupby(["method", "quantity", "weighting"], sort=True):
        method, quantity, weighting = key if isinstance(key, tuple) else (key, "", "")
        low, middle, high = part["coverage"].min(), part["coverage"].median(), part["coverage"].max()
        rows.append(f"| {method} | {quantity} | {weighting} | {len(part)} | {low:.3f} | {middle:.3f} | {high:.3f} |")
    return head + "\n".join(rows) + "\n"


def _scores(scores: pd.DataFrame) -> str:
    groups = sorted(scores["group"].unique())
    text = (
        "## Published pair scores (RFW), at the threshold of best overall accuracy\n\n"
        "24,000 hard-mined pairs, cosine, one threshold for all groups; no subject ids, so no "
        "intervals. A test recounts every line\n"
        f"(`rfw_best_accuracy.csv`). FMR and FNMR in the order {', '.join(groups)}.\n\n"
        "| matcher | threshold | accuracy | FMR | FNMR | garbe | fdr | inequity_rate | werm "
        "|\n|---|---|---|---|---|---|---|---|---|\n"
    )
    for matcher, part in scores.groupby("matcher", sort=True):
        own = part.set_index("group").loc[groups]
        one = own.iloc[0]
        fmr, fnmr = (", ".join(f"{v:.4f}" for v in own[name]) for name in ("FMR", "FNMR"))
        summaries = " | ".join(f"{one[name]:.4f}" for name in ("garbe", "fdr", "inequity_rate", "werm"))
        text += f"| {matcher} | {one['threshold']:.6f} | {one['accuracy']:.4f} | {fmr} | {fnmr} | {summaries} |\n"
    return text


def publish(
    folder: Path, table: pd.DataFrame, vectors: pd.DataFrame, seed: int, scores: pd.DataFrame | None = None
) -> None:
    """Write ``coverage.csv``, ``vectors.csv`` and ``README.md`` (and ``rfw_best_accuracy.csv``) into ``folder`` (made
    if missing).
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "coverage.csv").write_bytes(to_csv(table, float_format="%.6g"))
    (folder / "vectors.csv").write_bytes(to_csv(vectors, float_format="%.12g"))
    (folder / "README.md").write_text(page(table, vectors, seed, scores), encoding="utf-8", newline="\n")
    if scores is not None:
        (folder / "rfw_best_accuracy.csv").write_bytes(to_csv(scores, float_format="%.6g"))
