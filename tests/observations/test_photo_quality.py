"""People's image quality: means per person, differences between groups, quarters; and the measures of whole
photographs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from audit.base.errors import ConfigError
from audit.benchmark.measures_kept import measured
from audit.embeddings.privacy_line import Acquisition
from audit.observations.photo_quality import by_person, chosen_measures, measures, strata_of
from audit.observations.tallies import Labelling, Strata
from audit.rates.quality import Moments, quality_table
from audit.rates.quality import standardised as of_moments


def standardised(a: np.ndarray, b: np.ndarray, confidence: float) -> tuple[float, float, float, float]:
    return of_moments(Moments.of(a), Moments.of(b), confidence)


CELLS = ("race=A|sex=M", "race=B|sex=M")


def test_a_persons_measure_is_the_mean_over_acquired_photos_and_pose_loses_its_sign() -> None:
    quality = pd.DataFrame({"face_pixels": [100.0, 50.0, 80.0, np.nan, 7.0], "turn": [-0.2, 0.1, 0.3, np.nan, 9.0]})
    acquisition = Acquisition(
        np.array([0, 0, 0, 2, 0], np.int8), np.zeros(5), np.array([0, 0, 1, 1, 3], np.int32), quality
    )
    names, values = by_person(acquisition, 4)
    assert names == ("face_pixels", "turn")
    # Person 0: (100 + 50)/2, (0.2 + 0.1)/2. Person 1: one photo, the other was not acquired. Person 2: none.
    assert values[0] == pytest.approx([75.0, 0.15])
    assert values[1] == pytest.approx([80.0, 0.3])
    assert np.isnan(values[2]).all()


def test_the_standardised_difference_is_worked_out_by_hand() -> None:
    # Means 2 and 5, population variances 2/3 and 8/3: unit sqrt((2/3 + 8/3)/2) = sqrt(5/3).
    d, low, high, unit = standardised(np.array([1.0, 2, 3]), np.array([3.0, 5, 7]), 0.95)
    assert unit == pytest.approx((5 / 3) ** 0.5)
    assert d == pytest.approx(-3 / (5 / 3) ** 0.5)
    assert low < d < high


def test_its_interval_agrees_with_resampled_people() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.gamma(2.0, 1.0, 150), rng.gamma(3.0, 1.0, 400)  # skewed, unequal spreads
    d, low, high, _ = standardised(a, b, 0.95)
    draws = [standardised(rng.choice(a, 150), rng.choice(b, 400), 0.95)[0] for _ in range(2000)]
    # A standard deviation from 2,000 draws is known to 1.6 %.
    assert (high - low) / (2 * 1.959964) == pytest.approx(np.std(draws), rel=0.08)
    assert d == pytest.approx(np.mean(draws), abs=0.02)


def test_quarters_are_those_of_labelled_people() -> None:
    labelling = Labelling("headline", (*CELLS, "unlabelled"), np.array([0, 0, 1, 1, 2, 2], np.int16))
    values = np.array([[1.0], [2.0], [3.0], [4.0], [100.0], [np.nan]])
    strata = strata_of(("x",), values, ("x",), labelling)
    assert strata is not None
    # Quartiles of 1, 2, 3, 4 by linear interpolation: 1.75, 2.5, 3.25.
    assert strata.edges.tolist() == [[1.75, 2.5, 3.25]]
    assert strata.level[:, 0].tolist() == [0, 1, 2, 3, 3, -1]


def test_joint_strata_are_halves_of_each_measure() -> None:
    strata = Strata(("x", "y"), np.zeros((2, 3)), np.array([[0, 3], [1, 2], [2, 0], [3, 1], [-1, 0]], np.int8))
    assert strata.joint([0, 1]).tolist() == [2, 2, 1, 1, -1]  # low x high y, low x high y, high x low y, high x low y
    assert strata.joint([0]).tolist() == [0, 1, 2, 3, -1]


def test_what_matching_leaves_is_in_the_table() -> None:
    rng = np.random.default_rng(4)
    labelling = Labelling("headline", CELLS, np.repeat([0, 1], [400, 300]).astype(np.int16))
    values = np.concatenate([rng.normal(0, 1, 400), rng.normal(0.8, 1, 300)])[:, None]
    strata = strata_of(("x",), values, ("x",), labelling)
    kept = measures(("x",), values, labelling, CELLS[0], strata)
    table = quality_table(kept, labelling.cells, CELLS[0], 0.95).set_index("group")
    row = table.loc[CELLS[1]]
    assert row.low < 0.8 < row.high
    # Within quarters little is left; an inner quarter is about half a spread wide, the outer ones are open.
    assert abs(row.after_matching) < 0.25 * row.standardised_difference
    assert np.isnan(table.loc[CELLS[0], "standardised_difference"])
    assert row.people == 300


def test_default_measures_are_those_there_are_and_unknown_ones_are_refused() -> None:
    assert chosen_measures(None, ("brightness", "face_pixels", "turn")) == ("face_pixels", "brightness")
    assert chosen_measures(None, ("brightness", "face_pixels", "photo_brightness", "photo_sharpness")) == (
        "face_pixels",
        "photo_sharpness",
        "photo_brightness",
    )
    assert chosen_measures(None, ()) == ()
    assert chosen_measures(["turn"], ("turn", "x")) == ("turn",)
    with pytest.raises(ConfigError, match="photo_sharpness"):
        chosen_measures(["photo_sharpness"], ("turn",))


def test_photographs_are_measured_once_and_damaged_memory_is_measured_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    flat, noisy, gone = tmp_path / "flat.png", tmp_path / "noisy.png", tmp_path / "gone.png"
    cv2.imwrite(str(flat), np.full((10, 20, 3), 90, np.uint8))
    cv2.imwrite(str(noisy), rng.integers(0, 256, (10, 20, 3), dtype=np.uint8))
    cache, paths = tmp_path / "cache", [flat, noisy, gone]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "" for path in paths]
    first = measured(paths, digests, cache)
    assert first.loc[0, ["photo_sharpness", "photo_brightness", "photo_contrast"]].tolist() == [0.0, 90.0, 0.0]
    assert first.loc[1, "photo_sharpness"] > 1000
    assert first.loc[2].isna().all()
    kept = noisy.read_bytes()
    noisy.unlink()  # what is remembered needs no photograph
    pd.testing.assert_frame_equal(measured(paths, digests, cache), first)
    (file,) = cache.glob("*/*.shard")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777, cache.stat().st_mode & 0o777) == (
        0o600,
        0o700,
        0o700,
    )
    noisy.write_bytes(kept)
    whole = file.read_bytes()
    for place in [*range(0, len(whole), len(whole) // 60), -1, None]:  # one byte changed, or half of it gone
        damaged = bytearray(whole[: len(whole) // 2] if place is None else whole)
        if place is not None:
            damaged[place] ^= 0x40
        for old in cache.glob("*/*.shard"):
            old.unlink()
        file.write_bytes(damaged)
        pd.testing.assert_frame_equal(measured(paths, digests, cache), first)


def test_what_could_not_be_read_or_has_changed_is_not_remembered(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    cv2.imwrite(str(photo), np.full((10, 20, 3), 90, np.uint8))
    whole = photo.read_bytes()
    digest = hashlib.sha256(whole).hexdigest()
    cv2.imwrite(str(photo), np.full((10, 20, 3), 10, np.uint8))  # other bytes than those that were hashed
    assert measured([photo], [digest], tmp_path / "cache").loc[0].isna().all()
    photo.write_bytes(whole)
    assert measured([photo], [digest], tmp_path / "cache").loc[0, "photo_brightness"] == 90.0
