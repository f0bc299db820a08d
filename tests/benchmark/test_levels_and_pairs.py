"""A person is not a path, and pair lists that a protocol cannot count are left out with the reason."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.base.errors import BenchmarkError
from audit.benchmark.manifest import load
from audit.observations import own_protocol

LEVELS = {"levels": ["race", "split", "subject"]}


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_one_person_in_train_and_test_is_one(tmp_path: Path) -> None:
    put(tmp_path, "Black/train/p1/1.jpg", "Black/test/p1/2.jpg", "White/train/p2/1.jpg")
    bench = load("files", tmp_path, attributes={"race": "race"}, options=LEVELS)
    assert bench.cells.counts()[["subjects", "samples"]].to_numpy().tolist() == [[1, 2], [1, 1]]


def test_one_name_under_two_groups_is_disputed_unless_a_key_says_two_people(tmp_path: Path) -> None:
    put(tmp_path, "Black/train/p1/1.jpg", "White/test/p1/2.jpg", "White/train/p2/1.jpg", "Black/train/p3/1.jpg")
    bench = load("files", tmp_path, attributes={"race": "race"}, options=LEVELS)
    assert bench.cells.reasons()["disputed"] == 1
    two = load("files", tmp_path, attributes={"race": "race"}, options={**LEVELS, "ids": "folder"})
    assert len(two.subject_ids) == 4
    assert sum(two.cells.reasons().values()) == 0


def test_folders_that_number_people_afresh_under_each_label_are_asked_about(tmp_path: Path) -> None:
    options = {"levels": ["race", "subject"]}
    put(tmp_path, "Black/1/a.jpg", "Black/2/a.jpg", "White/1/a.jpg", "White/2/a.jpg")
    with pytest.raises(
        BenchmarkError, match=r"2 of 2 subjects' folders stand under several values of race.*ids = \"folder\""
    ):
        load("files", tmp_path, options=options)
    assert len(load("files", tmp_path, options={**options, "ids": "folder"}).subject_ids) == 4
    assert load("files", tmp_path, options={**options, "ids": "different"}).cells.reasons()["disputed"] == 2
    put(tmp_path, *(f"Black/{name}/a.jpg" for name in "345"))
    assert "2 of 5 subjects' folders" in load("files", tmp_path, options=options).notes[0]


def test_levels_without_photographs_and_folders_spelt_alike_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no photographs 3 folders deep"):
        load("files", tmp_path, options=LEVELS)
    put(tmp_path, "Black/train/p1/1.jpg", "Black/test/P1/2.jpg", "White/train/p2/1.jpg")
    with pytest.raises(BenchmarkError, match="2 subjects' folders"):
        load("files", tmp_path, options=LEVELS)


@pytest.mark.parametrize("fold", ["one", "", "1.5", "-1", "nan"])
def test_folds_that_are_none_are_refused(tmp_path: Path, fold: str) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "labels.csv").write_text("path,subject,race\na.jpg,a,X\nb.jpg,b,Y\n")
    (tmp_path / "mine.csv").write_text(f"a,b,mated,fold\na.jpg,b.jpg,Impostor,{fold}\n")
    with pytest.raises(BenchmarkError, match="column fold"):
        load("files", tmp_path, options={"pairs": "mine.csv"}).pairs()
    (tmp_path / "mine.csv").write_text("a,b,mated,fold\na.jpg,b.jpg,Impostor,3.0\n")
    assert load("files", tmp_path, options={"pairs": "mine.csv"}).pairs()[["fold", "mated"]].to_numpy().tolist() == [
        [3, False]
    ]


def published(
    monkeypatch: pytest.MonkeyPatch, pairs: list[tuple[int, int, int, bool]], missing: tuple[int, ...] = ()
) -> dict[str, Any] | None:
    """Samples 0..7 of people 0..3, two each; the score of a pair is high where it shows one person."""
    monkeypatch.setattr(own_protocol, "scores_of", lambda _, a, b: (a // 2 == b // 2).astype(float))
    monkeypatch.setattr(own_protocol.adapters, "of", lambda card: SimpleNamespace(pairs=None))
    table = pd.DataFrame(
        [(fold, str(a), str(b), mated) for fold, a, b, mated in pairs], columns=["fold", "a", "b", "mated"]
    )
    samples = pd.DataFrame({"sample_id": list("01234567"), "subject_id": list("00112233")})
    bench: Any = SimpleNamespace(card=SimpleNamespace(settings={}), limited=None, samples=samples, pairs=lambda: table)
    crossed: Any = SimpleNamespace(sample_rows=np.array([k for k in range(8) if k not in missing]), embeddings=None)
    return own_protocol.published(bench, crossed, "any")


WHOLE = [(1, 0, 1, True), (1, 0, 2, False), (2, 4, 5, True), (2, 4, 7, False)]


def test_fold_0_is_no_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    found = published(monkeypatch, [*WHOLE, (0, 1, 3, False), (0, 2, 3, True)])
    assert found is not None
    assert (found["folds"], found["pairs"], found["pairs_in_no_fold"]) == (2, 4, 2)
    with pytest.raises(BenchmarkError, match="none of its 2 pairs stands in a fold, so the list is not used"):
        published(monkeypatch, [(0, 1, 3, False), (0, 2, 3, True)])
    with pytest.raises(BenchmarkError, match="2 folds hold one kind of pairs, and 2 pairs stand in no fold"):
        published(monkeypatch, [(fold if mated else 0, a, b, mated) for fold, a, b, mated in WHOLE])


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ((2, 0, 2, True), "mated and show two"),
        ((2, 2, 3, False), "non-mated and show one"),
        ((1, 2, 2, True), "a photo with itself"),
    ],
)
def test_pairs_that_contradict_themselves_are_refused(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[int, int, int, bool], says: str
) -> None:
    with pytest.raises(BenchmarkError, match=says):
        published(monkeypatch, [*WHOLE, pair])


def test_a_fold_without_scores_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchmarkError, match="1 folds have no score"):
        published(monkeypatch, WHOLE, missing=(4,))
