"""When a network's result counts as the same."""

from __future__ import annotations

import numpy as np
import pytest

from fmq_embedded.calibration.results import result_kind
from fmq_embedded.errors import InputError
from fmq_embedded.runtimes import Port

FLOAT = Port("out", (1, 3), np.dtype(np.float32), 1.0, 0)
SOFTMAX_CODES = Port("out", (1, 3), np.dtype(np.int8), 1 / 256, -128)


def outputs(*values: float, dtype: type = np.float32) -> dict[str, np.ndarray]:
    return {"out": np.array([values], dtype)}


def test_the_class_is_the_largest_output() -> None:
    kind = result_kind("class", (FLOAT,))
    assert kind.same(outputs(0.1, 0.9, 0.2), outputs(5.0, 6.0, 1.0))
    assert not kind.same(outputs(0.1, 0.9, 0.2), outputs(0.1, 0.9, 0.91))


@pytest.mark.parametrize(
    ("port", "values", "sure"),
    [
        (FLOAT, (0.71, 0.2, 0.09), True),  # shares as they are
        (FLOAT, (0.69, 0.22, 0.09), False),
        (FLOAT, (4.0, 2.0, 1.0), True),  # logits: softmax gives 0.84
        (FLOAT, (4.0, 3.5, 1.0), False),  # 0.60
        (SOFTMAX_CODES, (60, -60, -128), True),  # 188/256 = 0.73
        (SOFTMAX_CODES, (50, -50, -128), False),  # 178/256 = 0.695
    ],
)
def test_near_ties_are_not_sure(port: Port, values: tuple[float, ...], sure: bool) -> None:
    kind = result_kind("class", (port,))
    assert kind.is_sure(outputs(*values, dtype=port.dtype.type)) is sure


def face(score: float, *, right: float = 0.0) -> dict[str, np.ndarray]:
    """The outputs of BlazeFace with one face of 32 pixels at an anchor in the middle."""
    scores = np.full((1, 896, 1), -100.0, np.float32)
    boxes = np.zeros((1, 896, 16), np.float32)
    boxes[0, 270, :4] = (right, 0, 32, 32)
    if score > 0:
        scores[0, 270, 0] = np.log(score / (1 - score))
    return {"classificators": scores, "regressors": boxes}


def test_faces_stay_where_box_and_score_do_and_none_is_added() -> None:
    kind = result_kind("faces", ())
    assert kind.same(face(0.9), face(0.915))
    assert not kind.same(face(0.9), face(0.93))
    assert kind.same(face(0.9), face(0.9, right=1.0))  # 31 of 33 columns: 0.94
    assert not kind.same(face(0.9), face(0.9, right=3.0))
    assert not kind.same(face(0.9), face(0))
    assert not kind.same(face(0), face(0.9))
    assert kind.same(face(0), face(0.3))


def test_faces_move_in_units_of_what_they_may() -> None:
    moved = result_kind("faces", ()).change
    assert moved is not None
    assert moved(face(0.9), face(0.92)) == pytest.approx(1.0, rel=1e-3)
    assert moved(face(0.9), face(0.9, right=128 * 0.03)) == pytest.approx(0.81, rel=1e-3)
    assert moved(face(0), face(0, right=50.0)) == pytest.approx(0.0, abs=1e-6)


def test_a_face_that_is_hardly_one_is_not_sure() -> None:
    kind = result_kind("faces", ())
    assert [kind.is_sure(face(score)) for score in (0.0, 0.3, 0.5, 0.7, 0.8)] == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_where_faces_are_is_told_in_shares_of_the_picture() -> None:
    found = result_kind("faces", ()).found
    assert found is not None
    assert found(face(0.3)) == []
    ((left, top, right, bottom),) = found(face(0.45, right=16.0))
    assert (right - left, bottom - top) == pytest.approx((0.25, 0.25))
    ((other, _, _, _),) = found(face(0.45))
    assert left - other == pytest.approx(0.125)


def test_an_unknown_result_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="class"):
        result_kind("clas", ())
