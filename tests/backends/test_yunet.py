"""Finding and aligning a face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.backends.protocol import Status
from audit.backends.yunet import ARCFACE_TEMPLATE, YuNet, aligned, similarity, template_points


@given(st.floats(-3, 3), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500))
def test_a_known_similarity_is_found_again(angle, scale, right, down) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = similarity(ARCFACE_TEMPLATE, ARCFACE_TEMPLATE @ turn.T + [right, down])
    np.testing.assert_allclose(matrix, np.column_stack([turn, [right, down]]), atol=1e-8 * (1 + 500 + scale))


@given(st.lists(st.floats(-40, 40), min_size=10, max_size=10))
def test_no_nearby_similarity_is_better(noise) -> None:
    points = ARCFACE_TEMPLATE + np.array(noise).reshape(5, 2) / 4

    def error(m: np.ndarray) -> float:
        return float(((points @ m[:, :2].T + m[:, 2] - ARCFACE_TEMPLATE) ** 2).sum())

    best = similarity(points, ARCFACE_TEMPLATE)
    a, b = best[0, 0], best[1, 0]
    for da, db, dx, dy in np.vstack([np.eye(4), -np.eye(4)]) * 1e-3:
        assert (
            error(best)
            <= error(np.array([[a + da, -(b + db), best[0, 2] + dx], [b + db, a + da, best[1, 2] + dy]])) + 1e-9
        )


def test_similarity_agrees_with_scikit_learn_free_least_squares() -> None:
    # The same problem written as 10 equations in (a, b, x, y), solved by numpy.
    points = ARCFACE_TEMPLATE[::-1] * 1.3 + np.arange(10).reshape(5, 2)
    rows = [[x, -y, 1, 0] for x, y in points] + [[y, x, 0, 1] for x, y in points]
    a, b, x, y = np.linalg.lstsq(np.array(rows), ARCFACE_TEMPLATE.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(similarity(points, ARCFACE_TEMPLATE), [[a, -b, x], [b, a, y]], atol=1e-9)


def test_the_template_is_scaled_about_the_centre() -> None:
    # The nose (56.0252, 71.7366) doubled is (112.0504, 143.4732); times 0.8 about (112, 112): (112.04032, 137.17856).
    np.testing.assert_allclose(template_points(224, 0.8)[2], [112.04032, 137.17856])
    np.testing.assert_allclose(template_points(112, 1.0), ARCFACE_TEMPLATE)


def test_marks_at_the_landmarks_land_on_the_template() -> None:
    # Five white discs on black at turned, scaled and shifted places; their centres of mass in the crop are the
    # template's points.
    turn = 1.9 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    points = ARCFACE_TEMPLATE @ turn.T + [120, 60]
    image = np.zeros((420, 420, 3), np.uint8)
    for x, y in points:
        cv2.circle(image, (round(x * 16), round(y * 16)), 5 * 16, (255, 255, 255), -1, cv2.LINE_AA, shift=4)
    crop = aligned(image, np.concatenate([[0, 0, 1, 1], points.ravel(), [1]]), 224, 0.8)[:, :, 0].astype(float)
    for x, y in template_points(224, 0.8):
        patch = crop[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10]
        rows, columns = np.mgrid[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10]
        assert abs((columns * patch).sum() / patch.sum() - x) < 0.15
        assert abs((rows * patch).sum() / patch.sum() - y) < 0.15


@pytest.mark.shared
def test_a_photo_four_times_as_large_gives_the_same_landmarks_four_times_as_large(yunet, lfw_photos) -> None:
    detector = YuNet(yunet, 0.6, 500, "central")
    small, _ = detector.find(lfw_photos[0])
    large, _ = detector.find(cv2.resize(lfw_photos[0], None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC))
    eyes = np.hypot(*(small[6:8] - small[4:6]))
    assert (
        np.abs(large[4:14] / 4 - small[4:14]).max() < 0.12 * eyes
    )  # the detector's own noise; a wrong scale would be off by eye distances


@pytest.mark.shared
def test_no_face_many_faces_and_tiny_photos_have_their_status(yunet, lfw_photos) -> None:
    only, central = YuNet(yunet, 0.6, 640, "only"), YuNet(yunet, 0.6, 640, "central")
    five = np.hstack([photo[40:210, 40:210] for photo in lfw_photos[:5]])
    assert (only.find(five)[1].status, only.find(five)[1].faces) == (Status.MANY_FACES, 5)
    assert central.find(five)[0][0] // 170 == 2  # the third of five faces, each 170 pixels wide
    assert central.find(np.zeros((100, 100, 3), np.uint8))[1].status == Status.NO_FACE
    assert central.find(np.zeros((3, 200, 3), np.uint8))[1].status == Status.NO_FACE
    five[:, 680:] = cv2.resize(lfw_photos[4][60:190, 60:190], (170, 170))
    assert YuNet(yunet, 0.6, 850, "largest").find(five)[0][0] > 640
