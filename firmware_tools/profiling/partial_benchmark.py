"""What partial quantization saves on real maps: bits at equal noise and bits at equal task result.

Each way of quantizing is swept over steps a quarter octave apart. Its bits where the map's
signal-to-noise ratio is that of a full quantizer, or where as many tests agree with the unsplit
network, are read off the sweep. Bits are those of whole streams: headers and class maps count.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.partial_cases import (
    Maps,
    PartialCase,
    classifier_case,
    face_case,
    keyword_case,
    object_case,
    samples_of,
)
from fmq_embedded.bitstream.headers import Preamble, TensorHeader
from fmq_embedded.calibration.importance import measure_importance, relative_change, step_exponents
from fmq_embedded.calibration.stepped_partition import SampleRange, stepped_base, stepped_partition
from fmq_embedded.codec import assemble
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import Partition
from fmq_embedded.partition.choosing import choose_partition
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.settings import Settings

FULL = "full"
BY_FEATURES = ("channel", "region", "block", "auto")
BY_IMPORTANCE = ("channel by importance", "region by importance")
WORKING_SQNR = 14.0
"""In dB: where a full quantizer begins to keep the result; the noise that importance is measured
with, and the ratio that bits are compared at, is that of its step."""
QUARTERS = range(-6, 6)
FEATURE_QUARTERS = range(-5, 4, 4)
CLASS_COUNTS = (2, 4, 8)
"""Those tried on calibration maps: each class costs header bytes, which small streams feel."""
TRIED_MAPS = 12
TRIED_QUARTERS = range(-5, 6, 2)
SIGNALLING = 1.01
"""A whole byte more on the smallest of these streams."""

Array = npt.NDArray[Any]
Coded = tuple[Quantizer, Partition | None]
Way = Callable[[FeatureMap, str, float], Coded]


@dataclass(frozen=True)
class Effort:
    """How much is measured: maps of calibration, of tests, and of those coded and classed."""

    calibration: int
    tests: int
    coded: int
    classed: int


@dataclass(frozen=True)
class Point:
    """One step of a sweep.

    Args:
        bits: per element.
        ratio: signal to noise of the maps, in dB.
        tail_ratio: of the tail's outputs, all alike in weight, in dB.
        share: of the tests that agree.
    """

    bits: float
    ratio: float
    tail_ratio: float
    share: float


def figures(quick: bool) -> list[Figure]:
    """The suite "partial"."""
    found: list[Figure] = []
    for case, effort, has_regions in _cases(quick):
        found += case_figures(case, effort, has_regions=has_regions)
    return found


def case_figures(case: PartialCase, effort: Effort, *, has_regions: bool = True) -> list[Figure]:
    """Bits per element of each way beside those of full quantization.

    Args:
        case: the network.
        effort: how many maps.
        has_regions: measure the importance of positions too.
    """
    ranges = _ranges(case)
    unit = _working_step(case, ranges)
    ways = {FULL: _full(ranges)}
    for kind in ("channel", "region") if has_regions else ("channel",):
        ways[f"{kind} by importance"] = _by_importance(case, ranges, unit, kind)
    full = sweep(case, ways[FULL], unit, effort.coded, len(case.tests))
    found = _at_equal_ratio(case, full, FULL, full) + _at_equal_result(case, full, FULL, full)
    for name in BY_IMPORTANCE:
        if name in ways:
            points = sweep(case, ways[name], unit, effort.coded, len(case.tests))
            found += _at_equal_ratio(case, points, name, full)
            found += _at_equal_result(case, points, name, full)
    needed = tail_ratio_at_share(full, case.share)
    known = sweep(case, ways[FULL], unit, effort.classed, effort.classed, FEATURE_QUARTERS)
    for kind in BY_FEATURES:
        way = _by_features(ranges, kind)
        points = sweep(case, way, unit, effort.classed, effort.classed, FEATURE_QUARTERS)
        found += _at_equal_ratio(case, points, kind, known)
        if needed is not None:
            found += _figure(
                f"{case.name}, {kind}, tail as good",
                bits_at_tail_ratio(points, needed),
                bits_at_tail_ratio(known, needed),
            )
    return found


def sweep(
    case: PartialCase,
    way: Way,
    unit: float,
    coded: int,
    asked: int,
    quarters: Sequence[int] = QUARTERS,
) -> list[Point]:
    """The points of a way of quantizing, the finest step first.

    Args:
        case: the network.
        way: gives the quantizer, and the partition if any, of a map at a step.
        unit: the step in the middle.
        coded, asked: how many tests, evenly spread, are coded, and how many run the tail.
        quarters: the steps as quarter octaves from the unit.
    """
    to_code, to_ask = _spread(len(case.tests), coded), _spread(len(case.tests), asked)
    references = {at: case.tail(samples_of(case.tests[at])) for at in to_ask}
    points = []
    for quarter in quarters:
        step = unit * 2.0 ** (quarter / 4)
        size, noise, signal, change, agreed = 0, 0.0, 0.0, 0.0, 0
        for at in sorted(to_code | to_ask):
            maps = case.tests[at]
            try:
                chosen = {name: way(item, name, step) for name, item in maps.items()}
            except InputError:
                break  # so fine a step has no quantizer
            stream, decoded = _through(maps, chosen, coded=at in to_code)
            size += stream
            if at in to_code:
                pairs = [
                    (_real(item, item.samples), _real(item, decoded[name]))
                    for name, item in maps.items()
                ]
                noise += sum(float(((a - b) ** 2).sum()) for a, b in pairs)
                signal += sum(float((a**2).sum()) for a, _ in pairs)
            if at in to_ask:
                outputs = case.tail(decoded)
                change += relative_change(references[at], outputs) / len(outputs)
                agreed += case.agrees(references[at], outputs)
        else:
            points.append(
                Point(
                    8 * size / (len(to_code) * case.elements),
                    _decibels(signal, noise),
                    _decibels(len(to_ask), change),
                    agreed / len(to_ask),
                )
            )
    return points


def bits_at_ratio(points: Sequence[Point], ratio: float) -> float | None:
    """Bits where the map has this ratio, log bits linear between steps; None beyond the sweep."""
    return _crossing([point.ratio for point in points], points, ratio)


def bits_at_tail_ratio(points: Sequence[Point], ratio: float) -> float | None:
    """Bits where the tail's outputs have this ratio."""
    return _crossing(falling([point.tail_ratio for point in points]), points, ratio)


def tail_ratio_at_share(points: Sequence[Point], share: float) -> float | None:
    """The tail's ratio where this share of the tests agrees."""
    at = bits_at_share(points, share)
    if at is None:
        return None
    bits = [point.bits for point in reversed(points)]
    return float(np.interp(at, bits, [point.tail_ratio for point in reversed(points)]))


def bits_at_share(points: Sequence[Point], share: float) -> float | None:
    """Bits where this share of the tests agrees; None where no step reaches it.

    The shares are first made to fall with the step, the least squares way: a single step's is as
    much luck as quality.
    """
    return _crossing(falling([point.share for point in points]), points, share)


def falling(values: Sequence[float]) -> list[float]:
    """The non-increasing sequence nearest to the values (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = float(value), 1
        while pools and pools[-1][0] < mean:
            other, more = pools.pop()
            mean, count = (mean * count + other * more) / (count + more), count + more
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def _crossing(values: Sequence[float], points: Sequence[Point], wanted: float) -> float | None:
    """Bits where falling values pass `wanted`."""
    reached = [index for index, value in enumerate(values) if value >= wanted]
    if not reached or len(reached) == len(values):
        return None
    at = reached[-1]
    part = (values[at] - wanted) / (values[at] - values[at + 1])
    here, beyond = np.log(points[at].bits), np.log(points[at + 1].bits)
    return float(np.exp(here + part * (beyond - here)))


def _at_equal_ratio(
    case: PartialCase, points: Sequence[Point], name: str, full: Sequence[Point]
) -> list[Figure]:
    bits, peer = (bits_at_ratio(one, WORKING_SQNR) for one in (points, full))
    limit = SIGNALLING if name == "auto" else None
    return _figure(f"{case.name}, {name}, {WORKING_SQNR:g} dB", bits, peer, limit)


def _at_equal_result(
    case: PartialCase, points: Sequence[Point], name: str, full: Sequence[Point]
) -> list[Figure]:
    bits, peer = (bits_at_share(one, case.share) for one in (points, full))
    limit = case.must_save if name == BY_IMPORTANCE[0] else None
    return _figure(f"{case.name}, {name}, {case.share:.0%} agree", bits, peer, limit)


def _figure(
    name: str, bits: float | None, peer: float | None, limit: float | None = None
) -> list[Figure]:
    """The figure; none where a sweep does not reach that far."""
    if bits is None or peer is None:
        return []
    if f", {FULL}, " in name:
        return [Figure(name, bits, "bits/element")]
    return [Figure(name, bits, "bits/element", FULL, peer, bits / peer, limit)]


def _cases(quick: bool) -> list[tuple[PartialCase, Effort, bool]]:
    full = Effort(100, 200, 8, 3)
    look = Effort(24, 80, 4, 2)
    effort = look if quick else full
    heavy = Effort(2, 6, 3, 2)
    made = [(face_case(effort.calibration, effort.tests), effort, not quick)]
    for addition in (3,) if quick else (1, 2, 3):
        case = classifier_case(addition, effort.calibration, effort.tests)
        made.append((case, effort, not quick and addition == 1))
    if not quick:
        made.append((keyword_case(effort.calibration, 100), effort, False))
        made += [(object_case(3, 8, live_only=live), heavy, False) for live in (False, True)]
    return made


def _ranges(case: PartialCase) -> dict[str, SampleRange]:
    """The ends of each tensor over calibration."""
    ranges = {}
    for name in case.calibration[0]:
        real = [_real(maps[name], maps[name].samples) for maps in case.calibration]
        ranges[name] = SampleRange(
            min(float(one.min()) for one in real), max(float(one.max()) for one in real)
        )
    return ranges


def _working_step(case: PartialCase, ranges: Mapping[str, SampleRange]) -> float:
    """The step with which a full quantizer gives the calibration maps the working ratio."""
    some = case.calibration[:: max(1, len(case.calibration) // 12)]
    step = max(max(abs(known.minimum), known.maximum) for known in ranges.values()) / 2
    while True:
        noise = signal = 0.0
        for maps in some:
            for name, item in maps.items():
                quantizer = _base(ranges[name], step)
                real = _real(item, item.samples)
                back = quantizer.dequantize(quantizer.quantize(item)).astype(np.float64)
                noise += float(((real - back) ** 2).sum())
                signal += float((real**2).sum())
        if 10 * np.log10(signal / noise) >= WORKING_SQNR:
            return step
        step *= 2**-0.25


@functools.lru_cache(maxsize=256)
def _base(known: SampleRange, step: float) -> Quantizer:
    """The same quantizer each time, for it keeps its tables."""
    return stepped_base(known, step)


def _full(ranges: Mapping[str, SampleRange]) -> Way:
    return lambda item, name, step: (_base(ranges[name], step), None)


def _by_features(ranges: Mapping[str, SampleRange], kind: Any) -> Way:
    """Classes found in each map."""
    settings = Settings(partition=kind)

    def way(item: FeatureMap, name: str, step: float) -> Coded:
        base = _base(ranges[name], step)
        return base, choose_partition(item, base, settings)

    return way


def _by_importance(
    case: PartialCase, ranges: Mapping[str, SampleRange], unit: float, part: Any
) -> Way:
    """Static classes, their steps by what the tail's outputs change.

    Of the numbers of classes, the one whose calibration streams are the shortest where the tail
    is as good as behind a full quantizer of the unit step.
    """
    noise = dict.fromkeys(ranges, unit)
    measured = measure_importance(case.tail, case.calibration, noise, part=part)
    exponents = step_exponents(list(measured.values()))
    trial = replace(case, tests=case.calibration[:TRIED_MAPS])
    (whole,) = sweep(trial, _full(ranges), unit, TRIED_MAPS, TRIED_MAPS, (0,))

    def bits(way: Way) -> float:
        points = sweep(trial, way, unit, TRIED_MAPS, TRIED_MAPS, TRIED_QUARTERS)
        return bits_at_tail_ratio(points, whole.tail_ratio) or np.inf

    ways = [_stepped(ranges, part, exponents, count) for count in CLASS_COUNTS]
    return min(ways, key=bits)


def _stepped(
    ranges: Mapping[str, SampleRange], part: Any, exponents: Mapping[str, Any], count: int
) -> Way:
    made: dict[tuple[str, float], Partition] = {}

    def way(item: FeatureMap, name: str, step: float) -> Coded:
        if (name, step) not in made:
            made[name, step] = stepped_partition(
                part, item.shape, ranges[name], step, exponents[name], count
            )
        return made[name, step].base, made[name, step]

    return way


def _through(
    maps: Maps, chosen: Mapping[str, Coded], *, coded: bool
) -> tuple[int, dict[str, Array]]:
    """The stream's bytes, 0 if it is not coded, and the samples that come back."""
    tensors, decoded = [], {}
    for name, item in maps.items():
        quantizer, partition = chosen[name]
        coder = partition or quantizer
        levels = coder.quantize(item)
        dtype = item.samples.dtype
        decoded[name] = coder.dequantize(
            levels, dtype, scale=item.scale, zero_point=item.zero_point
        )
        header = TensorHeader(
            item.shape,
            dtype.name,
            item.scale,
            item.zero_point,
            quantizer=quantizer,
            partition=partition,
        )
        tensors.append((header, levels))
    return len(assemble(Preamble(len(tensors)), tensors)) if coded else 0, decoded


def _real(item: FeatureMap, samples: Array) -> npt.NDArray[np.float64]:
    wide = samples.astype(np.float64)
    return (wide - item.zero_point) * item.scale if item.is_integer else wide


def _decibels(signal: float, noise: float) -> float:
    return 10 * float(np.log10(signal / noise)) if noise > 0 else np.inf


def _spread(total: int, count: int) -> set[int]:
    return {int(at) for at in np.linspace(0, total - 1, min(count, total))}
