"""Damaged tables through the command line: pair scores, candidate lists, labels, override files, review answers, what
``init`` looks at.

Each trial writes one damaged table and runs one command; where that ends well, a naive reader of the same bytes counts
again.
"""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

from benches.hostile.changes import changed
from benches.hostile.sandbox import Outcome, Place
from benches.hostile.trials import SECRET, Kind, Trial, plain_rows, rates

__all__ = ["kinds"]

SCORES = b"score,mated,race_a,race_b,subject_a,subject_b\n" + b"".join(
    b"0.%d,%d,%s,%s,vqxp%d,vqxp%d\n"
    % (k, k % 2, *(2 * [b"White" if k // 2 % 3 else b"Black"]), k, k if k % 2 else k + 1)
    for k in range(10, 60)
)
SCORES_PLAIN = b"id,score,mated,race\n" + b"".join(
    b"vqx%d,0.%d,%d,%s\n" % (k, k, k % 2, b"White" if k % 3 else b"Black") for k in range(10, 60)
)
LISTS = b"probe,rank,score,mate,enrolled,race,subject\n" + b"".join(
    b"vqxq%d,1,0.%d,%d,%d,%s,vqxs%d\n" % (k, k, k % 2, k % 2, b"White" if k % 3 else b"Black", k)
    for k in range(10, 60)
)
LABELS = b"path,subject,race,age\n" + b"".join(
    b"vqxf/%d.jpg,vqxp%d,%s,%d\n" % (k, k // 2, b"White" if k % 4 < 2 else b"Black", 20 + k // 2) for k in range(40)
)
TOML = """version = 1
name = "x"
[benchmark]
name = "{benchmark}"
{benchmark_more}
[backend]
name = "{backend}"
[backend.options]
{options}
[groups]
attributes = {{ race = "race" }}
reference = "race=White"
minimum_subjects = 2
[[operating_points]]
kind = "fixed"
threshold = 0.35
[uncertainty]
replicates = 100
[report]
curve = [0.1]
"""


def config(place: Place, backend: str, options: str, benchmark: str = "outputs", more: str = "") -> str:
    return str(
        place.put(
            "x.toml", TOML.format(benchmark=benchmark, backend=backend, options=options, benchmark_more=more).encode()
        )
    )


def run_of(place: Place, configuration: str) -> list[str]:
    return ["run", configuration, "--data", str(place.inside), "--offline", "--results", "results", "--replace"]


def pair_scores(seed: bytes, people: bool) -> Callable[[random.Random, Place], Trial]:
    def make(draw: random.Random, place: Place) -> Trial:
        body = changed(seed, draw)
        place.put("t.csv", body)
        names = ("subject_a", "subject_b") if people else ()

        def check(outcome: Outcome) -> list[str]:
            ends = ("race_a", "race_b") if people else ("race", "race")
            rows = plain_rows(body, ("score", "mated", *ends, *names))
            if outcome.code or rows is None:
                return []
            counts: Counter[tuple[str, str, bool]] = Counter()
            labels_of: dict[str, set[str]] = {}
            for row in rows if people else ():
                for name, end in zip(names, ends, strict=True):
                    labels_of.setdefault(row[name], set()).add(row[end])
            disputed = {one for one, words in labels_of.items() if len(words) > 1}
            for row in rows:
                if people and disputed & {row["subject_a"], row["subject_b"]}:
                    continue
                mated, same = (
                    row["mated"].casefold() in ("1", "1.0", "true", "yes", "t", "y"),
                    row[ends[0]] == row[ends[1]] != "",
                )
                if same:
                    wrong = (float(row["score"]) >= 0.35) != mated
                    counts["FNMR" if mated else "FMR", row[ends[0]], wrong] += 1
            told = rates(place, "x")
            out = []
            for measure, group in {key[:2] for key in counts}:
                errors, trials = (
                    counts[measure, group, True],
                    counts[measure, group, True] + counts[measure, group, False],
                )
                said = told.get(("threshold=0.35", measure, "comparisons", f"race={group}")) or told.get(
                    ("threshold=0.35", measure, "people", f"race={group}")
                )
                if said is not None and said[:2] != (errors, trials):
                    out.append(f"{measure} of {group}: {said[:2]}, counted {(errors, trials)}")
            return out

        columns = 'subject_a = "subject_a"\nsubject_b = "subject_b"' if people and draw.random() < 0.5 else ""
        return Trial(run_of(place, config(place, "scores", f'path = "t.csv"\n{columns}')), check=check)

    return make


def candidates(draw: random.Random, place: Place) -> Trial:
    body = changed(LISTS, draw)
    place.put("t.csv", body)

    def check(outcome: Outcome) -> list[str]:
        rows = plain_rows(body, ("probe", "rank", "score", "mate", "enrolled", "race", "subject"))
        if outcome.code or rows is None or len({row["probe"] for row in rows}) < len(rows):
            return []
        counts: Counter[tuple[str, str, bool]] = Counter()
        for row in rows:
            enrolled, alike = (
                float(row["enrolled"]) == 1 if row["enrolled"][:1].isdigit() else None,
                row["score"] and float(row["score"]) >= 0.35,
            )
            if enrolled is None or not row["race"]:
                return []
            right = bool(alike) and float(row["mate"] or 0) == 1
            counts["FNIR" if enrolled else "FPIR", row["race"], not right if enrolled else bool(alike)] += 1
        told, out = rates(place, "x"), []
        for measure, group in {key[:2] for key in counts}:
            said = told.get(("threshold=0.35", measure, "comparisons", f"race={group}"))
            mine = (counts[measure, group, True], counts[measure, group, True] + counts[measure, group, False])
            if said is not None and said[:2] != mine:
                out.append(f"{measure} of {group}: {said[:2]}, counted {mine}")
        return out

    return Trial(run_of(place, config(place, "candidates", 'path = "t.csv"\ngallery = 100')), check=check)


def photographs(place: Place, count: int = 40) -> None:
    """Empty files, as far as labels are concerned photographs."""
    for k in range(count):
        if not (place.inside / f"vqxf/{k}.jpg").exists():
            place.put(f"vqxf/{k}.jpg", b"")


def counted(body: bytes, place: Place) -> dict[str, int] | None:
    """People, samples, mated and all comparisons of a table of labels, counted naively; None where judgement is
    needed.
    """
    rows = plain_rows(body, ("path", "subject", "race"))
    if (
        rows is None
        or len({row["path"] for row in rows}) < len(rows)
        or not all(row["path"] and row["subject"] for row in rows)
    ):
        return None
    try:
        if any(not Path(place.inside, row["path"]).is_file() for row in rows):
            return None
    except OSError:  # a name that no disk takes
        return None
    of: dict[str, list[str]] = {}
    for row in rows:
        of.setdefault(row["subject"], []).append(row["path"])
    mated = sum(len(photos) * (len(photos) - 1) // 2 for photos in of.values())
    return {"subjects": len(of), "samples": len(rows), "mated": mated, "comparisons": len(rows) * (len(rows) - 1) // 2}


def planned(outcome: Outcome, mine: dict[str, int] | None) -> list[str]:
    """Where a plan says other numbers."""
    if outcome.code or mine is None:
        return []
    said = json.loads(outcome.out)
    return [
        f"{key}: {said[key]}, counted {mine[key]}"
        for key in ("subjects", "samples", "mated", "comparisons")
        if key in said and said[key] != mine[key]
    ]


TEMPLATES = (
    'path = "{}"\nmeasure = "euclidean"\nkind = "dissimilarity"\nunit = "d"\nlow = -9.0\nhigh '
    "= 0.0\ndefault_threshold = 1.0"
)


def labels(draw: random.Random, place: Place) -> Trial:
    photographs(place)
    body = changed(LABELS, draw)
    place.put("labels.csv", body)
    ready_templates(place)
    made = config(place, "templates", TEMPLATES.format(place.inside / "t.npz") + '\nid = "path"', "files")
    asked = ["plan", made, "--data", str(place.inside), "--offline", "--json"]
    return Trial(asked, check=lambda outcome: planned(outcome, counted(body, place)))


def ready_templates(place: Place) -> None:
    import numpy as np

    if not (place.inside / "t.npz").exists():
        vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
        np.savez(place.inside / "t.npz", vectors=vectors, path=np.array([f"vqxf/{k}.jpg" for k in range(40)]))


def described(draw: random.Random, place: Place) -> Trial:
    """The same tables, another command."""
    photographs(place)
    body = changed(LABELS, draw)
    place.put("labels.csv", body)

    def check(outcome: Outcome) -> list[str]:
        mine = counted(body, place)
        if outcome.code or mine is None:
            return []
        said = json.loads(outcome.out)["summary"]
        return [
            f"{key}: {said[key]}, counted {mine[key]}" for key in ("subjects", "samples") if said[key] != mine[key]
        ]

    return Trial(
        ["data", "describe", "files", "--data", str(place.inside), "--offline", "--no-photographs", "--json"],
        check=check,
    )


def overrides(draw: random.Random, place: Place) -> Trial:
    import hashlib

    photographs(place)
    place.put("labels.csv", LABELS)
    ready_templates(place)
    ids = [hashlib.sha256(f"vqxf/{k}.jpg".encode()).hexdigest()[:16] for k in range(40)]
    lines = ["kind,sample_a,sample_b,reason,note"]
    for k in range(0, 12, 2):
        lines.append(f"same_person,{ids[k]},{ids[k + 12]},name variant,{SECRET} note")
        lines.append(f"different_people,{ids[k]},{ids[k + 24]},looked at,")
    lines += [f"exclude_sample,{ids[39]},,wrong photo,{SECRET}", f"unsure,{ids[1]},{ids[30]},looked at,"]
    body = changed("\n".join(lines).encode() + b"\n", draw)
    place.put("o.csv", body)
    more = f'exclude = "{place.inside / "o.csv"}"'
    made = config(place, "templates", TEMPLATES.format(place.inside / "t.npz") + '\nid = "path"', "files", more)

    def check(outcome: Outcome) -> list[str]:
        rows = plain_rows(body, ("kind", "sample_a", "sample_b", "reason", "note"))
        if outcome.code or rows is None:
            return []
        who = {one: k // 2 for k, one in enumerate(ids)}
        gone = {row["sample_a"] for row in rows if row["kind"] == "exclude_sample"}
        for row in rows:
            if row["kind"] == "same_person" and who[row["sample_a"]] != who[row["sample_b"]]:
                old, new = who[row["sample_a"]], who[row["sample_b"]]
                who = {one: new if number == old else number for one, number in who.items()}
        apart = {k // 2: [ids[k], ids[k + 1]] for k in range(0, 40, 2)}
        for row in rows:
            pair = [row["sample_a"], row["sample_b"]]
            if (
                row["kind"] == "different_people"
                and sorted(pair) in [sorted(two) for two in apart.values()]
                and not set(pair) & gone
            ):
                gone |= set(pair)
        left = [number for one, number in who.items() if one not in gone]
        of = Counter(left)
        mine = {
            "subjects": len(of),
            "samples": len(left),
            "mated": sum(n * (n - 1) // 2 for n in of.values()),
            "comparisons": 0,
        }
        mine["comparisons"] = sum(1 for _ in combinations(left, 2))
        return planned(outcome, mine)

    return Trial(["plan", made, "--data", str(place.inside), "--offline", "--json"], check=check)


def begun(draw: random.Random, place: Place) -> Trial:
    """``init`` looks at whatever it is given and writes a configuration beside it."""
    photographs(place)
    seed = draw.choice([SCORES, LISTS, LABELS, SCORES_PLAIN])
    body = changed(seed, draw)
    name = "labels.csv" if seed == LABELS else "t.csv"
    place.put(name, body)
    given = str(place.inside) if seed == LABELS else str(place.inside / name)
    more = ["--labels", str(place.inside / name)] if seed == LABELS else []
    asked = ["init", given, "--name", "z", "--attributes", "race", "--reference", "race=White", "--replace", *more]
    return Trial(
        asked,
        allowed=(
            "out/z.toml",
            "out/config.schema.json",
            "inside/z.csv",
            "inside/labels-joined.csv",
            "inside/labels-z.csv",
        ),
    )


def answers(results: Path, cache: Path, data: Path, form: bytes) -> Callable[[random.Random, Place], Trial]:
    """Filled review forms of one run that was made beforehand."""

    def make(draw: random.Random, place: Place) -> Trial:
        lines = form.decode().splitlines()
        for k in range(1, len(lines)):
            cells = lines[k].split(",")
            cells[2], cells[3] = draw.choice(["yes", "no", "unsure", ""]), draw.choice(["", "", "left", "both"])
            cells[4], cells[5] = draw.choice(["", "same photo", "looked at"]), f"{SECRET} said"
            lines[k] = ",".join(cells)
        whole = "\n".join(lines).encode() + b"\n"
        body = changed(whole, draw)
        filled = place.put("answers.csv", body)
        (place.out / "o.csv").unlink(missing_ok=True)

        def check(outcome: Outcome) -> list[str]:
            rows = plain_rows(body, ("review", "filed_as", "same_person", "wrong_photo", "reason", "note"))
            if outcome.code or rows is None or len({row["review"] for row in rows}) < len(rows):
                return []
            most = sum({"left": 1, "right": 1, "both": 2}.get(row["wrong_photo"].lower(), 0) for row in rows)
            pairs = sum(bool(row["same_person"]) and not row["wrong_photo"] for row in rows)
            written = list(csv.DictReader(io.StringIO((place.out / "o.csv").read_text(encoding="utf-8"))))
            judged = sum(row["kind"] != "exclude_sample" for row in written)
            excluded = len(written) - judged  # one photo may stand in several pairs, and is taken out once
            fine = judged == pairs and (excluded > 0) == (most > 0) and excluded <= most
            return [] if fine else [f"judgements: {judged} and {excluded}, counted {pairs} and at most {most}"]

        asked = [
            "review",
            str(results),
            "--data",
            str(data),
            "--collect",
            str(filled),
            "--out",
            "o.csv",
            "--offline",
            "--cache",
            str(cache),
        ]
        return Trial(asked, check=check, allowed=("out/o.csv",))

    return make


def kinds(base: Path) -> list[Kind]:
    """All kinds; ``base`` holds one finished run."""
    made = base / "review"
    form = (made / "sheet" / "answers.csv").read_bytes() if (made / "sheet").is_dir() else b""
    out = [
        Kind("pair scores with people", 300, pair_scores(SCORES, True), "a"),
        Kind("pair scores", 200, pair_scores(SCORES_PLAIN, False), "b"),
        Kind("candidate lists", 250, candidates, "c"),
        Kind("labels, plan", 800, labels, "d"),
        Kind("labels, describe", 600, described, "e"),
        Kind("override files", 500, overrides, "f"),
        Kind("tables, init", 500, begun, "g"),
    ]
    if form:
        out.append(
            Kind("review answers", 400, answers(made / "results" / "small", made / "cache", made / "data", form), "h")
        )
    return out


def prepare(base: Path) -> None:
    """Make one run whose pairs can be reviewed, with photographs that can be read."""
    import sys

    import cv2
    import numpy as np

    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    import small_audits

    made = base / "review"
    shutil.rmtree(made, ignore_errors=True)
    path = small_audits.write(made / "data")
    good = cv2.imencode(".jpg", np.full((20, 20, 3), 128, np.uint8))[1].tobytes()
    for photo in (made / "data").glob("*/*.png"):
        photo.write_bytes(good + photo.as_posix().encode()[-9:])
    place = Place.new(base / "first")
    from benches.hostile.sandbox import run

    common = ["--data", str(made / "data"), "--offline", "--cache", str(made / "cache")]
    ran = run(["run", str(path), "--results", str(made / "results"), *common], place)
    assert ran.code == 0, ran.err
    ran = run(["review", str(made / "results" / "small"), "--out", str(made / "sheet"), *common], place)
    assert ran.code == 0, ran.err
