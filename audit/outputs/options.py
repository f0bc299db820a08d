"""``[backend.options]`` of ``scores`` and ``candidates`` in, checked options
out, or one refusal that names the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from audit.backends.protocol import ScoreRule
from audit.base.errors import ConfigError
from audit.base.nearest import nearest

__all__ = ["CandidatesOptions", "Options", "ScoresOptions", "parse"]


class Options(BaseModel):
    """What both backends know of the matcher and of the file.

    Attributes
    ----------
    path : str
        The table: a path, or a name in the ``--data`` folder.
    score : str
        Column of the matcher's number.
    kind : {"similarity", "dissimilarity"}
        Whether a larger number means more alike, or less.
    unit : str
        The vendor's word for the number.
    default_threshold : float or None
        The vendor's own, in that unit.
    product, version, description, measure : str
        What is known of the matcher, and of how the file was made; printed as given.
    ids : {"ask", "different", "same"}
        What ids are that differ only in case, spaces, leading zeros or a trailing ".0".
    truth : dict of str to bool
        Words of the truth columns that are in no list, e.g. { "TP" = true }.
    best_threshold : bool
        Whether the threshold that decides most pairs rightly is reported (``scores``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    score: str = "score"
    kind: Literal["similarity", "dissimilarity"] = "similarity"
    unit: str = "score"
    default_threshold: float | None = None
    product: str = ""
    version: str = ""
    description: str = ""
    measure: str = ""
    ids: Literal["ask", "different", "same"] = "ask"
    truth: dict[str, bool] = Field(default_factory=dict)

    @property
    def rule(self) -> ScoreRule:
        """Direction, unit and default threshold; the measure inside is the vendor's own and unknown, so it is never
        used.
        """
        return ScoreRule("inner", self.kind, float("-inf"), float("inf"), self.default_threshold, self.unit)


class ScoresOptions(Options):
    """Options of ``scores``."""

    mated: str = "mated"
    subject_a: str = ""
    subject_b: str = ""
    best_threshold: bool = True

    @model_validator(mode="after")
    def _both(self) -> ScoresOptions:
        if bool(self.subject_a) != bool(self.subject_b):
            raise ValueError("subject_a and subject_b: give both columns, or neither")
        return self


class CandidatesOptions(Options):
    """Options of ``candidates``."""

    probe: str = "probe"
    rank: str = "rank"
    mate: str = "mate"
    enrolled: str = "enrolled"
    subject: str = ""
    gallery: int = Field(ge=1, le=10**12)
    list_length: int | None = Field(default=None, ge=1, le=10**9)
    floor: float | None = None
    ranks: tuple[int, ...] = (1,)
    target_fpir: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _ranges(self) -> CandidatesOptions:
        if any(rank < 1 for rank in self.ranks) or len(set(self.ranks)) < len(self.ranks):
            raise ValueError(f"ranks must be different whole numbers from 1, got {list(self.ranks)}")
        if any(not 0 <= target < 1 for target in self.target_fpir) or len(set(self.target_fpir)) < len(
            self.target_fpir
        ):
            raise ValueError(f"target_fpir must be different shares from 0 to below 1, got {list(self.target_fpir)}")
        return self


Model = TypeVar("Model", bound=Options)


def parse(model: type[Model], options: Mapping[str, Any]) -> Model:
    """Check options.

    Raises
    ------
    ConfigError
        An unknown key (with the nearest one), a missing one, or a value out of range.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = next((one for one in error.errors() if one["type"] == "extra_forbidden"), error.errors()[0])
        key = ".".join(str(part) for part in first["loc"])
        known = list(model.model_fields)
        todo = nearest(key, known, "Correct it") if first["type"] == "extra_forbidden" else "Correct it"
        where = f"backend.options.{key}" if key else "backend.options"
        said = (
            "an unknown option"
            if first["type"] == "extra_forbidden"
            else str(first["msg"]).removeprefix("Value error, ")
        )
        raise ConfigError(where, got=said, allowed=", ".join(known), todo=todo) from error
