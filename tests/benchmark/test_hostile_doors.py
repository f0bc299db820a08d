"""Archives that lead outside, ages that are no numbers, too many groups, paths and numbers that no file can have: one
refusal each."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from audit.base.errors import AuditError, BenchmarkError, ConfigError
from audit.benchmark.adapters import calfw, lfw, rfw
from audit.benchmark.card import Card, find
from audit.benchmark.cells import age_word
from audit.benchmark.fetch import unpack
from audit.benchmark.manifest import load
from audit.config import load_config, parse_config
from audit.outputs.read import codes


def tar(path: Path, *members: tuple[str, bytes, str]) -> Path:
    with tarfile.open(path, "w") as out:
        for name, kind, link in members:
            one = tarfile.TarInfo(name)
            one.type, one.linkname = kind, link
            out.addfile(one, io.BytesIO())
    return path


F = tarfile.REGTYPE


@pytest.mark.parametrize(
    "members",
    [
        [("/etc/x", F, "")],
        [("../x", F, "")],
        [("a/../../x", F, "")],
        [("..\\x", F, "")],
        [("C:/x", F, "")],
        [("a", tarfile.SYMTYPE, "/etc/passwd")],
        [("a", tarfile.SYMTYPE, "b"), ("b", F, "")],
        [("b", F, ""), ("a", tarfile.LNKTYPE, "b")],
        [("a", tarfile.FIFOTYPE, "")],
        [("a", tarfile.CHRTYPE, "")],
        [("A/x", F, ""), ("a/y", F, "")],
        [("\u00e9", F, ""), ("e\u0301", F, "")],
        [("a\nb", F, "")],
    ],
)
def test_a_member_that_is_no_file_inside_is_refused_and_nothing_unpacked(
    tmp_path: Path, members: list[tuple[str, bytes, str]]
) -> None:
    with pytest.raises(BenchmarkError, match="cannot be unpacked"):
        unpack(tar(tmp_path / "a.tar", ("fine.txt", F, ""), *members), tmp_path / "out" / "data")
    assert sorted(os.listdir(tmp_path)) in (["a.tar"], ["a.tar", "out"])
    assert not list((tmp_path / "out").glob("**/*.txt"))


def test_a_zip_whose_member_has_no_name_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("x", b"1")
    raw = (tmp_path / "a.zip").read_bytes()
    at = raw.rindex(b"PK\x01\x02") + 28
    (tmp_path / "a.zip").write_bytes(raw[:at] + b"\0\0" + raw[at + 2 :])
    with pytest.raises(BenchmarkError, match="cannot be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "data")


@pytest.mark.parametrize("name", ["/x", "../x", "a/../../x", "A\\..\\..\\x"])
def test_so_is_a_zip(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(name, b"")
    with pytest.raises(BenchmarkError, match="cannot be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "data")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("34", "34"),
        ("20-29", "20-29"),
        ("(25, 32)", "25-32"),
        ("60+", "60+"),
        ("25\u201332", "25-32"),
        ("3 to 9", "3-9"),
        (">=70", "70+"),
        ("[20, 30)", "20-29"),
        ("(20, 30]", "21-30"),
    ],
)
def test_ages_that_are_certain_are_read(text: str, word: str) -> None:
    assert age_word(text) == word


@pytest.mark.parametrize(
    "text", ["03-Sep", "34,5", "(25, 32", "32-25", "adult", "-5", "1e2", "20-29-30", "150", "999", "[20.5, 30)"]
)
def test_other_ages_are_refused_and_a_key_settles_them(tmp_path: Path, text: str) -> None:
    assert age_word(text) is None
    (tmp_path / "labels.csv").write_text(f'path,subject,age\na.jpg,p,20\nb.jpg,q,"{text}"\nc.jpg,r,\n')
    more = {"attributes": {"age": "age"}, "bins": {"age": [0, 18, 60]}, "photographs": False}
    with pytest.raises(BenchmarkError, match="no number"):
        load("files", tmp_path, **more)  # type: ignore[arg-type]
    bench = load("files", tmp_path, words={"age": {text: "3-9"}}, **more)  # type: ignore[arg-type]
    assert bench.cells.counts()["subjects"].tolist() == [1, 1, 1]


def test_more_groups_than_16_bits_hold_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{k}.jpg,p{k},label {k}\n" for k in range(40_000))
    (tmp_path / "labels.csv").write_text("path,subject,race\n" + rows)
    with pytest.raises(BenchmarkError, match="40,000 groups"):
        load("files", tmp_path, photographs=False)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "version = " + "9" * 5000, "a = 9999-99-99", "\x00", "version = 1e999999"]
)
def test_a_config_that_no_reader_can_hold_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        parse_config(text)
    (tmp_path / "card.toml").write_text(text)
    with pytest.raises(BenchmarkError):
        Card.read(tmp_path / "card.toml")


@pytest.mark.parametrize("name", ["a" * 300 + ".toml", "a\0b.toml", "a" * 300])
def test_a_path_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(AuditError):
        load_config(Path(name))


def test_a_file_name_that_is_not_utf_8_is_refused_without_the_name(tmp_path: Path) -> None:
    (tmp_path / "White" / "p1").mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(tmp_path / "White" / "p1") + b"/caf\xe9.jpg")).touch()
    with pytest.raises(BenchmarkError, match="1 photographs whose names are not UTF-8") as caught:
        load("files", tmp_path, options={"levels": ["race", "subject"]})
    assert "caf" not in str(caught.value)


def meds(folder: Path, labels: str) -> Path:
    for name in ("S001/S001-01-t10_01.jpg", "S001/S001-02-t10_01.jpg", "S002/S002-01-t10_01.jpg"):
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / name).touch()
    (folder / "labels.csv").write_text("subject,sex,race\n" + labels)
    return folder


def test_rows_that_contradict_each_other_and_tables_of_others_are_refused_without_an_id(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="describes otherwise in 1 rows .first: row 4") as caught:
        load("meds", meds(tmp_path, "S001,M,W\nS002,M,B\nS001,M,B\n"), photographs=False)
    assert "S001" not in str(caught.value)
    with pytest.raises(BenchmarkError, match="labels of 0 of 2 people"):
        load("meds", meds(tmp_path, "1,M,W\n2,M,B\n"), photographs=False)
    assert "knows 1 of 2 people" in load("meds", meds(tmp_path, "S001,M,W\n"), photographs=False).notes[0]


LISTS = [
    b"\xe9 1\n\xe9 1\n",
    "a_0001.jpg \u00b2\nb_0001.jpg \u00b2\n".encode(),
    b"a_0001.jpg %s\nb_0001.jpg %s\n" % ((b"9" * 5000,) * 2),
    b"\0\n\0\n",
    b"x\n",
]


@pytest.mark.parametrize("body", LISTS)
def test_a_list_of_pairs_that_is_none_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "pairs_CALFW.txt").write_bytes(body)
    (tmp_path / "pairs.txt").write_bytes(body.replace(b" ", b"\t1\t"))
    (tmp_path / "txts" / "African").mkdir(parents=True)
    (tmp_path / "txts" / "African" / "African_pairs.txt").write_bytes(body.replace(b" ", b"\t1\t"))
    for adapter in (calfw, lfw, rfw):
        with pytest.raises(BenchmarkError):
            adapter.pairs(find(adapter.__name__.rpartition(".")[2]), tmp_path)


@pytest.mark.parametrize("body", [b"", b"\xe9\n", "\u00b2\nMale Young\n".encode(), b"9" * 5000 + b"\nMale Young\n"])
def test_an_attribute_list_that_is_none_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "img_align_celeba").mkdir()
    (tmp_path / "list_attr_celeba.txt").write_bytes(body)
    with pytest.raises(BenchmarkError, match="list_attr_celeba.txt"):
        load("celeba", tmp_path, photographs=False)


def test_the_lines_of_a_list_are_the_files_own(tmp_path: Path) -> None:
    (tmp_path / "pairs_CALFW.txt").write_bytes(b"\na_0001.jpg 1\n\na_0002.jpg 1\r\nb_0001.jpg 2\nc_0001.jpg 3\n")
    with pytest.raises(BenchmarkError, match="line 5, pair 2"):
        calfw.pairs(find("calfw"), tmp_path)


@pytest.mark.parametrize("birth", ["1980-02-30", "1980-13-01", "03/04/1980", "0000", "\u0661\u0669\u0668\u0660"])
def test_a_date_that_is_none_is_refused_by_its_line_and_never_printed(tmp_path: Path, birth: str) -> None:
    (tmp_path / "labels.csv").write_text(
        f"path,subject,race,b,t\n\na.jpg,p,White,1980,2020\nb.jpg,q,Black,{birth},2020\n"
    )
    with pytest.raises(BenchmarkError, match="line 4") as caught:
        load("files", tmp_path, options={"birth": "b", "taken": "t"}, photographs=False)
    assert birth not in str(caught.value)


def test_two_tables_are_asked_about(tmp_path: Path) -> None:
    for name in ("labels.csv", "samples.csv", "a-datatable.csv", "b-datatable.csv"):
        (tmp_path / name).write_text(
            "path,subject,race,fold,p1,p2,label,att1,att2\n1.jpg,p,X,1,a/1,b/1,0,x_y,x_z\n2.jpg,q,Y,1,a/1,b/1,0,x_y,x_z\n"
        )
    with pytest.raises(BenchmarkError, match="labels.csv and samples.csv"):
        load("files", tmp_path, photographs=False)
    assert load(
        "files", tmp_path, attributes={"race": "race"}, options={"table": "samples.csv"}, photographs=False
    ).cells.names == (
        "race=X",
        "race=Y",
    )
    with pytest.raises(BenchmarkError, match="2 tables a-datatable.csv, b-datatable.csv"):
        load("bfw", tmp_path, photographs=False)


@pytest.mark.parametrize("seed", ["0x" + "f" * 10_000, "9" * 4000, "9223372036854775808"])
def test_numbers_that_no_machine_counts_with_are_refused_in_one_short_sentence(seed: str) -> None:
    text = (
        'version = 1\nname = "x"\n[benchmark]\nname = "lfw"\n[backend]\nname = '
        '"dlib"\n[groups]\nattributes = { a = "a" }\nreference = "a=b"\n'
    )
    with pytest.raises(ConfigError, match="less than or equal to") as caught:
        parse_config(text + f'[[operating_points]]\nkind = "vendor_default"\n[uncertainty]\nseed = {seed}\n')
    assert len(str(caught.value)) < 400


def test_outputs_have_no_more_groups_than_16_bits_hold() -> None:
    assert len(codes([f"g={k}" for k in range(32_000)])[0]) == 32_000
    with pytest.raises(BenchmarkError, match="32,001 groups"):
        codes([f"g={k}" for k in range(32_001)])


def test_an_archive_with_one_file_twice_or_larger_than_the_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cannot be unpacked"):
        unpack(tar(tmp_path / "a.tar", ("a/x", F, ""), ("./a/x", F, "")), tmp_path / "out")
    one = tarfile.TarInfo("big")
    one.size = 1 << 37
    (tmp_path / "b.tar").write_bytes(one.tobuf() + bytes(1024))
    with pytest.raises(BenchmarkError, match="cannot be unpacked"):
        unpack(tmp_path / "b.tar", tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(BenchmarkError, match="cannot be unpacked"):
        unpack(tar(tmp_path / "c.tar", ("a", F, "")), tmp_path / "file" / "below")


@pytest.mark.parametrize(
    "options",
    [
        {"levels": "race"},
        {"table": 5},
        {"table": "a\0b"},
        {"table": "x" * 400},
        {"pairs": "x" * 400},
        {"labels": 5},
        {"labels": {"race": 5}},
        {"labels": {"race": {"values": {"White": "A|B"}}}},
        {"truth": 5},
        {"truth": {"a": "b"}},
        {"path": ["a"]},
        {"ids": ["a"]},
        {"bins": 5},
        {"bins": {"age": "x"}},
        {"bins": {"age": ["a"]}},
        {"bins": {"age": [float("nan")]}},
        {"bins": {"age": [10**400]}},
        {"bins": {"age": [True]}},
    ],
)
def test_options_of_another_kind_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    (tmp_path / "labels.csv").write_text("path,subject,race,age\na.jpg,p,White,20\nb.jpg,q,Black,30\n")
    with pytest.raises(BenchmarkError):
        load(
            "files",
            tmp_path,
            attributes={"age": "age"},
            options={"bins": {"age": [0, 30]}, **options},
            photographs=False,
        )


@pytest.mark.parametrize("item", ["operating_points.\u00b2.x=1", "operating_points." + "9" * 5000 + ".x=1"])
def test_an_index_that_is_none_is_refused(item: str) -> None:
    with pytest.raises(ConfigError, match="an index from 0 to 0"):
        parse_config('[[operating_points]]\nkind = "vendor_default"\n', overrides=[item])


def test_a_byte_order_mark_does_not_matter_and_other_encodings_are_refused_by_line(tmp_path: Path) -> None:
    text = (
        'version = 1\nname = "x"\n[benchmark]\nname = "lfw"\n[backend]\nname = '
        '"dlib"\n[groups]\nattributes = { a = "a" }\nreference = "a=b"\n'
    )
    text += '[[operating_points]]\nkind = "vendor_default"\n'
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8-sig")
    assert load_config(path) == parse_config(text)
    path.write_bytes(text.encode() + "# café".encode("latin-1"))
    with pytest.raises(ConfigError, match="c.toml, line 12: bytes that are not UTF-8"):
        load_config(path)
    path.write_text(text, encoding="utf-16")
    with pytest.raises(ConfigError, match="line 1"):
        load_config(path)
    path.write_bytes(text.encode() + b"#" * 10_000_000)
    with pytest.raises(ConfigError, match="10,000,000 at most"):
        load_config(path)
