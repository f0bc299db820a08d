"""Files from their publishers: known by name and sha256, resumed where a connection broke, never half taken for whole.

In: the card's ``files`` and a data directory. Out: the files, checked (``base.download``), and archives unpacked. Its
one idea: a member of an archive never lands outside its folder, and an archive is unpacked whole or not at all.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from audit.base.download import Progress, download
from audit.base.errors import BenchmarkError
from audit.benchmark.card import Card

__all__ = ["default_data_dir", "ensure", "unpack"]

_MOST_BYTES, _MOST_MEMBERS = 1 << 38, 3_000_000


def default_data_dir(name: str) -> Path:
    """Where fetched data lies: FACE_AUDIT_DATA/<name>, else the user's cache folder."""
    home = os.environ.get("FACE_AUDIT_DATA")
    if home:
        return Path(home) / name
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "face-audit" / "data" / name


def _bounded(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Go through a tar's members; ends where there are too many."""
    for count, member in enumerate(tar):
        if count > _MOST_MEMBERS:
            raise tarfile.ReadError("too many members")
        yield member


def _check_members(members: Sequence[tuple[str, int, bool, bool]], room: int) -> None:
    """Refuse (ValueError) members (name, bytes, file or folder at all, folder) that lead outside, share a place, are
    too many or too large.
    """
    seen: dict[str, str] = {}
    files: set[str] = set()
    if len(members) > _MOST_MEMBERS or sum(max(size, 0) for _, size, _, _ in members) > min(_MOST_BYTES, room):
        raise ValueError("too many members, or larger than the disk")
    for name, _, plain, is_folder in members:
        parts = name.replace("\\", "/").split("/")
        if (
            not name
            or not plain
            or name.startswith(("/", "\\"))
            or ".." in parts
            or ":" in parts[0]
            or any(ord(one) < 32 for one in name)
            or len(name) > 1000
        ):
            raise ValueError("a member that is no file, or leads outside")
        whole = "/".join(part for part in parts if part not in ("", "."))
        if not is_folder and whole in files:
            raise ValueError("one file twice")
        if not is_folder:
            files.add(whole)
        for place in (whole, *(whole[:k] for k, letter in enumerate(whole) if letter == "/")):
            if seen.setdefault(unicodedata.normalize("NFC", place).casefold(), place) != place:
                raise ValueError("two members whose names are one on some disks")


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tgz, .tar or .zip into ``folder``; nothing in it may lie, point or link outside.

    Raises
    ------
    BenchmarkError
        Not an archive, a broken one, or one with a member that would leave the folder. What was unpacked so far lies
        in a temporary sibling, which is removed.
    """
    aside = folder.with_name(folder.name + ".unpacking")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        room = shutil.disk_usage(aside).free
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                _check_members(
                    [(one.name, one.size, one.isfile() or one.isdir(), one.isdir()) for one in _bounded(tar)], room
                )
                tar.extractall(aside, filter="data")
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as bundle:
                kinds = {0, stat.S_IFREG, stat.S_IFDIR}
                found = bundle.infolist()
                _check_members(
                    [
                        (one.filename, one.file_size, stat.S_IFMT(one.external_attr >> 16) in kinds, one.is_dir())
                        for one in found
                    ],
                    room,
                )
                bundle.extractall(aside)
        else:
            raise tarfile.ReadError("neither a tar nor a zip archive")
        folder.mkdir(parents=True, exist_ok=True)
        for entry in sorted(aside.iterdir()):
            target = folder / entry.name
            if target.exists():
                shutil.rmtree(target) if target.is_dir() else target.unlink()
            entry.replace(target)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        LookupError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        raise BenchmarkError(
            archive.name,
            got=f"an archive that cannot be unpacked ({type(error).__name__})",
            allowed="a whole archive whose members stay inside its folder",
            todo="Fetch it again; nothing was unpacked",
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def ensure(
    card: Card, folder: Path, *, variant: str = "", offline: bool = False, progress: Progress | None = None
) -> Path:
    """Fetch and unpack all of a card's files (of one variant) that are not there yet; a marker says which archive was
    unpacked whole.

    Raises
    ------
    BenchmarkError
        The card knows no files (it has to be asked for), or as ``download`` and ``unpack``.
    """
    wanted = [file for file in card.files if file.variant in ("", variant)]
    if not wanted:
        raise BenchmarkError(
            f"benchmark {card.name}",
            got="no data directory, and no file that may be fetched",
            allowed="--data DIR with the files as its card says",
            todo=card.obtain or f"See {card.homepage}",
        )
    for file in wanted:
        marker = folder / f".unpacked-{file.sha256[:16]}"
        if file.unpack and marker.is_file():
            continue
        path = download(file, folder, offline=offline, progress=progress)
        if file.unpack:
            unpack(path, folder)
            marker.write_text(file.name + "\n", encoding="utf-8")
            path.unlink()
    return folder
