"""The suite "rate-task": bits per element where the network's result stays, beside the peers.

Each codec's quality is fixed on maps of the calibration pictures. Bits are then read where the
criterion is met on the tests, between the settings next to that one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.partial_benchmark import Point, bits_at_share
from firmware_tools.profiling.partial_cases import (
    SURE_CLASS,
    SURE_FACE,
    SURE_NOTHING,
    Maps,
    Outputs,
    PartialCase,
    classifier_case,
    face_case,
    samples_of,
)
from firmware_tools.profiling.rate_codec import RateCodec, Setting, real_values
from firmware_tools.profiling.rate_nncodec_peer import nncodec
from firmware_tools.profiling.rate_ours import MARGIN, task_codecs
from firmware_tools.profiling.rate_video_peer import x265
from fmq_embedded import blazeface
from fmq_embedded.calibration.importance import relative_change
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import make_folder, write_atomically
from fmq_embedded.model_store import cache_folder

UNIT = "bits/element"
CLASS_SHARE = 0.99
MOST_TRIED = 4
"""Settings tried on the tests on either side of the one that calibration chose."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Task:
    """A network's task.

    Args:
        case: the network, its tests and what counts as the same result.
        is_sure: whether the unsplit network's outputs are no near tie.
    """

    case: PartialCase
    is_sure: Callable[[Outputs], bool]


@dataclass(frozen=True)
class Kept:
    """Where a codec meets a task's criterion.

    Args:
        bits: per element, on the tests.
        setting: the one that the calibration pictures chose.
        chosen: what that one gives on the tests.
    """

    bits: float | None
    setting: Setting
    chosen: Point


def figures(quick: bool) -> list[Figure]:
    """The suite "rate-task"."""
    return [figure for task in _tasks(quick) for figure in task_figures(task, _peers(task))]


def task_figures(task: Task, peers: Sequence[RateCodec]) -> list[Figure]:
    """Bits of each codec where the criterion is met, and what its chosen setting gives."""
    tuning = _sure_calibration(task)
    found: dict[str, Kept] = {}
    for codec in [*task_codecs(_joined(tuning.tests)), *peers]:
        found[codec.name] = kept_result(task.case, tuning, codec)
    reached = {peer.name: found[peer.name].bits for peer in peers}
    best = min(((bits, name) for name, bits in reached.items() if bits is not None), default=None)
    return [
        figure
        for name, result in found.items()
        for figure in _codec_figures(task.case, name, result, None if name in reached else best)
    ]


def kept_result(case: PartialCase, tuning: PartialCase, codec: RateCodec) -> Kept:
    """Choose the coarsest setting that meets the criterion on `tuning`, and test around it."""
    settings = codec.settings(_joined(tuning.tests))
    low, high = 0, len(settings) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if task_point(tuning, codec, settings[middle]).share >= case.share:
            low = middle
        else:
            high = middle - 1
    points = {low: task_point(case, codec, settings[low])}
    for side in (-1, 1):
        for tried in range(1, MOST_TRIED + 1):
            at = low + side * tried
            if not 0 <= at < len(settings):
                break
            points[at] = task_point(case, codec, settings[at])
            if (points[at].share >= case.share) == (side < 0):
                break
    ordered = [points[at] for at in sorted(points)]
    return Kept(bits_at_share(ordered, case.share), settings[low], points[low])


def task_point(case: PartialCase, codec: RateCodec, setting: Setting) -> Point:
    """All tests through the codec and the tail; kept in the cache folder for peers."""
    if not codec.version:
        return _task_point(case, codec, setting)
    path = cache_folder() / "rate" / f"task-{_digest(case, codec, setting)}.json"
    if path.is_file():
        return Point(*json.loads(path.read_text()))
    point = _task_point(case, codec, setting)
    make_folder(path.parent)
    write_atomically(path, json.dumps(dataclasses.astuple(point)).encode())
    return point


def _task_point(case: PartialCase, codec: RateCodec, setting: Setting) -> Point:
    size, noise, signal, change, agreed = 0, 0.0, 0.0, 0.0, 0
    for maps in case.tests:
        decoded = {}
        for name, item in maps.items():
            coded = codec.code(item, setting)
            size += coded.size
            real = real_values(item).astype(np.float64)
            noise += float(((real - coded.samples) ** 2).sum())
            signal += float((real**2).sum())
            decoded[name] = _as_samples(item, coded.samples)
        reference, outputs = case.tail(samples_of(maps)), case.tail(decoded)
        change += relative_change(reference, outputs) / len(outputs)
        agreed += case.agrees(reference, outputs)
    count = len(case.tests)
    return Point(
        8 * size / (count * case.elements),
        10 * float(np.log10(signal / noise)) if noise else np.inf,
        10 * float(np.log10(count / change)) if change else np.inf,
        agreed / count,
    )


def _codec_figures(
    case: PartialCase, name: str, result: Kept, best: tuple[float, str] | None
) -> Iterator[Figure]:
    what = f"{case.name}, {name}"
    if result.bits is not None:
        head = f"{what}, {case.share:.0%} agree"
        if best is None:
            yield Figure(head, result.bits, UNIT)
        else:
            yield Figure(head, result.bits, UNIT, best[1], best[0], result.bits / best[0])
    point = result.chosen
    yield Figure(f"{what}, chosen beforehand: bits", point.bits, UNIT)
    yield Figure(f"{what}, chosen beforehand: agree", 100 * point.share, "%")
    yield Figure(f"{what}, chosen beforehand: map", point.ratio, "dB")
    yield Figure(f"{what}, chosen beforehand: tail", point.tail_ratio, "dB")


def _tasks(quick: bool) -> Iterator[Task]:
    calibration, faces, classes = (40, 60, 60) if quick else (240, 500, 1000)
    if not quick:
        yield Task(face_case(calibration, faces, ("activation_11",)), _sure_face)
    for addition in (3,) if quick else (1, 2, 3):
        case = classifier_case(addition, calibration, classes)
        yield Task(dataclasses.replace(case, share=CLASS_SHARE), _sure_class)


def _peers(task: Task) -> list[RateCodec]:
    """X265, whose range is fixed on the calibration maps, and NNCodec."""
    real = real_values(_joined(task.case.calibration))
    limits = (min(0.0, MARGIN * float(real.min())), MARGIN * float(real.max()))
    peers: tuple[Callable[[], list[RateCodec]], ...] = (
        lambda: [_with_limits(x265(), limits)],
        lambda: list(nncodec())[:1],
    )
    found: list[RateCodec] = []
    for make in peers:
        with contextlib.suppress(MissingToolError):
            found += make()
    return found


def _with_limits(codec: RateCodec, limits: tuple[float, float]) -> RateCodec:
    def settings(item: FeatureMap) -> list[Setting]:
        return [(*setting, *limits) for setting in codec.settings(item)]

    return dataclasses.replace(codec, settings=settings)


def _sure_calibration(task: Task) -> PartialCase:
    """The calibration maps, without near ties, as tests."""
    case = task.case
    sure = [maps for maps in case.calibration if task.is_sure(case.tail(samples_of(maps)))]
    return dataclasses.replace(case, tests=sure or list(case.calibration))


def _sure_face(outputs: Outputs) -> bool:
    score = 1 / (1 + np.exp(-float(outputs[blazeface.SCORE_TENSOR].max())))
    return bool(score >= SURE_FACE or score <= SURE_NOTHING)


def _sure_class(outputs: Outputs) -> bool:
    (codes,) = outputs.values()
    return bool((float(codes.max()) + 128) / 256 >= SURE_CLASS)


def _joined(many: Sequence[Maps]) -> FeatureMap:
    """All samples of many maps, real, for ranges and steps."""
    every = [real_values(item).ravel() for maps in many for item in maps.values()]
    return FeatureMap(np.concatenate(every))


def _as_samples(item: FeatureMap, real: Array) -> Array:
    """Real values as the tail takes them."""
    if not item.is_integer:
        return real.astype(item.samples.dtype)
    info = np.iinfo(item.samples.dtype.name)
    codes = np.rint(real / np.float32(item.scale)) + item.zero_point
    clipped: npt.NDArray[Any] = codes.clip(info.min, info.max).astype(item.samples.dtype)
    return clipped


def _digest(case: PartialCase, codec: RateCodec, setting: Setting) -> str:
    told = (case.name, codec.name, codec.version, tuple(map(float, setting)), len(case.tests))
    digest = hashlib.sha256(repr(told).encode())
    for maps in case.tests:
        digest.update(b"".join(_bytes(maps)))
    return digest.hexdigest()[:32]


def _bytes(maps: Mapping[str, FeatureMap]) -> Iterator[bytes]:
    for name, item in maps.items():
        yield name.encode() + np.ascontiguousarray(item.samples).tobytes()
