"""Saved bench results to a markdown table and a plot of ratios.

    pytest benches/bench_comparisons.py --benchmark-enable --benchmark-json=bench.json
    python benches/table.py bench.json --plot ratios.svg

In: one or more JSON files of pytest-benchmark. Out: markdown on standard output. Ratios are medians of rounds that
alternated with the raw product; with more than one file the newest of each (contender, N, D, cells) counts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

WORDS = {
    "test_raw_product": ("float32 product alone", "does nothing with the scores"),
    "test_ours": ("face-audit", "whole: quantise, histograms per cell pair, mated, exact tail of 1 %"),
    "test_ours_tail_only[0.01]": ("face-audit, tail of 1 % only", "no histograms"),
    "test_ours_tail_only[0.001]": ("face-audit, tail of 0.1 % only", "no histograms"),
    "test_ours_one_thread": ("face-audit, one thread", "against the product on one thread"),
    "test_ours_portable": ("face-audit, NumPy only", "whole"),
    "test_face_distance_rows": (
        "face_recognition.face_distance, row by row",
        "one histogram; no cells, mated pairs not kept apart",
    ),
    "test_sklearn_chunked": ("scikit-learn pairwise_distances_chunked", "every pair twice; no cells"),
    "test_scipy_cdist": ("scipy cdist in blocks", "no cells"),
    "test_pandas": ("pandas group by cell pair", "histograms per cell pair"),
    "test_torch_bincount": (
        "torch product and bincount, tile by tile",
        "one histogram; no cells, mated pairs not kept apart",
    ),
    "test_faiss_range_search": ("faiss range_search", "tail of 1 % only, every pair twice; no cells"),
}


def rows(files: list[Path]) -> list[dict[str, Any]]:
    """One row per contender and size."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for file in files:
        saved = json.loads(file.read_text(encoding="utf-8"))
        for bench in saved["benchmarks"]:
            extra = bench["extra_info"]
            if "comparisons" not in extra:
                continue
            name = bench["name"] if bench["name"] in WORDS else bench["name"].partition("[")[0]
            words, what = WORDS.get(name, (f"face-audit, {bench['param']}", "whole"))
            row = {
                "name": words,
                "what": what,
                "ratio": float(np.median(extra["ratios"])),
                "low": min(extra["ratios"]),
                "high": max(extra["ratios"]),
                "speed": extra["comparisons"] / bench["stats"]["median"] / 1e6,
                "cpu": saved["machine_info"].get("cpu", {}).get("brand_raw", saved["machine_info"].get("machine", "")),
                "date": saved["datetime"][:10],
                **{key: extra[key] for key in ("samples", "dimensions", "cells", "measure", "templates", "threads")},
            }
            key = (words, row["samples"], row["dimensions"], row["cells"], row["measure"])
            if key not in kept or kept[key]["date"] <= row["date"]:
                kept[key] = row
    return sorted(kept.values(), key=lambda row: (row["dimensions"], -row["samples"], row["ratio"]))


def markdown(table: list[dict[str, Any]]) -> str:
    """The table README shows."""
    lines = [
        "| contender | N | D | cells | time / raw product (range) | million comparisons a second | what it does |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in table:
        ratio = f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        lines.append(
            f"| {row['name']} | {row['samples']:,} | {row['dimensions']} | {row['cells']} | {ratio} | "
            f"{row['speed']:.3g} | {row['what']} |"
        )
    machines = sorted(
        {
            f"{row['cpu']}, {row['threads']} threads, {row['templates']} templates, {row['measure']}, {row['date']}"
            for row in table
        }
    )
    return "\n".join([*lines, "", *[f"Measured on {machine}." for machine in machines]]) + "\n"


def plot(table: list[dict[str, Any]], path: Path) -> None:
    """Bars of ratios on a log axis; 1 is the raw product."""
    import matplotlib as mpl

    mpl.use("svg" if path.suffix == ".svg" else "agg")
    from matplotlib import pyplot as plt

    table = sorted(table, key=lambda row: -row["ratio"])
    figure, axes = plt.subplots(figsize=(8, 0.34 * len(table) + 1.2), layout="constrained")
    names = [f"{row['name']} (N={row['samples']:,}, D={row['dimensions']})" for row in table]
    colours = ["#1f5fa8" if row["name"].startswith("face-audit") else "#8a8a8a" for row in table]
    axes.barh(names, [row["ratio"] for row in table], color=colours)
    for place, row in enumerate(table):
        axes.text(row["ratio"] * 1.04, place, f"{row['ratio']:.2f}", va="center", fontsize=8)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("time / float32 product of the same comparisons (log scale, less is faster)")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    found = rows(arguments.files)
    print(markdown(found), end="")
    if arguments.plot:
        plot(found, arguments.plot)
