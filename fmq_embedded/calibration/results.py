"""When a network's result stays: for calibration that keeps the result, not a signal's ratio.

A smaller error of the map can be a worse result, and so can a smaller error of the tail's
outputs: what counts is the class that is named, or what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded import blazeface
from fmq_embedded.errors import unknown_name
from fmq_embedded.runtimes import Port

SURE_SHARE: Final = 0.7
SURE_SCORE, SURELY_NOTHING = 0.75, 0.4
SAME_OVERLAP, SAME_SCORE = 0.9, 0.02
SAME_PLACE, BOX_FIELDS = 0.03, 4
"""By how much of the picture's side each of a box's numbers may move, about."""
_UNPADDED: Final = blazeface.Preparation(1.0, 0.0, 0.0)

Box = tuple[float, float, float, float]
Outputs = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Result:
    """A kind of result.

    Args:
        same: whether the second outputs say what the first do, the unsplit network's.
        is_sure: whether outputs are no near tie. One that is only shows which way rounding fell:
            calibration leaves it out.
        change: how far the second outputs move the first's result; for the importance of channels.
            None: all outputs alike matter.
        found: where outputs have something, as boxes (left, top, right, bottom) in shares of the
            input's sides, doubtful ones included. None: there is no telling where.
    """

    same: Callable[[Outputs, Outputs], bool]
    is_sure: Callable[[Outputs], bool]
    change: Callable[[Outputs, Outputs], float] | None = None
    found: Callable[[Outputs], list[Box]] | None = None


def result_kind(name: str, ports: tuple[Port, ...]) -> Result:
    """A result of `RESULTS`, for a tail with these outputs.

    Raises:
        InputError: there is none of that name.
    """
    if name not in RESULTS:
        raise unknown_name("result that has to stay", name, RESULTS)
    return RESULTS[name](ports)


def _classes(ports: tuple[Port, ...]) -> Result:
    """The largest of each output's values along its last axis."""
    known = {port.name: port for port in ports}

    def shares(name: str, codes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        port = known[name]
        real = (codes.astype(np.float64) - port.zero_point) * port.scale
        if real.min() >= 0 and bool((np.abs(real.sum(axis=-1) - 1) < 0.1).all()):
            return real
        powers = np.exp(real - real.max(axis=-1, keepdims=True))
        softmax: npt.NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
        return softmax

    def same(reference: Outputs, outputs: Outputs) -> bool:
        return all(
            bool((exact.argmax(axis=-1) == outputs[name].argmax(axis=-1)).all())
            for name, exact in reference.items()
        )

    def is_sure(outputs: Outputs) -> bool:
        return all(
            bool((shares(name, codes).max(axis=-1) >= SURE_SHARE).all())
            for name, codes in outputs.items()
        )

    return Result(same, is_sure)


def _faces(ports: tuple[Port, ...]) -> Result:
    """BlazeFace's: each face overlaps by 0.9, its score within 0.02, and no other is found."""

    def same(reference: Outputs, outputs: Outputs) -> bool:
        wanted, got = (blazeface.detect(one, _UNPADDED) for one in (reference, outputs))
        return len(wanted) == len(got) and all(
            blazeface.overlap(a.box, b.box) >= SAME_OVERLAP and abs(a.score - b.score) <= SAME_SCORE
            for a, b in zip(wanted, got, strict=True)
        )

    def is_sure(outputs: Outputs) -> bool:
        found = blazeface.detect(outputs, _UNPADDED, minimum_score=SURELY_NOTHING)
        best = max((face.score for face in found), default=0.0)
        return best <= SURELY_NOTHING or best >= SURE_SCORE

    return Result(same, is_sure, _moved_faces, _faces_found)


def _faces_found(outputs: Outputs) -> list[Box]:
    found = blazeface.detect(outputs, _UNPADDED, minimum_score=SURELY_NOTHING)
    side = blazeface.INPUT_SIZE
    return [
        (left / side, top / side, right / side, bottom / side)
        for left, top, right, bottom in (face.box for face in found)
    ]


def _moved_faces(reference: Outputs, outputs: Outputs) -> float:
    """Squared changes of all anchors' scores and, as far as there is a face, of their boxes.

    Both in units of what a face may move by; where nothing is found, boxes do not matter.
    """
    wanted, got = (
        1 / (1 + np.exp(-_flat(one, blazeface.SCORE_TENSOR))) for one in (reference, outputs)
    )
    before, after = (
        _flat(one, blazeface.BOX_TENSOR).reshape(wanted.size, -1)[:, :BOX_FIELDS]
        for one in (reference, outputs)
    )
    scores = (wanted - got) / SAME_SCORE
    boxes = wanted[:, None] * (before - after) / (blazeface.INPUT_SIZE * SAME_PLACE)
    return float((scores**2).sum() + (boxes**2).sum())


def _flat(outputs: Outputs, name: str) -> npt.NDArray[np.float64]:
    return outputs[name].astype(np.float64).ravel()


RESULTS: Final[Mapping[str, Callable[[tuple[Port, ...]], Result]]] = {
    "class": _classes,
    "faces": _faces,
}
