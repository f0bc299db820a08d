"""A register of claims: TOML in, checked claims with their sources out.

Its one idea: a claim is data, so a reader can bring a register of their own; results keep its text.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.base.errors import ConfigError

__all__ = ["Claim", "Part", "Register", "load", "text_of"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Part(_Frozen):
    """Groups a claim speaks of: those whose attribute is, or is not, one of the values; all where no attribute is
    named.

    ``against`` names values of the same attribute: the groups are then compared with those, as a whole and where
    everything else is alike, and not with the reference, which may differ from them in something the claim does not
    speak of.
    """

    words: str
    attribute: tuple[str, ...] = ()
    is_: tuple[str, ...] = Field(default=(), alias="is")
    is_not: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    def holds(self, group: str) -> bool:
        """Whether a finest cell belongs to the part."""
        if not self.attribute:
            return True
        named = [part.split("=", 1) for part in group.split("|") if "=" in part]
        values = [value.casefold() for name, value in named if name.casefold() in self.attribute]
        wanted = [value.casefold() for value in self.is_ or self.is_not]
        return any((value in wanted) == bool(self.is_) for value in values)

    def held_against(self, group: str, reference: str) -> bool:
        """Whether the two differ in this attribute alone: one holds a value of the
        part, the other one of ``against``.
        """
        mine, other = (
            dict(part.split("=", 1) for part in name.split("|") if "=" in part) for name in (group, reference)
        )
        apart = [name for name in mine if mine[name] != other.get(name)]
        if list(mine) != list(other) or len(apart) != 1 or apart[0].casefold() not in self.attribute:
            return False
        return self.holds(group) and other[apart[0]].casefold() in {value.casefold() for value in self.against}


class Claim(_Frozen):
    """One claim of a register."""

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*$")
    quote: str = ""
    paraphrase: str = ""
    source: str
    question: str
    rule: Literal["differential", "power", "matched", "needs", "levels", "limits", "outputs", "out_of_scope"]
    needs: str
    measures: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    table: str = ""
    note: str = ""


class Register(_Frozen):
    """Claims with their sources."""

    version: Literal[1]
    title: str
    about: str = ""
    sources: dict[str, str] = Field(default_factory=dict)
    left_out: dict[str, str] = Field(default_factory=dict)
    """Numbers of the list that have no claim here, with the reason: nothing is missing without a word."""
    claims: tuple[Claim, ...] = Field(min_length=1)


def _inside() -> dict[str, Traversable]:
    """Registers inside the package."""
    folder = resources.files("audit") / "registers"
    return {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}


def text_of(name: str) -> str | None:
    """The text of a register that is a file of the user's; None for one inside the package, which every copy of it
    has.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    if name in _inside():
        return None
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        allowed = f"{', '.join(sorted(_inside()))}, or the path of a TOML file"
        raise ConfigError("report.claims", got=repr(name), allowed=allowed, todo="Mend the name") from error


def load(name: str, text: str | None = None) -> Register:
    """Read a register: a name inside the package, the path of a TOML file, or ``text``, the file's own words as
    results keep them.

    Raises
    ------
    ConfigError
        There is none of that name, or it is not a register.
    """
    inside = _inside()
    if name in inside:
        text = inside[name].read_text(encoding="utf-8")
    elif text is None:
        text = text_of(name) or ""
    try:
        return Register.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first = str(error).splitlines()
        raise ConfigError(
            name,
            got="; ".join(first[:3]),
            allowed="a register of claims",
            todo="Compare it with the one in the package",
        ) from error
