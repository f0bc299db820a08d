"""LFW: a small copy in the original layout, and the complete one where it lies beside the repository."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.base.errors import BenchmarkError
from audit.benchmark import manifest
from audit.benchmark.adapters import lfw
from audit.benchmark.card import find
from audit.benchmark.cells import opaque
from audit.benchmark.embedded import random_orthogonal, write_embedded
from audit.benchmark.label_column import UNDECIDED
from audit.benchmark.tables import key, read_table, write_table

PAIRS = "2\t1\nA_One\t1\t2\nA_One\t2\tB_Two\t1\nC_Three\t1\t3\nB_Two\t1\tC_Three\t2\n"


@pytest.fixture
def small(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three invented people in LFW's layout, with a card and labels of their own."""
    home = tmp_path / "home"
    shutil.copytree(
        root / "datasets" / "lfw", home / "datasets" / "lfw", ignore=shutil.ignore_patterns("*.npz", "*.gz")
    )
    people = {
        "A_One": ("M", "White", "", 2),
        "B_Two": ("F", "White|Asian", "african", 1),
        "C_Three": ("conflict", "Asian", "eastasian", 3),
    }
    rows = [(key(name), sex, race, mica) for name, (sex, race, mica, _) in people.items()]
    write_table(
        pd.DataFrame(rows, columns=["subject_id", "sex_verified", "race_attribute", "race_mica"]),
        home / "datasets/lfw/labels.csv.gz",
    )
    data = tmp_path / "data"
    for name, (*_, photos) in people.items():
        (data / "lfw_funneled" / name).mkdir(parents=True)
        for k in range(1, photos + 1):
            (data / "lfw_funneled" / name / f"{name}_{k:04d}.jpg").write_bytes(f"{name}{k}".encode())
    (data / "pairs.txt").write_text(PAIRS)
    write_table(pd.DataFrame({"path": ["0" * 16], "sha256": ["0" * 16]}), home / "datasets/lfw/deep-funneled.csv.gz")
    monkeypatch.setenv("FACE_AUDIT_HOME", str(home))
    return data


def test_photographs_are_joined_to_labels_by_the_hash_of_the_folder(small: Path) -> None:
    bench = manifest.load("lfw", small, alternatives={"race": ["race_mica"]})
    one = bench.samples[bench.samples["subject_id"] == hashlib.sha256(b"A_One").hexdigest()[:16]]
    assert list(one["race_attribute"]) == ["White", "White"]
    assert list(one["sample_id"].str[-5:]) == ["_0001", "_0002"]
    assert [Path(path).name for path in one["path"]] == ["A_One_0001.jpg", "A_One_0002.jpg"]
    assert bench.variant == "funneled"
    assert bench.cells.names == ("race=White|sex=Male", "unlabelled")
    assert bench.cells.reasons() == {"missing": 0, "disputed": 0, "undecided": 2}
    assert bench.alternatives[0].names == ("race=Black|sex=Female", "unlabelled")
    assert any("incomplete" in note for note in bench.notes)


def test_sample_codes_point_at_sorted_subjects(small: Path) -> None:
    bench = manifest.load("lfw", small)
    assert bench.subject_ids == sorted(bench.subject_ids)
    assert [bench.subject_ids[code] for code in bench.subject_code] == list(bench.samples["subject_id"])
    assert list(bench.cell_code) == [bench.cells.cell[code] for code in bench.subject_code]
    assert len(opaque(bench.subject_ids, 1)) == 3


def test_no_name_stands_in_an_identifier(small: Path) -> None:
    bench = manifest.load("lfw", small)
    text = bench.samples.drop(columns="path").to_csv() + bench.cells.subjects.to_csv()
    assert not any(part in text for part in ("One", "Two", "Three"))


def test_the_manifest_tells_the_variant(small: Path) -> None:
    card = find("lfw")
    write_table(lfw.manifest_of(card, small), card.folder / lfw.MANIFEST)
    assert manifest.load("lfw", small).variant == "deep-funneled"
    assert lfw.whole_copy(card, small) == {"same": 6, "changed": 0, "missing": 0, "unknown": 0}
    (small / "lfw_funneled/A_One/A_One_0002.jpg").write_bytes(b"other")
    assert lfw.whole_copy(card, small) == {"same": 5, "changed": 1, "missing": 0, "unknown": 0}
    assert manifest.load("lfw", small).variant == "unknown"


def test_view_2_pairs_are_read_fold_by_fold(small: Path) -> None:
    pairs = manifest.load("lfw", small).pairs()
    a, b, c = (key(name) for name in ("A_One", "B_Two", "C_Three"))
    assert list(pairs["fold"]) == [1, 1, 2, 2]
    assert list(pairs["mated"]) == [True, False, True, False]
    assert list(zip(pairs["a"], pairs["b"], strict=True)) == [
        (f"{a}_0001", f"{a}_0002"),
        (f"{a}_0002", f"{b}_0001"),
        (f"{c}_0001", f"{c}_0003"),
        (f"{b}_0001", f"{c}_0002"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2\t1\nA_One\t1\t2\n", "1 pairs"),
        ("x\n", "no pair"),
        ("1\t1\nA_One\t1\nA_One\t1\t2\n", "no pair"),
        ("", "no pair"),
    ],
)
def test_a_broken_pair_list_is_refused(small: Path, text: str, says: str) -> None:
    (small / "pairs.txt").write_text(text)
    with pytest.raises(BenchmarkError, match=says):
        manifest.load("lfw", small).pairs()


def test_a_pair_of_a_photograph_that_is_not_there_is_refused(small: Path) -> None:
    (small / "pairs.txt").write_text(PAIRS.replace("C_Three\t1\t3", "C_Three\t1\t9"))
    with pytest.raises(BenchmarkError, match="first: pair 3"):
        manifest.load("lfw", small).pairs()


def test_a_folder_that_is_nobody_of_lfw_is_refused_without_its_name(small: Path) -> None:
    (small / "lfw_funneled/Secret_Person").mkdir()
    (small / "lfw_funneled/Secret_Person/Secret_Person_0001.jpg").write_bytes(b"x")
    with pytest.raises(BenchmarkError, match="1 folders that are not people of LFW") as caught:
        manifest.load("lfw", small)
    assert "Secret" not in str(caught.value)


def test_a_missing_or_empty_data_directory_says_what_to_do(small: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="does not exist"):
        manifest.load("lfw", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchmarkError, match="no photographs|none of"):
        manifest.load("lfw", tmp_path / "empty")


def test_one_person_is_no_benchmark(small: Path) -> None:
    for name in ("B_Two", "C_Three"):
        shutil.rmtree(small / "lfw_funneled" / name)
    with pytest.raises(BenchmarkError, match="one subject with 2 samples"):
        manifest.load("lfw", small)


def test_columns_that_the_card_does_not_have_are_refused(small: Path) -> None:
    with pytest.raises(BenchmarkError, match="no label column 'skin'"):
        manifest.load("lfw", small, attributes={"race": "skin"})
    with pytest.raises(BenchmarkError, match="not audited"):
        manifest.load("lfw", small, attributes={"sex": "sex_verified"}, alternatives={"race": ["race_mica"]})


def test_without_data_and_offline_the_archive_is_named(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_AUDIT_DATA", str(tmp_path / "cache"))
    with pytest.raises(BenchmarkError, match=r"lfw-funneled\.tgz.*figshare"):
        manifest.load("lfw", None, offline=True)


def test_an_orthogonal_matrix_turns_templates_and_keeps_every_distance_to_1e_6(small: Path, tmp_path: Path) -> None:
    bench = manifest.load("lfw", small)
    rng = np.random.default_rng(3)
    vectors = (rng.standard_normal((6, 128)) / np.sqrt(128) * 1.4).astype(np.float32)
    status = ["ACQUIRED", "ACQUIRED", "NO_FACE", "ACQUIRED", "ACQUIRED", "ACQUIRED"]
    table, npz, change = write_embedded(bench, status, vectors, tmp_path / "out", matcher="m")
    frame = read_table(table)
    with np.load(npz) as file:
        ids, names, turned = [str(one) for one in file["sample_id"]], list(file["status"]), file["vectors"]
    assert turned.dtype == np.float32
    assert sorted(names) == sorted(status)
    assert ids == list(frame["sample_id"]) == sorted(ids)
    assert not turned[names.index("NO_FACE")].any()
    turned, vectors = np.delete(turned, names.index("NO_FACE"), axis=0), np.delete(vectors, 2, axis=0)

    def distances(x: np.ndarray) -> list[float]:
        wide = x.astype(np.float64)
        return sorted(float(np.sqrt(((wide[i] - wide[j]) ** 2).sum())) for i in range(5) for j in range(i))

    assert np.abs(np.array(distances(turned)) - distances(vectors)).max() < 1e-6
    assert change < 1e-6
    assert min(np.abs(turned - row).max() for row in vectors) > 0.05
    text = frame.to_csv()
    assert not any(one in text for one in bench.subject_ids)


def test_two_embeddings_of_one_benchmark_differ_in_ids_and_matrix(small: Path, tmp_path: Path) -> None:
    bench = manifest.load("lfw", small)
    vectors = np.eye(6, 16, dtype=np.float32)
    made = []
    for k in range(2):
        npz = write_embedded(bench, ["ACQUIRED"] * 6, vectors, tmp_path / str(k), matcher="m").templates
        with np.load(npz) as file:
            made.append(file["vectors"])
    assert np.abs(made[0] - made[1]).max() > 0.01


def test_statuses_and_templates_must_be_as_many_as_samples(small: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="6 samples, 5 statuses"):
        write_embedded(
            manifest.load("lfw", small), ["ACQUIRED"] * 5, np.eye(6, dtype=np.float32), tmp_path, matcher="m"
        )


def test_templates_too_long_for_float32_are_refused(small: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="a distance changed"):
        write_embedded(
            manifest.load("lfw", small), ["ACQUIRED"] * 6, 1e4 * np.eye(6, 16, dtype=np.float32), tmp_path, matcher="m"
        )
    assert list(tmp_path.glob("*.npz")) == []


def test_a_random_orthogonal_matrix_is_orthogonal_and_has_no_favoured_sign() -> None:
    rng = np.random.default_rng(0)
    q = random_orthogonal(40, rng)
    assert np.abs(q @ q.T - np.eye(40)).max() < 1e-12
    # without the sign correction the first diagonal entry would have one sign always
    signs = [np.sign(random_orthogonal(4, rng)[0, 0]) for _ in range(60)]
    assert 10 < sum(sign > 0 for sign in signs) < 50


@pytest.mark.shared
def test_the_committed_labels_are_the_shared_table_under_hashes(shared: Path, root: Path) -> None:
    named = pd.read_csv(shared / "data/lfw/labels.csv", dtype=str, keep_default_na=False)
    hashed = read_table(root / "datasets/lfw/labels.csv.gz").set_index("subject_id")
    assert len(named) == len(hashed) == 5749
    for row in named.itertuples():
        own = hashed.loc[hashlib.sha256(row.subject.encode()).hexdigest()[:16]]
        assert (own.sex_verified, own.race_attribute, own.race_mica) == (
            row.sex_verified,
            row.race_attribute,
            row.race_mica,
        )


@pytest.mark.shared
def test_the_complete_copy_is_what_the_card_expects(shared: Path) -> None:
    bench = manifest.load("lfw", shared / "data" / "lfw", alternatives={"race": ["race_mica"]})
    counts, expected = bench.cells.counts(), bench.card.expected
    assert bench.variant == "deep-funneled"
    assert bench.notes == ()
    assert (len(bench.samples), len(bench.subject_ids), counts["mated_comparisons"].sum()) == (13233, 5749, 242257)
    assert dict(zip(counts["cell"], counts["subjects"], strict=True)) == expected.cells
    assert dict(zip(counts["cell"], counts["samples"], strict=True)) == expected.cell_samples
    pairs = bench.pairs()
    assert (len(pairs), pairs["mated"].sum(), pairs["fold"].nunique()) == (6000, 3000, 10)


@pytest.mark.shared
def test_a_limit_keeps_whole_people_evenly_over_the_cells(shared: Path) -> None:
    whole = manifest.load("lfw", shared / "data" / "lfw")
    part = manifest.load("lfw", shared / "data" / "lfw", limit=300)
    again = manifest.load("lfw", shared / "data" / "lfw", limit=300)
    pd.testing.assert_frame_equal(part.samples, again.samples)
    assert 270 <= len(part.samples) <= 300
    sizes = whole.samples.groupby("subject_id").size()
    assert all(sizes[one] == count for one, count in part.samples.groupby("subject_id").size().items())
    counts = (
        part.cells.counts().set_index("cell")["subjects"].drop("race=Indian|sex=Female")
    )  # three such people in all
    assert counts.max() - counts.min() <= 2
    with pytest.raises(BenchmarkError, match="--limit"):
        manifest.load("lfw", shared / "data" / "lfw", limit=1)


def test_the_agreement_of_the_label_sources_on_the_card_is_the_counted_one(root: Path) -> None:
    card = find("lfw")
    labels = read_table(root / "datasets/lfw/labels.csv.gz")
    both = agree = 0
    for row in labels.itertuples():
        a, b = (
            card.attributes["race_attribute"].word(row.race_attribute),
            card.attributes["race_mica"].word(row.race_mica),
        )
        if a not in ("", UNDECIDED) and b not in ("", UNDECIDED):
            both += 1
            agree += a == b
    assert (card.agreement[0].both, card.agreement[0].agree) == (both, agree) == (702, 668)
    assert find("lfw-embedded").agreement == card.agreement
