"""Benchmarks that are handed out on signature only, on small copies in the layout that their publishers' or others'
code reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audit.base.errors import BenchmarkError
from audit.base.groups import coarser_reference, groups_of
from audit.benchmark import adapters
from audit.benchmark.card import find
from audit.benchmark.label_column import Attribute
from audit.benchmark.manifest import load


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def cells(bench) -> dict[str, int]:
    table = bench.cells.counts()
    return dict(zip(table["cell"], table["subjects"], strict=True))


# ---- FHIBE

HEAD = "subject_id,keypoints,filepath,pronoun,ancestry,age,apparent_skin_color,natural_skin_color,multiple_subjects\n"
ROWS = [
    ("s1", "a/1.png", "['0. She/her/hers']", "['1. Asia']", 30, "False"),
    ("s1", "a/2.png", "['0. She/her/hers']", "['1. Asia']", 30, "False"),
    ("s2", "a/3.png", "['1. He/him/his']", "['3. Europe', '1. Asia']", 41, "False"),
    ("s3", "a/4.png", "['1. He/him/his']", "['3. Europe']", 55, "False"),
    ("s4", "a/5.png", "['5. Prefer not to say']", "['3. Europe']", 60, "False"),
    ("s5", "a/6.png", "['1. He/him/his']", "['3. Europe']", 22, "True"),
]


def fhibe(root: Path, rows=ROWS) -> Path:
    folder = root / "data/processed/fhibe_face_crop_align"
    folder.mkdir(parents=True)
    lines = [
        f'{who},"{{""0. Nose"": [1, 2]}}",{path},"{pro}","{anc}",{age},III,III,{two}'
        for who, path, pro, anc, age, two in rows
    ]
    (folder / "fhibe_face_crop_align.csv").write_text(HEAD + "\n".join(lines) + "\n")
    put(root, *(row[1] for row in rows))
    return root


def test_fhibe_keeps_every_label_that_a_person_named_and_leaves_photographs_of_two_out(tmp_path: Path) -> None:
    bench = load("fhibe", fhibe(tmp_path), attributes={"ancestry": "ancestry", "pronoun": "pronoun"})
    assert cells(bench) == {
        "ancestry=Asia and also Europe|pronoun=He/him/his": 1,
        "ancestry=Asia|pronoun=She/her/hers": 1,
        "ancestry=Europe|pronoun=He/him/his": 1,
        "unlabelled": 1,
    }
    assert any("1 rows of photographs that show two people" in note for note in bench.notes)


def test_fhibe_says_that_its_terms_bar_law_enforcement() -> None:
    assert "LAW ENFORCEMENT" in find("fhibe").permitted_use


@pytest.mark.parametrize("value", ["[1, 2]", "['a'", "[__import__('os')]"])
def test_fhibe_refuses_a_list_that_is_none_and_runs_nothing(tmp_path: Path, value: str) -> None:
    rows = [*ROWS[:3], ("s9", "a/9.png", value, "['3. Europe']", 20, "False")]
    with pytest.raises(BenchmarkError, match="row 5, pronoun: no list of texts"):
        load("fhibe", fhibe(tmp_path, rows))


def test_fhibe_reads_the_table_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="none of"):
        load("fhibe", fhibe(tmp_path), options={"variant": "fhibe_downsampled"})


# ---- several labels of one person

CELLS = ("a=X and also Y|s=F", "a=X|s=F", "a=X|s=M", "a=Y|s=F", "a=Z|s=M")


def test_a_person_with_several_labels_counts_in_each_group_named() -> None:
    groups = {group.name: {CELLS[k] for k in group.cells} for group in groups_of(CELLS)}
    assert groups["a=X (alone or with others)|s=F"] == {"a=X and also Y|s=F", "a=X|s=F"}
    assert groups["a=X (alone or with others)|s=M"] == {"a=X|s=M"}
    assert groups["a=Y (alone or with others)"] == {"a=X and also Y|s=F", "a=Y|s=F"}
    assert groups["a=X"] == {"a=X|s=F", "a=X|s=M"}
    assert groups["s=F"] == {"a=X and also Y|s=F", "a=X|s=F", "a=Y|s=F"}
    assert "a=Z (alone or with others)" not in groups
    assert len(groups) == len(groups_of(CELLS))


def test_no_group_is_compared_with_one_that_it_shares_people_with() -> None:
    groups = {group.name: group for group in groups_of(CELLS)}
    for group in groups.values():
        if group.finest or not group.order:
            continue
        against = coarser_reference(group, "a=X|s=F")
        shared = set(group.cells) & set(groups[against].cells)
        assert against == group.name or not shared, (group.name, against)


def test_nothing_changes_where_everybody_has_one_label() -> None:
    assert [group.name for group in groups_of(("a=X|s=F", "a=Y|s=M"))] == [
        "a=X|s=F",
        "a=Y|s=M",
        "a=X",
        "a=Y",
        "s=F",
        "s=M",
        "all labelled",
    ]


def test_joined_labels_are_undecided_unless_several_count() -> None:
    base = {
        "title": "t",
        "role": "a",
        "kind": "unknown",
        "source": "s",
        "categories": ["x", "y", "?"],
        "undecided": ["?"],
        "separator": "|",
    }
    one, several = Attribute.model_validate(base), Attribute.model_validate({**base, "several": True})
    assert one.word("y|x") == "(undecided)"
    assert several.word("y|x") == several.word("x|y") == "x and also y"
    assert several.word("x|x") == "x"
    assert several.word("x|?") == "(undecided)"
    assert several.word("x|z") is None


# ---- MORPH

MORPH = "id_num,picture_num,dob,doa,race,gender,facial_hair,age,age_diff,glasses,photo\n"


def test_morph_reads_codes_and_makes_nobody_of_who_has_two(tmp_path: Path) -> None:
    rows = [
        "009055,1,3/1/50,2/2/04,B,M,y,54,0,n,Album2/009055_1M54.JPG",
        "009055,2,3/1/50,2/2/05,B,M,y,55,1,n,Album2/009055_2M55.JPG",
    ]
    rows += ["1,0,1/1/80,1/1/05,W,F,NULL,25,0,n,Album2/1_0F25.JPG", "2,0,1/1/80,1/1/05,H,F,n,25,0,n,Album2/2_0F25.JPG"]
    rows += ["2,1,1/1/80,1/1/06,W,F,n,26,0,n,Album2/2_1F26.JPG"]
    (tmp_path / "morph_2008_nonCommercial.csv").write_text(MORPH + "\n".join(rows) + "\n")
    put(tmp_path, *(row.rpartition(",")[2] for row in rows))
    bench = load("morph", tmp_path)
    assert cells(bench) == {"race=Black|sex=Male": 1, "race=White|sex=Female": 1, "unlabelled": 1}
    assert bench.cells.reasons()["disputed"] == 1
    assert load("morph", tmp_path, attributes={"age": "age"}, bins={"age": [0, 30, 50]}).cells.counts()[
        "subjects"
    ].tolist() == [2, 1]


# ---- IJB

LIST = "TEMPLATE_ID,SUBJECT_ID,FILENAME,SIGHTING_ID,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,FRAME_NUM,FACIAL_HAIR,AGE,INDOOR_OUTDOOR,SKINTONE,GENDER\n"


def ijb(root: Path, prefix: str, galleries: tuple[str, str], *, more: str = "") -> Path:
    (root / "meta").mkdir(parents=True)
    rest = "img/x.jpg,1,1,1,1,1,,0,1,1"
    (root / f"meta/{prefix}_1N_gallery_{galleries[0]}.csv").write_text(f"{LIST}1,100,{rest},2,0\n")
    (root / f"meta/{prefix}_1N_gallery_{galleries[1]}.csv").write_text(f"{LIST}2,200,{rest},5.0,1.0\n{more}")
    (root / f"meta/{prefix}_1N_probe_mixed.csv").write_text(f"{LIST}3,100,{rest},2,0\n4,300,{rest},,NaN\n")
    crops = {"1.jpg": 1, "2.jpg": 1, "3.jpg": 2, "4.jpg": 3, "5.jpg": 4, "6.jpg": 99}
    (root / f"meta/{prefix}_face_tid_mid.txt").write_text(
        "".join(f"{name} {template} 7\n" for name, template in crops.items())
    )
    put(root, *(f"loose_crop/{name}" for name in crops))
    return root


@pytest.mark.parametrize(
    ("name", "prefix", "galleries"), [("ijb-b", "ijbb", ("S1", "S2")), ("ijb-c", "ijbc", ("G1", "G2"))]
)
def test_ijb_gives_a_crop_the_person_and_codes_of_its_template(tmp_path: Path, name, prefix, galleries) -> None:
    bench = load(name, ijb(tmp_path, prefix, galleries), attributes={"skin": "skin_tone", "sex": "sex"})
    assert cells(bench) == {"skin=code 2|sex=code 0": 1, "skin=code 5|sex=code 1": 1, "unlabelled": 1}
    assert sorted(np.unique(bench.samples["subject_id"], return_counts=True)[1].tolist()) == [1, 1, 3]
    assert any("1 of 6 crops are of templates that stand in no gallery or probe list" in note for note in bench.notes)


def test_ijb_refuses_a_template_of_two_people(tmp_path: Path) -> None:
    root = ijb(tmp_path, "ijbc", ("G1", "G2"), more="1,999,img/x.jpg,1,1,1,1,1,,0,1,1,2,0\n")
    with pytest.raises(BenchmarkError, match="1 templates that stand for several people"):
        load("ijb-c", root)


# ---- galleries, probes and pair lists as others hand them out


def test_gallery_probe_and_unknown_folders_are_parts_and_no_labels(tmp_path: Path) -> None:
    put(tmp_path, "gallery/p1/1.jpg", "probe/p1/2.jpg", "gallery/p2/1.jpg", "probe/p2/2.jpg", "unknown/p3/1.jpg")
    (tmp_path / "people.csv").write_text("who,race\np1,A\np2,B\np3,A\np4,B\n")
    options = {"levels": ["part", "subject"], "table": "people.csv", "subject": "who"}
    bench = load("files", tmp_path, attributes={"race": "race"}, options=options)
    assert cells(bench) == {"race=A": 2, "race=B": 1}
    assert bench.cells.counts()["mated_comparisons"].sum() == 2


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("who,race\np1,A\np1,A\n", "a person again"),
        ("who,part\np1,A\np2,B\n", "which is a level too"),
        ("who,race\nq1,A\nq2,B\n", "people of 0 of 2 photographs"),
    ],
)
def test_a_table_of_people_that_does_not_fit_the_folders_is_refused(tmp_path: Path, table: str, words: str) -> None:
    put(tmp_path, "gallery/p1/1.jpg", "probe/p2/2.jpg")
    (tmp_path / "people.csv").write_text(table)
    with pytest.raises(BenchmarkError, match=words) as refused:
        load("files", tmp_path, options={"levels": ["part", "subject"], "table": "people.csv", "subject": "who"})
    assert "p1" not in str(refused.value)


@pytest.mark.parametrize("head", ["a,b,mated", "image1,image2,label", "Img1,Img2,is_same"])
def test_pair_lists_are_read_by_the_names_in_use(tmp_path: Path, head: str) -> None:
    (tmp_path / "pairs.csv").write_text(f"{head}\np1/1.jpg,p1/2.jpg,1\np1/1.jpg,p2/1.jpg,0\n")
    card = find("files")
    found = adapters.of(card).pairs(card, tmp_path)
    assert found["mated"].tolist() == [True, False]
    assert found["a"].nunique() == 1


def test_a_pair_list_with_two_columns_for_one_thing_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("image1,image2,label,same\nx,y,1,1\n")
    with pytest.raises(BenchmarkError, match="more than one column for mated"):
        adapters.of(find("files")).pairs(find("files"), tmp_path)
