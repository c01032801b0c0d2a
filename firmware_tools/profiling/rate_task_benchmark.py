"""The suite "rate-task": bits per element where the network's result stays, beside the peers.

Each codec's quality is fixed on maps of the calibration pictures, at the coarsest that meets the
criterion there, and the tests are coded with it. Beside that stand the bits where the tests
themselves just meet the criterion, which no sender can know.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.digit_case import digit_cases
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.partial_benchmark import Point, bits_at_share
from firmware_tools.profiling.partial_cases import (
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
from fmq_embedded.calibration.results import SURE_SCORE, SURE_SHARE, SURELY_NOTHING
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import make_folder, write_atomically
from fmq_embedded.model_store import cache_folder

UNIT = "bits/element"
CLASS_SHARE = 0.99
ASKED_FOR_EACH = 4
"""Crops that fix a classifier's quality, for each that fixes ranges and ranks channels."""
MOST_TRIED = 4
"""Settings tried on the tests on either side of those that calibration chose between."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Task:
    """A network's task.

    Args:
        case: the network, its tests and what counts as the same result.
        tuning: the same with tests made of calibration pictures.
    """

    case: PartialCase
    tuning: PartialCase


@dataclass(frozen=True)
class Kept:
    """Where a codec meets a task's criterion.

    Args:
        tuned_bits: per element, on the calibration pictures, where they just meet it.
        chosen: the tests at that quality.
        bits: where the tests just meet it; None where that is far from that quality.
    """

    tuned_bits: float
    chosen: Point
    bits: float | None


def figures(quick: bool) -> list[Figure]:
    """The suite "rate-task"."""
    return [
        figure for task in _tasks(quick) for figure in task_figures(task, fixed_peers(task.case))
    ]


def task_figures(task: Task, peers: Sequence[RateCodec]) -> list[Figure]:
    """What each codec gives, ours beside the first peer; then ours that calibration prefers."""
    found = {peer.name: kept_result(task, peer) for peer in peers}
    peer = next(iter(found.items()), None)
    ours = {codec.name: kept_result(task, codec) for codec in task_codecs(task.case)}
    preferred = min(ours, key=lambda name: ours[name].tuned_bits)
    rows: list[tuple[str, Kept, tuple[str, Kept] | None]]
    rows = [(name, kept, None) for name, kept in found.items()]
    rows += [(name, kept, peer) for name, kept in ours.items()]
    rows.append((f"preferred by calibration ({preferred})", ours[preferred], peer))
    return [figure for row in rows for figure in _codec_figures(task.case, *row)]


def kept_result(task: Task, codec: RateCodec) -> Kept:
    """The quality at which the calibration pictures just meet the criterion, and the tests there.

    That quality lies between two settings, by the share of pictures that agree at each; bits and
    ratios of the tests are read between the same two.
    """
    case, tuning = task.case, task.tuning
    settings = codec.settings(_joined(tuning.tests))
    tuned = functools.cache(lambda at: task_point(tuning, codec, settings[at]))
    tested = functools.cache(lambda at: task_point(case, codec, settings[at]))
    low, high = 0, len(settings) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if tuned(middle).share >= tuning.share else (low, middle - 1)
    above = min(low + 1, len(settings) - 1)
    part = _part_of_the_way(tuned(low).share, tuned(above).share, tuning.share)
    chosen = _between(tested(low), tested(above), part)
    tried = {low, above}
    for side, start in ((-1, low), (1, above)):
        for at in range(start, start + side * (MOST_TRIED + 1), side):
            if not 0 <= at < len(settings):
                break
            tried.add(at)
            if (tested(at).share >= case.share) == (side < 0):
                break
    bits = bits_at_share([tested(at) for at in sorted(tried)], case.share)
    return Kept(_between(tuned(low), tuned(above), part).bits, chosen, bits)


def _part_of_the_way(at_low: float, at_high: float, wanted: float) -> float:
    if not at_high < wanted <= at_low:
        return 0.0
    return (at_low - wanted) / (at_low - at_high)


def _between(one: Point, other: Point, part: float) -> Point:
    """Bits along a logarithmic scale, the others, decibels and share, along a straight line."""

    def line(a: float, b: float) -> float:
        return a if part == 0 else (1 - part) * a + part * b

    return Point(
        float(np.exp(line(np.log(one.bits), np.log(other.bits)))),
        line(one.ratio, other.ratio),
        line(one.tail_ratio, other.tail_ratio),
        line(one.share, other.share),
    )


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
    for index, maps in enumerate(case.tests):
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
        agreed += case.agrees(case.truths[index] if case.truths else reference, outputs)
    count = len(case.tests)
    return Point(
        8 * size / (count * case.elements),
        10 * float(np.log10(signal / noise)) if noise else np.inf,
        10 * float(np.log10(count / change)) if change else np.inf,
        agreed / count,
    )


def _codec_figures(
    case: PartialCase, name: str, kept: Kept, peer: tuple[str, Kept] | None
) -> Iterator[Figure]:
    what, point = f"{case.name}, {name}", kept.chosen
    yield _beside(
        f"{what}: bits, quality fixed beforehand", point.bits, peer, lambda k: k.chosen.bits
    )
    yield Figure(f"{what}: tests that agree", 100 * point.share, "%")
    yield Figure(f"{what}: map", point.ratio, "dB")
    yield Figure(f"{what}: tail", point.tail_ratio, "dB")
    if kept.bits is not None:
        head = f"{what}: bits where {100 * case.share:g} % of the tests agree"
        yield _beside(head, kept.bits, peer, lambda k: k.bits)


def _beside(
    name: str, bits: float, peer: tuple[str, Kept] | None, of: Callable[[Kept], float | None]
) -> Figure:
    other = None if peer is None else of(peer[1])
    if peer is None or other is None:
        return Figure(name, bits, UNIT)
    return Figure(name, bits, UNIT, peer[0], other, bits / other)


def _tasks(quick: bool) -> Iterator[Task]:
    calibration, faces, classes = (40, 60, 60) if quick else (240, 500, 1000)
    if not quick:
        yield sure_task(face_case(calibration, faces, ("activation_11",)), _sure_face)
        yield Task(*digit_cases())
    for addition in (3,) if quick else (1, 2, 3):
        yield classifier_task(addition, calibration, classes)


def classifier_task(addition: int, calibration: int, tests: int) -> Task:
    """ResNet-8; of its calibration crops fewer than half are sure, so more of them are asked."""
    case = classifier_case(addition, ASKED_FOR_EACH * calibration, tests)
    task = sure_task(dataclasses.replace(case, share=CLASS_SHARE), _sure_class)
    ranged = dataclasses.replace(task.case, calibration=task.case.calibration[:calibration])
    return dataclasses.replace(task, case=ranged)


def fixed_peers(case: PartialCase) -> list[RateCodec]:
    """X265, whose range is fixed on the calibration maps, and NNCodec."""
    real = real_values(_joined(case.calibration))
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


def sure_task(case: PartialCase, is_sure: Callable[[Outputs], bool]) -> Task:
    """A task that is tuned on the calibration maps that are no near ties."""
    sure = [maps for maps in case.calibration if is_sure(case.tail(samples_of(maps)))]
    return Task(case, dataclasses.replace(case, tests=sure or list(case.calibration)))


def _sure_face(outputs: Outputs) -> bool:
    score = 1 / (1 + np.exp(-float(outputs[blazeface.SCORE_TENSOR].max())))
    return bool(score >= SURE_SCORE or score <= SURELY_NOTHING)


def _sure_class(outputs: Outputs) -> bool:
    (codes,) = outputs.values()
    return bool((float(codes.max()) + 128) / 256 >= SURE_SHARE)


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
