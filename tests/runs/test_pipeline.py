"""Bad input through the whole corridor: one clear error with its exit code, or a count of what failed; nothing lost,
nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit import results as files
from audit.cli import run_command_line
from audit.runs.verify import verify

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "embeddings"))  # toy_backends; worker processes are told this path
import small_audits

TOY = """
version = 1
name = "toy"
[benchmark]
name = "files"
[backend]
name = "toy_backends:make"
[groups]
attributes = { race = "race", sex = "sex" }
reference = "race=A|sex=F"
minimum_subjects = 2
[[operating_points]]
kind = "vendor_default"
[uncertainty]
replicates = 100
[report]
curve = [0.1]
"""
SECRET = "Jane_Q_Public"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: object) -> tuple[int, str, str]:
        code = run_command_line([str(one) for one in arguments])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


def photographs(folder: Path, people: int = 8, photos: int = 3) -> list[dict[str, str]]:
    """Invented people as squares of one colour, two races by two sexes, in files that carry a name."""
    import cv2

    rng = np.random.default_rng(4)
    rows = []
    for person in range(people):
        colour = rng.integers(40, 215, 3)
        for photo in range(photos):
            image = np.clip(colour + rng.integers(-9, 10, (8, 8, 3)), 0, 255).astype(np.uint8)
            image[0, 0, 0] = 200  # the mark that the toy matcher reads: nothing special
            name = f"{SECRET}_{person}_{photo}.png"
            assert cv2.imwrite(str(folder / name), image)
            rows.append(
                {"path": name, "subject": f"{SECRET}_{person}", "race": "AB"[person % 2], "sex": "FM"[person // 2 % 2]}
            )
    return rows


def table(folder: Path, rows: list[dict[str, str]]) -> None:
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    table(folder, photographs(folder))
    (tmp_path / "toy.toml").write_text(TOY)
    return folder


def arguments(bench: Path, *more: object) -> list[object]:
    top = bench.parent
    return [
        "run",
        top / "toy.toml",
        "--data",
        bench,
        "--results",
        top / "out",
        "--cache",
        top / "cache",
        "--jobs",
        1,
        *more,
    ]


def acquisition(bench: Path) -> pd.DataFrame:
    return pd.read_csv(bench.parent / "out" / "toy" / "acquisition.csv").set_index("group")


def nothing_written(folder: Path) -> bool:
    return not (folder / "out").exists() or [path.name for path in (folder / "out").iterdir()] == []


# ---- photographs
# --------------------------------------------------------------------------------------------------


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-25])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.write_bytes(b"This is a letter, not a photograph.")


@pytest.mark.parametrize(
    ("how", "reason"),
    [("truncated", "image is truncated"), ("empty", "file is empty"), ("not an image", "not an image")],
)
def test_a_bad_file_is_counted_as_unreadable_in_its_group_with_its_reason_and_named_nowhere(
    command, bench: Path, how: str, reason: str
) -> None:
    damage(bench / f"{SECRET}_0_0.png", how)  # person 0 is race=A, sex=F
    code, out, err = command(*arguments(bench))
    assert code == 0, err
    assert f"No template from 1 of 24 photographs: 1 unreadable ({reason})." in err
    found = acquisition(bench)
    assert found.unreadable.to_dict() == {"race=A|sex=F": 1, "race=A|sex=M": 0, "race=B|sex=F": 0, "race=B|sex=M": 0}
    assert found.samples.sum() == 24
    assert found.acquired.sum() == 23
    assert SECRET not in out + err
    for path in (bench.parent / "out").rglob("*"):
        assert SECRET not in path.name
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()
    stored = files.read(bench.parent / "out" / "toy")
    assert stored.about["without_template"] == [{"status": "UNREADABLE", "reason": reason, "samples": 1}]
    fta = stored.rates[(stored.rates.measure == "FTA") & (stored.rates.weighting == "comparisons")].set_index("group")
    assert (fta.errors["race=A|sex=F"], fta.trials["race=A|sex=F"]) == (1, 6)


def trials(bench: Path) -> dict[str, tuple[int, int]]:
    rates = files.read(bench.parent / "out" / "toy").rates
    fta = rates[
        (rates.measure == "FTA") & (rates.weighting == "comparisons") & rates.group.str.contains(r"\|")
    ].set_index("group")
    return {group: (int(row.errors), int(row.trials)) for group, row in fta.iterrows()}


def test_a_photo_that_is_not_there_is_nobodys_failure_and_is_said_everywhere(command, bench: Path) -> None:
    (bench / f"{SECRET}_0_0.png").unlink()
    for asked in (
        ["plan", bench.parent / "toy.toml", "--data", bench, "--cache", bench.parent / "cache"],
        arguments(bench),
    ):
        code, out, err = command(*asked)
        assert code == 0, err
        assert "1 of 24 photographs are not in --data (only of race=A, all of" not in out + err
        assert (
            "1 of 24 photographs are not in --data (only of race=A, only of sex=F); first: row 1. They are left out"
            in out + err
        )
        assert SECRET not in out + err
    found = acquisition(bench)
    assert found[["samples", "acquired", "unreadable", "missing"]].sum().tolist() == [23, 23, 0, 1]
    assert found.missing["race=A|sex=F"] == 1
    assert trials(bench) == {
        "race=A|sex=F": (0, 5),
        "race=A|sex=M": (0, 6),
        "race=B|sex=F": (0, 6),
        "race=B|sex=M": (0, 6),
    }
    page = (bench.parent / "out" / "toy" / "report.html").read_text()
    assert "1 of 24 photographs are not in --data" in page
    assert verify(bench.parent / "out" / "toy")["problems"] == []


@pytest.mark.parametrize("what", ["run", "plan"])
def test_many_missing_photos_are_refused_before_any_template(command, bench: Path, what: str) -> None:
    for path in bench.glob("*.png"):
        if int(path.stem.split("_")[-2]) // 2 % 2 == 0:  # everybody who is sex=F
            path.unlink()
    asked = (
        arguments(bench)
        if what == "run"
        else ["plan", bench.parent / "toy.toml", "--data", bench, "--cache", bench.parent / "cache"]
    )
    code, _, err = command(*asked)
    assert code == 3
    assert "12 of 24 photographs are not in --data (all of sex=F); first: row 1." in err
    assert SECRET not in err
    assert not (bench.parent / "cache").exists()
    assert nothing_written(bench.parent)


def test_one_file_under_two_people_is_left_out_on_both_sides_and_twice_under_one_once(command, bench: Path) -> None:
    shutil.copy(bench / f"{SECRET}_0_0.png", bench / f"{SECRET}_1_0.png")  # race=A|sex=F and race=B|sex=F
    shutil.copy(bench / f"{SECRET}_6_0.png", bench / f"{SECRET}_6_1.png")  # race=A|sex=M
    code, out, err = command(*arguments(bench))
    assert code == 0, err
    found = acquisition(bench)
    assert found.conflicting.to_dict() == {"race=A|sex=F": 1, "race=A|sex=M": 0, "race=B|sex=F": 1, "race=B|sex=M": 0}
    assert found.duplicates.to_dict() == {"race=A|sex=F": 0, "race=A|sex=M": 1, "race=B|sex=F": 0, "race=B|sex=M": 0}
    assert found.samples.sum() == 21
    assert files.read(bench.parent / "out" / "toy").about["counts"]["comparisons"] == 21 * 20 // 2
    for text in (err, (bench.parent / "out" / "toy" / "report.html").read_text()):
        assert (
            "2 photographs under 2 people are left out on all sides: the very same file stands under "
            "two or more people (1 such file)" in text
        )
        assert "1 photographs are left out because the very same file is there once more for the same person" in text
    assert SECRET not in out + err
    assert verify(bench.parent / "out" / "toy")["problems"] == []


def test_one_file_listed_under_two_spellings_is_one_photo(command, bench: Path) -> None:
    rows = pd.read_csv(bench / "labels.csv", dtype=str)
    extra = rows.iloc[[0]].assign(path=[rows.path[0].replace(".png", ".PNG ")])
    pd.concat([rows, extra]).to_csv(bench / "labels.csv", index=False)
    code, _, err = command(*arguments(bench))
    assert code == 0, err
    assert "1 photographs were found under another spelling" in err
    assert acquisition(bench)[["samples", "duplicates"]].sum().tolist() == [24, 1]


def test_the_sheet_of_a_run_that_left_photos_out_shows_the_pairs_that_were_compared(
    command, bench: Path, tmp_path: Path
) -> None:
    shutil.copy(bench / f"{SECRET}_0_0.png", bench / f"{SECRET}_1_0.png")
    (bench / f"{SECRET}_2_0.png").unlink()
    code, _, err = command(*arguments(bench))
    assert code == 0, err
    code, _, err = command(
        "review",
        bench.parent / "out" / "toy",
        "--data",
        bench,
        "--out",
        tmp_path / "sheet",
        "--cache",
        bench.parent / "cache",
    )
    assert code == 0, err


def test_a_photo_that_is_postscript_runs_nothing_in_a_whole_run(command, bench: Path, monkeypatch) -> None:
    tools = bench.parent / "tools"
    tools.mkdir()
    (tools / "gs").write_text(f"#!/bin/sh\ntouch {bench.parent}/ran\n")
    (tools / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    (bench / f"{SECRET}_0_0.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n%%EOF\n"
    )
    code, _, err = command(*arguments(bench, "--set", "quality.measure=true"))
    assert code == 0, err
    assert "1 unreadable (not an image: PostScript, which is a program)" in err
    assert not (bench.parent / "ran").exists()


def test_where_nothing_is_left_to_compare_the_reasons_are_counted(command, bench: Path) -> None:
    for number, path in enumerate(sorted(bench.glob("*.png"))):
        path.write_bytes(path.read_bytes()[:-25] if number % 3 else b"<!DOCTYPE html><p>404</p>")
    code, _, err = command(*arguments(bench))
    assert code == 5
    assert (
        "templates of 0 people from 24 samples (16 times: image is truncated; 8 times: not an "
        "image: a web page or other markup)" in err
    )
    assert SECRET not in err


def test_templates_that_are_all_alike_are_no_matcher(command, bench: Path) -> None:
    import cv2

    for number, path in enumerate(sorted(bench.glob("*.png"))):  # other bytes, one mean colour
        image = np.full((8, 8, 3), 100, np.uint8)
        image[0, 0, 0], image[number % 7 + 1, number // 7] = 200, (101, 100, 100)
        image[number % 7 + 1, number // 7 + 4] = (99, 100, 100)
        cv2.imwrite(str(path), image)
    code, _, err = command(*arguments(bench))
    assert code == 4
    assert "24 of 24 templates are another person's to the last bit (1 different ones)" in err
    assert nothing_written(bench.parent)


def test_a_photo_on_which_the_matcher_fails_is_an_error_of_that_photo_only(command, bench: Path) -> None:
    import cv2
    import toy_backends

    for name, mark in (
        (f"{SECRET}_0_0.png", toy_backends.NAN),
        (f"{SECRET}_1_0.png", toy_backends.WIDE),
        (f"{SECRET}_2_0.png", toy_backends.NONE),
    ):
        image = cv2.imread(str(bench / name))
        image[0, 0, 0] = mark
        cv2.imwrite(str(bench / name), image)
    code, _, err = command(*arguments(bench))
    assert code == 0, err
    found = acquisition(bench)
    assert found.error.to_dict() == {
        "race=A|sex=F": 1,
        "race=A|sex=M": 0,
        "race=B|sex=F": 1,
        "race=B|sex=M": 0,
    }  # NaN; four numbers for three
    assert found.no_face.to_dict() == {"race=A|sex=F": 0, "race=A|sex=M": 1, "race=B|sex=F": 0, "race=B|sex=M": 0}


@pytest.mark.shared
def test_photos_without_a_face_and_with_five_are_counted_by_the_real_matcher(
    command, shared: Path, tmp_path: Path
) -> None:
    pytest.importorskip("dlib")
    import cv2

    folder = tmp_path / "photos"
    folder.mkdir()
    people = sorted(path for path in (shared / "data/lfw/images").iterdir() if len(list(path.iterdir())) == 2)[:5]
    rows, portraits = [], []
    for person, where in enumerate(people):
        for photo, path in enumerate(sorted(where.iterdir())):
            image = cv2.imread(str(path))
            portraits.append(image)
            rows.append(
                {"path": f"{person}_{photo}.png", "subject": str(person), "race": "AB"[person % 2], "sex": "F"}
            )
            cv2.imwrite(str(folder / rows[-1]["path"]), image)
    noise = np.random.default_rng(0).integers(0, 255, (250, 250, 3), dtype=np.uint8)
    for name, image in (("none.png", noise), ("five.png", np.hstack(portraits[::2]))):
        cv2.imwrite(str(folder / name), image)
        rows.append({"path": name, "subject": "0", "race": "A", "sex": "F"})
    table(folder, rows)
    (tmp_path / "toy.toml").write_text(TOY.replace("toy_backends:make", "face_recognition"))
    code, _, err = command(*arguments(folder))
    assert code == 0, err
    first = acquisition(folder).loc["race=A|sex=F"]
    assert (first.samples, first.no_face, first.many_faces) == (
        8,
        1,
        0,
    )  # of five faces the central one is taken, as LFW means it
    code, _, err = command(*arguments(folder, "--replace", "--set", "backend.options.face=only"))
    assert code == 0, err
    first = acquisition(folder).loc["race=A|sex=F"]
    assert (first.samples, first.no_face) == (8, 1)
    assert first.many_faces >= 1
    assert first.acquired == 8 - first.no_face - first.many_faces


def test_a_matcher_that_cannot_be_loaded_is_4_and_nothing_is_written(command, bench: Path) -> None:
    code, out, err = command(*arguments(bench, "--set", "backend.options.refuse=true"))
    assert (code, out) == (4, "")
    assert "the licence file is missing" in err
    assert nothing_written(bench.parent)
    code, _, err = command(*arguments(bench, "--set", "backend.name=face_recogniton"))
    assert code == 4
    assert "Did you mean 'face_recognition'" in err


def test_if_no_photo_gives_a_template_it_is_5_and_says_where_to_look(command, bench: Path) -> None:
    for path in bench.glob("*.png"):
        path.write_bytes(b"x")
    code, out, err = command(*arguments(bench))
    assert (code, out) == (5, "")
    assert "templates of 0 people from 24 samples" in err
    assert "acquisition" in err
    assert nothing_written(bench.parent)


# ---- people and labels
# --------------------------------------------------------------------------------------------------


def test_one_person_is_no_benchmark(command, bench: Path) -> None:
    table(bench, [row for row in photographs(bench) if row["subject"].endswith("_0")])
    code, out, err = command(*arguments(bench))
    assert (code, out) == (3, "")
    assert "one subject with 3 samples" in err
    assert SECRET not in err
    assert nothing_written(bench.parent)


def test_a_photo_listed_twice_is_refused(command, bench: Path) -> None:
    rows = photographs(bench)
    table(bench, [*rows, rows[4]])
    code, out, err = command(*arguments(bench))
    assert (code, out) == (3, "")
    assert "1 samples that occur twice (first: row 25)" in err
    assert SECRET not in err


def test_a_person_with_two_labels_is_disputed_counted_and_never_put_in_a_group(command, bench: Path) -> None:
    rows = photographs(bench)
    rows[0]["sex"] = "M"  # person 0 is recorded F on the other two photos
    rows[3]["race"] = rows[4]["race"] = rows[5]["race"] = ""  # nobody said for person 1
    table(bench, rows)
    code, _, err = command(*arguments(bench))
    assert code == 0, err
    found = acquisition(bench)
    assert found.subjects.to_dict() == {
        "race=A|sex=F": 1,
        "race=A|sex=M": 2,
        "race=B|sex=F": 1,
        "race=B|sex=M": 2,
        "unlabelled": 2,
    }
    about = json.loads((bench.parent / "out" / "toy" / "audit.json").read_text())
    assert about["counts"]["unlabelled"] == {"missing": 1, "disputed": 1, "undecided": 0}
    rates = files.read(bench.parent / "out" / "toy").rates
    rows_of = rates[
        (rates.measure == "FMR") & (rates.weighting == "comparisons") & (rates.other_group == "")
    ].set_index("group")
    assert rows_of.subjects["all labelled"] == 6
    assert rows_of.trials["unlabelled"] == 9  # three photos of each against three of the other


def test_a_reference_in_which_nobody_is_recorded_is_refused(command, bench: Path) -> None:
    code, out, err = command(*arguments(bench, "--set", "groups.reference=race=C|sex=F"))
    assert (code, out) == (3, "")
    assert "'race=C|sex=F', in which nobody is recorded" in err
    assert "race=A|sex=F" in err
    assert nothing_written(bench.parent)


def test_a_cell_whose_photos_all_fail_stays_with_an_empty_rate_and_a_note(command, bench: Path) -> None:
    for person in (1, 5):  # race=B, sex=F
        for photo in range(3):
            (bench / f"{SECRET}_{person}_{photo}.png").write_bytes(b"x")
    code, _, err = command(*arguments(bench))
    assert code == 0, err
    assert acquisition(bench).loc["race=B|sex=F", ["subjects", "samples", "acquired", "unreadable"]].tolist() == [
        2,
        6,
        0,
        6,
    ]
    rates = files.read(bench.parent / "out" / "toy").rates
    empty = rates[(rates.group == "race=B|sex=F") & (rates.measure == "FMR") & (rates.other_group == "")]
    assert len(empty) == 2
    assert empty.rate.isna().all()
    assert (empty.trials == 0).all()
    assert (empty.note != "").all()
    fta = rates[(rates.group == "race=B|sex=F") & (rates.measure == "FTA")]
    assert (fta.rate == 1).all()
    assert command("verify", bench.parent / "out" / "toy")[0] == 0


def test_a_label_column_that_is_not_there_is_refused_with_those_that_are(command, bench: Path) -> None:
    code, _, err = command(*arguments(bench, "--set", "groups.attributes.race=ethnicity"))
    assert code == 3
    assert "no label column 'ethnicity'" in err
    assert "race, sex" in err


@pytest.mark.parametrize("word", ["A|B", "A=B", "A\nB"])
def test_a_label_that_would_tear_a_groups_name_is_refused(command, bench: Path, word: str) -> None:
    table(bench, [{**row, "race": row["race"].replace("A", word)} for row in photographs(bench)])
    code, out, err = command(*arguments(bench))
    assert (code, out) == (3, "")
    assert "cannot name a group" in err


def test_a_data_folder_that_is_not_there_or_empty_is_3(command, bench: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "nowhere", tmp_path / "empty"):
        changed = arguments(bench)
        changed[3] = folder
        code, out, err = command(*changed)
        assert (code, out) == (3, "")
        assert "Traceback" not in err
    assert nothing_written(bench.parent)


# ---- templates
# --------------------------------------------------------------------------------------------------


def change(folder: Path, **arrays: object) -> None:
    with np.load(folder / "templates.npz") as data:
        found = dict(data)
    for name, how in arrays.items():
        found[name] = how(found[name])
    np.savez(folder / "templates.npz", **found)


def with_nan(vectors: np.ndarray) -> np.ndarray:
    out = vectors.copy()
    out[3, 1] = np.nan
    return out


def twice(ids: np.ndarray) -> np.ndarray:
    out = ids.copy()
    out[5] = out[4]
    return out


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"vectors": with_nan}, "NaN or infinity in 1 templates (first: row 3)"),
        ({"vectors": lambda v: v[:, 0]}, "vectors of shape"),
        ({"vectors": lambda v: v[:, :0]}, "vectors of shape"),
        ({"vectors": lambda v: v[:-1]}, "one text or number per vector"),
        ({"vectors": lambda v: v.astype(str)}, "type"),
        ({"sample_id": twice}, "1 repeated sample ids (first: row 5)"),
        ({"sample_id": lambda ids: np.array(["x", *ids[1:]])}, "no row for 1 of"),
        ({"status": lambda status: np.array(["FINE", *status[1:]])}, "a status that is none in row 0"),
    ],
    ids=["NaN", "one dimension", "no dimension", "too few", "words", "twice", "a gap", "unknown status"],
)
def test_templates_that_cannot_be_are_4_and_nothing_is_written(
    command, tmp_path: Path, arrays: dict, says: str
) -> None:
    config = small_audits.write(tmp_path / "bench")
    change(config.parent, **arrays)
    code, out, err = command("run", config, "--data", config.parent, "--results", tmp_path / "out")
    assert (code, out) == (4, "")
    assert says in err
    assert "person " not in err
    assert nothing_written(tmp_path)


def test_templates_of_different_widths_are_4(command, tmp_path: Path) -> None:
    config = small_audits.write(tmp_path / "bench")
    with np.load(config.parent / "templates.npz") as data:
        vectors = [list(map(float, row)) for row in data["vectors"]]
        frame = pd.DataFrame({"sample_id": data["sample_id"], "vector": [*vectors[:7], vectors[7][:3], *vectors[8:]]})
    frame.to_parquet(config.parent / "templates.parquet")
    code, out, err = command(
        "run",
        config,
        "--data",
        config.parent,
        "--results",
        tmp_path / "out",
        "--set",
        f"backend.options.path={config.parent / 'templates.parquet'}",
    )
    assert (code, out) == (4, "")
    assert "row 7 has a vector of shape (3,)" in err


def test_a_matcher_without_a_default_threshold_cannot_be_asked_for_it(command, tmp_path: Path) -> None:
    config = small_audits.write(tmp_path / "bench")
    config.write_text(config.read_text().replace("default_threshold = 1.0\n", ""))
    code, out, err = command("run", config, "--data", config.parent, "--results", tmp_path / "out")
    assert (code, out) == (2, "")
    assert "vendor_default" in err
    assert "Name a threshold" in err


# ---- results
# --------------------------------------------------------------------------------------------------


def test_a_results_folder_that_cannot_be_written_is_3_before_any_photo_is_read(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_audits.write(tmp_path / "bench")
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr("audit.runs.pipeline.run", lambda *_: pytest.fail("the audit was begun"))
    for where in (tmp_path / "file" / "results", Path("/proc/results")):
        code, out, err = command("run", config, "--data", config.parent, "--results", where)
        assert (code, out) == (3, "")
        assert "cannot be written" in err


def test_a_full_disk_is_3_and_the_earlier_results_stay_whole(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_audits.write(tmp_path / "bench")
    run = ["run", config, "--data", config.parent, "--results", tmp_path / "out"]
    assert command(*run)[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    real = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.name == "rates.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, out, err = command(*run, "--replace")
    monkeypatch.undo()
    assert (code, out) == (3, "")
    assert "No space left on device" in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["small"]


def test_a_full_disk_under_the_template_cache_costs_the_cache_and_not_the_run(
    command, bench: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    real = os.fsync

    def full(file: int) -> None:
        if "/templates/" in os.readlink(f"/proc/self/fd/{file}"):  # results lie on a disk of their own, which has room
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr("audit.embeddings.store.os.fsync", full)
    code, _, err = command(*arguments(bench))
    assert code == 0, err
    assert "could not be saved (the disk is full)" in caplog.text


# ---- people set apart
# --------------------------------------------------------------------------------------------------


def test_people_who_set_the_threshold_are_not_measured(command, tmp_path: Path) -> None:
    config = small_audits.write(tmp_path / "bench")
    there = ["--data", config.parent, "--results", tmp_path / "out", "--set", "groups.minimum_subjects=2"]
    code, _, err = command("run", config, *there, "--set", "uncertainty.calibration_share=0.5")
    assert code == 0, err
    stored = files.read(tmp_path / "out" / "small")
    people = {row["subject"] for row in small_audits.people()[0]}
    assert stored.acquisition.subjects.sum() == stored.about["counts"]["subjects"]
    assert 0.45 * len(people) < stored.about["counts"]["subjects"] < 0.6 * len(people)
    row = stored.operating_points.set_index("operating_point").loc["fmr=0.01:all:people"]
    assert row.calibrated_on == "people set apart, all labelled"
    assert row.achieved_people != pytest.approx(0.01, rel=0.02)  # other people, another rate
    assert row.achieved_people < 0.05
    assert command("verify", tmp_path / "out" / "small")[0] == 0
