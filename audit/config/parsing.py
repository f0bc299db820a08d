"""TOML in, one frozen ``AuditConfig`` out, or one refusal that says which file, line and key, what was got and what is
allowed.

Its one idea: parse once and refuse early.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from audit.base.errors import ConfigError
from audit.base.nearest import nearest
from audit.base.shipped import places
from audit.base.toml_lines import line_of
from audit.config.sections import AuditConfig, OperatingPointConfig

__all__ = ["shown", "parse_config", "load_config", "schema"]


LARGEST = 10_000_000
"""Bytes of a configuration."""


def _allowed(location: Sequence[int | str]) -> list[str]:
    """Names allowed beside the key at ``location``."""
    model: Any = AuditConfig
    for key in location[:-1]:
        if isinstance(key, int):
            continue
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        if key == "operating_points":
            annotation = OperatingPointConfig
        found = [
            one for one in (annotation, *get_args(annotation)) if isinstance(one, type) and issubclass(one, BaseModel)
        ]
        if not found:
            return []
        model = found[0]
    return list(model.model_fields)


def _refuse(error: ValidationError, text: str, source: str, overrides: Sequence[str]) -> ConfigError:
    found = error.errors()
    first = next(
        (one for one in found if one["type"] == "extra_forbidden"), found[0]
    )  # what a misspelt key should have said is missing too
    location = [part for part in first["loc"] if not str(part).startswith("function-")]
    key = ".".join(str(part) for part in location) or "the whole file"
    line = line_of(text, location)
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
        return ConfigError(
            where,
            got=f"nothing{more}",
            allowed="a value: it is required",
            todo="`face-audit schema` describes every key",
        )
    message = str(first["msg"]).removeprefix("Value error, ")
    got = "" if isinstance(first["input"], (dict, list)) or location == [] else f"{shown(first['input'])}: "
    return ConfigError(where, got=f"{got}{message}{more}", todo="`face-audit schema` describes every key")


def shown(value: object) -> str:
    """Give a value as it is printed in an error: a hundred characters of it at most; numbers that are too long to
    print are only called so.
    """
    try:
        text = repr(value)
    except ValueError:  # more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 100 else f"{text[:100]}... ({len(text):,} characters)"


def _override(data: dict[str, Any], item: str) -> None:
    """Apply one ``section.key=value``; the value is read as TOML, or as a bare string."""
    key, equals, value = item.partition("=")
    if not equals or not key.strip():
        raise ConfigError(
            "--set", got=repr(item), allowed="section.key=value", todo="e.g. --set groups.minimum_subjects=20"
        )
    try:
        parsed: Any = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value
    target: Any = data
    *path, last = key.strip().split(".")
    for part in path:
        if isinstance(target, list):
            if not (part.isascii() and part.isdigit() and len(part) < 10) or int(part) >= len(target):
                raise ConfigError(
                    "--set",
                    got=repr(key),
                    allowed=f"an index from 0 to {len(target) - 1}",
                    todo="Count the tables from 0",
                )
            target = target[int(part)]
        else:
            target = target.setdefault(part, {})
        if not isinstance(target, (dict, list)):
            raise ConfigError(
                "--set", got=repr(key), allowed="the key of a section", todo="`face-audit schema` describes every key"
            )
    if isinstance(target, list):
        raise ConfigError(
            "--set",
            got=repr(key),
            allowed="the key of a table in the list",
            todo="e.g. --set operating_points.0.threshold=0.5",
        )
    target[last] = parsed


def parse_config(text: str, source: str = "config", overrides: Sequence[str] = ()) -> AuditConfig:
    """Check TOML text.

    Raises
    ------
    ConfigError
        Not TOML, an unknown key (with the nearest allowed name), or a value out of range; names ``source``, the line
        and the key.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, got=f"not TOML: {error}", todo="Mend the line it names") from error
    except (RecursionError, ValueError) as error:  # thousands of brackets; numbers of thousands of digits
        got = "brackets too deep" if isinstance(error, RecursionError) else "a number or date that is out of range"
        raise ConfigError(
            source, got=got, allowed="a configuration as `face-audit schema` describes it", todo="Mend it"
        ) from error
    for item in overrides:
        _override(data, item)
    try:
        return AuditConfig.model_validate(data)
    except ValidationError as error:
        raise _refuse(error, text, source, overrides) from error


def _named(path: Path) -> Path:
    """The path itself, or, for a bare name such as ``quickstart`` where no such file lies, the shipped configuration
    of that name.
    """
    if path.exists() or len(path.parts) != 1 or path.suffix:
        return path
    return next((found for folder in places("configs") if (found := folder / f"{path.name}.toml").is_file()), path)


def load_config(path: Path, overrides: Sequence[str] = ()) -> AuditConfig:
    """Read and check a configuration file; ``overrides`` are ``section.key=value`` strings. A bare name is one that
    the package ships.
    """
    try:
        path = _named(path)
        raw = path.read_bytes()
        if len(raw) > LARGEST:
            raise ConfigError(
                path.name,
                got=f"a file of {len(raw):,} bytes",
                allowed=f"{LARGEST:,} at most",
                todo="Name a configuration",
            )
        text = raw.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path.name}, line {line}",
            got="bytes that are not UTF-8 text",
            allowed="TOML in UTF-8",
            todo="Save it in UTF-8",
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        if reason in ("no path", "File name too long"):
            raise ConfigError(
                "CONFIG", got="a path that no file can have", allowed="a TOML file", todo="Check it"
            ) from error
        here = sorted(p.as_posix() for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        if len(path.parts) == 1 and not path.suffix:
            here += sorted({found.stem for folder in places("configs") for found in folder.glob("*.toml")})
        todo = nearest(
            path.as_posix(), here, "Give the path of a TOML file, or the name of a shipped one such as quickstart"
        )
        raise ConfigError(str(path), got=f"cannot be read ({reason})", allowed="a TOML file", todo=todo) from error
    return parse_config(text, path.name, overrides)


def schema() -> Mapping[str, Any]:
    """JSON Schema of the configuration."""
    return AuditConfig.model_json_schema()
