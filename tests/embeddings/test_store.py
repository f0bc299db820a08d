"""The template cache: what is written is what is read, whatever happens in between."""

from __future__ import annotations

import errno
import hashlib
import logging
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.backends.protocol import Extraction, Status
from audit.base.errors import AuditError
from audit.embeddings.store import Shelf, Store


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def template(number: int) -> Extraction:
    return Extraction(
        Status.ACQUIRED,
        np.array([number, -1.5], np.float32),
        faces=1,
        quality={"a": 0.5, "b": float(number)},
        seconds=0.25,
    )


NO_FACE = Extraction(Status.NO_FACE, reason="no face found", seconds=0.125)


def same(a: Extraction, b: Extraction) -> bool:
    templates = (a.template is None) == (b.template is None) and (
        a.template is None or bool((a.template == b.template).all())
    )
    return templates and replace(a, template=None) == replace(b, template=None)


def test_what_was_added_is_found_by_the_next_run(tmp_path) -> None:
    shelf = Store(tmp_path).shelf("f", 2)
    for number in range(3):
        shelf.add(key(number), template(number))
    shelf.add(key(3), NO_FACE)
    assert shelf.flush()
    again = Store(tmp_path).shelf("f", 2)
    assert len(again) == 4
    assert all(same(again.get(key(number)), template(number)) for number in range(3))
    assert same(again.get(key(3)), NO_FACE)
    assert again.get(key(4)) is None


def test_another_fingerprint_has_another_shelf(tmp_path) -> None:
    shelf = Store(tmp_path).shelf("f", 2)
    shelf.add(key(1), template(1))
    shelf.flush()
    assert len(Store(tmp_path).shelf("g", 2)) == 0


def test_an_error_is_not_remembered(tmp_path) -> None:
    shelf = Store(tmp_path).shelf("f", 2)
    shelf.add(key(1), Extraction(Status.ERROR, reason="the matcher crashed"))
    shelf.flush()
    assert len(Store(tmp_path).shelf("f", 2)) == 0


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-10], lambda data: data[:50] + b"x" + data[51:], lambda data: b"", lambda data: data[:32]],
)
def test_a_damaged_shard_is_ignored_with_a_warning_and_the_others_are_read(tmp_path, caplog, damage) -> None:
    for number in (1, 2):
        shelf = Store(tmp_path).shelf("f", 2)
        shelf.add(key(number), template(number))
        shelf.flush()
    shards = sorted(shelf.folder.glob("*.shard"))
    shards[0].write_bytes(damage(shards[0].read_bytes()))
    with caplog.at_level(logging.WARNING):
        again = Store(tmp_path).shelf("f", 2)
    assert len(again) == 1
    assert f"shard {shards[0].name} is ignored" in caplog.text


def test_a_shard_of_another_width_is_ignored_with_a_warning(tmp_path, caplog) -> None:
    shelf = Store(tmp_path).shelf("f", 2)
    shelf.add(key(1), template(1))
    shelf.flush()
    assert len(Store(tmp_path).shelf("f", 3)) == 0
    assert "not 3 wide" in caplog.text


def test_a_half_written_file_of_a_killed_run_is_not_read(tmp_path) -> None:
    shelf = Store(tmp_path).shelf("f", 2)
    (shelf.folder / ".abc.tmp").write_bytes(b"half")
    assert len(Store(tmp_path).shelf("f", 2)) == 0


def test_two_writers_lose_nothing(tmp_path) -> None:
    one, two = Store(tmp_path).shelf("f", 2), Store(tmp_path).shelf("f", 2)
    for number in range(10):
        one.add(key(number), template(number))
        two.add(key(number + 5), template(number + 5))
    assert one.flush()
    assert two.flush()
    again = Store(tmp_path).shelf("f", 2)
    assert len(again) == 15
    assert all(same(again.get(key(number)), template(number)) for number in range(15))


def test_a_full_disk_is_a_warning_and_the_templates_stay_at_hand(tmp_path, caplog, monkeypatch) -> None:
    shelf = Store(tmp_path).shelf("f", 2)
    shelf.add(key(1), template(1))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("audit.embeddings.store.os.fsync", full)
        assert not shelf.flush()
    assert "the disk is full" in caplog.text
    assert list(shelf.folder.glob("*")) == list(shelf.folder.glob(".*")) == []
    assert same(shelf.get(key(1)), template(1))
    assert shelf.flush()
    assert len(Store(tmp_path).shelf("f", 2)) == 1


def test_a_folder_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="FACE_AUDIT_CACHE"):
        Store(tmp_path / "file").shelf("f", 2)


def test_only_the_owner_may_look_into_a_shelf(tmp_path) -> None:
    assert stat.S_IMODE(Store(tmp_path).shelf("f", 2).folder.stat().st_mode) == 0o700


def test_the_environment_chooses_the_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FACE_AUDIT_CACHE", str(tmp_path / "here"))
    assert Store().folder == tmp_path / "here"
    monkeypatch.delenv("FACE_AUDIT_CACHE")
    assert Store().folder == Path.home() / ".cache" / "face-audit"


extractions = st.one_of(
    st.builds(
        lambda values, faces, quality: Extraction(
            Status.ACQUIRED, np.array(values, np.float32), faces=faces, quality=quality
        ),
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
        st.integers(1, 9),
        st.dictionaries(
            st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=4),
            st.floats(width=32, allow_nan=False),
        ),
    ),
    st.builds(
        Extraction,
        st.sampled_from([Status.UNREADABLE, Status.NO_FACE, Status.MANY_FACES]),
        st.none(),
        st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(), extractions, max_size=6))
def test_any_extraction_survives_a_round_trip(tmp_path_factory, items) -> None:
    folder = tmp_path_factory.mktemp("shelf")
    shelf = Shelf(folder, 2)
    for number, extraction in items.items():
        shelf.add(key(number), extraction)
    shelf.flush()
    again = Shelf(folder, 2)
    assert len(again) == len(items)
    assert all(same(again.get(key(number)), extraction) for number, extraction in items.items())


def test_many_small_shards_become_few_and_nothing_is_lost(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("audit.embeddings.store.FLUSH_SECONDS", -1.0)  # a shard for every template
    shelf = Store(tmp_path).shelf("f", 2)
    for number in range(300):
        shelf.add(key(number), template(number))
    assert len(list(shelf.folder.glob("*.shard"))) <= 1 + 2 * 15  # 300 = 256 + 2 x 16 + 12
    again = Store(tmp_path).shelf("f", 2)
    assert len(again) == 300
    assert all(same(again.get(key(number)), template(number)) for number in range(300))


def test_shards_that_earlier_versions_wrote_are_read(tmp_path) -> None:
    from audit.embeddings.shards import pack

    body = pack({bytes.fromhex(key(1)): template(1)}, 2)
    folder = tmp_path / "templates" / hashlib.sha256(b"format 1 decoder 1 backend f").hexdigest()[:32]
    folder.mkdir(parents=True)
    (folder / "abc.shard").write_bytes(hashlib.sha256(body).digest() + body)
    assert same(Store(tmp_path).shelf("f", 2).get(key(1)), template(1))


def test_a_fresh_store_believes_nothing_replaces_what_is_made_again_and_keeps_the_rest(tmp_path) -> None:
    old = Store(tmp_path).shelf("f", 2)
    for number in range(3):
        old.add(key(number), template(number))
    old.flush()
    fresh = Store(tmp_path, fresh=True).shelf("f", 2)
    assert fresh.get(key(0)) is None
    fresh.add(key(0), template(70))
    fresh.add(key(1), NO_FACE)
    assert same(fresh.get(key(0)), template(70))
    fresh.settle()
    again = Store(tmp_path).shelf("f", 2)
    assert same(again.get(key(0)), template(70))
    assert same(again.get(key(1)), NO_FACE)
    assert same(again.get(key(2)), template(2))
    assert len(again) == 3


def test_a_fresh_run_that_is_cut_short_loses_nothing_that_was_there(tmp_path) -> None:
    old = Store(tmp_path).shelf("f", 2)
    old.add(key(0), template(0))
    old.flush()
    Store(tmp_path, fresh=True).shelf("f", 2)  # opened, and never settled
    assert same(Store(tmp_path).shelf("f", 2).get(key(0)), template(0))
