"""Files from their publishers: known by name and sha256, resumed where a connection broke, never half taken for whole.

In: the card's ``files`` and a data directory. Out: the files, checked (``base.download``), and archives unpacked. Its one idea: a member of an
archive never lands outside its folder, and an archive is unpacked whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from pathlib import Path

from audit.base.download import Progress, download
from audit.base.errors import BenchmarkError
from audit.benchmark.card import Card

__all__ = ["default_data_dir", "ensure", "unpack"]


def default_data_dir(name: str) -> Path:
    """Where fetched data lies: FACE_AUDIT_DATA/<name>, else the user's cache folder."""
    home = os.environ.get("FACE_AUDIT_DATA")
    if home:
        return Path(home) / name
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "face-audit" / "data" / name


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tgz, .tar or .zip into ``folder``; nothing in it may lie, point or link outside.

    Raises
    ------
    BenchmarkError
        Not an archive, a broken one, or one with a member that would leave the folder. What was unpacked so far lies in a temporary sibling,
        which is removed.
    """
    aside = folder.with_name(folder.name + ".unpacking")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                tar.extractall(aside, filter="data")
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as bundle:
                for member in bundle.infolist():
                    if not (aside / member.filename).resolve().is_relative_to(aside.resolve()):
                        raise tarfile.OutsideDestinationError(tarfile.TarInfo(member.filename), member.filename)
                bundle.extractall(aside)
        else:
            raise tarfile.ReadError("neither a tar nor a zip archive")
        folder.mkdir(parents=True, exist_ok=True)
        for entry in sorted(aside.iterdir()):
            target = folder / entry.name
            if target.exists():
                shutil.rmtree(target) if target.is_dir() else target.unlink()
            entry.replace(target)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise BenchmarkError(
            archive.name,
            got=f"an archive that cannot be unpacked ({type(error).__name__})",
            allowed="a whole archive whose members stay inside its folder",
            todo="Fetch it again; nothing was unpacked",
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def ensure(card: Card, folder: Path, *, variant: str = "", offline: bool = False, progress: Progress | None = None) -> Path:
    """Fetch and unpack all of a card's files (of one variant) that are not there yet; a marker says which archive was unpacked whole.

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
