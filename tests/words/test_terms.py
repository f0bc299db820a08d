"""One record per reported quantity; what tables, measures and the glossary say agrees with what the code writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from audit.base.errors import ConfigError
from audit.words.columns import MEASURES, TABLES
from audit.words.terms import SOURCES, TERMS, explain

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

BANNED = ("genuine", "impostor", "imposter", "FAR", "FRR")


def test_the_columns_written_are_the_columns_documented(tmp_path_factory) -> None:
    folder = small_audits.written(tmp_path_factory)
    found = {path.name: path.read_text(encoding="utf-8").splitlines()[0].split(",") for path in folder.glob("*.csv")}
    optional = {
        "overrides.csv",
        "photo_quality.csv",
        "quality.csv",
        "quality_matched.csv",
        "searches.csv",
        "comparison.csv",
    }  # written where the config names overrides, asks for image quality or for searches, or two runs are compared
    kinds = ("growth", "holdout", "hubs", "lists", "ratios", "thresholds", "use")
    optional |= {f"search_{name}.csv" for name in kinds}  # for searches too
    outputs = {
        "refused.csv",
        "pair_counts.csv",
        "decided.csv",
        "search_counts.csv",
        "selectivity.csv",
        "false_candidates.csv",
    }  # tests/outputs
    assert set(TABLES) - optional - outputs <= set(found)
    assert sorted(set(found) - set(TABLES)) == [], "tables that columns.toml does not state"
    for name, columns in found.items():
        assert columns == list(TABLES[name]), name


def test_the_issue_names_exactly_these_columns() -> None:
    rates = (
        "operating_point, measure, weighting, group, other_group, errors, trials, subjects, rate, "
        "low, high, interval, design_effect, note"
    )
    differentials = (
        "operating_point, measure, weighting, group, reference, ratio, low, high, interval, certainty, note"
    )
    assert ", ".join(TABLES["rates.csv"]) == rates
    assert ", ".join(TABLES["differentials.csv"]) == differentials


def test_every_measure_is_a_term_and_every_source_is_cited_by_its_key() -> None:
    assert set(MEASURES) <= set(TERMS)
    assert {term.source for term in TERMS.values()} - {""} <= set(SOURCES)


def test_every_term_has_a_plain_sentence_and_every_column_a_description() -> None:
    for term in TERMS.values():
        assert term.plain.endswith(".")
        assert len(term.plain.split()) >= 3
    for columns in TABLES.values():
        assert all(column.meaning.endswith(".") for column in columns.values())


def test_words_that_this_project_does_not_use_do_not_occur() -> None:
    text = " ".join(f"{term.term} {term.symbol} {term.formula} {term.plain}" for term in TERMS.values())
    text += " ".join(column.meaning for columns in TABLES.values() for column in columns.values())
    assert [word for word in BANNED if word in text.replace("(", " ").replace(",", " ").split()] == []


@pytest.mark.parametrize("word", ["FMR", "fmr", " Fmr ", "false match rate", "False Match Rate"])
def test_a_term_is_found_by_key_name_and_symbol_in_any_case(word: str) -> None:
    assert explain(word) is TERMS["FMR"]


def test_every_key_and_name_finds_a_term() -> None:
    for key, term in TERMS.items():
        assert explain(key) is term
        assert explain(term.term)


def test_an_unknown_word_is_refused_with_the_nearest_ones() -> None:
    with pytest.raises(ConfigError, match="Did you mean .*false match rate"):
        explain("false math rate")
    with pytest.raises(ConfigError, match="Choose one of these"):
        explain("qqqqqq")
