"""Files from their publishers: known by name and sha256, resumed where a connection broke, never half taken for whole.

In: the card's ``files`` and a data directory. Out: the files, checked, and archives unpacked. Its one idea: bytes land in ``<name>.part``; only
when the sha256 of the whole is the card's is the file renamed, so a file under its own name is whole.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import stat
import tarfile
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from audit.base.errors import BenchmarkError
from audit.benchmark.card import Card, RemoteFile

__all__ = ["default_data_dir", "download", "ensure", "sha256_of", "unpack"]

Progress = Callable[[str, int, int | None], None]
"""Called with (file name, bytes so far, bytes in all if known)."""

_CHUNK = 1 << 14
_WINDOW, _SLOWEST = 60.0, 512
_MOST_BYTES, _MOST_MEMBERS = 1 << 38, 3_000_000
# Small, as the last unfinished chunk of a broken connection is lost.


def default_data_dir(name: str) -> Path:
    """Where fetched data lies: FACE_AUDIT_DATA/<name>, else the user's cache folder."""
    home = os.environ.get("FACE_AUDIT_DATA")
    if home:
        return Path(home) / name
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "face-audit" / "data" / name


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(
    file: RemoteFile, folder: Path, *, offline: bool = False, attempts: int = 4, timeout: float = 30.0, progress: Progress | None = None
) -> Path:
    """Fetch one file, going on where an earlier attempt stopped.

    Parameters
    ----------
    file : RemoteFile
    folder : Path
        Made if absent.
    offline : bool
        Refuse to use the network.
    attempts : int
        How often a broken connection is taken up again.
    timeout : float
        Seconds without a byte after which a connection counts as broken.
    progress : Progress, optional

    Raises
    ------
    BenchmarkError
        Offline, no network, the server refuses, or the whole is not the file the card knows. Bytes of a broken connection are kept for the
        next attempt; bytes with the wrong sha256 are removed.
    """
    target, part = folder / file.name, folder / (file.name + ".part")
    if target.is_file():
        if sha256_of(target) == file.sha256:
            return target
        raise BenchmarkError(
            file.name,
            got=f"a file in the data directory with sha256 {sha256_of(target)[:16]}...",
            allowed=f"sha256 {file.sha256[:16]}...",
            todo="Move it away and run again to fetch it",
        )
    if offline:
        raise BenchmarkError(
            file.name,
            got="not in the data directory, and the network was not to be used",
            allowed=f"{file.name} with sha256 {file.sha256}",
            todo=f"Fetch {file.url} by other means into the data directory, or run without --offline",
        )
    folder.mkdir(parents=True, exist_ok=True)
    last = "no attempt"
    for _ in range(max(1, attempts)):
        done, last = _attempt(file, part, timeout, progress)
        if done:
            break
    else:
        kept = part.stat().st_size if part.exists() else 0
        raise BenchmarkError(
            file.name,
            got=f"no complete download from {file.url} ({last}; {kept:,} bytes kept)",
            allowed="a working connection",
            todo="Run again to go on from there, or fetch the file by other means into the data directory and use --data and --offline",
        )
    got = sha256_of(part)
    if got != file.sha256:
        part.unlink()
        raise BenchmarkError(
            file.name,
            got=f"a download with sha256 {got[:16]}..., which was thrown away",
            allowed=f"sha256 {file.sha256[:16]}..., the file on the card",
            todo="Run again; if it happens twice, the publisher changed the file: do not use it unchecked",
        )
    part.replace(target)
    return target


def _attempt(file: RemoteFile, part: Path, timeout: float, progress: Progress | None) -> tuple[bool, str]:
    """Append what the server gives; whether the transfer ended as the server announced, and what happened."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(file.url, headers=headers, stream=True, timeout=timeout) as reply:
            if reply.status_code == 416:  # nothing after what we have: whole, or longer than the file ever was; the sha256 decides
                return True, "complete"
            if reply.status_code not in (200, 206):
                return False, f"the server answered {reply.status_code}"
            begin = have if reply.status_code == 206 else 0
            if begin and not reply.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                part.unlink()
                return False, "the server sent another range than asked"
            length = reply.headers.get("Content-Length")
            total = begin + int(length) if length else None
            size = begin
            with part.open("ab" if begin else "wb") as stream:
                since, marked, most = time.monotonic(), size, file.bytes or _MOST_BYTES
                for chunk in reply.iter_content(_CHUNK):
                    stream.write(chunk)
                    size += len(chunk)
                    if size > most:
                        return False, f"the server sent more than {most:,} bytes"
                    if time.monotonic() - since > _WINDOW:
                        if size - marked < _WINDOW * _SLOWEST:
                            return False, f"fewer than {_SLOWEST:,} bytes a second came for {_WINDOW:g} seconds"
                        since, marked = time.monotonic(), size
                    if progress:
                        progress(file.name, size, total)
            if total is not None and size < total:
                return False, f"the connection broke after {size:,} of {total:,} bytes"
            return True, "complete"
    except requests.RequestException as error:
        return False, type(error).__name__
    except OSError as error:
        raise BenchmarkError(
            file.name,
            got=f"the disk takes no more ({error.strerror})",
            allowed="room for the whole file",
            todo="Make room and run again to go on from there",
        ) from error


def _bounded(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Go through a tar's members; ends where there are too many."""
    for count, member in enumerate(tar):
        if count > _MOST_MEMBERS:
            raise tarfile.ReadError("too many members")
        yield member


def _check_members(members: Sequence[tuple[str, int, bool]]) -> None:
    """Refuse (ValueError) members that are no files or folders, lead outside, have two names for one place, are too many or too large."""
    seen: dict[str, str] = {}
    if len(members) > _MOST_MEMBERS or sum(size for _, size, _ in members) > _MOST_BYTES:
        raise ValueError("too many members, or too large")
    for name, _, plain in members:
        parts = name.replace("\\", "/").split("/")
        if not plain or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or any(ord(one) < 32 for one in name) or len(name) > 1000:
            raise ValueError("a member that is no file, or leads outside")
        whole = "/".join(part for part in parts if part not in ("", "."))
        for place in (whole, *(whole[:k] for k, letter in enumerate(whole) if letter == "/")):
            if seen.setdefault(unicodedata.normalize("NFC", place).casefold(), place) != place:
                raise ValueError("two members whose names are one on some disks")


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
                _check_members([(one.name, one.size, one.isfile() or one.isdir()) for one in _bounded(tar)])
                tar.extractall(aside, filter="data")
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as bundle:
                kinds = {0, stat.S_IFREG, stat.S_IFDIR}
                _check_members([(one.filename, one.file_size, stat.S_IFMT(one.external_attr >> 16) in kinds) for one in bundle.infolist()])
                bundle.extractall(aside)
        else:
            raise tarfile.ReadError("neither a tar nor a zip archive")
        folder.mkdir(parents=True, exist_ok=True)
        for entry in sorted(aside.iterdir()):
            target = folder / entry.name
            if target.exists():
                shutil.rmtree(target) if target.is_dir() else target.unlink()
            entry.replace(target)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
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
