"""The results directory: the only module that reads or writes ``results/<run>/``.

In: an ``AuditResult``. Out: files that a stranger can check: tables for people, ``dyads.npz`` from which every rate and interval is computed
again, ``histograms.npz``, and ``SHA256SUMS``. Written to a temporary sibling and renamed, so a directory is whole or absent. The same inputs
give the same bytes; ``provenance.json`` alone holds clock and machine, and is summed apart (``PROVENANCE.sha256``).
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.comparisons.types import ScoreAxis, ScoreHistograms
from audit.config import AuditConfig, parse_config
from audit.base.errors import AuditError, ResultsError
from audit.findings.gaps import Finding
from audit.observations.kept import ScoreSums
from audit.observations.sound import sound
from audit.observations.tallies import CURVE, PARTS, Labelling, Listed, PersonSums, PointTally, Strata, Tallies
from audit.words.spreadsheet import to_csv, unquoted
from audit.words import columns
from audit.words.columns import csv_bytes

__all__ = [
    "CORE",
    "AuditResult",
    "arrays",
    "as_json",
    "check_target",
    "checksum_errors",
    "comparison_people",
    "digest",
    "digest_of",
    "files_of",
    "folder_digest",
    "headline",
    "is_page",
    "plain",
    "read",
    "runs",
    "to_files",
    "usable",
    "write",
    "write_comparison",
    "write_rendered",
]

SUMS, CLOCK, CLOCK_SUM = "SHA256SUMS", "provenance.json", "PROVENANCE.sha256"


@dataclass(frozen=True, eq=False)
class AuditResult:
    """Everything one audit found.

    Attributes
    ----------
    config : AuditConfig
    about : dict
        ``audit.json``: what was tested and on whom, without clock: keys ``benchmark`` (card facts: title, licence, labels and who made them,
        defects, variant, label_agreement), ``matcher`` (product, version, rule, model hashes), ``counts`` (subjects, samples, acquired,
        comparisons, mated, missing and disputed labels), ``limited`` (words, or ""), ``protocol`` (the benchmark's own result, or absent).
    provenance : dict
        Clock, machine, versions, which path ran, seconds per stage and per group.
    acquisition, operating_points, rates, differentials : DataFrame
        Columns as stated in ``words.columns``.
    histograms : ScoreHistograms or None
    tallies : Tallies or None
        None where only scores were given and no people are known.
    findings : tuple of Finding
    tables : dict of str to DataFrame
        Further tables by file stem: summaries, power, curves, label_sensitivity, quality, ...
    before : Tallies or None
        The benchmark as handed out, where the configuration names overrides.
    shift : ScoreSums or None
    register : str or None
        The text of the user's own register of claims; None for one inside the package.
    """

    config: AuditConfig
    about: dict[str, Any]
    provenance: dict[str, Any]
    acquisition: pd.DataFrame
    operating_points: pd.DataFrame
    rates: pd.DataFrame
    differentials: pd.DataFrame
    histograms: ScoreHistograms | None
    tallies: Tallies | None
    findings: tuple[Finding, ...]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    before: Tallies | None = None
    shift: ScoreSums | None = None
    register: str | None = None

    @classmethod
    def unjudged(cls, config: AuditConfig, about: dict[str, Any], acquisition: pd.DataFrame, **kept: Any) -> AuditResult:
        """What a run saw, before any rate: the tables that follow from it are empty."""
        none = pd.DataFrame()
        made: dict[str, Any] = {"operating_points": none, "histograms": None, "tallies": None} | kept
        return cls(config, about, {}, acquisition, rates=none, differentials=none, findings=(), **made)


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Bytes of a compressed npz; numpy stamps every member 1980-01-01, so equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def plain(value: Any) -> Any:
    """Numpy scalars as Python's; a number that is missing or unlimited as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(value: Any) -> bytes:
    """JSON as every file of results is written."""
    return (json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _dyads(tallies: Tallies) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "attempted": tallies.attempted,
        "acquired": tallies.acquired,
        "labellings": np.array([labelling.name for labelling in tallies.labellings], dtype=np.str_),
        "points": np.array([point.id for point in (*tallies.points, *tallies.curve)], dtype=np.str_),
        "thresholds": np.array([point.threshold for point in (*tallies.points, *tallies.curve)], dtype=np.float64),
    }
    if tallies.strata is not None:
        arrays |= {
            "quality": np.array(tallies.strata.names, dtype=np.str_),
            "quality_edges": tallies.strata.edges,
            "quality_level": tallies.strata.level,
        }
    if tallies.listed is not None:
        arrays |= {f"listed_{name}": getattr(tallies.listed, name) for name in ("i", "j", "m", "g")}
    for k, labelling in enumerate(tallies.labellings):
        arrays[f"cells_{k}"] = np.array(labelling.cells, dtype=np.str_)
        arrays[f"cell_{k}"] = labelling.cell
    for k, point in enumerate((*tallies.points, *tallies.curve)):
        for name in ("i", "j", "e", "f"):
            array = getattr(point, name)
            small = np.uint16 if len(array) and int(array.max()) < 2**16 else np.int32
            arrays[f"{name}_{k}"] = array.astype(small)
        for which, sums in enumerate(point.streamed):
            arrays |= {f"{name}_{k}_{which}": getattr(sums, name) for name in PARTS}
    return arrays


def _streamed(data: Mapping[str, NDArray[Any]], k: int) -> tuple[PersonSums, ...]:
    """Each person's sums of point ``k``, one entry per labelling; empty where its dyads are listed."""
    return tuple(PersonSums(*(data[f"{name}_{k}_{which}"] for name in PARTS)) for which in range(len(data["labellings"])) if f"w_{k}_{which}" in data)


def _tallies(data: Mapping[str, NDArray[Any]]) -> Tallies:
    labellings = tuple(
        Labelling(str(name), tuple(map(str, data[f"cells_{k}"])), data[f"cell_{k}"].astype(np.int16)) for k, name in enumerate(data["labellings"])
    )
    points = tuple(
        PointTally(
            str(name),
            float(data["thresholds"][k]),
            data[f"i_{k}"].astype(np.int32),
            data[f"j_{k}"].astype(np.int32),
            data[f"e_{k}"].astype(np.int32),
            data[f"f_{k}"].astype(np.int32),
            _streamed(data, k),
        )
        for k, name in enumerate(data["points"])
    )
    asked = tuple(point for point in points if not point.id.startswith(CURVE))
    listed = Listed(*(data[f"listed_{name}"].astype(np.int32) for name in ("i", "j", "m", "g"))) if "listed_i" in data else None
    strata = Strata(tuple(map(str, data["quality"])), data["quality_edges"], data["quality_level"]) if "quality" in data else None
    return Tallies(data["attempted"], data["acquired"], labellings, asked, points[len(asked) :], listed=listed, strata=strata)


def _shift(sums: ScoreSums) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "groups": np.array(sums.groups, dtype=np.str_),
        "most": np.array(sums.most, dtype=np.int64),
        "axis": np.array([sums.low, sums.high], dtype=np.float64),
    }
    return arrays | {name: getattr(sums, name) for name in ("people", "moments", "person", "pairs", "below")}


def to_files(result: AuditResult) -> dict[str, bytes]:
    """Every file of a results directory except the rendered pages and the sums, by relative path."""
    files = {
        "config.toml": result.config.to_toml().encode(),
        "audit.json": as_json(result.about),
        CLOCK: as_json(result.provenance),
        "acquisition.csv": csv_bytes(result.acquisition),
        "operating_points.csv": csv_bytes(result.operating_points),
        "rates.csv": csv_bytes(result.rates),
        "differentials.csv": csv_bytes(result.differentials),
        "findings.json": as_json([asdict(finding) for finding in result.findings]),
    }
    for name, tallies in (("dyads.npz", result.tallies), ("dyads_before.npz", result.before)):
        if tallies is not None:
            files[name] = _npz(_dyads(tallies))
    if result.shift is not None:
        files["shift.npz"] = _npz(_shift(result.shift))
    if result.register is not None:
        files["claims.toml"] = result.register.encode()
    if result.histograms is not None:
        axis = result.histograms.axis
        files["histograms.npz"] = _npz(
            {
                "axis": np.array([axis.low, axis.high, axis.bins], dtype=np.float64),
                "pairs": result.histograms.pairs,
                "non_mated": result.histograms.non_mated,
                "mated": result.histograms.mated,
            }
        )
    for name, frame in sorted(result.tables.items()):
        files[f"{name}.csv"] = csv_bytes(frame)
    return files


def is_page(name: str) -> bool:
    """Whether a file of a results directory is made from the others for people to read; all others make up the digest."""
    return name.startswith(("figures/", "tables/")) or name in ("report.html", "summary.html", "guide.html", "report.json", "report.pdf")


def _listed(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()


def digest_of(sums: Mapping[str, str]) -> str:
    """One short name for everything that is not a page: 80 bits of the sum of its sums, in fours."""
    kept = {name: digest for name, digest in sums.items() if not is_page(name) and name not in (SUMS, CLOCK, CLOCK_SUM)}
    text = hashlib.sha256(_listed(kept)).hexdigest()[:20]
    return "-".join(text[k : k + 4] for k in range(0, 20, 4))


def digest(result: AuditResult) -> str:
    """The digest of the directory that ``write`` makes of a result; pages carry it, so that a page can be held against a directory."""
    return digest_of({name: hashlib.sha256(content).hexdigest() for name, content in to_files(result).items()})


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a results directory with its sha256, by relative path, sorted.

    Raises
    ------
    ResultsError
        Something that is no regular file (a link, a pipe), or more than results hold.
    """
    out: dict[str, str] = {}
    for place, folders, names in os.walk(folder):
        for name in sorted([*names, *(one for one in folders if Path(place, one).is_symlink())]):
            path = Path(place, name)
            shown = path.relative_to(folder).as_posix()
            if not stat.S_ISREG(path.lstat().st_mode):
                raise ResultsError(str(folder), got=f"{shown!r}, which is no ordinary file", allowed="ordinary files", todo="Do not trust it")
            if len(out) >= _MOST_FILES:
                raise ResultsError(str(folder), got=f"more than {_MOST_FILES} files", allowed="a results directory", todo="Give its path")
            with path.open("rb") as file:
                out[shown] = hashlib.file_digest(file, "sha256").hexdigest()
    return dict(sorted(out.items()))


def folder_digest(folder: Path) -> str:
    """The digest of a results directory as it lies there."""
    return digest_of(files_of(folder))


def _sums(folder: Path) -> bytes:
    return _listed({name: digest for name, digest in files_of(folder).items() if name not in (SUMS, CLOCK, CLOCK_SUM)})


def _lines(folder: Path, names: Iterable[str]) -> bytes:
    return _listed({name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names})


def check_target(target: Path, *, replace: bool) -> None:
    """Refuse early, before hours of work: the directory exists, or its parent cannot be written."""
    if target.exists() and not replace:
        raise ResultsError(str(target), got="a results directory that already exists", allowed="a new name", todo="Give --replace, or another name")
    if target.exists() and not (target / "audit.json").exists() and not (target.is_dir() and next(target.iterdir(), None) is None):
        raise ResultsError(str(target), got="something else than results", allowed="a results directory", todo="Choose another name")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise ResultsError(
            str(target.parent), got=f"cannot be written ({error.strerror})", allowed="a writable folder", todo="Choose another --results folder"
        ) from error


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _swap(temporary: Path, target: Path) -> None:
    """Put the finished directory in place; the old one goes only after the new one is whole."""
    if not target.exists():
        temporary.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.rename(old / "was")
        temporary.rename(target)
    except BaseException:  # Ctrl-C too: what was there goes back
        if (old / "was").exists():
            (old / "was").rename(target)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _sibling(target: Path, todo: str = "Nothing was changed; make room or choose another folder and run again") -> Iterator[Path]:
    """Give a temporary directory beside ``target``; once filled it is summed and takes target's place, whole or not at all."""
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        yield temporary
        (temporary / SUMS).write_bytes(_sums(temporary))
        temporary.chmod(0o755)
        _swap(temporary, target)
    except OSError as error:
        raise ResultsError(str(target), got=f"could not be written ({error.strerror or error})", todo=todo) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def write(result: AuditResult, target: Path, rendered: Mapping[str, bytes], *, replace: bool = False) -> None:
    """Write a whole results directory, or nothing.

    Raises
    ------
    ResultsError
        It exists and ``replace`` is false, it cannot be written, or the disk is full; nothing half-written is left.
    """
    check_target(target, replace=replace)
    with _sibling(target) as temporary:
        _put(temporary, to_files(result) | dict(rendered))
        (temporary / CLOCK_SUM).write_bytes(_lines(temporary, [CLOCK]))


def comparison_people(folder: Path) -> NDArray[np.int64] | None:
    """(S,) which person of A is which of B, from a comparison's folder; None where there is none."""
    if not (folder / "people.npz").is_file() or checksum_errors(folder):
        return None
    number = arrays(folder / "people.npz")["number_in_b"].astype(np.int64)
    return number if np.array_equal(np.sort(number), np.arange(len(number))) else None


def write_comparison(
    target: Path,
    a: AuditResult,
    b: AuditResult,
    number: NDArray[np.int64],
    table: pd.DataFrame,
    page: bytes,
    *,
    replace: bool,
) -> None:
    """Write the folder of ``face-audit compare``: the table, what was compared and who is who in both, the page, sums."""
    if target.exists() and not replace:
        raise ResultsError(str(target), got="a folder that already exists", allowed="a new name", todo="Give --replace, or another --out")
    if target.exists() and not (target / "comparison.csv").is_file():
        raise ResultsError(str(target), got="a folder that holds no comparison", allowed="a comparison to replace", todo="Choose another --out")
    about = {
        "a": {"name": a.config.name, "digest": digest(a), "matcher": a.about["matcher"]},
        "b": {"name": b.config.name, "digest": digest(b), "matcher": b.about["matcher"]},
        "benchmark": a.about["benchmark"],
    }
    files = {"comparison.csv": csv_bytes(table), "comparison.json": as_json(about), "report.html": page}
    files["people.npz"] = _npz({"number_in_b": number.astype(np.int32)})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(str(target.parent), got=f"cannot be written ({error.strerror})", todo="Choose another --out") from error
    with _sibling(target) as temporary:
        _put(temporary, files)


def write_rendered(target: Path, rendered: Mapping[str, bytes]) -> None:
    """Replace all rendered pages of an existing results directory, numbers untouched, and its sums; pages that are made no more go."""
    errors = checksum_errors(target)
    if errors:
        raise ResultsError(str(target), got=errors[0], allowed="files as they were written", todo="Run `face-audit verify`, then the audit again")
    with _sibling(target) as temporary:
        for name in (*to_files(read(target)), CLOCK_SUM):
            if (target / name).is_file():
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(target / name, temporary / name)
        _put(temporary, rendered)


def checksum_errors(target: Path) -> list[str]:
    """What differs from ``SHA256SUMS``: one sentence a file; empty if all is as it was written.

    Raises
    ------
    ResultsError
        There are no sums, or something is there that is no ordinary file.
    """
    if not (target / SUMS).is_file():
        raise ResultsError(str(target), got=f"no {SUMS}", allowed="a results directory", todo="Give the path that `face-audit run` printed")
    found = files_of(target)
    stated: dict[str, str] = {}
    errors = []
    for name in (SUMS, CLOCK_SUM):
        for number, line in enumerate(_text(target / name).splitlines() if name in found else [], start=1):
            value, space, said = line.partition("  ")
            if not space or not re.fullmatch(r"[0-9a-f]{64}", value) or said in stated or said in (SUMS, CLOCK_SUM):
                errors.append(f"{name}, line {number} is no line of sums, or names a file twice")
            else:
                stated[said] = value
    errors += [f"{name} is missing" for name in stated if name not in found]
    errors += [f"{name} differs from its sum" for name, value in stated.items() if found.get(name, value) != value]
    return errors + [f"{name} is not in {SUMS}" for name in found if name not in stated and name not in (SUMS, CLOCK_SUM)]


_MOST_FILES = 5000
_LONGEST = {".npz": 2**32, ".csv": 2**28, ".json": 2**26, ".toml": 2**22, "": 2**22}
"""Bytes of a file of results at most, by its ending: a hostile directory is refused before it fills the memory."""
_UNPACKED, _RATIO = 2**28, 400  # an archive that unpacks to more than this, by more than this factor, is made to fill the memory


def _bytes(path: Path) -> bytes:
    longest = _LONGEST.get(path.suffix, 2**26)
    if path.stat().st_size > longest:
        raise ResultsError(str(path), got=f"{path.stat().st_size} bytes", allowed=f"at most {longest}", todo="Do not trust it")
    return path.read_bytes()


def _text(path: Path) -> str:
    return _bytes(path).decode(errors="replace")


CORE = ("acquisition", "operating_points", "rates", "differentials")


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an npz, without unpickling and without more memory than its size can mean."""
    with zipfile.ZipFile(io.BytesIO(_bytes(path))) as archive:
        members = archive.infolist()
        unpacked, packed = sum(one.file_size for one in members), path.stat().st_size
        if len({one.filename for one in members}) < len(members) or (unpacked > _UNPACKED and unpacked > _RATIO * packed):
            raise ResultsError(str(path), got=f"an archive of {unpacked} bytes in {packed}", allowed="arrays of a run", todo="Do not trust it")
        out = {}
        for one in members:
            data = archive.read(one)
            head = io.BytesIO(data)
            version = np.lib.format.read_magic(head)
            shape, _, dtype = (np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0)(head)
            if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - head.tell():
                raise ValueError
            out[one.filename.removesuffix(".npy")] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return out


def read(target: Path) -> AuditResult:
    """Read a results directory back.

    Raises
    ------
    ResultsError
        Not a results directory, or a file in it cannot be read.
    """
    if not (target / "audit.json").is_file():
        raise ResultsError(
            str(target),
            got="no audit.json",
            allowed="a results directory",
            todo="Give the path that `face-audit run` printed; see `face-audit ls runs`",
        )
    try:
        frames = {path.stem: columns.read(path.stem, _bytes(path)) for path in sorted(target.glob("*.csv"))}
        packed = {
            name: arrays(target / f"{name}.npz") for name in ("dyads", "dyads_before", "histograms", "shift") if (target / f"{name}.npz").is_file()
        }
        tallies, before = (sound(_tallies(packed[name])) if name in packed else None for name in ("dyads", "dyads_before"))
        histograms = _histograms(packed["histograms"]) if "histograms" in packed else None
        shift = _shift_sums(packed["shift"]) if "shift" in packed else None
        findings = tuple(
            Finding(**{**entry, "evidence": tuple(entry["evidence"]), "caveats": tuple(entry["caveats"])})
            for entry in _loaded(target / "findings.json")
        )
        provenance = _loaded(target / CLOCK) if (target / CLOCK).is_file() else {}
        about = _loaded(target / "audit.json")
        if not isinstance(about, dict) or not isinstance(provenance, dict):
            raise TypeError
        return AuditResult(
            config=parse_config(_bytes(target / "config.toml").decode(), "config.toml"),
            about=about,
            provenance=provenance,
            histograms=histograms,
            tallies=tallies,
            findings=findings,
            tables={name: frame for name, frame in frames.items() if name not in CORE},
            before=before,
            shift=shift,
            register=_bytes(target / "claims.toml").decode() if (target / "claims.toml").is_file() else None,
            **{name: frames[name] for name in CORE},
        )
    except ResultsError:
        raise
    except Exception as error:  # five parsers, and whatever a stranger may have written: no file of results ends a command in another way
        raise ResultsError(str(target), got=f"a file that cannot be read ({type(error).__name__})", todo="Run the audit again") from error


@contextmanager
def usable(*folders: Path) -> Iterator[None]:
    """Turn whatever goes wrong while results are used into a refusal of these: a stranger may have written anything into them."""
    try:
        yield
    except (AuditError, OSError):
        raise
    except Exception as error:
        raise ResultsError(
            " and ".join(map(str, folders)),
            got=f"results that cannot be used ({type(error).__name__})",
            allowed="results as `face-audit run` writes them",
            todo="Run `face-audit verify`; if it finds nothing, please report it",
        ) from error


def _loaded(path: Path) -> Any:
    return json.loads(_bytes(path).decode())


def _histograms(data: Mapping[str, NDArray[Any]]) -> ScoreHistograms:
    low, high, bins = (float(value) for value in data["axis"])
    out = ScoreHistograms(ScoreAxis(low, high, int(bins)), data["pairs"], data["non_mated"], data["mated"])
    if (
        out.non_mated.shape != (len(out.pairs), int(bins))
        or out.mated.shape[1:] != (int(bins),)
        or min(out.non_mated.min(initial=0), out.mated.min(initial=0)) < 0
    ):
        raise ValueError
    return out


def _shift_sums(data: Mapping[str, NDArray[Any]]) -> ScoreSums:
    low, high = (float(value) for value in data["axis"])
    parts = (data[name] for name in ("moments", "person", "pairs", "below"))
    return ScoreSums(tuple(map(str, data["groups"])), data["people"], int(data["most"]), low, high, *parts)


def headline(folder: Path, result: AuditResult) -> str:
    """The title of a run's report, one sentence; its first finding where no report was rendered."""
    path = folder / "report.json"
    said = json.loads(path.read_text(encoding="utf-8")).get("headline") if path.is_file() else None
    return str(said or result.findings[0].statement)


def runs(folder: Path) -> list[Path]:
    """Results directories below ``folder``, by name."""
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob("*/audit.json") if not path.parent.name.startswith("."))
