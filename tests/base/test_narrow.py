"""A number that does not fit is refused, wherever groups, thresholds or people are numbered in fewer bits."""

from __future__ import annotations

import numpy as np
import pytest

from audit.base.errors import AuditError, ConfigError
from audit.base.narrow import narrow
from audit.config import parse_config
from audit.outputs.read import codes
from audit.results.arrays import searches_of


@pytest.mark.parametrize("values", [[32_768], [-32_769], [40_000, 1], [1.5], [np.nan], ["1"]])
def test_what_does_not_fit_is_refused(values) -> None:
    with pytest.raises(ConfigError, match="groups"):
        narrow(values, np.int16, "groups")


def test_what_fits_stays() -> None:
    found = narrow([[32_767, -32_768], [0, 1]], np.int16, "groups")
    assert found.dtype == np.int16
    assert found.tolist() == [[32_767, -32_768], [0, 1]]
    assert narrow([], np.int16, "groups").shape == (0,)


def test_forty_thousand_groups_are_refused_at_every_door() -> None:
    names = [f"race={k}" for k in range(40_000)]
    with pytest.raises(AuditError, match="40,000 groups"):
        codes(names)
    import pandas as pd

    from audit.backends.protocol import ScoreRule
    from audit.benchmark.cells import assign
    from audit.embeddings.embedding_set import EmbeddingSet

    people = pd.DataFrame({"subject_id": names, "sample_id": names, "race": names})
    with pytest.raises(AuditError, match="40,000 groups"):
        assign(people, {"race": "race"})
    rule = ScoreRule("cosine", "similarity", -1.0, 1.0, None, "s")
    with pytest.raises(AuditError, match="40,000"):
        EmbeddingSet.from_arrays(np.eye(2, dtype=np.float32), [0, 1], [0, 39_999], rule, names=tuple(names))


def test_forty_thousand_thresholds_are_refused() -> None:
    points = "".join(f"[[operating_points]]\nkind = 'fixed'\nthreshold = {k}\n" for k in range(1001))
    text = "version = 1\nname = 'x'\n[benchmark]\nname = 'files'\n[backend]\nname = 'x'\n"
    text += f"[groups]\nattributes = {{a = 'a'}}\nreference = 'a=b'\n{points}"
    with pytest.raises(ConfigError, match="operating_points"):
        parse_config(text)


@pytest.mark.parametrize("name", ["mate_level", "level", "enrolment", "person", "probe", "other", "above"])
def test_results_with_numbers_that_do_not_fit_are_refused_and_not_read_as_others(name: str) -> None:
    data = {
        one: np.zeros(2, np.int64) for one in ("person", "mate_level", "above", "enrolment", "probe", "other", "level")
    }
    data |= {"points": np.array(["t"]), "thresholds": np.array([0.5]), "over": np.zeros(2, bool)}
    assert searches_of(data).level.tolist() == [0, 0]
    data[name] = np.array([0, 2**40])
    with pytest.raises(AuditError, match=name):
        searches_of(data)
