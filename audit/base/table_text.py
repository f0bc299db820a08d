"""A file of text in, its text out: UTF-8 without marks, or one sentence on what it is instead."""

from __future__ import annotations

import gzip
import io
import zlib

from audit.base.csv_lines import bad

__all__ = ["CHUNK", "LARGEST", "text_of"]

LARGEST = 1 << 30
"""Bytes of text that a table may hold once unpacked; a gzip file of nothing but zeros stops here."""


CHUNK = 1 << 16


_NOT_A_TABLE = (
    (b"PK\x03\x04", "an Excel or zip file"),
    (b"\xd0\xcf\x11\xe0", "an Excel file"),
    (b"ARROW1", "a feather file"),
    (b"FEA1", "a feather file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"%PDF", "a PDF"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x04\x95", "a pickle, which is never opened"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
)


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def text_of(raw: bytes, name: str) -> str:
    """Unpack and decode; a byte that is not of the encoding is refused with its line."""
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
                raw = stream.read(LARGEST + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise bad(name, "a gzip file that is cut off or damaged", todo="Fetch or write it again") from error
    if len(raw) > LARGEST:
        raise bad(
            name,
            f"more than {LARGEST >> 20:,} MiB of text",
            todo="Leave out columns that are not needed, or write parquet",
        )
    for mark, said in _NOT_A_TABLE:
        if raw.startswith(mark):
            raise bad(name, said, todo="Save the table as CSV in UTF-8")
    if raw[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise bad(name, "a web page", todo="Fetch the table itself")
    mark, encoding = next(((mark, encoding) for mark, encoding in _MARKS if raw.startswith(mark)), (b"", "utf-8"))
    try:
        text = raw[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[len(mark) :][: error.start].decode(encoding, "replace").count("\n") + 1
        raise bad(f"{name}, line {line}", f"bytes that are not {encoding.upper()}", todo="Save it in UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise bad(
            f"{name}, line {line}",
            "a NUL character (UTF-16 without a byte order mark, or a damaged file)",
            todo="Save it in UTF-8",
        )
    return text
