"""TOML in, one frozen ``AuditConfig`` out, or one refusal that says which file, line and key, what was got and what is allowed.

Its one idea: parse once and refuse early. After this room nobody looks at a dictionary of options again, except a backend at its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from audit.base.errors import ConfigError
from audit.base.nearest import nearest
from audit.base.shipped import places

__all__ = ["AuditConfig", "OperatingPointConfig", "load_config", "parse_config"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BenchmarkConfig(_Section):
    """Which labelled photographs are compared."""

    name: str = Field(description="Name of a card in datasets/, see `face-audit ls benchmarks`.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the benchmark's adapter.")
    exclude: str | None = Field(default=None, description="Override file (CSV): pairs judged to be one person, samples excluded, each with a reason.")


class BackendConfig(_Section):
    """Which matcher is audited."""

    name: str = Field(description="Name of a backend, see `face-audit ls backends`.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the backend; it checks them itself.")


class GroupsConfig(_Section):
    """How people are put into demographic groups, by labels that somebody recorded about them."""

    attributes: dict[str, str] = Field(
        min_length=1, description='Attribute -> label column, e.g. { race = "race_attribute", sex = "sex_verified" }; the order makes the cell names.'
    )
    alternatives: dict[str, list[str]] = Field(
        default_factory=dict, description="Attribute -> other label columns; every finding must survive each of them to be called clear."
    )
    bins: dict[str, list[float]] = Field(default_factory=dict, description="Numeric label column -> lower edges, e.g. { age = [0, 18, 30, 45, 60] }.")
    map: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description='Label column -> value as written -> label, e.g. { sex = { M = "Male", male = "Male" } }; a value mapped to itself is its own.',
    )
    missing: dict[str, list[str]] = Field(
        default_factory=dict, description='Label column -> values that say there is no label, e.g. { race = ["unknown", "-"] }.'
    )
    reference: str = Field(description='The cell that ratios are taken to, e.g. "race=White|sex=Male".')
    minimum_subjects: int = Field(default=30, ge=2, description="Groups with fewer people are shown as too few, never dropped and never estimated.")

    @field_validator("attributes")
    @classmethod
    def _names(cls, value: dict[str, str]) -> dict[str, str]:
        bad = [name for name in value if not re.fullmatch(r"[A-Za-z_]\w*", name)]
        if bad:
            raise ValueError(f"attribute names must be plain words, got {bad}")
        return value

    @field_validator("map")
    @classmethod
    def _labels(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        bad = [word for words in value.values() for word in words.values() if not word.isprintable() or not word.strip() or set(word) & set("|=")]
        if bad:
            raise ValueError(f"{bad[0]!r} cannot name a group (no '|', '=' or line break)")
        return value

    @model_validator(mode="after")
    def _agree(self) -> GroupsConfig:
        unknown = [role for role in self.alternatives if role not in self.attributes]
        if unknown:
            raise ValueError(f"alternatives name {unknown}, but attributes are {list(self.attributes)}")
        roles = [part.split("=", 1)[0] for part in self.reference.split("|")]
        if roles != list(self.attributes):
            shape = "|".join(f"{role}=..." for role in self.attributes)
            raise ValueError(f"reference must name a finest cell, {shape}, got {self.reference!r}")
        return self


class OperatingPointConfig(_Section):
    """One threshold, given or asked for by the false match rate it shall have."""

    kind: Literal["vendor_default", "fixed", "target_fmr"]
    threshold: float | None = Field(default=None, description='For "fixed", in the matcher\'s own unit (a distance for dlib).')
    target: float | None = Field(default=None, ge=0, lt=1, description='For "target_fmr": the false match rate asked for.')
    over: Literal["all", "reference", "per_group"] = Field(
        default="all",
        description="Which non-mated comparisons the target is calibrated on: all labelled ones, those inside the reference, or each cell's own.",
    )
    weighting: Literal["people", "comparisons"] = Field(default="people", description="What the target counts: pairs of people, or comparisons.")

    @model_validator(mode="after")
    def _complete(self) -> OperatingPointConfig:
        if self.kind == "fixed" and self.threshold is None:
            raise ValueError('kind = "fixed" needs threshold')
        if self.kind == "target_fmr" and self.target is None:
            raise ValueError('kind = "target_fmr" needs target')
        if self.kind != "fixed" and self.threshold is not None:
            raise ValueError(f'threshold belongs to kind = "fixed", not {self.kind!r}')
        if self.kind != "target_fmr" and self.target is not None:
            raise ValueError(f'target belongs to kind = "target_fmr", not {self.kind!r}')
        return self

    @property
    def id(self) -> str:
        """Unique name: protocol, value, weighting."""
        if self.kind == "vendor_default":
            return "vendor_default"
        if self.kind == "fixed":
            return f"threshold={self.threshold:.12g}"
        return f"fmr={self.target:.12g}:{self.over}:{self.weighting}"


class UncertaintyConfig(_Section):
    """How sure the audit must be before it says something."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    much: float = Field(default=2.0, gt=1, description='"Much" means a ratio of at least this, at its lower limit.')
    equivalence: float = Field(default=2.0, gt=1, description='k of "no difference larger than k": the 90 % interval lies inside [1/k, k].')
    seed: int = Field(default=20210212, ge=0, description="Seed of opaque ids, null bands and resampling.")
    replicates: int = Field(default=2000, ge=100, le=100_000, description="Random draws for null bands and simultaneous intervals.")
    label_error: float = Field(
        default=0.05, ge=0, lt=0.5, description="Share of people whose label is taken to be wrong in the misclassification band."
    )
    calibration_share: float = Field(
        default=0.0,
        ge=0,
        le=0.8,
        description="Share of people used only to set target thresholds; the rest are measured. 0: same people, accounted for.",
    )


class ReviewConfig(_Section):
    """Which pairs a person is asked to look at (METRICS 4)."""

    depth: int = Field(
        default=10, ge=1, le=1000, description="Most alike pairs of people, and people with least alike photos, listed per cell, blind to group."
    )


class QualityConfig(_Section):
    """Whether differences in image quality could go with differences in error rates (association, not cause)."""

    measure: bool = Field(
        default=False,
        description="Read every photograph once more for its sharpness, brightness, contrast and size (cached); else the matcher's own.",
    )
    match: tuple[str, ...] | None = Field(
        default=None, description="Measures that groups are matched on; where absent: face size, sharpness and brightness, those there are."
    )


class ComputeConfig(_Section):
    """How the machine is used. Nothing here changes a number."""

    bins: int = Field(default=4096, ge=16, le=65536)
    threads: int | None = Field(default=None, ge=1, description="Threads for comparisons; all cores where absent.")
    path: Literal["auto", "fast", "portable"] = "auto"
    memory_mb: int = Field(
        default=1024,
        ge=1,
        description="MiB of matching pairs held at most; an operating point that more pairs reach is counted person by person in further passes.",
    )
    jobs: int | None = Field(default=None, ge=1, description="Processes that read photographs; all cores where absent.")
    cluster: str | None = Field(default=None, description="Address of a dask scheduler whose workers make the templates; this machine where absent.")


_CURVE = (1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 5e-6, 2e-6, 1e-6)


class IdentificationConfig(_Section):
    """Searches of galleries drawn from the benchmark's people; absent: none are made."""

    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), description="People in the gallery; default 1, 2, 5, 10, ... up to two fewer than the labelled people there are."
    )
    enrolments: int = Field(default=5, ge=1, le=1000, description="How often one photo of every person is drawn to be enrolled.")


class ReportConfig(_Section):
    """What the report adds to the numbers."""

    curve: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=_CURVE, description="False match rates (all labelled people) at which curves are computed."
    )
    title: str | None = None
    claims: str = Field(default="minneapolis-2021", description="Claims register: a name inside the package, or the path of a TOML file.")
    date: str | None = Field(default=None, description="Date printed on the pages; the clock itself goes into provenance.json only.")
    prepared_by: str | None = Field(default=None, description="An organisation; no names of private people.")
    mated_search_share: float | None = Field(
        default=None, gt=0, lt=1, description="The reader's own share of searches whose person is in the gallery."
    )
    limits: dict[Literal["FMR", "FNMR", "FNMR_with_failures", "FTA"], float] = Field(
        default_factory=dict, description="The reader's own limits, e.g. { FMR = 1e-3 }; claim C12 is judged against them. There are none built in."
    )
    suppress_below: int = Field(default=0, ge=0, description="For publishing: cells with fewer people than this are blanked in the report's tables.")

    @field_validator("curve")
    @classmethod
    def _once(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len({f"{rate:g}" for rate in value}) < len(value):
            raise ValueError("the same rate twice (to six digits)")
        return value


class AuditConfig(_Section):
    """One audit: a benchmark, a matcher, groups and operating points."""

    version: Literal[1]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=120, description="Names the results directory.")
    benchmark: BenchmarkConfig
    backend: BackendConfig
    groups: GroupsConfig
    operating_points: tuple[OperatingPointConfig, ...] = Field(min_length=1, description="The first is the headline.")
    uncertainty: UncertaintyConfig = UncertaintyConfig()
    review: ReviewConfig = ReviewConfig()
    quality: QualityConfig = QualityConfig()
    compute: ComputeConfig = ComputeConfig()
    identification: IdentificationConfig | None = None
    report: ReportConfig = ReportConfig()

    @model_validator(mode="after")
    def _unique(self) -> AuditConfig:
        ids = [point.id for point in self.operating_points]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"operating points asked for twice: {twice}")
        return self

    def to_toml(self) -> str:
        """The whole configuration, defaults written out, as TOML that ``load_config`` reads back to an equal object."""
        said = _without_none(self.model_dump())
        for key in ("map", "missing"):  # tables that most configurations have no word for
            if not said["groups"][key]:
                del said["groups"][key]
        return tomli_w.dumps(said)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(item) for item in value]
    return value


def _allowed(location: Sequence[int | str]) -> list[str]:
    """Names allowed beside the key at ``location``."""
    model: Any = AuditConfig
    for key in location[:-1]:
        if isinstance(key, int):
            continue
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        if key == "operating_points":
            annotation = OperatingPointConfig
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


_PART = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_DOTTED = rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*"


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _line(text: str, location: Sequence[int | str]) -> int | None:
    """Line (from 1) of the TOML text at which a key stands, or else the innermost table or value around it; None where nothing of it is there.

    A scan of headers and keys, right for what people write; strings over several lines are not followed.
    """
    wanted = tuple(part for part in location if isinstance(part, str))
    index = {tuple(p for p in location[:k] if isinstance(p, str)): part for k, part in enumerate(location) if isinstance(part, int)}
    table: tuple[str, ...] = ()
    seen: dict[tuple[str, ...], int] = {}
    inside, best, found = True, 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.fullmatch(rf"\s*(\[\[?){_DOTTED}\]\]?\s*(#.*)?", line)
        key = None if header else re.match(rf"{_DOTTED}=", line)
        if header:
            table = _names(header[2])
            if header[1] == "[[":
                seen[table] = seen.get(table, -1) + 1
            inside = all(index.get(name, count) == count for name, count in seen.items() if table[: len(name)] == name)
        path = table + _names(key[1]) if key else table
        if (header or key) and inside and wanted[: len(path)] == path and len(path) > best:
            best, found = len(path), number
    return found


def _refuse(error: ValidationError, text: str, source: str, overrides: Sequence[str]) -> ConfigError:
    found = error.errors()
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])  # what a misspelt key should have said is missing too
    location = [part for part in first["loc"] if not str(part).startswith("function-")]
    key = ".".join(str(part) for part in location) or "the whole file"
    line = _line(text, location)
    where = f"{source}, line {line}, {key}" if line else f"{source}, {key}"
    asked = [item.partition("=")[0].strip() for item in overrides]
    if any(f"{key}.".startswith(f"{item}.") or (line is None and item.startswith(f"{key}.")) for item in asked):
        where = f"--set {key}"
    more = f" (the first of {error.error_count()} mistakes)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        allowed = _allowed(location)
        todo = nearest(str(location[-1]), allowed, "Remove it; `face-audit schema` prints every key")
        return ConfigError(where, got=f"unknown key {location[-1]!r}{more}", allowed=", ".join(allowed), todo=todo)
    if first["type"] == "missing":
        return ConfigError(where, got=f"nothing{more}", allowed="a value: it is required", todo="`face-audit schema` describes every key")
    message = str(first["msg"]).removeprefix("Value error, ")
    got = "" if isinstance(first["input"], (dict, list)) or location == [] else f"{first['input']!r}: "
    return ConfigError(where, got=f"{got}{message}{more}", todo="`face-audit schema` describes every key")


def _override(data: dict[str, Any], item: str) -> None:
    """Apply one ``section.key=value``; the value is read as TOML, or as a bare string."""
    key, equals, value = item.partition("=")
    if not equals or not key.strip():
        raise ConfigError("--set", got=repr(item), allowed="section.key=value", todo="e.g. --set groups.minimum_subjects=20")
    try:
        parsed: Any = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value
    target: Any = data
    *path, last = key.strip().split(".")
    for part in path:
        if isinstance(target, list):
            if not part.isdigit() or int(part) >= len(target):
                raise ConfigError("--set", got=repr(key), allowed=f"an index from 0 to {len(target) - 1}", todo="Count the tables from 0")
            target = target[int(part)]
        else:
            target = target.setdefault(part, {})
        if not isinstance(target, (dict, list)):
            raise ConfigError("--set", got=repr(key), allowed="the key of a section", todo="`face-audit schema` describes every key")
    if isinstance(target, list):
        raise ConfigError("--set", got=repr(key), allowed="the key of a table in the list", todo="e.g. --set operating_points.0.threshold=0.5")
    target[last] = parsed


def parse_config(text: str, source: str = "config", overrides: Sequence[str] = ()) -> AuditConfig:
    """Check TOML text.

    Raises
    ------
    ConfigError
        Not TOML, an unknown key (with the nearest allowed name), or a value out of range; names ``source``, the line and the key.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, got=f"not TOML: {error}", todo="Mend the line it names") from error
    except (RecursionError, ValueError) as error:  # thousands of brackets; numbers of thousands of digits
        got = "brackets too deep" if isinstance(error, RecursionError) else "a number or date that is out of range"
        raise ConfigError(source, got=got, allowed="a configuration as `face-audit schema` describes it", todo="Mend it") from error
    for item in overrides:
        _override(data, item)
    try:
        return AuditConfig.model_validate(data)
    except ValidationError as error:
        raise _refuse(error, text, source, overrides) from error


def _named(path: Path) -> Path:
    """The path itself, or, for a bare name such as ``quickstart`` where no such file lies, the shipped configuration of that name."""
    if path.exists() or len(path.parts) != 1 or path.suffix:
        return path
    return next((found for folder in places("configs") if (found := folder / f"{path.name}.toml").is_file()), path)


def load_config(path: Path, overrides: Sequence[str] = ()) -> AuditConfig:
    """Read and check a configuration file; ``overrides`` are ``section.key=value`` strings. A bare name is one that the package ships."""
    try:
        path = _named(path)
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "no path"
        if reason in ("no path", "File name too long"):
            raise ConfigError("CONFIG", got="a path that no file can have", allowed="a TOML file", todo="Check it") from error
        here = sorted(p.as_posix() for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        if len(path.parts) == 1 and not path.suffix:
            here += sorted({found.stem for folder in places("configs") for found in folder.glob("*.toml")})
        todo = nearest(path.as_posix(), here, "Give the path of a TOML file, or the name of a shipped one such as quickstart")
        raise ConfigError(str(path), got=f"cannot be read ({reason})", allowed="a TOML file", todo=todo) from error
    return parse_config(text, path.name, overrides)


def schema() -> Mapping[str, Any]:
    """JSON Schema of the configuration."""
    return AuditConfig.model_json_schema()
