"""Cards: what is refused, and that every committed card can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.base.errors import BenchmarkError
from audit.benchmark import adapters
from audit.benchmark.card import Card, all_cards, find
from audit.benchmark.label_column import UNDECIDED, Attribute

SMALL = """
name = "toy"
title = "Toy"
adapter = "lfw"
holds = "photographs"
homepage = "https://example.org"
citation = ["Nobody: Toy, 2020"]
licence = "CC0"
permitted_use = "anything"
verified = "in tests"
[attributes.r]
title = "Race"
role = "race"
kind = "annotator"
source = "two people"
categories = ["w", "b"]
values = { w = "White", b = "Black" }
undecided = ["?"]
separator = "|"
"""


def write(folder: Path, text: str, name: str = "toy") -> Path:
    path = folder / "datasets" / name / "card.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_a_card_says_whose_word_a_label_is(tmp_path: Path) -> None:
    card = Card.read(write(tmp_path, SMALL))
    assert card.attributes["r"].kind == "annotator"
    assert card.defaults() == {"race": "r"}
    assert card.folder == tmp_path / "datasets" / "toy"


@pytest.mark.parametrize(
    ("native", "word"),
    [
        ("w", "White"),
        ("b", "Black"),
        ("", ""),
        ("?", UNDECIDED),
        ("w|b", UNDECIDED),
        ("w|x", None),
        ("x", None),
        ("White", None),
    ],
)
def test_a_native_value_is_translated_or_refused_never_guessed(tmp_path: Path, native: str, word: str | None) -> None:
    assert Card.read(write(tmp_path, SMALL)).attributes["r"].word(native) == word


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('licence = "CC0"', "", "licence.*[Ff]ield required"),
        ('licence = "CC0"', 'licence = "CC0"\nlicense = "CC0"', "license.*not permitted"),
        ('"annotator"', '"guess"', "kind.*self-reported"),
        ('w = "White"', 'w = "a|b"', "cannot name a group"),
        ('w = "White"', 'z = "White"', "not among categories"),
        ('title = "Toy"', 'title = "Toy', "not TOML"),
    ],
)
def test_a_faulty_card_is_refused_by_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(BenchmarkError, match=says):
        Card.read(write(tmp_path, SMALL.replace(old, new, 1)))


def test_an_unknown_benchmark_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BenchmarkError, match="Did you mean 'lfw'"):
        find("lfww")


def test_datasets_are_found_in_face_audit_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, SMALL)
    monkeypatch.setenv("FACE_AUDIT_HOME", str(tmp_path))
    assert find("toy").title == "Toy"


def test_a_nearer_card_hides_a_shipped_one_of_its_name_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SMALL.replace('"toy"', '"bfw"'), "bfw")
    monkeypatch.setenv("FACE_AUDIT_HOME", str(tmp_path))
    assert find("bfw").title == "Toy"
    assert find("lfw").name == "lfw"
    monkeypatch.setenv("FACE_AUDIT_HOME", str(tmp_path / "elsewhere"))
    assert find("bfw").title != "Toy"


def test_datasets_are_found_from_a_folder_below_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, SMALL)
    monkeypatch.delenv("FACE_AUDIT_HOME", raising=False)
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert find("toy").title == "Toy"


def test_a_card_must_carry_its_folders_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, SMALL, "other")
    monkeypatch.setenv("FACE_AUDIT_HOME", str(tmp_path))
    with pytest.raises(BenchmarkError, match="'toy'"):
        find("other")


def test_every_committed_card_is_complete_and_names_an_adapter() -> None:
    cards = all_cards()
    assert {"lfw", "lfw-embedded"} <= {card.name for card in cards}
    for card in cards:
        adapters.of(card)
        assert card.defects, card.name
        assert card.attributes or card.name in ("files", "outputs")  # where the user declares them
        for attribute in card.attributes.values():
            assert attribute.numeric or attribute.categories or card.name == "fhibe", (
                card.name
            )  # whose words were not at hand: its card says so


def test_the_notice_states_licence_use_and_every_defect() -> None:
    for card in all_cards():
        notice = card.notice()
        assert all(part in notice for part in (card.licence, card.permitted_use, card.verified, *card.defects))


def test_a_number_has_no_categories() -> None:
    assert Attribute(title="Age", role="age", kind="document", source="birth date", numeric=True).categories == ()
