"""What a backend gave is said in words: what came, what was expected, for which photograph; and nothing of a template
is printed."""

from __future__ import annotations

import numpy as np
import pytest

from audit.backends.answers import line_shown
from audit.backends.check import rows_of
from audit.backends.contract import ContractError, answers_of, fault_of, raised, sound
from audit.backends.options import fingerprint_of
from audit.backends.protocol import Extraction, ScoreRule, Status
from audit.backends.separation import separation, slightly_changed

GOOD = np.arange(1, 5, dtype=np.float32)


class Four:
    name, version, dimensions = "four", "1", 4
    rule = ScoreRule("cosine", "similarity", -1.0, 1.0)
    fingerprint = fingerprint_of(name="four")

    def describe(self) -> dict:
        return {"product": "toy", "licence": "none", "training_data": "none"}

    def extract(self, images):
        raise NotImplementedError


FOUR = Four()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            None,
            "the matcher's extract() returned None in place of a list of 2 Extractions, one per "
            "image, in order; does it end without `return`?",
        ),
        (
            GOOD,
            "the matcher's extract() returned a numpy array of float32 of shape (4,) in place of a "
            "list of 2 Extractions",
        ),
        ({"a": 1}, "the matcher's extract() returned a dict in place of a list"),
        (Extraction(Status.ACQUIRED, GOOD), "the matcher's extract() returned one Extraction in place of a list"),
        ((one for one in ()), "the matcher's extract() returned a generator in place of a list"),
        ([], "the matcher's extract() returned 0 answers for 2 images"),
        ([1, 2, 3], "the matcher's extract() returned 3 answers for 2 images"),
    ],
)
def test_what_is_no_list_of_answers_is_said(found, words) -> None:
    with pytest.raises(ContractError) as refused:
        answers_of(found, 2)
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "None in place of an Extraction"),
        (GOOD, "a numpy array of float32 of shape (4,) in place of an Extraction"),
        ([0.25] * 4, "a list of 4 in place of an Extraction"),
        (Extraction("ACQUIRED", GOOD), "status 'ACQUIRED' in place of one of Status.ACQUIRED, Status.UNREADABLE"),
        (Extraction(9, GOOD), "status 9 in place of"),
        (
            Extraction(Status.ACQUIRED),
            "Status.ACQUIRED without a template; expected a numpy array of float32 of shape (4,)",
        ),
        (
            Extraction(Status.ACQUIRED, [0.25] * 4),
            "a template that is a list of 4 in place of a numpy array of float32 of shape (4,)",
        ),
        (
            Extraction(Status.ACQUIRED, GOOD.astype(np.float64)),
            "a template of float64 of shape (4,) in place of float32 of shape (4,)",
        ),
        (
            Extraction(Status.ACQUIRED, GOOD[None]),
            "a template of float32 of shape (1, 4) in place of float32 of shape (4,)",
        ),
        (Extraction(Status.ACQUIRED, GOOD * np.float32(np.nan)), "a template with NaN or infinity"),
        (Extraction(Status.ACQUIRED, GOOD * 0), "a template of zeros only"),
        (Extraction(Status.ACQUIRED, GOOD, faces=-1), "faces = -1 in place of a whole number from 0"),
        (Extraction(Status.ACQUIRED, GOOD, faces=1.5), "faces = 1.5"),
        (Extraction(Status.ACQUIRED, GOOD, quality=[1]), "quality that is a list of 1"),
        (
            Extraction(Status.ACQUIRED, GOOD, quality={"yaw": "left"}),
            "quality 'yaw' = 'left' in place of a text and a number",
        ),
        (Extraction(Status.ACQUIRED, GOOD, seconds=float("nan")), "seconds = nan"),
        (Extraction(Status.NO_FACE, reason=None), "a reason that is None in place of a text"),
    ],
)
def test_an_answer_that_breaks_the_contract_becomes_an_error_that_says_how(answer, words) -> None:
    assert fault_of(answer, FOUR).startswith(words)
    got = sound(answer, FOUR)
    assert got.status == Status.ERROR
    assert got.template is None
    assert got.reason.startswith(f"the matcher gave {words}")
    assert "0.25" not in got.reason


def test_an_answer_that_keeps_the_contract_stays_as_it_is() -> None:
    got = sound(Extraction(np.int64(0), GOOD, faces=np.int32(2), quality={"yaw": np.float32(1)}), FOUR)
    assert got.status is Status.ACQUIRED
    assert got.template is not None
    assert (got.template == GOOD).all()
    assert got.faces == 2
    assert fault_of(Extraction(Status.NO_FACE, reason="no face found"), FOUR) == ""


def test_an_exception_is_told_with_the_line_of_the_backend_s_own_code() -> None:
    with pytest.raises(NotImplementedError) as caught:
        FOUR.extract([])
    assert raised(caught.value).startswith("the matcher raised NotImplementedError:  (test_contract.py, line ")
    assert "raise NotImplementedError" in raised(caught.value)


@pytest.mark.parametrize("given", [None, {}, 7])
def test_the_check_names_the_image_for_which_the_answer_was_wrong(given, monkeypatch) -> None:
    class Wrong(Four):
        def extract(self, images):
            return [
                Extraction(Status.NO_FACE, reason="no face") if image.shape != (1, 1, 3) else given for image in images
            ]

    monkeypatch.setattr("audit.backends.check.make", lambda name, options: Wrong())
    failed = [row for row in rows_of("four", {}, (), huge=False) if row.passed is False]
    kind = {"NoneType": "None", "dict": "a dict", "int": "an int"}[type(given).__name__]
    assert [row.check for row in failed] == ["it answers as the contract asks"]
    assert (
        failed[0].detail == f"one pixel: the matcher gave {kind} in place of an Extraction (audit.backends.protocol)"
    )


def test_separation_counts_photographs_that_know_their_own_copy() -> None:
    # Two people, two photographs each, on a line: a at 0 and 1, b at 10 and 11; score = -distance. Copies lie 0.1
    # beside theirs, the last far off.
    templates = [np.array([x]) for x in (0.0, 1.0, 10.0, 11.0)]
    copies = [np.array([x]) for x in (0.1, 1.1, 10.1, 50.0)]
    rows = separation(templates, copies, ["a", "a", "b", "b"], lambda one, other: -float(abs(one - other)[0]))
    # different pairs: 1, 10, 9, 11, 10, 1 -> from -11 to -1
    assert rows[0].detail.startswith("scores of 6 pairs of different photographs: -11 to -1")
    assert rows[1].detail.startswith("3 of 4 photographs are nearer")
    assert (
        "mated scores are -1 to -1 (2 pairs), non-mated -11 to -9 (4), and a mated one is the higher in 100 of 100"
        in rows[1].detail
    )


def test_a_changed_copy_is_another_photograph_that_looks_the_same() -> None:
    image = np.random.default_rng(4).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    changed = slightly_changed(image)
    assert changed.shape == image.shape
    assert (changed != image).any()
    assert np.abs(changed[1:, 1:].astype(int) - image[:-1, :-1].astype(int)).max() <= 8  # 3 of 100 of 255, rounded


@pytest.mark.parametrize(
    ("line", "shows"),
    [
        (b"loading model 2 of 3", "'loading model 2 of 3'"),
        (b'{"id": 7, "template": [0.12, -5e-1, NaN, 0.75], "faces": 1', '\'{"id": 7, "template": [...], "faces": 1\''),
        (b'{"id": 7, "template": [0.12, -0.5, 0.25, 0.', '\'{"id": 7, "template": [...]\''),
        (b'{"template_base64": "' + b"QUJD" * 30 + b'"}', '\'{"template_base64": "..."}\''),
        (b"[1, 2]", "'[...]'"),
        (b"\xff\x00[not numbers]", "[not numbers]'"),
    ],
)
def test_a_line_that_cannot_be_used_is_shown_without_a_template(line, shows) -> None:
    assert line_shown(line).endswith(shows)
