"""BlazeFace, the face detector of the demo: from a photo to its input, from its outputs to faces.

Source: V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs",
2019; anchors, decoding and weighted non-maximum suppression as in MediaPipe's calculators
(ssd_anchors, tensors_to_detections, non_max_suppression) with the short-range model's options.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.data.pictures import fitted
from fmq_embedded.errors import InputError

INPUT_SIZE: Final = 128
KEYPOINT_NAMES: Final = ("left_eye", "right_eye", "nose", "mouth", "left_ear", "right_ear")
SCORE_TENSOR: Final = "classificators"
BOX_TENSOR: Final = "regressors"

_MAPS: Final = ((16, 2), (8, 6))  # side of each scale's map, anchors at each of its positions
_ANCHORS: Final = sum(side * side * count for side, count in _MAPS)
_RAW_SCORE_LIMIT: Final = 80.0  # exp(80) is still a float32
_VALUES_PER_BOX: Final = 16  # centre, size and six keypoints, each x and y

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Face:
    """A face found in a photo, in the photo's pixels.

    Args:
        box: left, top, right, bottom.
        keypoints: (x, y) of each of `KEYPOINT_NAMES`; left and right are the picture's.
        score: 0 to 1.
    """

    box: tuple[float, float, float, float]
    keypoints: tuple[tuple[float, float], ...]
    score: float


@dataclass(frozen=True)
class Preparation:
    """How a photo was placed in the input: input = photo × scale + (left, top), in pixels."""

    scale: float
    left: float
    top: float


def prepare(photo: npt.NDArray[np.uint8]) -> tuple[Array, Preparation]:
    """Fit a photo into the model's input, keeping its proportions, with black bars around it.

    Args:
        photo: (rows, columns, 3) uint8, RGB; or (rows, columns), grey.

    Returns:
        (1, 128, 128, 3) float32 in [−1, 1], and how to get back to the photo's pixels.

    Raises:
        InputError: for another shape or dtype, or a side of 0 pixels.
        MissingToolError: when Pillow is not installed.
    """
    picture = np.asarray(photo)
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise InputError(
            "a photo is uint8 of (rows, columns, 3), or (rows, columns) when grey; "
            f"got {picture.dtype.name} of {np.asarray(photo).shape}"
        )
    square, place = fitted(picture, INPUT_SIZE, INPUT_SIZE)
    prepared = square.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return prepared[None], Preparation(place.scale, place.left, place.top)


@functools.cache
def anchors() -> Array:
    """The centres (x, y) of the 896 anchors, in parts of the input's side; float32, read-only."""
    centres = []
    for side, count in _MAPS:
        steps = (np.arange(side) + 0.5) / side
        y, x = np.meshgrid(steps, steps, indexing="ij")
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), count, axis=0))
    result: Array = np.concatenate(centres).astype(np.float32)
    result.setflags(write=False)
    return result


def detect(
    outputs: Mapping[str, npt.NDArray[Any]],
    preparation: Preparation,
    *,
    minimum_score: float = 0.5,
    minimum_overlap: float = 0.3,
) -> list[Face]:
    """The faces in the model's outputs, best first.

    Args:
        outputs: "classificators" (1, 896, 1) and "regressors" (1, 896, 16), float32.
        preparation: from `prepare`.
        minimum_score: faces below this score are left out.
        minimum_overlap: boxes that overlap more than this (IoU) are one face.

    Raises:
        InputError: when an output is missing or has another shape.
    """
    scores = _scores(_output(outputs, SCORE_TENSOR, 1).ravel())
    points = _points(_output(outputs, BOX_TENSOR, _VALUES_PER_BOX))
    keep = (scores >= minimum_score) & np.all(points[:, 1] > points[:, 0], axis=1)
    keep &= np.isfinite(points).all(axis=(1, 2))
    order = np.flatnonzero(keep)
    order = order[np.argsort(-scores[order], kind="stable")]
    found = _weighted_suppression(points[order], scores[order], minimum_overlap)
    return [_face(merged, score, preparation) for merged, score in found]


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom), 0 to 1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = (first[2] - first[0]) * (first[3] - first[1])
    area += (second[2] - second[0]) * (second[3] - second[1])
    return float(width * height / (area - width * height))


def _output(outputs: Mapping[str, npt.NDArray[Any]], name: str, width: int) -> Array:
    expected = (1, _ANCHORS, width)
    if name not in outputs or outputs[name].shape != expected:
        got = {key: value.shape for key, value in outputs.items()}
        raise InputError(f"BlazeFace's outputs have {name!r} of shape {expected}; got {got}")
    return np.asarray(outputs[name][0], np.float32)


def _scores(raw: Array) -> Array:
    """The logistic function of the raw scores, clipped so that nothing overflows."""
    clipped = np.clip(
        np.nan_to_num(raw, nan=-_RAW_SCORE_LIMIT), -_RAW_SCORE_LIMIT, _RAW_SCORE_LIMIT
    )
    return np.asarray(1 / (1 + np.exp(-clipped)), np.float32)


def _points(raw: Array) -> Array:
    """(896, 8, 2): the box's corners, then the keypoints, in parts of the input's side."""
    points = raw.reshape(_ANCHORS, _VALUES_PER_BOX // 2, 2) / np.float32(INPUT_SIZE)
    half = points[:, 1] / 2
    points += anchors()[:, None]
    centre = points[:, 0].copy()
    points[:, 0], points[:, 1] = centre - half, centre + half
    return points


def _weighted_suppression(
    points: Array, scores: Array, minimum_overlap: float
) -> list[tuple[Array, float]]:
    """Merge boxes that overlap the best one, weighted by score; then the same with the rest.

    Both arrays are in order of falling score.
    """
    found = []
    left = list(range(len(scores)))
    while left:
        boxes = [tuple(points[i, :2].ravel().tolist()) for i in left]
        same = [
            i
            for i, box in zip(left, boxes, strict=True)
            if overlap(box, boxes[0]) > minimum_overlap
        ]
        same = same or left[:1]
        found.append(
            (np.average(points[same], axis=0, weights=scores[same]), float(scores[left[0]]))
        )
        left = [i for i in left if i not in set(same)]
    return found


def _face(points: Array, score: float, preparation: Preparation) -> Face:
    corner = np.array([preparation.left, preparation.top])
    pixels = (points.astype(np.float64) * INPUT_SIZE - corner) / preparation.scale
    (left, top), (right, bottom) = pixels[:2].tolist()
    keypoints = tuple((x, y) for x, y in pixels[2:].tolist())
    return Face((left, top, right, bottom), keypoints, score)
