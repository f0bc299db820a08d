"""The embedded benchmark as it is committed: complete, labelled as the photographs are, and in an order that says
nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audit.benchmark import manifest


def test_the_embedded_benchmark_says_of_every_sample_what_became_of_it() -> None:
    bench = manifest.load("lfw-embedded", alternatives={"race": ["race_mica"]})
    counts, expected = bench.cells.counts(), bench.card.expected
    assert dict(zip(counts["cell"], counts["subjects"], strict=True)) == expected.cells
    assert dict(zip(counts["cell"], counts["samples"], strict=True)) == expected.cell_samples
    assert counts["mated_comparisons"].sum() == 242257
    assert bench.templates is not None
    with np.load(bench.templates) as file:
        assert set(file["sample_id"]) == set(bench.samples["sample_id"])
        acquired = file["status"] == "ACQUIRED"
        assert file["vectors"].shape == (13233, 128)
        assert file["vectors"].dtype == np.float32
        assert (np.abs(file["vectors"]).max(axis=1) > 0).tolist() == acquired.tolist()


@pytest.mark.shared
def test_embedded_and_photographed_people_have_the_same_labels_and_photo_counts(shared: Path) -> None:
    def table(bench: manifest.Benchmark) -> list[tuple[object, ...]]:
        grouped = bench.samples.groupby("subject_id")
        rows = grouped[["race_attribute", "race_mica", "sex_verified"]].first().assign(photos=grouped.size())
        return sorted(rows.itertuples(index=False, name=None))

    assert table(manifest.load("lfw-embedded")) == table(manifest.load("lfw", shared / "data" / "lfw"))


def test_opaque_people_do_not_follow_their_number_of_photographs() -> None:
    # rank correlation of 5,749 people in random order: standard deviation .013
    bench = manifest.load("lfw-embedded")
    photos = bench.cells.subjects["samples"].rank()
    assert abs(np.corrcoef(photos, np.arange(len(photos)))[0, 1]) < 0.08
