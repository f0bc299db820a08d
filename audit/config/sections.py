"""Every section and key of a configuration, with its default and what it may be.

Its one idea: a configuration that was read is frozen and complete; after this nobody looks at a dictionary of options
again.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import Field, field_validator, model_validator

from audit.config.identification import IdentificationConfig
from audit.config.section import Section

__all__ = ["AuditConfig", "OperatingPointConfig"]


_MOST = 10**9
"""More people than any benchmark has."""


class BenchmarkConfig(Section):
    """Which labelled photographs are compared."""

    name: str = Field(description="Name of a card in datasets/, see `face-audit ls benchmarks`.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the benchmark's adapter.")
    exclude: str | None = Field(
        default=None,
        description="Override file (CSV): pairs judged to be one person, samples excluded, each with a reason.",
    )


class BackendConfig(Section):
    """Which matcher is audited."""

    name: str = Field(description="Name of a backend, see `face-audit ls backends`.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the backend; it checks them itself.")


class GroupsConfig(Section):
    """How people are put into demographic groups, by labels that somebody recorded about them."""

    attributes: dict[str, str] = Field(
        min_length=1,
        description='Attribute -> label column, e.g. { race = "race_attribute", sex = "sex_verified" }; the '
        "order makes the cell names.",
    )
    alternatives: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Attribute -> other label columns; every finding must survive each of them to be called clear.",
    )
    bins: dict[str, list[float]] = Field(
        default_factory=dict, description="Numeric label column -> lower edges, e.g. { age = [0, 18, 30, 45, 60] }."
    )
    map: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description='Label column -> value as written -> label, e.g. { sex = { M = "Male", male = "Male" } }; '
        "a value mapped to itself is its own.",
    )
    missing: dict[str, list[str]] = Field(
        default_factory=dict,
        description='Label column -> values that say there is no label, e.g. { race = ["unknown", "-"] }.',
    )
    reference: str = Field(description='The cell that ratios are taken to, e.g. "race=White|sex=Male".')
    minimum_subjects: int = Field(
        default=30,
        ge=2,
        le=_MOST,
        description="Groups with fewer people are shown as too few, never dropped and never estimated.",
    )

    @field_validator("attributes")
    @classmethod
    def names(cls, value: dict[str, str]) -> dict[str, str]:
        bad = [name for name in value if not re.fullmatch(r"[A-Za-z_]\w*", name)]
        if bad:
            raise ValueError(f"attribute names must be plain words, got {bad}")
        return value

    @field_validator("map")
    @classmethod
    def _labels(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        bad = [
            word
            for words in value.values()
            for word in words.values()
            if not word.isprintable() or not word.strip() or set(word) & set("|=")
        ]
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


class OperatingPointConfig(Section):
    """One threshold, given or asked for by the false match rate it shall have."""

    kind: Literal["vendor_default", "fixed", "target_fmr"]
    threshold: float | None = Field(
        default=None, description='For "fixed", in the matcher\'s own unit (a distance for dlib).'
    )
    target: float | None = Field(
        default=None, ge=0, lt=1, description='For "target_fmr": the false match rate asked for.'
    )
    over: Literal["all", "reference", "per_group"] = Field(
        default="all",
        description="Which non-mated comparisons the target is calibrated on: all labelled ones, those inside "
        "the reference, or each cell's own.",
    )
    weighting: Literal["people", "comparisons"] = Field(
        default="people", description="What the target counts: pairs of people, or comparisons."
    )

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


class UncertaintyConfig(Section):
    """How sure the audit must be before it says something."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    much: float = Field(default=2.0, gt=1, description='"Much" means a ratio of at least this, at its lower limit.')
    equivalence: float = Field(
        default=2.0, gt=1, description='k of "no difference larger than k": the 90 % interval lies inside [1/k, k].'
    )
    seed: int = Field(
        default=20210212,
        ge=0,
        le=2**63 - 1,
        description="Seed of the order in which people are drawn, of null bands and resampling.",
    )
    replicates: int = Field(
        default=2000, ge=100, le=100_000, description="Random draws for null bands and simultaneous intervals."
    )
    label_error: float = Field(
        default=0.05,
        ge=0,
        lt=0.5,
        description="Share of people whose label is taken to be wrong in the misclassification band.",
    )
    calibration_share: float = Field(
        default=0.0,
        ge=0,
        le=0.8,
        description="Share of people used only to set target thresholds; the rest are measured. 0: same "
        "people, accounted for.",
    )


class ReviewConfig(Section):
    """Which pairs a person is asked to look at (METRICS 4)."""

    depth: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Most alike pairs of people, and people with least alike photos, listed per cell, blind to group.",
    )


class QualityConfig(Section):
    """Whether differences in image quality could go with differences in error rates (association, not cause)."""

    measure: bool = Field(
        default=False,
        description="Read every photograph once more for its sharpness, brightness, contrast and size "
        "(cached); else the matcher's own.",
    )
    match: tuple[str, ...] | None = Field(
        default=None,
        description="Measures that groups are matched on; where absent: face size, sharpness and brightness, "
        "those there are.",
    )


class ComputeConfig(Section):
    """How the machine is used. Nothing here changes a number."""

    bins: int = Field(default=4096, ge=16, le=65536)
    threads: int | None = Field(
        default=None, ge=1, le=4096, description="Threads for comparisons; all cores where absent."
    )
    path: Literal["auto", "fast", "portable"] = "auto"
    memory_mb: int = Field(
        default=1024,
        ge=1,
        le=1 << 30,
        description="MiB of matching pairs held at most; an operating point that more pairs reach is counted "
        "person by person in further passes.",
    )
    jobs: int | None = Field(
        default=None, ge=1, le=4096, description="Processes that read photographs; all cores where absent."
    )
    cluster: str | None = Field(
        default=None, description="Address of a dask scheduler whose workers make templates and long comparisons."
    )


_CURVE = (1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 5e-6, 2e-6, 1e-6)


class ReportConfig(Section):
    """What the report adds to the numbers."""

    curve: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=_CURVE, description="False match rates (all labelled people) at which curves are computed."
    )
    title: str | None = None
    claims: str = Field(
        default="minneapolis-2021",
        description="Claims register: a name inside the package, or the path of a TOML file.",
    )
    date: str | None = Field(
        default=None, description="Date printed on the pages; the clock itself goes into provenance.json only."
    )
    prepared_by: str | None = Field(default=None, description="An organisation; no names of private people.")
    contact: str | None = Field(
        default=None, description="Where corrections go: an office or its address, no private person's."
    )
    used_by: str | None = Field(
        default=None,
        description="Who uses this very product, version and threshold, printed on the pages; they say that "
        "nobody said so where absent.",
    )
    mated_search_share: float | None = Field(
        default=None, gt=0, lt=1, description="The reader's own share of searches whose person is in the gallery."
    )
    limits: dict[Literal["FMR", "FNMR", "FNMR_with_failures", "FTA"], float] = Field(
        default_factory=dict,
        description="The reader's own limits, e.g. { FMR = 1e-3 }; claim C12 is judged against them. There "
        "are none built in.",
    )
    suppress_below: int = Field(
        default=0,
        ge=0,
        le=_MOST,
        description="For publishing: cells with fewer people than this are blanked in the report's tables.",
    )

    @field_validator("curve")
    @classmethod
    def _once(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len({f"{rate:g}" for rate in value}) < len(value):
            raise ValueError("the same rate twice (to six digits)")
        return value


class AuditConfig(Section):
    """One audit: a benchmark, a matcher, groups and operating points."""

    version: Literal[1]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=120, description="Names the results directory.")
    benchmark: BenchmarkConfig
    backend: BackendConfig
    groups: GroupsConfig
    operating_points: tuple[OperatingPointConfig, ...] = Field(
        min_length=1, max_length=1000, description="The first is the headline."
    )
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
        searched = self.identification
        unknown = [name for name in searched.points if name not in ids] if searched else []
        if unknown:
            raise ValueError(f"identification.points names {unknown[0]!r}; this configuration has {', '.join(ids)}")
        shares = {self.report.mated_search_share, searched.use.mated_share if searched else None} - {None}
        if len(shares) > 1:
            raise ValueError(
                "identification.use.mated_share and report.mated_search_share differ: say it in one place"
            )
        return self

    @property
    def mated_share(self) -> float | None:
        """The reader's own share of searches whose person is in the gallery; None where nobody said it."""
        said = self.identification.use.mated_share if self.identification else None
        return said if said is not None else self.report.mated_search_share

    def to_toml(self) -> str:
        """The whole configuration, defaults written out, as TOML that
        ``load_config`` reads back to an equal object.
        """
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
