"""The coverage study as a page and two tables.

In: the study's table and the vectors. Out: ``coverage.csv``, ``vectors.csv`` and a ``README.md`` that says what missed. Its one idea: the text is
made from the table, so it cannot be kinder than the numbers.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from audit.validation.study import GATE

__all__ = ["page", "publish"]

_HEAD = """# Do the intervals hold?

`coverage.csv` has one line per world, quantity and method: how often the {nominal:.0%} interval held the planted truth in {replicates:,} worlds
drawn from the seed {seed}. `face-audit validate` draws them again; the same numbers come out on any machine with the same numpy. `printed` marks what
the product prints; the other methods are there for comparison. A test counts as covering when it keeps quiet in a world where its hypothesis is true.

* Worlds: Z = √rho·(a_i + a_j)/√2 + √delta·d_ij + noise; rho is the person's share of a score, delta the pair's. One photo each, or LFW's own
  photo counts (one person has 530 of 13,233).
* Gate: at least {gate} wherever an interval is printed. Monte Carlo error is about {error:.3f}.
* Departures from the plain closed form, each because it missed here (`closed form, t or z by METRICS` is its line): with fewer than 30 effective
  errors the upper limit uses ΣR²/M² and t; with fewer than 4 the lower limit is at most Clopper-Pearson's; by comparisons the variance between
  people is also pooled over all people, and no interval is printed where a group is worth fewer than 20 equally photographed people.
* The gate also asks for at most .98 where ten or more errors are expected. It is missed where few people stand behind the errors (rho of .5 or
  more), by comparisons, and by the upper limits of summaries, which err outwards: narrower forms were tried and fell to .81 to .93. Listed below.
"""


def page(table: pd.DataFrame, vectors: pd.DataFrame, seed: int, scores: pd.DataFrame | None = None) -> str:
    """The README's text; ``scores`` is ``published_scores.at_best_accuracy``'s table where those scores are at hand."""
    printed = table[table["printed"]]
    answered = printed[printed["answered"] > 0]
    below = answered[answered["coverage"] < GATE]
    above = answered[answered["coverage"] > 0.98]
    never = printed[printed["answered"] == 0]
    error = float(answered["monte_carlo_error"].median())
    parts = [_HEAD.format(nominal=0.95, replicates=int(table["replicates"].max()), seed=seed, gate=GATE, error=error)]
    parts.append(f"Vectors of METRICS: {int(vectors['agrees'].sum())} of {len(vectors)} agree (`vectors.csv`).\n")
    parts.append(f"## Printed intervals: {len(answered)} lines, {len(below)} below the gate\n")
    parts.append(_lines(answered))
    parts.append("## Below the gate\n")
    parts.append(_lines(below) if len(below) else "None.\n")
    parts.append("## Above .98\n")
    parts.append(_lines(above) if len(above) else "None.\n")
    parts.append("## Never printed, because nothing tried covers\n")
    parts.append(_lines(never) if len(never) else "None.\n")
    parts.append("## What a reader might have used instead\n")
    parts.append(_range(table[~table["printed"]]))
    if scores is not None:
        parts.append(_scores(scores))
    return "\n".join(parts)


def _lines(table: pd.DataFrame) -> str:
    head = "| world | quantity | weighting | method | coverage | truth below / above | median limits | truth |\n|---|---|---|---|---|---|---|---|\n"
    rows = []
    for line in table.itertuples():
        if line.answered == 0:
            rows.append(f"| {line.about} | {line.quantity} | {line.weighting} | none printed | | | | {line.truth:.3g} |")
            continue
        sides = f"{line.truth_below:.3f} / {line.truth_above:.3f}"
        is_test = "quiet" in str(line.method) or "together" in str(line.quantity)
        limits, truth = ("", "") if is_test else (f"{line.median_low:.3g} to {line.median_high:.3g}", f"{line.truth:.3g}")
        rows.append(f"| {line.about} | {line.quantity} | {line.weighting} | {line.method} | {line.coverage:.3f} | {sides} | {limits} | {truth} |")
    return head + "\n".join(rows) + "\n"


def _range(table: pd.DataFrame) -> str:
    head = "| method | quantity | weighting | worlds | least coverage | median | most |\n|---|---|---|---|---|---|---|\n"
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
        "24,000 hard-mined pairs, cosine, one threshold for all groups; no subject ids, so no intervals. A test recounts every line\n"
        f"(`rfw_best_accuracy.csv`). FMR and FNMR in the order {', '.join(groups)}.\n\n"
        "| matcher | threshold | accuracy | FMR | FNMR | garbe | fdr | inequity_rate | werm |\n|---|---|---|---|---|---|---|---|---|\n"
    )
    for matcher, part in scores.groupby("matcher", sort=True):
        own = part.set_index("group").loc[groups]
        one = own.iloc[0]
        fmr, fnmr = (", ".join(f"{v:.4f}" for v in own[name]) for name in ("FMR", "FNMR"))
        summaries = " | ".join(f"{one[name]:.4f}" for name in ("garbe", "fdr", "inequity_rate", "werm"))
        text += f"| {matcher} | {one['threshold']:.6f} | {one['accuracy']:.4f} | {fmr} | {fnmr} | {summaries} |\n"
    return text


def publish(folder: Path, table: pd.DataFrame, vectors: pd.DataFrame, seed: int, scores: pd.DataFrame | None = None) -> None:
    """Write ``coverage.csv``, ``vectors.csv`` and ``README.md`` (and ``rfw_best_accuracy.csv``) into ``folder`` (made if missing)."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "coverage.csv", index=False, float_format="%.6g", lineterminator="\n")
    vectors.to_csv(folder / "vectors.csv", index=False, float_format="%.12g", lineterminator="\n")
    (folder / "README.md").write_text(page(table, vectors, seed, scores), encoding="utf-8", newline="\n")
    if scores is not None:
        scores.to_csv(folder / "rfw_best_accuracy.csv", index=False, float_format="%.6g", lineterminator="\n")
