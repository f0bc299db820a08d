"""Figures across thresholds and across groups: found against wrong, who is taken for whom, DET curves and outlines of
scores.

In: facts. Out: figures as ``panels`` makes them. Its one idea: the same groups, in the same order and look, over
thresholds, pairs and scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.report.figures import kinds
from audit.report.figures.canvas import Scale, linear_scale, log_scale, span_scale
from audit.report.figures.figure import Figure
from audit.report.figures.one_threshold import Panels
from audit.report.printed import Table
from audit.report.standing import Group, Point
from audit.words import wording

__all__ = ["Curves"]

FOUND, WRONG = 100, 100_000
_CELL = 32
"""Pixels that a printed value needs in the matrix."""


class Curves(Panels):
    """Panels over more than one threshold, or more than one group."""

    def tradeoff(self) -> Figure | None:
        """Found of 100 against wrong of 100,000, per group, over the shared thresholds; None where nobody can be
        missed.
        """
        facts = self.facts
        points = [point for point in facts.points if point.row.get("protocol") != "per_group"]
        points.sort(key=lambda point: float(point.row.get("score_threshold", 0.0)))
        lines, rows, values, left_out = [], [], [], []
        for group in facts.labelled:
            pairs = []
            for point in points:
                wrong, missed = facts.rate(point, facts.wrong, group.name), facts.rate(point, facts.missed, group.name)
                if any(item.standing not in ("ok", "none seen") for item in (wrong, missed)):
                    continue
                found = (1 - missed.rate) * FOUND
                limits = (
                    f" ({self._limits(1 - missed.high, 1 - missed.low, FOUND)})" if math.isfinite(missed.low) else ""
                )
                shown = f" ({self._limits(wrong.low, wrong.high, WRONG)})" if math.isfinite(wrong.low) else ""
                rows.append(
                    (
                        group.label,
                        point.words,
                        f"{wording.out_of(1 - missed.rate, FOUND)}{limits}",
                        f"{wording.out_of(wrong.rate, WRONG)}{shown}",
                    )
                )
                if wrong.rate > 0:
                    pairs.append((wrong.rate * WRONG, found))
                    values.append(pairs[-1])
            if pairs:
                lines.append(kinds.Curve(group.label, group.style, tuple(pairs), tuple(range(len(pairs)))))
            else:
                left_out.append(group.name)
        if not values:
            return None
        across = log_scale([wrong for wrong, _ in values], 5)
        up = span_scale([found for _, found in values], 100)
        axis = f"wrong of {WRONG:,} {wording.counted_in_words(facts.wrong, facts.weighting)}"
        draw = kinds.curves(
            lines,
            across,
            up,
            [wording.number(tick) for tick in across.ticks],
            [f"{tick:g}" for tick in up.ticks],
            axis,
            "found of 100",
        )
        title = self._words("title_tradeoff", facts, points[-1], FOUND, WRONG)
        described = f"{title} Each mark is one threshold for one group; the table below gives every number."
        caption = self._words("caption_tradeoff", facts, FOUND, WRONG, left_out)
        table = Table(
            caption,
            ("Group", "Threshold", f"Found of {FOUND}", f"Wrong of {WRONG:,}"),
            tuple(rows),
            wide=True,
            numeric=frozenset({2, 3}),
        )
        return Figure("tradeoff", "tradeoff", title, described, self._box(facts.headline, "tradeoff"), draw, table)

    @staticmethod
    def _limits(low: float, high: float, per: int) -> str:
        return wording.interval_in_words(max(0.0, low), high, per)

    def matrix(self, point: Point) -> Figure | None:
        """Who is taken for whom: wrong matches within and across groups; None where cross-group rates were not
        counted.
        """
        facts = self.facts
        groups = facts.labelled
        found = [
            [facts.rate(point, "FMR", g.name, other="" if g.name == h.name else h.name) for h in groups]
            for g in groups
        ]
        shown = [item for line in found for item in line if item.standing in ("ok", "none seen")]
        if not any(item.standing != "absent" for k, line in enumerate(found) for n, item in enumerate(line) if n != k):
            return None
        positive = [item.rate for item in shown if item.rate > 0]
        top, bottom = (max(positive), max(min(positive), max(positive) / 1000)) if positive else (1.0, 0.1)
        per = 10 ** max(3, math.ceil(2 - math.log10(top)))
        words, depths = [], []
        for line in found:
            short = {"too few": "few", "no trials": "–", "absent": "–", "withheld": "–", "none seen": "0"}
            words.append([short.get(item.standing, wording.out_of(item.rate, per, under="<")) for item in line])
            spread = math.log(top / bottom) or 1.0
            depths.append(
                [
                    max(0.0, math.log(max(item.rate, bottom) / bottom) / spread) if item.standing == "ok" else math.nan
                    for item in line
                ]
            )
        labels = [group.label for group in groups]
        what = "pairs of people" if facts.people_known else "photo pairs"
        draw = kinds.matrix(labels, words, depths, f"in {per:,} {what}")
        inside = sum(
            1
            for k, line in enumerate(found)
            if line[k].standing == "ok"
            and all(
                item.rate < line[k].rate
                for n, item in enumerate(line)
                if n != k and item.standing in ("ok", "none seen")
            )
        )
        judged = sum(1 for k, line in enumerate(found) if line[k].standing in ("ok", "none seen"))
        title = self._words("title_matrix", facts, inside, judged, point)
        rows = tuple(
            (group.label, *(self._standing(item, per, "\n") for item in line))
            for group, line in zip(groups, found, strict=True)
        )
        caption = self._words("caption_matrix", facts, point, per)
        table = Table(caption, ("Group", *labels), rows, wide=True, numeric=frozenset(range(1, len(labels) + 1)))
        described = f"{title} The table below gives every number with its interval."
        return Figure(
            f"matrix-{point.slug}",
            "matrix",
            title,
            described,
            self._box(point, "matrix"),
            draw,
            table,
            point,
            _CELL * len(labels),
        )

    def _by_group(self) -> list[tuple[Group, NDArray[np.float64], NDArray[np.float64]]]:
        """Histograms of non-mated and mated scores inside each finest group with enough people."""
        histograms, tallies = self.facts.result.histograms, self.facts.result.tallies
        if histograms is None or tallies is None:
            return []
        cells = tallies.labellings[0].cells
        if len(cells) != len(histograms.mated):
            return []
        out = []
        for group in self.facts.labelled:
            if group.people < self.facts.minimum or group.name not in cells:
                continue
            k = cells.index(group.name)
            rows = np.flatnonzero((histograms.pairs[:, 0] == k) & (histograms.pairs[:, 1] == k))
            if len(rows):
                out.append(
                    (group, histograms.non_mated[rows[0]].astype(np.float64), histograms.mated[k].astype(np.float64))
                )
        return out

    def det(self, weighting: str = "") -> Figure | None:
        """DET curves by group, from the table of curves or else from the histograms (comparisons); None without them.

        Each weighting is a figure of its own with its own table: two sets of curves in one drawing would not be told
        apart.
        """
        main, weighting = self.facts.weighting, weighting or self.facts.weighting
        tabled = self._curves_from_table(weighting)
        found = tabled or (self._curves_by_comparisons() if weighting == "people" else [])
        lines = [line for line, _ in found]
        if not lines:
            return None
        across = log_scale([x for line in lines for x, _ in line.points], 5)
        up = linear_scale([y for line in lines for _, y in line.points], 0.05)
        axis = "wrong person (FMR)"
        words = [[wording.share_in_words(tick) for tick in scale.ticks] for scale in (across, up)]
        draw = kinds.curves(lines, across, up, words[0], words[1], axis, "missed person (FNMR)")
        by_people = bool(tabled) and weighting == "people"
        title, caption = (
            self._words("title_det", self.facts, by_people),
            self._words("caption_det", self.facts, weighting, bool(tabled)),
        )
        heads = ("Group", "Threshold", "FMR", "FNMR") if tabled else ("Group", "FMR", "FNMR")
        rows = tuple(row for _, rows in found for row in rows)
        table = Table(caption, heads, rows, wide=True, numeric=frozenset(range(1, len(heads))))
        box = self._box(self.facts.headline, "tradeoff" if by_people else "det")
        name = "det" if weighting == main else "det-comparisons"
        return Figure(name, "det", title, f"{title} {caption}", box, draw, table)

    def _curves_from_table(self, weighting: str) -> list[tuple[kinds.Curve, list[tuple[str, ...]]]]:
        frame = self.facts.result.tables.get("curves")
        if frame is None:
            return []
        out = []
        for group in self.facts.labelled:
            if self.facts.rate(self.facts.headline, "FNMR", group.name).standing not in ("ok", "none seen"):
                continue
            mine = frame[
                (frame["group"] == group.name)
                & (frame["weighting"] == weighting)
                & (frame["FMR"] > 0)
                & frame["FNMR"].notna()
            ]
            records = mine.sort_values("score_threshold").to_dict("records")
            pairs = tuple((float(row["FMR"]), float(row["FNMR"])) for row in records)
            if len(pairs) > 1:
                rows = [
                    (
                        group.label,
                        wording.exact(float(row["threshold"])),
                        *(self._with_limits(row, name) for name in ("FMR", "FNMR")),
                    )
                    for row in records
                ]
                out.append((kinds.Curve(group.label, group.style, pairs, (0, len(pairs) // 2, len(pairs) - 1)), rows))
        return out

    @staticmethod
    def _with_limits(row: Mapping[Any, Any], name: str) -> str:
        low, high = float(row[f"{name}_low"]), float(row[f"{name}_high"])
        limits = (
            f"\n({wording.share_in_words(low)} to {wording.share_in_words(high)})"
            if math.isfinite(low) and math.isfinite(high)
            else ""
        )
        return f"{wording.share_in_words(float(row[name]))}{limits}"

    def _curves_by_comparisons(self) -> list[tuple[kinds.Curve, list[tuple[str, ...]]]]:
        out = []
        for group, different, same in self._by_group():
            if not different.sum() or not same.sum():
                continue
            fmr = np.cumsum(different[::-1])[::-1] / different.sum()
            fnmr = np.concatenate([[0.0], np.cumsum(same)[:-1]]) / same.sum()
            least = max(10.0 / different.sum(), 1e-6)
            at = [int(np.searchsorted(-fmr, -target)) for target in np.logspace(-0.3, -6, 40) if target >= least]
            pairs = tuple((float(fmr[k]), float(fnmr[k])) for k in at if k < len(fmr) and fmr[k] > 0)
            rows: list[tuple[str, ...]] = [
                (group.label, wording.share_in_words(x), wording.share_in_words(y)) for x, y in pairs[::4]
            ]
            if len(pairs) > 1:
                out.append((kinds.Curve(group.label, group.style, pairs, (0, len(pairs) // 2, len(pairs) - 1)), rows))
        return out

    def distributions(self) -> Figure | None:
        """Outlines of mated and non-mated scores by group."""
        histograms = self.facts.result.histograms
        groups = self._by_group()
        if histograms is None or not groups:
            return None
        axis = histograms.axis
        total = np.sum([different + same for _, different, same in groups], axis=0)
        used = np.flatnonzero(total)
        first, last = int(used[0]), int(used[-1]) + 1
        width = max(1, math.ceil((last - first) / 72))
        bins = range(first, last, width)
        edges = axis.edges
        lines, rows = [], []
        middle_scores: list[tuple[float, str]] = []
        for group, different, same in groups:
            pair = [[float(values[k : k + width].sum()) for k in bins] for values in (different, same)]
            lines.append((group.label, group.style, pair[0], pair[1]))
            middles = (edges[:-1] + edges[1:]) / 2
            row = [group.label]
            for values in (different, same):
                share = np.cumsum(values) / max(1.0, float(values.sum()))
                row += [
                    f"{middles[int(np.searchsorted(share, q))]:.3g}" if values.sum() else "" for q in (0.05, 0.5, 0.95)
                ]
            rows.append(tuple(row))
            total_different = np.cumsum(different)
            if total_different[-1] > 0:
                middle_scores.append(
                    (float(middles[int(np.searchsorted(total_different, total_different[-1] / 2))]), group.label)
                )
        scale = Scale(
            float(edges[first]),
            float(edges[first + width * len(bins)] if first + width * len(bins) < len(edges) else edges[-1]),
            False,
            (),
        )
        ticks = [(at, f"{scale.low + at * (scale.high - scale.low):.2g}") for at in (0.0, 0.25, 0.5, 0.75, 1.0)]
        threshold = float(self.facts.headline.row.get("score_threshold", math.nan))
        line_at = scale(threshold) if math.isfinite(threshold) else None
        title, caption = (
            self._words("title_scores", self.facts, sorted(middle_scores)),
            self._words("caption_scores", self.facts),
        )
        draw = kinds.outlines(lines, ticks, line_at, "score; larger means more alike")
        heads = (
            "Group",
            "different: 5 %",
            "different: middle",
            "different: 95 %",
            "same: 5 %",
            "same: middle",
            "same: 95 %",
        )
        table = Table(caption, heads, tuple(rows), wide=True, numeric=frozenset(range(1, 7)))
        return Figure(
            "scores", "scores", title, f"{title} {caption}", self._box(self.facts.headline, "scores"), draw, table
        )
