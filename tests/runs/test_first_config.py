"""From what a person has to a configuration that runs: what is taken, what is asked for, what is proposed and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from audit.base.errors import ConfigError
from audit.benchmark.tables import key
from audit.cli.commands import app
from audit.config import load_config, parse_config
from audit.runs.draft_config import Given
from audit.runs.first_config import look
from audit.runs.pipeline import Settings, load_benchmark, run


def photo(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 12), (shade % 256, 10, 10)).save(path)


def people(folder: Path) -> list[tuple[str, str, str]]:
    rows = []
    for n in range(12):
        for k in range(2):
            path = f"p{n:02d}/{k}.png"
            photo(folder / path, 20 * n + k)
            rows.append((path, f"p{n:02d}", "Female" if n % 2 else "Male"))
    return rows


def test_a_table_per_photograph_gives_a_configuration_that_the_door_reads(tmp_path: Path) -> None:
    pd.DataFrame(people(tmp_path), columns=["file", "person_id", "sex"]).to_csv(tmp_path / "labels.csv", index=False)
    draft = look(tmp_path, "mine", Given())
    config = parse_config(draft.text, "mine.toml")
    assert config.groups.attributes == {"sex": "sex"}
    assert load_benchmark(config, Settings(data=draft.data)).cells.names == ("sex=Female", "sex=Male")


def test_a_table_per_person_is_joined_by_the_folder_a_photograph_lies_in(tmp_path: Path) -> None:
    rows = people(tmp_path)
    pd.DataFrame({(one[1], one[2]) for one in rows}, columns=["person", "sex"]).to_csv(
        tmp_path / "labels.csv", index=False
    )
    draft = look(tmp_path, "mine", Given())
    assert draft.joined is not None
    assert set(draft.joined.itertuples(index=False, name=None)) == set(rows)
    assert any("12 of 12 people" in note for note in draft.notes)
    draft.joined.to_csv(draft.data / draft.table, index=False)
    assert len(load_benchmark(parse_config(draft.text, "mine.toml"), Settings(data=draft.data)).samples) == 24


def test_folders_that_say_it_need_their_levels_named(tmp_path: Path) -> None:
    for n in range(12):
        photo(tmp_path / ("Female" if n % 2 else "Male") / f"p{n}" / "1.png", 20 * n)
    with pytest.raises(ConfigError, match="--levels"):
        look(tmp_path, "mine", Given())
    config = parse_config(look(tmp_path, "mine", Given(levels=["sex", "subject"])).text, "mine.toml")
    assert load_benchmark(config, Settings(data=tmp_path)).cells.names == ("sex=Female", "sex=Male")


def test_paths_may_start_from_a_folder_inside(tmp_path: Path) -> None:
    pd.DataFrame(people(tmp_path / "images"), columns=["path", "subject", "sex"]).to_csv(
        tmp_path / "labels.csv", index=False
    )
    draft = look(tmp_path, "mine", Given())
    assert draft.data == tmp_path / "images"
    assert len(load_benchmark(parse_config(draft.text, "mine.toml"), Settings(data=draft.data)).samples) == 24


def test_odd_spellings_and_words_for_nothing_are_proposed_as_merges_and_said(tmp_path: Path) -> None:
    rows = people(tmp_path)
    frame = pd.DataFrame(rows, columns=["path", "subject", "sex"])
    frame.loc[frame.subject == "p01", "sex"] = "female"
    frame.loc[frame.subject == "p03", "sex"] = "F"
    frame.loc[frame.subject == "p05", "sex"] = "unknown"
    frame.to_csv(tmp_path / "labels.csv", index=False)
    draft = look(tmp_path, "mine", Given())
    config = parse_config(draft.text, "mine.toml")
    assert config.groups.map["sex"] == {"female": "Female", "F": "Female"}
    assert config.groups.missing["sex"] == ["unknown"]
    cells = load_benchmark(config, Settings(data=tmp_path)).cells
    assert set(cells.names) - {"unlabelled"} == {"sex=Female", "sex=Male"}
    assert any("2 spellings" in note for note in draft.notes)


def test_scores_and_templates_give_configurations_that_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n = 400
    mated, race = rng.random(n) < 0.5, np.where(rng.random(n) < 0.5, "A", "B")
    frame = pd.DataFrame(
        {
            "similarity": np.where(mated, 0.8, 0.2) + 0.2 * rng.normal(size=n),
            "genuine": mated.astype(int),
            "race": race,
        }
    )
    frame.to_csv(tmp_path / "scores.csv", index=False)
    draft = look(tmp_path / "scores.csv", "mine", Given())
    rates = run(parse_config(draft.text, "mine.toml"), Settings(data=draft.data)).rates
    config = parse_config(draft.text, "mine.toml")
    threshold = config.operating_points[0].threshold
    of_a = frame[(frame.race == "A") & (frame.genuine == 0)].similarity
    found = rates[
        (rates.measure == "FMR") & (rates.group == "race=A") & rates.operating_point.str.startswith("threshold")
    ]
    assert found.errors.iloc[0] == int((of_a >= threshold).sum())

    who = np.repeat(np.arange(80), 2)
    paths = [f"{row}.png" for row in range(160)]
    vectors = rng.normal(size=(80, 8))[who] + 0.1 * rng.normal(size=(160, 8))
    np.savez(tmp_path / "t.npz", vectors=vectors, sample_id=np.array([key(one) for one in paths]))
    pd.DataFrame({"path": paths, "subject": who, "sex": np.where(who % 2, "F", "M")}).to_csv(
        tmp_path / "labels.csv", index=False
    )
    draft = look(tmp_path / "t.npz", "own", Given(labels=tmp_path / "labels.csv"))
    assert len(run(parse_config(draft.text, "own.toml"), Settings(data=draft.data)).rates)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["path", "file", "subject", "sex"], "--column path"),
        (["path", "who", "sex"], "--column subject"),
        (["path", "subject", "notes"], "--attributes"),
    ],
)
def test_what_is_not_certain_is_asked_for_by_its_flag(tmp_path: Path, columns: list[str], said: str) -> None:
    rows = people(tmp_path)
    table = pd.DataFrame(rows, columns=["path", "subject", "sex"])
    table["file"], table["who"], table["notes"] = table.path, table.subject, [f"n{k}" for k in range(len(table))]
    table[columns].to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(ConfigError, match=said):
        look(tmp_path, "mine", Given())


def test_the_command_writes_a_file_says_what_it_took_and_never_writes_over_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "My Photos"
    pd.DataFrame(people(data), columns=["path", "subject", "sex"]).to_csv(data / "labels.csv", index=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["init", str(data), "--no-plan", "--source", "Form, 2024"])
    assert done.exit_code == 0, done.output
    assert "the largest group" in done.output
    assert load_config(tmp_path / "my-photos.toml").benchmark.options["labels"]["sex"]["source"] == "Form, 2024"
    with pytest.raises(ConfigError, match="--replace"):
        CliRunner().invoke(app, ["init", str(data), "--no-plan"], catch_exceptions=False)


def test_init_points_editors_to_a_schema_that_lies_beside_the_configuration(tmp_path: Path, monkeypatch) -> None:
    from audit.runs.config_schema import as_bytes, reference

    pd.DataFrame(people(tmp_path / "photos"), columns=["file", "person_id", "sex"]).to_csv(
        tmp_path / "photos/labels.csv", index=False
    )
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["init", "photos", "--name", "mine", "--no-plan"]).exit_code == 0
    assert (tmp_path / "mine.toml").read_text().splitlines()[0] == reference
    assert (tmp_path / "config.schema.json").read_bytes() == as_bytes()


def test_a_folder_without_photographs_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    pd.DataFrame({"person": ["p1", "p2"], "sex": ["F", "M"]}).to_csv(tmp_path / "people.csv", index=False)
    with pytest.raises(ConfigError, match="no photographs one folder deep"):
        look(tmp_path / "photos", "mine", Given(labels=tmp_path / "people.csv"))
