"""A results directory that somebody else wrote: every command that opens one
refuses it in words, whatever is in it."""

from __future__ import annotations

import io
import json
import random
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from audit import results as files
from audit.cli import run_command_line
from audit.runs.verify import verify

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "benches" / "hostile"))
import small_audits

REFUSED = 3  # errors.ResultsError


@pytest.fixture
def folder(tmp_path_factory, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_audits.written(tmp_path_factory), tmp_path / "runs" / "small"))


def header(dtype: str, shape: str) -> bytes:
    """An npy file that claims what it does not hold."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (64 - (len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return out.getvalue()


ROWS = "x" * 200 + "," + "\n" * 2000
DAMAGES = {
    "an array of a million million numbers": ("dyads.npz", packed(attempted=header("<i8", "(1000000000000,)"))),
    "a negative shape": ("dyads.npz", packed(attempted=header("<i8", "(-1,)"))),
    "an object that would be unpickled": (
        "dyads.npz",
        packed(attempted=header("|O", "(1,)") + b"cos\nsystem\n(S'true'\ntR."),
    ),
    "a bomb": ("shift.npz", packed(groups=header("|u1", f"({3 * 10**8},)") + bytes(3 * 10**8))),
    "no archive": ("histograms.npz", b"PK\x03\x04" + b"\x00" * 100),
    "deep JSON": ("audit.json", b"[" * 100_000),
    "a list for facts": ("audit.json", b"[]\n"),
    "other facts": ("audit.json", b'{"format": 2}\n'),
    "an integer of 5,000 digits": ("audit.json", b'{"format": ' + b"9" * 5000 + b"}\n"),
    "findings that are numbers": ("findings.json", b"[1, 2]\n"),
    "no findings": ("findings.json", b"[]\n"),
    "NUL in a table": ("rates.csv", b"a,b\n\x00,\x00\n"),
    "a ragged table": ("review.csv", ROWS.encode()),
    "an empty table": ("acquisition.csv", b""),
    "not UTF-8": ("differentials.csv", b"\xff\xfe\xff"),
    "not TOML": ("config.toml", b"= = ="),
    "deep TOML": ("config.toml", b"a = " + b"[" * 5000),
    "years of draws": ("config.toml", b""),
    "a long line": ("SHA256SUMS", b"0" * 10**6),
    "sums of sums": ("SHA256SUMS", b"0" * 64 + b"  SHA256SUMS\n"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_command_ends_with_an_unexpected_error(
    folder: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content = DAMAGES[damage]
    if damage == "years of draws":
        content = (folder / name).read_bytes().replace(b"replicates = 100", b"replicates = 1000000000000")
    (folder / name).write_bytes(content)
    if name != "SHA256SUMS":
        (folder / "SHA256SUMS").write_bytes(files.sums_of(folder))
    for command in (["verify"], ["report"], ["compare", str(folder)]):
        code = run_command_line([*command, str(folder)])
        err = capsys.readouterr().err
        assert code == REFUSED or (code == 0 and command[0] != "verify"), (command, err)
        assert "Traceback" not in err
    assert run_command_line(["index", "--results", str(folder.parent)]) in (0, REFUSED)


def test_a_table_without_its_columns_is_refused_by_the_commands_that_read_it(folder: Path) -> None:
    for name in ("rates.csv", "operating_points.csv", "acquisition.csv", "differentials.csv"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(b"x,y\n1,2\n")
        (folder / "SHA256SUMS").write_bytes(files.sums_of(folder))
        assert verify(folder)["problems"]
        assert run_command_line(["report", str(folder)]) == REFUSED
        (folder / name).write_bytes(before)


def test_random_damage_never_ends_in_a_crash(folder: Path) -> None:
    import results as bench

    draw = random.Random(11)
    for _ in range(25):
        copy = Path(shutil.copytree(folder, folder.parent / "copy"))
        kind, name = bench._change(copy, draw)
        bench.resum(copy)
        assert run_command_line(["report", str(copy)]) in (0, REFUSED), (kind, name)
        shutil.rmtree(copy)


@pytest.mark.parametrize(
    ("array", "value"),
    [("cell_0", 99), ("acquired", -1), ("i_0", 10**6), ("e_0", 0), ("f_0", 10**6), ("attempted", 0)],
)
def test_counts_that_no_run_gives_are_refused(folder: Path, array: str, value: int) -> None:
    with np.load(folder / "dyads.npz") as data:
        arrays = dict(data)
    arrays[array] = arrays[array].astype(np.int64)
    arrays[array][0] = value
    (folder / "dyads.npz").write_bytes(files.npz(arrays))
    (folder / "SHA256SUMS").write_bytes(files.sums_of(folder))
    assert any("dyads.npz" in problem for problem in verify(folder)["problems"])


def test_results_of_an_earlier_format_are_named_as_such(folder: Path) -> None:
    about = json.loads((folder / "audit.json").read_text())
    del about["format"]
    (folder / "audit.json").write_bytes(files.as_json(about))
    (folder / "SHA256SUMS").write_bytes(files.sums_of(folder))
    assert any("format 1" in problem for problem in verify(folder)["problems"])
