"""The results directory: what is written is read back, the same bytes every time, whole or absent, and nobody's name
in it."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import results
from audit.base.errors import ResultsError
from audit.config import load_config
from audit.observations.tallies import CURVE, Labelling, PointTally, Tallies
from audit.results import place
from audit.results.arrays import dyads, tallies_of
from audit.runs.pipeline import Settings, run
from audit.words.columns import TABLES

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

PAGES = {"report.html": b"<h1>one</h1>", "figures/a.svg": b"<svg/>"}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return small_audits.audited(tmp_path_factory)


@pytest.fixture
def folder(result, tmp_path: Path) -> Path:
    target = tmp_path / "runs" / "small"
    results.write(result, target, PAGES)
    return target


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def same_tallies(a: Tallies, b: Tallies) -> bool:
    def flat(tallies: Tallies) -> list:
        out = [tallies.attempted, tallies.acquired]
        out += [part for one in tallies.labellings for part in (one.name, one.cells, one.cell)]
        return out + [
            part
            for one in (*tallies.points, *tallies.curve)
            for part in (one.id, one.threshold, one.i, one.j, one.e, one.f)
        ]

    left, right = flat(a), flat(b)
    return len(left) == len(right) and all(np.array_equal(x, y) for x, y in zip(left, right, strict=True))


# ---- round trip
# --------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back_equal_with_its_gaps(result, folder: Path) -> None:
    again = results.read(folder)
    assert again.config == result.config
    assert again.about == json.loads(json.dumps(results.plain(result.about)))
    for name in ("acquisition", "operating_points", "rates", "differentials"):
        pd.testing.assert_frame_equal(
            getattr(again, name), getattr(result, name), check_dtype=False, check_exact=True, check_column_type=False
        )
    assert again.rates.low.isna().any()
    assert (again.rates.interval == "").any()
    assert set(again.tables) == set(result.tables)
    for name, frame in result.tables.items():
        assert list(again.tables[name].columns) == list(frame.columns)
        assert len(again.tables[name]) == len(frame)
    assert same_tallies(again.tallies, result.tallies)
    assert [one.id for one in again.tallies.curve] == [one.id for one in result.tallies.curve] != []
    assert again.histograms.axis == result.histograms.axis
    for name in ("pairs", "non_mated", "mated"):
        assert np.array_equal(getattr(again.histograms, name), getattr(result.histograms, name))
    assert [results.plain(asdict(one)) for one in again.findings] == [
        results.plain(asdict(one)) for one in result.findings
    ]


def test_reading_and_writing_again_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    results.write(results.read(folder), tmp_path / "again", PAGES)
    assert tree(tmp_path / "again") == tree(folder)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_any_tallies_survive_the_archive(data: st.DataObject) -> None:
    people = data.draw(st.integers(2, 6))
    pairs = [(i, j) for i in range(people) for j in range(i + 1, people)]
    points = []
    for name in ("t", "race=é", f"{CURVE}0.1"):
        chosen = sorted(data.draw(st.sets(st.sampled_from(pairs))))
        e = [data.draw(st.sampled_from([1, 2**16 - 1, 2**16, 2**31 - 1])) for _ in chosen]
        i, j = (np.array([pair[k] for pair in chosen], dtype=np.int32) for k in (0, 1))
        threshold = data.draw(st.floats(allow_nan=False))
        points.append(
            PointTally(name, threshold, i, j, np.array(e, dtype=np.int32), np.arange(people, dtype=np.int32))
        )
    photos = np.arange(people, dtype=np.int32)
    labellings = (
        Labelling("headline", ("a", "unlabelled"), np.zeros(people, np.int16)),
        Labelling("b", ("x",), np.zeros(people, np.int16)),
    )
    tallies = Tallies(photos + 1, photos, labellings, tuple(points[:2]), tuple(points[2:]))
    arrays = dyads(tallies)
    again = tallies_of(arrays)
    assert same_tallies(tallies, again)
    assert again.points[0].e.dtype == np.int32


# ---- the same bytes
# --------------------------------------------------------------------------------------------------


def test_two_writes_give_the_same_bytes(result, folder: Path, tmp_path: Path) -> None:
    results.write(result, tmp_path / "second", PAGES)
    assert tree(tmp_path / "second") == tree(folder)


@pytest.mark.parametrize("change", [{"threads": 1, "path": "portable"}, {"threads": 2, "path": "auto"}])
def test_threads_and_path_change_no_byte_but_the_config_and_the_clock(
    result, folder: Path, tmp_path: Path, tmp_path_factory, change: dict
) -> None:
    compute = result.config.compute.model_copy(update=change)
    data = Path(result.config.backend.options["path"]).parent
    other = run(result.config.model_copy(update={"compute": compute}), Settings(data=data))
    results.write(other, tmp_path / "other", PAGES)
    left, right = tree(folder), tree(tmp_path / "other")
    assert left.keys() == right.keys()
    assert {name for name in left if left[name] != right[name]} <= {
        "config.toml",
        "provenance.json",
        "PROVENANCE.sha256",
        "SHA256SUMS",
    }


def test_the_clock_is_in_one_file_which_is_summed_apart(folder: Path) -> None:
    listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert "provenance.json" not in listed
    assert (
        folder / "PROVENANCE.sha256"
    ).read_text() == f"{hashlib.sha256((folder / 'provenance.json').read_bytes()).hexdigest()}  provenance.json\n"
    started = json.loads((folder / "provenance.json").read_text())["started"]
    assert not any(started[:10].encode() in content for name, content in tree(folder).items() if name in listed)


def test_sums_are_those_of_sha256sum_and_name_every_file(folder: Path) -> None:
    lines = dict(line.split("  ", 1)[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = tree(folder)
    assert set(lines) == set(files) - {"SHA256SUMS", "PROVENANCE.sha256", "provenance.json"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in lines.items())


def test_tables_have_the_documented_columns(folder: Path) -> None:
    for name, columns in TABLES.items():
        if (folder / name).is_file():
            assert (folder / name).read_text().splitlines()[0].split(",") == list(columns)
    assert {"rates.csv", "differentials.csv", "operating_points.csv", "acquisition.csv"} <= set(TABLES)


def test_every_piece_of_evidence_leads_to_one_row(folder: Path) -> None:
    stored = results.read(folder)
    frames = {
        name: getattr(stored, name) for name in ("rates", "differentials", "acquisition", "operating_points")
    } | stored.tables
    checked = 0
    for finding in stored.findings:
        for evidence in finding.evidence:
            table, _, columns = evidence.partition(":")
            frame = frames[table]
            for column in columns.split(";"):
                name, _, value = column.partition("=")
                frame = frame[frame[name].astype(str) == value]
            assert len(frame) == 1, evidence
            checked += 1
    assert checked > 10


# ---- whole or absent
# --------------------------------------------------------------------------------------------------


def leftovers(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir() if path.name.startswith("."))


def test_an_existing_directory_is_refused_before_any_work_and_left_alone(result, folder: Path) -> None:
    before = tree(folder)
    with pytest.raises(ResultsError, match="already exists.*--replace"):
        results.check_target(folder, replace=False)
    with pytest.raises(ResultsError, match="already exists"):
        results.write(result, folder, PAGES)
    assert tree(folder) == before


def test_replace_puts_the_new_in_place_of_the_old(result, folder: Path) -> None:
    results.write(result, folder, {"report.html": b"<h1>two</h1>"}, replace=True)
    assert (folder / "report.html").read_bytes() == b"<h1>two</h1>"
    assert not (folder / "figures").exists()
    assert results.checksum_errors(folder) == []
    assert leftovers(folder.parent) == []


def test_a_folder_of_something_else_is_never_replaced(result, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ResultsError, match="something else than results"):
        results.write(result, tmp_path / "mine", PAGES, replace=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResultsError, match="something else than results"):
        results.write(result, tmp_path / "file", PAGES, replace=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "x"


def test_an_empty_folder_may_be_filled(result, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    results.write(result, tmp_path / "empty", PAGES, replace=True)
    assert results.checksum_errors(tmp_path / "empty") == []


@pytest.mark.parametrize("where", ["a file", "proc"])
def test_a_folder_that_cannot_be_written_is_refused_before_any_work(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    parent = tmp_path / "file" / "runs" if where == "a file" else Path("/proc/runs")
    with pytest.raises(ResultsError, match="cannot be written.*--results") as caught:
        results.check_target(parent / "small", replace=False)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("existing", [False, True], ids=["new", "replacing"])
@pytest.mark.parametrize("after", [0, 1, 5, 12])
def test_a_full_disk_leaves_what_was_there_and_nothing_half_written(
    result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool, after: int
) -> None:
    target = tmp_path / "runs" / "small"
    if existing:
        results.write(result, target, PAGES)
    before = tree(tmp_path)
    real, count = Path.write_bytes, 0

    def full(self: Path, data: bytes) -> int:
        nonlocal count
        count += 1
        if count > after:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ResultsError, match="No space left on device") as caught:
        results.write(result, target, PAGES, replace=True)
    monkeypatch.undo()
    assert caught.value.exit_code == 3
    assert "make room" in str(caught.value)
    assert tree(tmp_path) == before
    assert leftovers(target.parent) == []


def test_a_disk_too_full_for_a_folder_is_the_same_refusal(
    result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(ResultsError, match="No space left on device"):
        results.write(result, tmp_path / "runs" / "small", PAGES)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "I/O error"), KeyboardInterrupt()], ids=["disk", "Ctrl-C"])
def test_a_swap_that_fails_or_is_interrupted_puts_the_old_results_back(
    result, folder: Path, monkeypatch: pytest.MonkeyPatch, error
) -> None:
    before, real = tree(folder), Path.rename
    monkeypatch.setattr(place, "_exchanged", lambda one, other: False)  # where the kernel has no exchange of names

    def rename(self: Path, target: Path) -> Path:
        if Path(target) == folder and self.name != "was":
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises((ResultsError, KeyboardInterrupt)):
        results.write(result, folder, {"report.html": b"new"}, replace=True)
    monkeypatch.undo()
    assert tree(folder) == before
    assert leftovers(folder.parent) == []


def test_pages_are_rendered_again_without_touching_a_number(folder: Path) -> None:
    before = tree(folder)
    results.write_rendered(folder, {"report.html": b"<h1>new</h1>"})
    after = tree(folder)
    assert {name for name in after if after[name] != before.get(name)} == {"report.html", "SHA256SUMS"}
    assert results.checksum_errors(folder) == []
    assert leftovers(folder.parent) == []


def test_pages_are_not_rendered_over_changed_numbers(folder: Path) -> None:
    (folder / "rates.csv").write_text((folder / "rates.csv").read_text().replace("FMR", "FMX", 1))
    before = tree(folder)
    with pytest.raises(ResultsError, match=r"rates\.csv differs from its sum"):
        results.write_rendered(folder, {"report.html": b"<h1>new</h1>"})
    assert tree(folder) == before


# ---- reading what is damaged
# ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("dyads.npz", lambda data: data[: len(data) // 2]),
        ("dyads.npz", lambda data: b"no archive"),
        ("dyads.npz", lambda data: data[:200] + b"\0" * 50 + data[250:]),
        ("histograms.npz", lambda data: b""),
        ("audit.json", lambda data: data[:-10]),
        ("findings.json", lambda data: b"[1]"),
        ("rates.csv", lambda data: b""),
        ("rates.csv", lambda data: b"\xff\xfe" + data),
        ("config.toml", lambda data: data + b"\n[x"),
        ("config.toml", lambda data: data.replace(b"minimum_subjects", b"minimum")),
    ],
)
def test_a_damaged_file_is_refused_in_words(folder: Path, name: str, damage) -> None:
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(ResultsError) as caught:
        results.read(folder)
    assert caught.value.exit_code == 3
    assert "Run the audit again" in str(caught.value)


@pytest.mark.parametrize("name", ["rates.csv", "acquisition.csv", "config.toml", "findings.json"])
def test_a_missing_file_is_refused_in_words(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ResultsError):
        results.read(folder)
    assert results.checksum_errors(folder) == [f"{name} is missing"]


def test_what_is_no_results_directory_is_said_to_be_none(tmp_path: Path) -> None:
    for call in (results.read, results.checksum_errors):
        with pytest.raises(ResultsError, match="results directory"):
            call(tmp_path)


def test_a_file_that_was_added_is_seen(folder: Path) -> None:
    (folder / "extra.csv").write_text("a\n1\n")
    assert results.checksum_errors(folder) == ["extra.csv is not in SHA256SUMS"]


def test_a_pickle_in_the_archive_is_never_loaded(folder: Path) -> None:
    np.savez(folder / "dyads.npz", attempted=np.array([{"x": 1}], dtype=object))
    with pytest.raises(ResultsError):
        results.read(folder)


def test_runs_lists_results_directories_only(folder: Path) -> None:
    (folder.parent / "other").mkdir()
    shutil.copytree(folder, folder.parent / ".small-tmp")
    assert results.runs(folder.parent) == [folder]
    assert results.runs(folder.parent / "nowhere") == []


# ---- people
# --------------------------------------------------------------------------------------------------


def test_nothing_a_benchmark_calls_people_or_photos_is_in_the_results(tmp_path: Path, folder: Path) -> None:
    rows, _ = small_audits.people()
    words = (
        {row["subject"] for row in rows}
        | {row["path"] for row in rows}
        | {small_audits.key(row["path"]) for row in rows}
    )
    words |= {small_audits.key(row["subject"]) for row in rows}
    for name, content in tree(folder).items():
        if name.endswith(".npz"):
            with np.load(folder / name) as data:
                content = (
                    b"".join(data[key].tobytes() for key in data.files)
                    + "".join(str(data[key].tolist()) for key in data.files if data[key].dtype.kind == "U").encode()
                )
        assert [word for word in words if word.encode() in content] == [], name


def test_opaque_ids_do_not_follow_the_order_of_the_benchmark(result) -> None:
    assert result.tallies is not None
    rows, _ = small_audits.people()
    count = pd.Series([small_audits.key(row["subject"]) for row in rows]).value_counts().sort_index()
    assert sorted(result.tallies.attempted) == sorted(count)
    assert list(result.tallies.attempted) != list(count)


def test_without_tallies_or_histograms_a_result_is_written_and_read_too(result, tmp_path: Path) -> None:
    bare = replace(result, tallies=None, histograms=None)
    results.write(bare, tmp_path / "bare", PAGES)
    again = results.read(tmp_path / "bare")
    assert again.tallies is None
    assert again.histograms is None


def test_the_stored_config_is_the_one_that_ran(result, folder: Path) -> None:
    assert load_config(folder / "config.toml") == result.config


def test_pages_made_from_the_written_results_are_those_made_from_the_run(result, folder: Path) -> None:
    from audit.report import render

    first, again = render(result), render(results.read(folder))
    assert [name for name in first if first[name] != again.get(name)] == []
    assert first.keys() == again.keys()


def test_the_address_of_somebodys_machines_is_in_no_file_and_changes_none(
    result, folder: Path, tmp_path: Path
) -> None:
    compute = result.config.compute.model_copy(update={"cluster": "tcp://10.1.2.3:8786"})
    data = Path(result.config.backend.options["path"]).parent
    results.write(
        run(result.config.model_copy(update={"compute": compute}), Settings(data=data)), tmp_path / "other", PAGES
    )
    left, right = tree(folder), tree(tmp_path / "other")
    assert not any(b"10.1.2.3" in content for content in right.values())
    assert {name for name in left if left[name] != right[name]} <= {"provenance.json", "PROVENANCE.sha256"}
