"""A label column of a card in, the audit's word for each native value out.

Its one idea: whoever made a label, and in which words, is stated once; a value that the card does not know is refused
or kept apart, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from audit.base.errors import BenchmarkError
from audit.base.groups import JOINED
from audit.base.nearest import nearest
from audit.base.words import NOTHING

__all__ = ["Attribute", "Frozen", "declared_label", "refusal"]

LabelKind = Literal["self-reported", "document", "annotator", "inferred by a model", "unknown"]
"""How a label was obtained, from best to worst known."""


class Frozen(BaseModel):
    """A part of a card: nothing unknown in it, and nobody changes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Attribute(Frozen):
    """One label column.

    Attributes
    ----------
    title : str
        In words, for the report.
    role : str
        What it says about a person: "race", "sex", "age", ...
    kind : LabelKind
        How it was obtained.
    source : str
        Who made it, with citation.
    categories : tuple of str
        The native values, verbatim.
    values : dict of str to str
        Native value to the audit's word; a native value absent here maps to itself.
    undecided : tuple of str
        Native values by which the source itself says that it cannot tell; such people are unlabelled.
    separator : str
        Where a native value may join several categories ("White|Asian"), what stands between them; such people are
        unlabelled too, unless ``several`` says otherwise.
    several : bool
        A person with several values counts in the group of each of them.
    missing : tuple of str
        Native values that mean "no label"; the empty string always does.
    numeric : bool
        A number (an age in years) that is put into bins before it can name a group.
    per : {"subject", "sample"}
        Whether it describes the person or the photo.
    """

    title: str
    role: str
    kind: LabelKind
    source: str
    categories: tuple[str, ...] = ()
    values: dict[str, str] = Field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    separator: str = ""
    several: bool = False
    missing: tuple[str, ...] = ()
    numeric: bool = False
    per: Literal["subject", "sample"] = "subject"
    _found: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _words_can_name_a_cell(self) -> Attribute:
        for word in self.values.values():
            if not word or any(mark in word for mark in "|=\n"):
                raise ValueError(f"values: {word!r} cannot name a group (no '|', '=' or line break)")
        stray = set(self.values) - set(self.categories) if self.categories else set()
        if stray:
            raise ValueError(f"values: {sorted(stray)} are not among categories")
        return self

    @property
    def known(self) -> frozenset[str]:
        """Values that somebody declared; those that were only found in a file are not among them."""
        return frozenset((*self.values, *self.undecided, *self.missing, *(() if self._found else self.categories)))

    def with_found(self, categories: tuple[str, ...]) -> Attribute:
        """Give the column with the values that its file has as categories: nobody declared them."""
        out = self.model_copy(update={"categories": categories})
        out._found = True
        return out

    def settled(self, words: Mapping[str, str], missing: Sequence[str]) -> Attribute:
        """Give the column as a config reads it: further words by native value, further values that mean "no label"."""
        categories = tuple(dict.fromkeys((*self.categories, *words, *missing))) if self.categories else ()
        left = {value: word for value, word in self.values.items() if value not in missing}
        return self.model_copy(
            update={
                "categories": categories,
                "values": left | dict(words),
                "missing": tuple(dict.fromkeys((*(one for one in self.missing if one not in words), *missing))),
                "undecided": tuple(one for one in self.undecided if one not in words and one not in missing),
            }
        )

    def word(self, native: str) -> str | None:
        """Give the audit's word for a native value: "" where there is none, None where the card does not know the
        value.

        ``undecided`` and joined values come back as ``UNDECIDED``.
        """
        if native == "" or native in self.missing:
            return ""
        if native in NOTHING and native not in self.known:
            return ""
        if native in self.undecided:
            return UNDECIDED
        if native in self.values:
            return self.values[native]
        joined = bool(self.separator) and self.separator in native
        if native in self.categories or (not self.categories and not joined):
            return native
        if joined and all(
            not self.categories or part in self.categories or part in self.undecided
            for part in native.split(self.separator)
        ):
            return self._several(native.split(self.separator)) if self.several else UNDECIDED
        return None

    def _several(self, native: Sequence[str]) -> str:
        """Join the words of several values, in one order; a value that says nothing says nothing here either."""
        words = {self.word(one) or "" for one in native} - {""}
        return UNDECIDED if UNDECIDED in words or not words else JOINED.join(sorted(words))


UNDECIDED = "(undecided)"
"""In a canonical label column: the source has an answer, but not one answer."""


def refusal(column: str, error: ValidationError) -> BenchmarkError:
    """What is wrong with the declaration of a column, by its key in the config."""
    first = next((one for one in error.errors() if one["type"] == "extra_forbidden"), error.errors()[0])
    return BenchmarkError(
        ".".join(["benchmark.options.labels", column, *(str(part) for part in first["loc"])]),
        got=str(first["msg"]),
        allowed=", ".join(Attribute.model_fields),
        todo=nearest(str(first["loc"][-1] if first["loc"] else ""), Attribute.model_fields, "Correct the declaration"),
    )


def declared_label(column: str, said: Mapping[str, Any]) -> Attribute:
    """A label column as the config declares it (``benchmark.options.labels``).

    Raises
    ------
    BenchmarkError
        An unknown key, or a value that it cannot have.
    """
    try:
        return Attribute.model_validate(dict(said))
    except ValidationError as error:
        raise refusal(column, error) from error
