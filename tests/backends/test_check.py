"""The contract suite passes backends that keep the contract, and names what a toy that breaks it has broken."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from audit.backends.check import Check, check, score
from audit.backends.check_apart import check_apart
from audit.backends.options import fingerprint_of
from audit.backends.protocol import Extraction, ScoreRule, Status

COUNT = itertools.count(1)


class Good:
    """Mean colours of four quarters; black, white and grey have no face."""

    name, version, dimensions = "good", "1", 12
    rule = ScoreRule("euclidean", "dissimilarity", -1000.0, 0.0, 10.0, "distance")

    def __init__(self, options=None) -> None:
        self.options = options

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(name=self.name)

    def describe(self) -> dict:
        return {"product": "toy", "licence": "none", "training_data": "none"}

    def extract(self, images):
        return [self.one(image) for image in images]

    def one(self, image):
        if image.std() < 1:
            return Extraction(Status.NO_FACE, reason="no face found")
        halves = [half for side in np.array_split(image, 2) for half in np.array_split(side, 2, axis=1)]
        return Extraction(
            Status.ACQUIRED,
            np.array([half.reshape(-1, 3).mean(axis=0) for half in halves], dtype=np.float32).ravel(),
            faces=1,
        )


class Wavering(Good):
    def one(self, image):
        row = super().one(image)
        return row if row.template is None else Extraction(row.status, row.template + np.float32(next(COUNT)))


class OneForAll(Good):
    def extract(self, images):
        return super().extract(images[:1])


class Double(Good):
    def one(self, image):
        row = super().one(image)
        return row if row.template is None else Extraction(row.status, row.template.astype(np.float64))


class Company(Good):
    def extract(self, images):
        return [
            row if row.template is None else Extraction(row.status, row.template * np.float32(len(images)))
            for row in super().extract(images)
        ]


class Clock(Good):
    @property
    def fingerprint(self) -> str:
        return fingerprint_of(count=next(COUNT))


class Scribbling(Good):
    def one(self, image):
        row = super().one(image)
        image[0, 0] = 0
        return row


class Seeing(Good):
    def one(self, image):
        return Extraction(Status.ACQUIRED, np.zeros(12, np.float32))


class Raising(Good):
    def one(self, image):
        if image.std() < 1:
            raise ZeroDivisionError("an image without contrast")
        return super().one(image)


class Narrow(Good):
    rule = ScoreRule("euclidean", "dissimilarity", -1.0, 0.0, 10.0, "distance")


class Silent(Good):
    def describe(self) -> dict:
        return {"product": "toy"}


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{n}.png" for n in range(4)]
    for path in paths:
        cv2.imwrite(str(path), rng.integers(0, 256, (40, 30, 3)).astype(np.uint8))
    return paths


def failed(rows: list[Check]) -> set[str]:
    return {row.check for row in rows if row.passed is False}


def run(kind: type, photos: list[Path], monkeypatch) -> set[str]:
    monkeypatch.setattr("audit.backends.check.make", lambda name, options: kind(options))
    return failed(check("toy", {}, photos=photos, huge=False))


def test_a_backend_that_keeps_the_contract_passes_everything(photos, monkeypatch) -> None:
    assert run(Good, photos, monkeypatch) == set()


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (Wavering, "the same images give the same templates"),
        (OneForAll, "a batch gives one answer per image"),
        (Double, "templates are finite float32 of the stated width"),
        (Company, "a batch gives what single images give"),
        (Clock, "made again, it has the same fingerprint"),
        (Scribbling, "it leaves the images as they were"),
        (Seeing, "a black image is a failure with a reason"),
        (Seeing, "different photographs give different templates"),
        (Raising, "without faces"),
        (Narrow, "scores lie between low and high"),
        (Narrow, "the default threshold lies between low and high"),
        (Silent, "it states product, licence and training data"),
    ],
)
def test_what_is_broken_is_named(kind, broken, photos, monkeypatch) -> None:
    assert broken in run(kind, photos, monkeypatch)


def test_a_backend_that_cannot_be_made_is_one_failed_check() -> None:
    rows = check("no-such-backend", {})
    assert [row.passed for row in rows] == [False]
    assert "unknown backend" in rows[0].detail


def test_without_photographs_it_says_what_was_not_tried(monkeypatch) -> None:
    monkeypatch.setattr("audit.backends.check.make", lambda name, options: Good())
    rows = check("toy", {}, huge=False)
    assert rows[-1].passed is None
    assert "were not tried" in rows[-1].detail


class Crashing(Good):
    def one(self, image):
        if image.std() < 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().one(image)


class Hanging(Good):
    def one(self, image):
        time.sleep(60)


@pytest.mark.parametrize(
    ("name", "detail"),
    [("Crashing", "its process ended (SIGSEGV) after: no images"), ("Hanging", "it was silent for 3 s after")],
)
def test_a_crash_or_a_hang_is_a_row(name, detail, tmp_path) -> None:
    (tmp_path / "toys_for_check.py").write_text(Path(__file__).read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        rows = check_apart(f"toys_for_check:{name}", {}, huge=False, timeout_seconds=3)
    assert rows[-1].check == "it survives"
    assert rows[-1].passed is False
    assert rows[-1].detail.startswith(detail)
    assert len(rows) >= 8


def test_a_good_backend_apart_gives_the_rows_it_gives_here(photos, tmp_path) -> None:
    (tmp_path / "toys_for_check.py").write_text(Path(__file__).read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        apart = check_apart("toys_for_check:Good", {}, photos=photos, huge=False)
        here = check("toys_for_check:Good", {}, photos=photos, huge=False)
    assert [row[:2] for row in apart[:-1]] == [row[:2] for row in here]
    assert apart[-1] == Check("it survives", True, "no crash")


def test_scores_follow_their_definition() -> None:
    # a = (3, 4), b = (0, 5): |a - b| = sqrt(9 + 1); a.b = 20; |a| = |b| = 5, so the cosine is 20 / 25.
    a, b = np.array([3, 4], np.float32), np.array([0, 5], np.float32)
    values = [score(a, b, ScoreRule(measure, "similarity", -9, 9)) for measure in ("euclidean", "inner", "cosine")]
    assert values == [-np.sqrt(10.0), 20.0, 0.8]


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", ["face_recognition", "onnx"])
def test_the_built_in_matchers_keep_the_contract(name, shared, yunet) -> None:
    pytest.importorskip("dlib" if name == "face_recognition" else "onnxruntime")
    options = (
        {
            "preset": "mobilenet_vggface2",
            "model": str(shared / "models/mobilenet_vggface2.onnx"),
            "detector": str(yunet),
        }
        if name == "onnx"
        else {}
    )
    rows = check(
        name, options, photos=sorted((shared / "data/lfw/images").glob("*/*.jpg"))[::3300], huge=name == "onnx"
    )
    assert failed(rows) == set()
    assert len(rows) > 20


# ---- whether it is a matcher at all
# ---------------------------------------------------------------------------------------------------------------


class Same(Good):
    """Answers everything alike."""

    def one(self, image):
        row = super().one(image)
        return row if row.template is None else Extraction(row.status, np.full(12, 7, np.float32))


class Faint(Good):
    """Answers everything nearly alike, and does tell people apart."""

    def one(self, image):
        row = super().one(image)
        return row if row.template is None else Extraction(row.status, row.template / 1000)


class Blind(Good):
    """Sees nothing of who is on a photograph: its bytes alone."""

    def one(self, image):
        row = super().one(image)
        return (
            row
            if row.template is None
            else Extraction(row.status, np.random.default_rng(int(image.sum())).normal(size=12).astype(np.float32))
        )


class Reversed(Good):
    """Knows people, but two photographs of one come out as opposites, as where a distance is read as a similarity."""

    rule = ScoreRule("inner", "similarity", -1e6, 1e6)

    def one(self, image):
        row = super().one(image)
        return (
            row
            if row.template is None
            else Extraction(row.status, (row.template - 128) * (1 if image[0, 0, 0] % 2 else -1))
        )


class Elsewhere(Good):
    rule = ScoreRule("euclidean", "dissimilarity", -1000.0, 0.0, 999.0, "distance")


SPREAD, APART = "scores differ between photographs", "it tells people apart"
THRESHOLD = "its default threshold lies among the scores"


@pytest.fixture
def people(tmp_path: Path) -> list[tuple[Path, str]]:
    """Twenty people, two photographs each: a colour of one's own and a little noise."""
    rng, out = np.random.default_rng(2), []
    for who in range(20):
        colour = rng.integers(40, 216, (2, 2, 3)).repeat(10, axis=0).repeat(10, axis=1)
        for photo in range(2):
            image = np.clip(colour + rng.normal(0, 8, colour.shape), 0, 255).astype(np.uint8)
            image[0, 0, 0] = image[0, 0, 0] // 2 * 2 + photo
            path = tmp_path / f"{who}-{photo}.png"
            cv2.imwrite(str(path), image)
            out.append((path, f"person {who}"))
    return out


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (Good, set()),
        (Same, {SPREAD, APART, THRESHOLD}),
        (Faint, {THRESHOLD}),
        (Blind, {APART, THRESHOLD}),
        (Reversed, {APART}),
        (Elsewhere, {THRESHOLD}),
    ],
)
def test_whether_a_backend_tells_people_apart_is_said_first(kind: type, broken: set[str], people, monkeypatch) -> None:
    monkeypatch.setattr("audit.backends.check.make", lambda name, options: kind(options))
    rows = check("toy", {}, known=people, huge=False)
    assert [row.check for row in rows[1:3]] == [SPREAD, APART]
    assert failed(rows) & {SPREAD, APART, THRESHOLD} == broken
    assert not any(
        "person" in row.detail.replace("one person", "") and who in row.detail for row in rows for _, who in people
    )  # no id


def test_the_area_that_is_printed_is_the_share_of_pairs_of_scores_in_order(people, monkeypatch) -> None:
    monkeypatch.setattr("audit.backends.check.make", lambda name, options: Good(options))
    row = next(row for row in check("toy", {}, known=people, huge=False) if row.check == "it tells people apart")
    made = [(Good().one(cv2.imread(str(path))).template, who) for path, who in people]
    scores = [(score(a, b, Good.rule), x == y) for (a, x), (b, y) in itertools.combinations(made, 2)]
    mated, other = ([value for value, same in scores if same is wanted] for wanted in (True, False))
    won = sum((a > b) + (a == b) / 2 for a in mated for b in other) / len(mated) / len(other)
    assert f"about {100 * won:.3g} score above" in row.detail


def test_too_few_people_are_no_failure(people, monkeypatch) -> None:
    monkeypatch.setattr("audit.backends.check.make", lambda name, options: Blind(options))
    row = next(row for row in check("toy", {}, known=people[:6], huge=False) if row.check == "it tells people apart")
    assert row.passed is not False
