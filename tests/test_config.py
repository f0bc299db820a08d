"""The configuration: what is written is what is read, and what cannot be read is refused with file, line, key and the
nearest name."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.base.errors import ConfigError
from audit.config import AuditConfig, load_config, parse_config, schema

WHOLE = """\
# a comment
version = 1
name = "small"

[benchmark]
name = "lfw-embedded"

[backend]
name = "templates"
options = { measure = "euclidean" }

[groups]
attributes = { race = "race_attribute", sex = "sex_verified" }
alternatives = { race = ["race_mica"] }
reference = "race=White|sex=Male"
minimum_subjects = 30

[[operating_points]]
kind = "vendor_default"

[[operating_points]]
kind = "target_fmr"
target = 1e-3

[uncertainty]
confidence = 0.95
"""


def refusal(text: str, *overrides: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "audit.toml", overrides)
    return caught.value


def test_a_whole_configuration_is_read() -> None:
    config = parse_config(WHOLE)
    assert [point.id for point in config.operating_points] == ["vendor_default", "fmr=0.001:all:people"]
    assert config.uncertainty.much == 2.0
    assert list(config.groups.attributes) == ["race", "sex"]


def test_nothing_in_it_can_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        parse_config(WHOLE).name = "other"


@pytest.mark.parametrize(
    ("before", "after", "line", "key", "near"),
    [
        ("version = 1", "version = 1\nbenchmarks = 1", 3, "benchmarks", "benchmark"),
        ("minimum_subjects = 30", "minimum_subject = 30", 16, "groups.minimum_subject", "minimum_subjects"),
        (
            'kind = "vendor_default"',
            'kind = "vendor_default"\nwheighting = "people"',
            20,
            "operating_points.0.wheighting",
            "weighting",
        ),
        ("target = 1e-3", "target = 1e-3\nweigthing = 1", 24, "operating_points.1.weigthing", "weighting"),
        ("confidence = 0.95", "confidense = 0.95", 26, "uncertainty.confidense", "confidence"),
        ("[uncertainty]", "[uncertanty]", 25, "uncertanty", "uncertainty"),
        ("[[operating_points]]", "[[operating_point]]", 18, "operating_point", "operating_points"),
        ("[uncertainty]", "[compute]\nthread = 2\n[uncertainty]", 26, "compute.thread", "threads"),
        ("version = 1", "version = 1\nuncertainty.mush = 3.0", 3, "uncertainty.mush", "much"),
    ],
)
def test_an_unknown_key_is_refused_with_file_line_key_and_the_nearest_name(
    before: str, after: str, line: int, key: str, near: str
) -> None:
    text = WHOLE.replace(before, after)
    if "uncertainty.mush" in after:
        text = text.replace("[uncertainty]\nconfidence = 0.95\n", "")
    if "[[operating_point]]" in after:
        text = text.replace("[[operating_point]]\nkind", "[[operating_points]]\nkind").replace(
            "[[operating_points]]\nkind", "[[operating_point]]\nkind", 1
        )
    error = refusal(text)
    assert error.where == f"audit.toml, line {line}, {key}"
    assert f"unknown key {key.rpartition('.')[2]!r}" in error.got
    assert near in error.allowed.split(", ")
    assert error.todo == f"Did you mean {near!r}?"
    assert error.exit_code == 2


def test_a_key_that_is_near_to_none_is_refused_with_every_allowed_name() -> None:
    error = refusal(WHOLE.replace("confidence = 0.95", "zzz = 1"))
    assert "confidence, much" in error.allowed
    assert "schema" in error.todo


@pytest.mark.parametrize(
    ("before", "after", "where", "says"),
    [
        ("confidence = 0.95", "confidence = 95", "line 26, uncertainty.confidence", "less than 1"),
        ("confidence = 0.95", "confidence = nan", "line 26, uncertainty.confidence", "finite"),
        ("confidence = 0.95", 'confidence = "high"', "line 26, uncertainty.confidence", "'high'"),
        ("version = 1", "version = 2", "line 2, version", "2"),
        ('name = "small"', 'name = "../evil"', "line 3, name", "pattern"),
        ('name = "small"', 'name = "Small"', "line 3, name", "pattern"),
        ("target = 1e-3", "target = 1.5", "line 23, operating_points.1.target", "less than 1"),
        ("target = 1e-3", "", "line 21, operating_points.1", "needs target"),
        ("target = 1e-3", "target = 1e-3\nthreshold = 0.5", "line 21, operating_points.1", "threshold belongs to"),
        ('kind = "vendor_default"', 'kind = "vendor"', "line 19, operating_points.0.kind", "'vendor_default'"),
        ('kind = "vendor_default"', 'kind = "fixed"', "line 18, operating_points.0", "needs threshold"),
        (
            'kind = "vendor_default"',
            'kind = "fixed"\nthreshold = inf',
            "line 20, operating_points.0.threshold",
            "finite",
        ),
        (
            "minimum_subjects = 30",
            "minimum_subjects = 1",
            "line 16, groups.minimum_subjects",
            "greater than or equal to 2",
        ),
        ("race=White|sex=Male", "sex=Male", "line 12, groups", "race=...|sex=..."),
        ("{ race = [", "{ colour = [", "line 12, groups", "colour"),
        ('{ race = "race_attribute",', '{ "a b" = "race_attribute",', "line 13, groups.attributes", "plain words"),
        ('kind = "target_fmr"\ntarget = 1e-3', 'kind = "vendor_default"', "audit.toml", "asked for twice"),
        ("[uncertainty]", "[report]\ncurve = [1e-3, 2.0]\n[uncertainty]", "line 26, report.curve", "less than 1"),
        ("[uncertainty]", "[report]\ncurve = [1e-3, 0.001]\n[uncertainty]", "line 26, report.curve", "twice"),
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_stands(before: str, after: str, where: str, says: str) -> None:
    assert before in WHOLE
    error = refusal(WHOLE.replace(before, after))
    assert where in error.where
    assert says in str(error)


def test_a_missing_section_is_named() -> None:
    error = refusal(WHOLE.replace('[benchmark]\nname = "lfw-embedded"\n', ""))
    assert "benchmark" in error.where
    assert "required" in error.allowed


def test_what_is_not_toml_is_refused_with_the_line() -> None:
    error = refusal(WHOLE + "[oops\n")
    assert error.where == "audit.toml"
    assert "line 27" in error.got


def test_a_file_that_is_not_there_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "quickstart.toml").write_text(WHOLE)
    with pytest.raises(ConfigError, match=r"Did you mean .*/quickstart\.toml"):
        load_config(tmp_path / "quickstrat.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "latin.toml")


def test_two_thresholds_that_differ_in_the_seventh_digit_are_two() -> None:
    text = WHOLE.replace('kind = "vendor_default"', 'kind = "fixed"\nthreshold = 0.6000001').replace(
        'kind = "target_fmr"\ntarget = 1e-3', 'kind = "fixed"\nthreshold = 0.6'
    )
    assert [point.id for point in parse_config(text).operating_points] == ["threshold=0.6000001", "threshold=0.6"]


def test_set_overrides_one_key_and_reads_its_value_as_toml() -> None:
    config = parse_config(
        WHOLE,
        overrides=[
            "groups.minimum_subjects=20",
            "operating_points.1.target=1e-2",
            "backend.options.unit=distance",
            "compute.threads=1",
            'report.title="A = B"',
            "benchmark.options.a.b=[1, 2]",
        ],
    )
    assert config.groups.minimum_subjects == 20
    assert config.operating_points[1].target == 0.01
    assert config.backend.options == {"measure": "euclidean", "unit": "distance"}
    assert config.compute.threads == 1
    assert config.report.title == "A = B"
    assert config.benchmark.options == {"a": {"b": [1, 2]}}


@pytest.mark.parametrize(
    ("item", "where", "says"),
    [
        ("groups", "--set", "section.key=value"),
        ("=3", "--set", "section.key=value"),
        ("groups.minimum_subject=20", "--set groups.minimum_subject", "Did you mean 'minimum_subjects'?"),
        ("groups.minimum_subjects=1", "--set groups.minimum_subjects", "greater than or equal to 2"),
        ("operating_points.7.target=1", "--set", "an index from 0 to 1"),
        ("operating_points.x.target=1", "--set", "an index from 0 to 1"),
        ("operating_points.0=1", "--set", "operating_points.0.threshold=0.5"),
        ("name.first=1", "--set", "the key of a section"),
        ("uncertanty.much=3", "--set uncertanty", "uncertainty"),
    ],
)
def test_a_set_that_cannot_be_is_refused_as_such(item: str, where: str, says: str) -> None:
    error = refusal(WHOLE, item)
    assert error.where == where
    assert says in str(error)


# ---- round trip
# --------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
KEYS = st.text("abcdefgh_ é.\"'=|", min_size=1, max_size=6)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WHEN = st.dates(datetime.date(1000, 1, 1)) | st.datetimes(datetime.datetime(1000, 1, 1))
SCALARS = st.one_of(WORDS, st.integers(-(2**63), 2**63 - 1), FLOATS, st.booleans(), WHEN)
OPTIONS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=5
    ),
    max_size=3,
)
ROLES = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=3, unique=True)


@st.composite
def configurations(draw: st.DrawFn) -> dict:
    roles = draw(ROLES)
    unit = st.floats(0, 1, exclude_max=True)
    point = st.one_of(
        st.just({"kind": "vendor_default"}),
        st.fixed_dictionaries({"kind": st.just("fixed"), "threshold": FLOATS}),
        st.fixed_dictionaries(
            {"kind": st.just("target_fmr"), "target": unit},
            optional={
                "over": st.sampled_from(["all", "reference", "per_group"]),
                "weighting": st.sampled_from(["people", "comparisons"]),
            },
        ),
    )

    def name(one: dict) -> str:
        return str(
            (
                one["kind"],
                f"{one.get('threshold', one.get('target', 0)):.12g}",
                one.get("over", "all"),
                one.get("weighting", "people"),
            )
        )

    out = {
        "version": 1,
        "name": draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)),
        "benchmark": {"name": draw(WORDS), "options": draw(OPTIONS)},
        "backend": {"name": draw(WORDS), "options": draw(OPTIONS)},
        "groups": {
            "attributes": {role: draw(WORDS) for role in roles},
            "reference": "|".join(f"{role}={draw(st.text('abc |é', max_size=4)).replace('|', '')}" for role in roles),
            "minimum_subjects": draw(st.integers(2, 1000)),
            "bins": draw(st.dictionaries(KEYS, st.lists(FLOATS, max_size=3), max_size=2)),
            "alternatives": {
                role: draw(st.lists(WORDS, max_size=2)) for role in draw(st.lists(st.sampled_from(roles), unique=True))
            },
        },
        "operating_points": draw(st.lists(point, min_size=1, max_size=4, unique_by=name)),
    }
    if draw(st.booleans()):
        out["uncertainty"] = {
            "much": draw(st.floats(1, 100, exclude_min=True)),
            "seed": draw(st.integers(0, 2**62)),
            "calibration_share": 0.5,
        }
    if draw(st.booleans()):
        out["report"] = {
            "title": draw(WORDS),
            "curve": draw(st.lists(st.sampled_from([1e-2, 3e-4, 1e-6]), unique=True)),
            "mated_search_share": 0.25,
        }
    if draw(st.booleans()):
        out["compute"] = {"bins": draw(st.integers(16, 65536)), "threads": draw(st.none() | st.integers(1, 64))}
    return out


@given(configurations())
@settings(deadline=None, max_examples=150)
def test_what_to_toml_writes_is_read_back_equal(data: dict) -> None:
    config = AuditConfig.model_validate(data)
    text = config.to_toml()
    again = parse_config(text)
    assert again == config
    assert again.to_toml() == text
    assert list(again.groups.attributes) == list(config.groups.attributes)  # the order makes the cell names


def test_the_committed_configurations_are_read_and_survive_the_round_trip(root: Path) -> None:
    found = sorted((root / "configs").glob("*.toml"))
    configs = [load_config(path) for path in found]
    assert configs
    assert len({config.name for config in configs}) == len(
        configs
    )  # two of one name would write one results directory
    assert all(parse_config(config.to_toml()) == config for config in configs)


def test_the_schema_names_every_section_and_describes_keys() -> None:
    found = schema()
    assert set(found["properties"]) == set(AuditConfig.model_fields)
    assert set(found["required"]) == {"version", "name", "benchmark", "backend", "groups", "operating_points"}
    assert found["additionalProperties"] is False
    assert "description" in found["$defs"]["GroupsConfig"]["properties"]["minimum_subjects"]
    json.dumps(found)


def test_reading_a_configuration_needs_neither_numpy_nor_pandas(root: Path) -> None:
    code = (
        "import sys; from audit.config import load_config; "
        "load_config(__import__('pathlib').Path('configs/quickstart.toml')); "
    )
    code += "print([m for m in ('numpy', 'pandas', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_of_several_mistakes_the_misspelt_key_is_told_first() -> None:
    error = refusal(WHOLE.replace("attributes =", "atributes =").replace("confidence = 0.95", "confidence = 95"))
    assert "unknown key 'atributes'" in error.got
    assert error.todo == "Did you mean 'attributes'?"
    assert error.where == "audit.toml, line 13, groups.atributes"


def test_map_and_missing_are_written_only_where_they_say_something() -> None:
    assert "[groups.m" not in parse_config(WHOLE).to_toml()
    said = parse_config(WHOLE.replace("minimum_subjects", 'map = { sex_verified = { M = "Male" } }\nminimum_subjects'))
    assert parse_config(said.to_toml()) == said
    assert "cannot name a group" in str(
        refusal(WHOLE.replace("minimum_subjects", 'map = { a = { M = "a|b" } }\nminimum_subjects'))
    )


def test_searches_are_asked_for_by_a_section_of_their_own_and_nothing_is_written_without_it() -> None:
    assert parse_config(WHOLE).identification is None
    assert "identification" not in parse_config(WHOLE).to_toml()
    asked = parse_config(WHOLE + "\n[identification]\nsizes = [10, 100]\n")
    assert asked.identification is not None
    assert (asked.identification.sizes, asked.identification.enrolments) == ((10, 100), 5)
    assert parse_config(asked.to_toml()) == asked
    assert "size" in str(refusal(WHOLE + "\n[identification]\nsize = [10]\n"))
    for wrong in ("sizes = [0]", "enrolments = 0", "sizes = 10"):
        assert "identification" in str(refusal(WHOLE + f"\n[identification]\n{wrong}\n"))
