"""Photos are prepared, and outputs decoded, as the face detector's authors meant."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from skimage import data

from fmq_embedded import blazeface
from fmq_embedded.blazeface import Preparation, anchors, detect, overlap, prepare
from fmq_embedded.errors import InputError
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import open_model

WHOLE = Preparation(1.0, 0.0, 0.0)


def outputs(*faces: tuple[int, float, list[float]]) -> dict[str, npt.NDArray[np.float32]]:
    """Outputs with a raw score and the raw box (centre x, y, width, height) at some anchors."""
    scores = np.full((1, 896, 1), -50, np.float32)
    boxes = np.zeros((1, 896, 16), np.float32)
    for anchor, score, box in faces:
        scores[0, anchor, 0] = score
        boxes[0, anchor, :4] = box
    return {"classificators": scores, "regressors": boxes}


def test_the_astronauts_face() -> None:
    pixels, preparation = prepare(data.astronaut())
    (face,) = detect(open_model(fetch("blazeface_short_range")).run(pixels), preparation)
    assert face.score == pytest.approx(0.92, abs=0.02)
    assert overlap(face.box, (178, 81, 272, 175)) > 0.9
    assert len(face.keypoints) == len(blazeface.KEYPOINT_NAMES)
    for got, expected in zip(face.keypoints[:2], [(204, 103), (249, 109)], strict=True):
        assert math.dist(got, expected) < 4


def test_the_face_is_found_where_it_is_in_a_crop() -> None:
    crop = data.astronaut()[:300, 100:360]
    pixels, preparation = prepare(crop)
    (face,) = detect(open_model(fetch("blazeface_short_range")).run(pixels), preparation)
    assert overlap(face.box, (78, 81, 172, 175)) > 0.7


def test_there_is_no_face_in_a_cup_of_coffee() -> None:
    pixels, preparation = prepare(data.coffee())
    assert detect(open_model(fetch("blazeface_short_range")).run(pixels), preparation) == []


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((256, 128, 3), Preparation(0.5, 32, 0)),
        ((64, 128, 3), Preparation(1.0, 0, 32)),
        ((128, 128), Preparation(1.0, 0, 0)),
        ((1, 1000, 3), Preparation(0.128, 0, 63)),
    ],
)
def test_proportions_are_kept(shape: tuple[int, ...], expected: Preparation) -> None:
    pixels, preparation = prepare(np.full(shape, 255, np.uint8))
    assert preparation == expected
    assert pixels.shape == (1, 128, 128, 3)
    assert pixels.dtype == np.float32
    assert set(np.unique(pixels)) <= {-1.0, 1.0}
    rows, columns = max(1, shape[0] * expected.scale), shape[1] * expected.scale
    assert np.count_nonzero(pixels == 1) == 3 * round(rows) * round(columns)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_what_is_no_photo(photo: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match="a photo is uint8"):
        prepare(photo)


def test_anchors_are_the_centres_of_the_cells() -> None:
    got = anchors()
    assert got.shape == (896, 2)
    np.testing.assert_array_equal(got[[0, 1]], [[1 / 32, 1 / 32]] * 2)
    np.testing.assert_array_equal(got[2], [3 / 32, 1 / 32])
    np.testing.assert_array_equal(got[[512, 517]], [[1 / 16, 1 / 16]] * 2)
    np.testing.assert_array_equal(got[895], [15 / 16, 15 / 16])


def test_a_box_is_decoded_around_its_anchor() -> None:
    raw = outputs((895, 0.0, [4, -2, 16, 32]))
    raw["regressors"][0, 895, 4:6] = [1, 2]
    (face,) = detect(raw, Preparation(0.5, 10, 20))
    centre = 120.0
    box = (centre + 4 - 8 - 10, centre - 2 - 16 - 20, centre + 4 + 8 - 10, centre - 2 + 16 - 20)
    assert face.box == tuple(2 * value for value in box)
    assert face.keypoints[0] == (2 * (centre + 1 - 10), 2 * (centre + 2 - 20))
    assert face.score == 0.5


def test_boxes_that_overlap_are_merged_by_score() -> None:
    raw = outputs((0, math.log(3), [0, 0, 40, 40]), (1, 0.0, [8, 0, 40, 40]))
    (face,) = detect(raw, WHOLE)
    shift = 8 * 0.5 / (0.5 + 0.75)
    assert face.score == pytest.approx(0.75)
    assert face.box == pytest.approx((4 - 20 + shift, 4 - 20, 4 + 20 + shift, 4 + 20))


def test_boxes_apart_are_two_faces_best_first() -> None:
    raw = outputs((0, 1.0, [0, 0, 10, 10]), (895, 2.0, [0, 0, 10, 10]))
    faces = detect(raw, WHOLE)
    assert [face.box[0] for face in faces] == [115.0, -1.0]
    assert faces[0].score > faces[1].score


def test_what_is_no_face() -> None:
    low = (0, -0.1, [0, 0, 10, 10])
    inside_out = (5, 3.0, [0, 0, -10, 10])
    infinite = (7, 3.0, [0, 0, 10, math.inf])
    not_a_score = (9, math.nan, [0, 0, 10, 10])
    assert detect(outputs(low, inside_out, infinite, not_a_score), WHOLE) == []
    assert len(detect(outputs(low), WHOLE, minimum_score=0.4)) == 1


def test_huge_raw_scores_do_not_overflow() -> None:
    with np.errstate(all="raise"):
        (face,) = detect(outputs((0, 1e30, [0, 0, 10, 10])), WHOLE)
    assert face.score == 1.0


def test_outputs_of_another_model() -> None:
    raw = outputs()
    raw["regressors"] = raw["regressors"][:, :10]
    with pytest.raises(InputError, match=r"regressors.*\(1, 896, 16\)"):
        detect(raw, WHOLE)
    with pytest.raises(InputError, match="classificators"):
        detect({}, WHOLE)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((0.0, 0.0, 2.0, 2.0), 1.0),
        ((1.0, 0.0, 3.0, 2.0), 1 / 3),
        ((2.0, 0.0, 4.0, 2.0), 0.0),
        ((0.5, 0.5, 1.5, 1.5), 0.25),
        ((5.0, 5.0, 6.0, 6.0), 0.0),
    ],
)
def test_intersection_over_union(second: tuple[float, ...], expected: float) -> None:
    first = (0.0, 0.0, 2.0, 2.0)
    assert overlap(first, second) == pytest.approx(expected)
    assert overlap(second, first) == pytest.approx(expected)
