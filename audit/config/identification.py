"""The section ``[identification]``: searches of galleries, who is enrolled in them, and the reader's own use of them.

Its one idea: a gallery is named by its size and its mix, and both stand in the configuration, so that no rate of
searches is printed without them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from audit.base.mix_names import EQUAL, NATURAL
from audit.config.section import Section

__all__ = ["IdentificationConfig", "UseConfig"]

_MOST = 10**10
Size = Annotated[int, Field(ge=1, le=_MOST)]


class UseConfig(Section):
    """How the reader searches. Nothing here has a default: what nobody said is not reckoned with."""

    searches_a_year: Size | None = Field(default=None, description="Searches in a year.")
    gallery: Size | None = Field(default=None, description="People in the reader's gallery.")
    mix: str = Field(default=NATURAL, description="Who is in it: natural, equal, or the name of quotas.")
    mated_share: float | None = Field(
        default=None, gt=0, lt=1, description="Share of searches whose person is in the gallery."
    )


class IdentificationConfig(Section):
    """Searches of galleries drawn from the benchmark's people; absent: none are made."""

    enrolment: Literal["one", "all"] = Field(
        default="one",
        description='"one": one random photo of every person is enrolled, drawn again `enrolments` times; '
        '"all": every photo.',
    )
    enrolments: int = Field(
        default=5, ge=1, le=100, description='How often one photo of every person is drawn; 1 where enrolment = "all".'
    )
    sizes: tuple[Size, ...] = Field(
        default=(),
        description="People in the gallery; default 1, 2, 5, 10, ... up to two fewer than the labelled people "
        "there are.",
    )
    mixes: tuple[str, ...] = Field(
        default=(NATURAL, EQUAL),
        min_length=1,
        description="Who is in the gallery: natural, equal, or names of quotas.",
    )
    quotas: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description='Mix -> group -> share, e.g. { booking = { "race=Black" = 0.6, "race=White" = 0.4 } }; '
        "shares add up to 1.",
    )
    points: tuple[str, ...] = Field(
        default=(), description="Ids of operating points to search at; all that have one threshold where empty."
    )
    target_fpir: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.003, 0.01),
        description="Also search at the thresholds where this share of searches for people not enrolled "
        "returns somebody.",
    )
    target_gallery: Size | None = Field(
        default=None,
        description="Gallery size of target_fpir; default 1,000, or the largest of the sizes where fewer "
        "people are at hand.",
    )
    target_mix: str = Field(default=NATURAL, description="Mix of target_fpir.")
    list_length: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="L of a search that returns a list of fixed length, whatever the scores.",
    )
    doors: tuple[Size, ...] = Field(
        default=(50, 500, 5000), description="People on a door's roster, where one photo is compared with all of them."
    )
    use: UseConfig = UseConfig()

    @field_validator("sizes", "doors", "mixes", "points", "target_fpir")
    @classmethod
    def _once(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(value)) < len(value):
            raise ValueError("the same entry twice")
        return value

    @model_validator(mode="after")
    def _agree(self) -> IdentificationConfig:
        for name, shares in self.quotas.items():
            if name in (NATURAL, EQUAL):
                raise ValueError(f"quotas cannot be called {name!r}: that mix has none")
            if not shares or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
                raise ValueError(
                    f"shares of quotas {name!r} must be above 0 and add up to 1, got {sum(shares.values()):g}"
                )
        known = (NATURAL, EQUAL, *self.quotas)
        for asked in (*self.mixes, self.target_mix, self.use.mix):
            if asked not in known:
                raise ValueError(f"there is no mix {asked!r}; allowed: {', '.join(known)}")
        unused = [name for name in self.quotas if name not in self.mixes]
        if unused:
            raise ValueError(f"quotas {unused[0]!r} are not among mixes: add the name there")
        if self.target_mix not in self.mixes or self.use.mix not in self.mixes:
            raise ValueError("target_mix and use.mix must be among mixes, so that their rates are printed")
        return self
