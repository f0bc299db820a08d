"""People with several labels: the rate of a group of everybody who has a label equals a naive count, and the run
writes, verifies and reports."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from audit.config import load_config
from audit.runs.pipeline import Settings, run

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

GROUP = "race=A (alone or with others)"


def test_a_person_with_two_labels_is_counted_in_the_group_of_each(tmp_path: Path) -> None:
    from audit import results as room
    from audit.report import render
    from audit.runs.verify import verify

    rows, vectors = small_audits.people()
    both = {f"person {number}" for number in range(30, 80, 3)}
    for row in rows:
        row["race"] = "B|A" if row["subject"] in both else row["race"]
    config = small_audits.write(tmp_path / "bench", rows, vectors)
    text = config.read_text().replace(
        'table = "labels.csv"', 'table = "labels.csv"\nlabels = { race = { separator = "|", several = true } }'
    )
    config.write_text(text.replace('alternatives = { race = ["race_too"] }\n', ""))
    result = run(load_config(config), Settings(data=tmp_path / "bench", offline=True))

    kept = [k for k in range(len(rows)) if k % 41 != 7]  # the photographs that have a template, as small_audits says
    sexes = {row["subject"]: {one["sex"] for one in rows if one["subject"] == row["subject"]} for row in rows}
    inside = [k for k in kept if "A" in rows[k]["race"].split("|") and len(sexes[rows[k]["subject"]]) == 1]
    errors = trials = 0
    for place, i in enumerate(inside):
        for j in inside[:place]:
            if rows[i]["subject"] != rows[j]["subject"]:
                trials += 1
                errors += float(np.sqrt(((vectors[i].astype(float) - vectors[j].astype(float)) ** 2).sum())) <= 1.0
    rate = result.rates.query(
        "measure == 'FMR' and weighting == 'comparisons' and operating_point == 'vendor_default' and other_group == ''"
    )
    found = rate[rate.group == GROUP].iloc[0]
    assert (found.errors, found.trials) == (errors, trials)
    assert errors > 0

    ratios = result.differentials
    assert set(ratios[ratios.group == GROUP].reference) == {"race=B"}
    assert "race=B (alone or with others)" not in set(ratios.group)  # it shares people with its reference
    room.write(result, tmp_path / "out", render(result, digest=room.digest(result)))
    assert verify(tmp_path / "out")["problems"] == []
    assert GROUP.removeprefix("race=") in (tmp_path / "out/report.html").read_text()
