"""Every adapter on a small copy that the test writes in the original layout; the real files where they lie beside the
repository."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from audit.base.errors import BenchmarkError
from audit.benchmark import adapters
from audit.benchmark.adapters import calfw
from audit.benchmark.card import find
from audit.benchmark.manifest import load
from audit.benchmark.tables import age_on, key


def put(root: Path, *names: str) -> None:
    """Write stand-ins for photographs; adapters never open them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def cells(bench: object) -> dict[str, int]:
    table = bench.cells.counts()  # type: ignore[attr-defined]
    return dict(zip(table["cell"], table["subjects"], strict=True))


# ---- FairFace

FAIRFACE = (
    "file,age,gender,race,service_test\nval/1.jpg,03-Sep,Male,East "
    "Asian,FALSE\nval/2.jpg,Oct-19,Female,Latino_Hispanic,TRUE\n"
)


def test_fairface_ages_that_a_spreadsheet_took_for_dates_are_mended(tmp_path: Path) -> None:
    (tmp_path / "fairface_label_val.csv").write_text(FAIRFACE + "val/3.jpg,more than 70,Male,White,TRUE\n")
    put(tmp_path, "val/1.jpg", "val/2.jpg", "val/3.jpg")
    bench = load("fairface", tmp_path, attributes={"age": "age"})
    assert cells(bench) == {"age=10-19": 1, "age=3-9": 1, "age=70+": 1}
    assert any("2 age bins" in note for note in bench.notes)


def test_fairface_has_no_mated_comparison(tmp_path: Path) -> None:
    (tmp_path / "fairface_label_val.csv").write_text(FAIRFACE)
    put(tmp_path, "val/1.jpg", "val/2.jpg")
    bench = load("fairface", tmp_path)
    assert bench.cells.names == ("race=East Asian|sex=Male", "race=Latino|sex=Female")
    assert bench.cells.counts()["mated_comparisons"].sum() == 0
    assert bench.card.one_sample_per_subject


def test_fairface_refuses_an_age_that_is_no_bin(tmp_path: Path) -> None:
    (tmp_path / "fairface_label_val.csv").write_text(FAIRFACE.replace("Oct-19", "12-Dec"))
    put(tmp_path, "val/1.jpg")
    with pytest.raises(BenchmarkError, match=r"age.*not on the card.*12-Dec"):
        load("fairface", tmp_path)


def test_fairface_bins_can_be_joined_but_not_cut(tmp_path: Path) -> None:
    (tmp_path / "fairface_label_val.csv").write_text(FAIRFACE + "val/3.jpg,more than 70,Male,White,TRUE\n")
    put(tmp_path, "val/1.jpg", "val/2.jpg", "val/3.jpg")
    bench = load("fairface", tmp_path, attributes={"age": "age"}, options={"bins": {"age": [0, 10, 15, 20]}})
    assert cells(bench) == {"age=0-9": 1, "age=20+": 1, "unlabelled": 1}


@pytest.mark.shared
def test_fairface_as_it_lies_here_has_the_counts_of_its_label_file(shared: Path) -> None:
    folder = shared / "data" / "fairface"
    with (folder / "fairface_label_val.csv").open() as file:
        rows = list(csv.DictReader(file))
    naive = Counter((row["race"].replace("Latino_Hispanic", "Latino"), row["gender"]) for row in rows)
    bench = load("fairface", folder)
    assert len(bench.samples) == 5000
    assert cells(bench) == {f"race={race}|sex={sex}": count for (race, sex), count in naive.items()}
    assert all(Path(path).is_file() for path in bench.samples["path"])
    ages = bench.samples["age"].value_counts()
    assert (ages["3-9"], ages["10-19"], ages["70+"]) == (628, 544, 52)  # 03-Sep, Oct-19, more than 70 in the file


# ---- US Congress

CONGRESS = "file,subject,sex,ethnicity,date_of_birth\nA1_01.jpg,A1,male,white-american,1940-07-03\nA1_02.jpg,A1,male,white-american,1940-07-03\n"


def test_congress_ids_are_hashed(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(CONGRESS + "B2_01.jpg,B2,female,asian-american,1950-01-10\n")
    put(tmp_path / "images", "A1_01.jpg", "A1_02.jpg", "B2_01.jpg")
    bench = load("us_congress", tmp_path)
    assert cells(bench) == {"race=Asian|sex=Female": 1, "race=White|sex=Male": 1}
    assert set(bench.samples["subject_id"]) == {key("A1"), key("B2")}
    assert not bench.samples["sample_id"].str.contains("A1|B2").any()
    assert any("no ages" in note for note in bench.notes)


def test_congress_ages_follow_from_two_dates(tmp_path: Path) -> None:
    head, *rest = CONGRESS.splitlines()
    dates = ["2000-07-02", "2000-07-03"]  # 59, the day before the birthday; 60 on it
    (tmp_path / "labels.csv").write_text(
        "\n".join([head + ",photo_date", *(f"{row},{date}" for row, date in zip(rest, dates, strict=True))]) + "\n"
    )
    with (tmp_path / "labels.csv").open("a") as file:
        file.write("B2_01.jpg,B2,female,asian-american,1950-01-10,\n")
    put(tmp_path / "images", "A1_01.jpg", "A1_02.jpg", "B2_01.jpg")
    bench = load("us_congress", tmp_path, attributes={"sex": "sex", "age": "age"}, bins={"age": [0, 60]})
    assert sorted(bench.samples["age"]) == ["", "59", "60"]
    # the lower median of 59 and 60 is 59; the other has no photo date
    assert cells(bench) == {"sex=Male|age=0-59": 1, "unlabelled": 1}


def test_congress_refuses_a_file_listed_twice(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        CONGRESS + CONGRESS.splitlines()[1] + "\nB2_01.jpg,B2,female,asian-american,1950-01-10\n"
    )
    put(tmp_path / "images", "A1_01.jpg")
    with pytest.raises(BenchmarkError, match="1 samples that occur twice"):
        load("us_congress", tmp_path)


@pytest.mark.shared
def test_congress_as_it_lies_here_is_what_the_card_expects(shared: Path) -> None:
    bench = load("us_congress", shared / "data" / "us_senate")
    assert (len(bench.samples), len(bench.subject_ids), bench.cells.counts()["mated_comparisons"].sum()) == (
        196,
        121,
        75,
    )
    assert cells(bench) == bench.card.expected.cells


# ---- RFW


@pytest.fixture
def rfw(tmp_path: Path) -> Path:
    for race in ("African", "Asian", "Caucasian", "Indian"):
        put(tmp_path / "test" / "data" / race, "m.0a/m.0a_0001.jpg", "m.0a/m.0a_0003.jpg", "m.0b/m.0b_0002.jpg")
        (tmp_path / "test" / "txts" / race).mkdir(parents=True)
        lines = ["m.0a\t1\t3\n"] * 300 + ["m.0a\t1\tm.0b\t2\n"] * 300 + ["m.0a\t3\t1\n"]
        (tmp_path / "test" / "txts" / race / f"{race}_pairs.txt").write_text("".join(lines))
    return tmp_path


def test_rfw_people_of_two_races_with_one_folder_name_are_two(rfw: Path) -> None:
    bench = load("rfw", rfw)
    assert cells(bench) == {"race=Asian": 2, "race=Black": 2, "race=Indian": 2, "race=White": 2}
    assert len(bench.samples) == 12


def test_rfw_pairs_come_in_folds_of_300_and_300(rfw: Path) -> None:
    pairs = load("rfw", rfw).pairs()
    assert len(pairs) == 4 * 601
    asian = pairs[pairs["race"] == "Asian"].reset_index(drop=True)
    assert list(asian["fold"]) == [1] * 600 + [2]
    assert list(asian["mated"]) == [True] * 300 + [False] * 300 + [True]
    assert asian.loc[300, "b"] == key("Asian/m.0b") + "_0002"


def test_rfw_refuses_a_line_that_is_no_pair(rfw: Path) -> None:
    (rfw / "test/txts/Asian/Asian_pairs.txt").write_text("m.0a\t1\tx\n")
    with pytest.raises(BenchmarkError, match=r"Asian_pairs.txt, line 1.*no pair"):
        load("rfw", rfw).pairs()


@pytest.mark.shared
def test_rfw_scores_are_3000_and_3000_per_race(shared: Path) -> None:
    card = find("rfw_scores")
    pairs = adapters.of(card).pairs(card, shared / "data" / "rfw_scores")
    counts = pairs.groupby(["race", "mated"]).size()
    assert set(counts.index.get_level_values(0)) == {"Asian", "Black", "Indian", "White"}
    assert (counts == 3000).all()
    assert pairs[card.settings["matchers"]].abs().max().max() < 1


def test_rfw_scores_have_no_samples(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match='backend "scores"'):
        load("rfw_scores", tmp_path)


def test_rfw_scores_refuse_what_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "rfw_pair_scores.csv").write_text(
        "ethnicity,mated,balanced34,global34,balanced50,global50\nAfrican,1,.5,.5,.5,x\n"
    )
    card = find("rfw_scores")
    with pytest.raises(BenchmarkError, match="global50.*no finite number in 1 rows .first: row 2"):
        adapters.of(card).pairs(card, tmp_path)


# ---- BFW

BFW = """,fold,p1,p2,label,id1,id2,att1,att2,vgg16,resnet50,senet50,a1,a2,g1,g2,e1,e2,sphereface
0,1,asian_females/n000009/0010_01.jpg,asian_females/n000009/0043_01.jpg,1,0,0,asian_females,asian_females,0.820,0.703,0.679,AF,AF,F,F,A,A,0.393
1,2,asian_females/n000009/0010_01.jpg,black_males/n000100/0001_01.jpg,0,0,1,asian_females,black_males,0.1,0.2,0.3,AF,BM,F,M,A,B,-0.009
"""


def test_bfw_with_photographs_and_scores(tmp_path: Path) -> None:
    (tmp_path / "bfw-v0.1.5-datatable.csv").write_text(BFW)
    put(
        tmp_path / "uncropped-face-samples",
        "asian_females/n000009/0010_01.jpg",
        "asian_females/n000009/0043_01.jpg",
        "black_males/n000100/0001_01.jpg",
    )
    bench = load("bfw", tmp_path)
    assert cells(bench) == {"race=Asian|sex=Female": 1, "race=Black|sex=Male": 1}
    assert all(Path(path).is_file() for path in bench.samples["path"])
    pairs = bench.pairs()
    assert list(pairs.columns) == ["fold", "a", "b", "mated", "vgg16", "resnet50", "senet50", "sphereface"]
    assert list(pairs["mated"]) == [True, False]
    assert list(pairs["sphereface"]) == [0.393, -0.009]


def test_bfw_without_scores_has_pairs_alone(tmp_path: Path) -> None:
    rows = [line.split(",") for line in BFW.splitlines()]
    (tmp_path / "bfw-v0.1.5-datatable.csv").write_text("\n".join(",".join(row[1:9]) for row in rows) + "\n")
    bench = load("bfw", tmp_path, photographs=False)
    assert list(bench.pairs().columns) == ["fold", "a", "b", "mated"]
    with pytest.raises(BenchmarkError, match="labels of 3 photographs, but none of them"):
        load("bfw", tmp_path)


# ---- UTKFace


def test_utkface_labels_stand_in_file_names_and_lacking_ones_are_unlabelled(tmp_path: Path) -> None:
    put(
        tmp_path / "UTKFace",
        "26_0_1_20170104165557663.jpg.chip.jpg",
        "1_1_2_20161219205102998.jpg.chip.jpg",
        "39_1_20170116174525125.jpg.chip.jpg",
        "80_0_4_20170111201227180.jpg.chip.jpg",
    )
    bench = load("utkface", tmp_path)
    assert cells(bench) == {"race=Asian|sex=Female": 1, "race=Black|sex=Male": 1, "unlabelled": 2}
    assert bench.cells.reasons() == {"missing": 1, "disputed": 0, "undecided": 1}
    assert bench.notes == ("1 of 4 file names lack a label",)
    aged = load("utkface", tmp_path, attributes={"age": "age"}, bins={"age": [0, 18, 60]})
    assert cells(aged) == {"age=0-17": 1, "age=18-59": 1, "age=60+": 1, "unlabelled": 1}


# ---- MEDS-II


def test_meds_people_are_labelled_by_table_and_unlabelled_without(tmp_path: Path) -> None:
    put(
        tmp_path / "data",
        "S001/S001-01-t10_01.jpg",
        "S001/S001-02-t10_01.jpg",
        "S002/S002-01-t10_01.jpg",
        "S003/S003-01-t10_01.jpg",
        "S001/readme.jpg",
    )
    (tmp_path / "labels.csv").write_text("subject,sex,race\nS001,M,B\nS002,F,U\n")
    bench = load("meds", tmp_path)
    assert len(bench.samples) == 4
    assert cells(bench) == {"race=Black|sex=Male": 1, "unlabelled": 2}
    assert bench.cells.reasons() == {"missing": 1, "disputed": 0, "undecided": 1}


def test_meds_a_person_booked_under_two_races_is_disputed(tmp_path: Path) -> None:
    put(tmp_path / "data", "S001/S001-01-t10_01.jpg", "S001/S001-02-t10_01.jpg", "S002/S002-01-t10_01.jpg")
    table = "subject,photo,sex,race,date_of_birth,photo_date\n"
    table += "S001,S001-01-t10_01.jpg,M,B,1960-02-29,1980-02-28\nS001,S001-02-t10_01.jpg,M,W,1960-02-29,1990\nS002,S002-01-t10_01.jpg,F,A,,\n"
    (tmp_path / "labels.csv").write_text(table)
    bench = load("meds", tmp_path)
    assert cells(bench) == {"race=Asian|sex=Female": 1, "unlabelled": 1}
    assert bench.cells.reasons()["disputed"] == 1
    assert sorted(bench.samples["age"]) == ["", "19", "30"]


# ---- DemogPairs


def test_demogpairs_groups_are_the_lists_a_photograph_stands_in(tmp_path: Path) -> None:
    for k, (race, sex) in enumerate(
        (race, sex) for race in ("Asian", "Black", "White") for sex in ("Females", "Males")
    ):
        (tmp_path / "MetaData").mkdir(exist_ok=True)
        (tmp_path / "MetaData" / f"{race}_{sex}.txt").write_text(
            f"db_code image_path\nCWF person_{k}/002.jpg\nVGG2 person_{k}/004.jpg\n"
        )
        put(tmp_path / "DemogPairs" / f"person_{k}", "002.jpg", "004.jpg")
    bench = load("demogpairs", tmp_path)
    assert set(cells(bench)) == set(bench.card.expected.cells)
    assert set(cells(bench).values()) == {1}
    assert bench.cells.counts()["mated_comparisons"].sum() == 6
    (tmp_path / "MetaData" / "White_Males.txt").unlink()
    with pytest.raises(BenchmarkError, match=r"White_Males.txt"):
        load("demogpairs", tmp_path)


# ---- AgeDB


def test_agedb_name_age_and_sex_stand_in_the_file_name(tmp_path: Path) -> None:
    put(tmp_path / "AgeDB", "0_AnnaExample_35_f.jpg", "1_AnnaExample_70_f.jpg", "2_BertExample_20_m.jpg", "notes.jpg")
    bench = load("agedb", tmp_path, attributes={"sex": "sex", "age": "age"}, bins={"age": [0, 30, 60]})
    # Anna: lower median of 35 and 70 is 35
    assert cells(bench) == {"sex=Female|age=30-59": 1, "sex=Male|age=0-29": 1}
    assert bench.notes[0] == "1 files with other names were left out"
    assert not bench.samples.drop(columns="path").to_csv().count("Example")


def test_a_numeric_column_needs_bins(tmp_path: Path) -> None:
    put(tmp_path / "AgeDB", "0_AnnaExample_35_f.jpg", "2_BertExample_20_m.jpg")
    with pytest.raises(BenchmarkError, match=r"a number.*benchmark.options.bins"):
        load("agedb", tmp_path, attributes={"age": "age"})
    bench = load("agedb", tmp_path, attributes={"age": "age"}, options={"bins": {"age": [0, 30]}})
    assert cells(bench) == {"age=0-29": 1, "age=30+": 1}


# ---- CALFW, CPLFW


def test_calfw_pairs_are_two_lines_with_one_number(tmp_path: Path) -> None:
    put(tmp_path / "aligned images", "A_One_0001.jpg", "A_One_0002.jpg", "B_Two_0001.jpg")
    (tmp_path / "pairs_CALFW.txt").write_text(
        "A_One_0001.jpg 1\nA_One_0002.jpg 1\nA_One_0001.jpg 0\nB_Two_0001.jpg 0\n"
    )
    bench = load("calfw", tmp_path)
    pairs = bench.pairs()
    assert list(pairs["fold"]) == [1, 1]
    assert list(pairs["mated"]) == [True, False]
    assert list(pairs["b"]) == [key("A_One") + "_0002", key("B_Two") + "_0001"]
    assert bench.notes == ("LFW's label table knows 0 of 2 people; the others are unlabelled.",)
    (tmp_path / "pairs_CALFW.txt").write_text("A_One_0001.jpg 1\nA_One_0002.jpg 2\n")
    with pytest.raises(BenchmarkError, match="pair 1"):
        bench.pairs()


@pytest.mark.parametrize(
    ("marks", "folds"),
    [
        ([1, 1, 0, 0, 2, 2, 0, 0], [1, 1, 1, 1, 2, 2, 2, 2]),  # fold by fold
        ([1, 1, 2, 0, 0, 0], [1, 1, 2, 1, 1, 2]),  # mated ones first
        ([0, 1, 0, 2], [1, 1, 2, 2]),
        ([1, 1, 2, 0, 0], [1, 1, 2, 0, 0]),  # one too few of them: nobody can tell
        ([2, 1, 0, 0], [2, 1, 0, 0]),  # not in the order of the folds
    ],
)
def test_non_mated_pairs_of_calfw_take_their_folds_from_the_order_of_the_list(
    marks: list[int], folds: list[int]
) -> None:
    table = pd.DataFrame({"fold": marks, "a": "x", "b": "y", "mated": [mark > 0 for mark in marks]})
    assert list(calfw._with_folds(table)["fold"]) == folds


@pytest.mark.shared
def test_cplfw_people_get_the_labels_of_lfw(tmp_path: Path, shared: Path) -> None:
    with (shared / "data/lfw/labels.csv").open() as file:
        people = {row["subject"]: row for row in csv.DictReader(file)}
    some = sorted(people)[:40]
    put(tmp_path / "images", *(f"{name}_0001.jpg" for name in some))
    bench = load("cplfw", tmp_path)
    found = dict(zip(bench.samples["subject_id"], bench.samples["sex_verified"], strict=True))
    words = {"M": "Male", "F": "Female"}
    assert all(found[key(name)] == words[people[name]["sex_verified"]] for name in some)


# ---- CelebA


def test_celeba_people_with_both_values_of_an_attribute_are_disputed(tmp_path: Path) -> None:
    put(tmp_path / "img_align_celeba", "000001.jpg", "000002.jpg", "000003.jpg", "000004.jpg")
    rows = ["000001.jpg  1 -1  1", "000002.jpg  1  1 -1", "000003.jpg -1  1  1", "000004.jpg -1 -1  1"]
    (tmp_path / "list_attr_celeba.txt").write_text("4\nSmiling Male Young\n" + "\n".join(rows) + "\n")
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 7\n000002.jpg 7\n000003.jpg 8\n000004.jpg 9\n")
    bench = load("celeba", tmp_path)
    assert cells(bench) == {"sex=Female": 1, "sex=Male": 1, "unlabelled": 1}
    assert bench.cells.reasons()["disputed"] == 1
    (tmp_path / "list_attr_celeba.txt").write_text("5\nSmiling Male Young\n" + "\n".join(rows) + "\n")
    with pytest.raises(BenchmarkError, match="4 rows under a header that says 5"):
        load("celeba", tmp_path)


# ---- the user's own


def test_a_table_of_ones_own_with_declared_labels_and_derived_ages(tmp_path: Path) -> None:
    table = "path,subject,race,sex,born,taken\n"
    table += "a/1.jpg,Ann,b,F,1980-05-01,2020-05-01\na/2.jpg,Ann,b,F,1980-05-01,2021\nb/1.jpg,Bob,w,M,,\nc/1.jpg,Cy,b/w,M,,\n"
    (tmp_path / "labels.csv").write_text(table)
    put(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.jpg", "c/1.jpg")
    said = {
        "race": {"kind": "self-reported", "source": "a form", "values": {"b": "Black", "w": "White"}, "separator": "/"}
    }
    bench = load(
        "files",
        tmp_path,
        attributes={"race": "race", "sex": "sex"},
        options={"labels": said, "birth": "born", "taken": "taken"},
    )
    assert cells(bench) == {"race=Black|sex=F": 1, "race=White|sex=M": 1, "unlabelled": 1}
    assert bench.card.attributes["race"].kind == "self-reported"
    assert bench.card.attributes["sex"].kind == "unknown"
    assert sorted(bench.samples["age"]) == ["", "", "40", "41"]
    assert not bench.samples.drop(columns="path").to_csv().count("Ann")


def test_folders_of_ones_own_whose_levels_mean_something(tmp_path: Path) -> None:
    put(tmp_path, "Black/F/p1/1.jpg", "Black/F/p1/2.png", "White/M/p1/1.jpg", "White/M/p1/notes.txt", "stray.jpg")
    bench = load("files", tmp_path, options={"levels": ["race", "sex", "subject"], "ids": "folder"})
    assert cells(bench) == {"race=Black|sex=F": 1, "race=White|sex=M": 1}
    assert len(bench.samples) == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"levels": ["subject", "race"]}, 'the last one "subject"'),
        ({"labels": {"skin": {}}}, "no such column"),
        ({"labels": {"race": {"kind": "guessed"}}}, "labels.race.kind"),
        ({"colour": 1}, "does not know"),
        ({"subject": "who"}, "no column who"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: dict[str, object], says: str) -> None:
    (tmp_path / "labels.csv").write_text("path,subject,race\na.jpg,a,X\nb.jpg,b,Y\n")
    put(tmp_path, "a.jpg", "b.jpg")
    with pytest.raises(BenchmarkError, match=says):
        load("files", tmp_path, options=options)


def test_pairs_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,subject,race\na.jpg,a,X\nb.jpg,b,Y\n")
    (tmp_path / "pairs.csv").write_text("a,b,mated\na.jpg,b.jpg,0\n")
    put(tmp_path, "a.jpg", "b.jpg")
    assert load("files", tmp_path).pairs().to_dict("records") == [
        {"fold": 0, "a": key("a.jpg"), "b": key("b.jpg"), "mated": False}
    ]


def test_a_benchmark_without_published_pairs_says_so(tmp_path: Path) -> None:
    put(tmp_path / "AgeDB", "0_AnnaExample_35_f.jpg", "2_BertExample_20_m.jpg")
    with pytest.raises(BenchmarkError, match="no published pairs"):
        load("agedb", tmp_path).pairs()


# ---- what every adapter shares


def test_an_empty_subject_a_double_sample_and_no_labels_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    for rows, says in [
        ("a.jpg,,X\nb.jpg,b,Y\n", "1 empty values"),
        ("a.jpg,a,X\na.jpg,a,X\nb.jpg,b,Y\n", "1 samples that occur twice"),
        ("", "no samples"),
        ("a.jpg,a,X\nb.jpg,a,X\n", "one subject with 2 samples"),
    ]:
        (tmp_path / "labels.csv").write_text("path,subject,race\n" + rows)
        with pytest.raises(BenchmarkError, match=says):
            load("files", tmp_path)
    (tmp_path / "labels.csv").write_text("path,subject\na.jpg,a\nb.jpg,b\n")
    with pytest.raises(BenchmarkError, match="no attribute"):
        load("files", tmp_path)


@pytest.mark.parametrize("body", [b"\xff\xfe\x00bad", b"", b'path,subject\n"a', b"path,subject\na,b,c,d\ne\n\x00"])
def test_a_label_file_that_is_no_table_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "labels.csv").write_bytes(body)
    with pytest.raises(BenchmarkError):
        load("files", tmp_path)


@pytest.mark.parametrize(
    ("birth", "taken", "age"),
    [
        ("1980-05-01", "2020-05-01", "40"),
        ("1980-05-01", "2020-04-30", "39"),
        ("1980", "2020", "40"),
        ("1980-08-01", "2020", "39"),
        ("", "2020", ""),
        ("1980", "", ""),
    ],
)
def test_an_age_is_that_of_the_last_birthday(birth: str, taken: str, age: str) -> None:
    assert age_on(birth, taken) == age


@pytest.mark.parametrize(
    ("birth", "taken"), [("1980-13-01", "2020"), ("80", "2020"), ("1980", "1970"), ("May 1980", "2020")]
)
def test_a_date_that_is_none_or_runs_backwards_is_refused(birth: str, taken: str) -> None:
    with pytest.raises(BenchmarkError, match="dates"):
        age_on(birth, taken)
