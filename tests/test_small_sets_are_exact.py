"""Random small audits through the command line, nothing configured but a threshold: every count and rate equals a
naive float64 loop."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import audit
from audit import results
from audit.benchmark.tables import key
from audit.cli import run_command_line
from audit.runs.verify import verify

NAMES = "ABC"


def score(a: np.ndarray, b: np.ndarray, measure: str) -> float:
    x, y = a.tolist(), b.tolist()
    if measure == "euclidean":
        return -math.sqrt(math.fsum((p - q) ** 2 for p, q in zip(x, y, strict=True)))
    dot = math.fsum(p * q for p, q in zip(x, y, strict=True))
    return dot if measure == "inner" else dot / math.sqrt(math.fsum(p * p for p in x) * math.fsum(q * q for q in y))


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Templates, whose each is, and each person's group; two to thirteen people with one to four photos."""
    rng = np.random.default_rng(seed)
    people = int(rng.integers(2, 14))
    group = rng.integers(0, int(rng.integers(1, 4)), people)
    who = np.repeat(np.arange(people), rng.integers(1, 5, people))
    vectors = rng.normal(size=(people, 4))[who] + rng.choice([0.1, 0.5, 2]) * rng.normal(size=(len(who), 4))
    return (
        (np.round(vectors, 1) if seed % 5 == 1 else vectors).astype(np.float64 if seed % 2 else np.float32),
        who,
        group,
    )


def between(values: list[float], near: float) -> float:
    """A threshold in the middle of two scores, so that no last bit decides."""
    lower, upper = [v for v in values if v < near], [v for v in values if v >= near]
    return (max(lower, default=near - 1) + min(upper, default=near + 1)) / 2


def naive(
    scores: dict[tuple[int, int], float], who: np.ndarray, inside: set[int], at: float
) -> dict[tuple[str, str], tuple[int, int, float]]:
    dyads: dict[tuple[int, int], list[bool]] = {}
    for (i, j), value in scores.items():
        if who[i] in inside and who[j] in inside:
            dyads.setdefault((min(who[i], who[j]), max(who[i], who[j])), []).append(value >= at)
    out = {}
    for measure, wrong in (
        ("FMR", [hits for (a, b), hits in dyads.items() if a != b]),
        ("FNMR", [[not h for h in v] for (a, b), v in dyads.items() if a == b]),
    ):
        errors, trials = sum(map(sum, wrong)), sum(map(len, wrong))
        out[measure, "comparisons"] = (errors, trials, errors / trials if trials else math.nan)
        out[measure, "people"] = (
            errors,
            trials,
            math.fsum(sum(one) / len(one) for one in wrong) / len(wrong) if wrong else math.nan,
        )
    return out


@pytest.mark.parametrize("seed", range(8))
def test_a_random_small_audit_equals_a_naive_loop(seed: int, tmp_path: Path) -> None:
    vectors, who, group = world(seed)
    measure = ("euclidean", "cosine", "inner")[seed % 3]
    scores = {(i, j): score(vectors[i], vectors[j], measure) for i, j in itertools.combinations(range(len(who)), 2)}
    values = sorted(scores.values())
    thresholds = [between(values, float(np.quantile(values, share))) for share in (0.3, 0.8)] + [
        values[-1] + 1,
        values[0] - 1,
    ]
    sign = -1 if measure == "euclidean" else 1
    if seed % 4 == 3:  # the door of scores
        rows = [
            (
                f"m{who[i]}",
                f"m{who[j]}",
                repr(sign * v),
                NAMES[group[who[i]]],
                NAMES[group[who[j]]],
                int(who[i] == who[j]),
            )
            for (i, j), v in scores.items()
        ]
        pd.DataFrame(rows, columns=["subject_a", "subject_b", "score", "race_a", "race_b", "mated"]).to_csv(
            tmp_path / "pairs.csv", index=False
        )
        door = '[benchmark]\nname = "outputs"\n[backend]\nname = "scores"\n[backend.options]\npath = "pairs.csv"\n'
        door += f'kind = "{"dis" * (sign < 0)}similarity"\n'
    else:
        paths = [f"q{person}/{k}.png" for k, person in enumerate(who)]
        table = pd.DataFrame(
            {"path": paths, "subject": [f"m{p}" for p in who], "race": [NAMES[group[p]] for p in who]}
        )
        table.to_csv(tmp_path / "labels.csv", index=False)
        np.savez(tmp_path / "t.npz", vectors=vectors, sample_id=np.array([key(path) for path in paths]))
        door = (
            f'[benchmark]\nname = "files"\n[backend]\nname = "templates"\n[backend.options]\npath = '
            f'"t.npz"\nmeasure = "{measure}"\n'
        )
    points = "".join(f'[[operating_points]]\nkind = "fixed"\nthreshold = {sign * at!r}\n' for at in thresholds)
    # minimum_subjects as it is
    groups = f'[groups]\nattributes = {{ race = "race" }}\nreference = "race={NAMES[group[who[0]]]}"\n'
    (tmp_path / "c.toml").write_text(
        f'version = 1\nname = "small"\n{door}{groups}{points}[uncertainty]\nreplicates = 100\n'
    )
    assert (
        run_command_line(
            ["run", str(tmp_path / "c.toml"), "--data", str(tmp_path), "--results", str(tmp_path / "results")]
        )
        == 0
    )
    assert verify(tmp_path / "results" / "small")["problems"] == []
    made = results.read(tmp_path / "results" / "small")
    found = made.rates[made.rates["other_group"] == ""].set_index(["operating_point", "measure", "weighting", "group"])
    ids = dict(zip(made.operating_points["threshold"], made.operating_points["operating_point"], strict=True))
    for at in thresholds:
        for name in ["all labelled", *(f"race={NAMES[k]}" for k in sorted(set(group[who])))]:
            inside = {p for p in set(who) if name in ("all labelled", f"race={NAMES[group[p]]}")}
            for (kind, weighting), (errors, trials, rate) in naive(scores, who, inside, at).items():
                row = found.loc[(ids[sign * at], kind, weighting, name)]
                assert (row.errors, row.trials) == (errors, trials)
                assert row.rate == pytest.approx(rate, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("measure", ["euclidean", "inner"])
@pytest.mark.parametrize(
    "factor", [2.0**-225, 2.0**-133, 2.0**133, 2.0**225]
)  # 1e-68 to 1e68; powers of two change no digit
def test_templates_of_any_size_give_the_counts_they_give_at_size_one(measure: str, factor: float) -> None:
    rng = np.random.default_rng(5)
    who = np.repeat(np.arange(20), 2)
    vectors = rng.normal(size=(20, 6))[who] + 0.4 * rng.normal(size=(40, 6))

    def rates(scale: float) -> pd.DataFrame:
        at = {"euclidean": 1.7 * scale, "inner": 4.0 * scale**2}[measure]
        groups = np.where(who % 2, "B", "A")
        made = audit.audit_templates(
            vectors * scale,
            who,
            groups,
            reference="group=A",
            measure=measure,
            thresholds=[at],
            target_fmr=[],
            uncertainty={"replicates": 100},
        )
        return made.rates.drop(columns="operating_point")

    pd.testing.assert_frame_equal(rates(factor), rates(1.0))
