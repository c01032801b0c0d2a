"""Checks that the integer path equals the float reference, input by input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from fmq_embedded.quantizers import reference
from fmq_embedded.quantizers.exact import FLOAT32, decision_thresholds
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.samples import (
    INFINITY_BITS,
    AnyArray,
    SampleType,
    order_keys,
    values_of_keys,
)

Progress = Callable[[int, int], None]
Implementation = Callable[[AnyArray], AnyArray]
EXHAUSTIVE_BLOCK = 1 << 18
FINITE_PATTERNS = 2 * INFINITY_BITS
SIGN_BIT = 0x80000000
SPECIAL_BITS = (
    0x00000000,
    0x80000000,
    0x00000001,
    0x80000001,
    0x007FFFFF,
    0x807FFFFF,
    0x00800000,
    0x80800000,
    0x7F7FFFFF,
    0xFF7FFFFF,
)
"""±0, the smallest and largest subnormals, the smallest normal and the largest samples."""


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Attributes:
        target: what was checked against the reference.
        inputs_checked: how many inputs.
        mismatches: how many of them got another level.
        first_difference: the first of them, in words; None where there is none.
    """

    target: str
    inputs_checked: int
    mismatches: int
    first_difference: str | None


def verify(
    quantizer: Quantizer,
    samples: SampleType = FLOAT32,
    *,
    exhaustive: bool = False,
    progress: Progress | None = None,
    implementation: Implementation | None = None,
    target: str = "numba",
) -> Verification:
    """Compares an implementation with the reference.

    Integer types: every code. float32 and float64: each decision threshold, one step below and
    one above it, the middle between two, ±0, subnormals, the ends of the range; by monotonicity
    they stand for all. So they do for the reference itself: where it agrees with the exact
    thresholds on these, every float32 can be compared with the thresholds, in a minute or two.

    Args:
        samples: the type of the samples.
        exhaustive: for float32, every finite bit pattern too.
        progress: called with the inputs done and the inputs in all.
        implementation: levels of an array of `samples`; the Numba path if None.
        target: its name in the result.
    """

    def numba_path(block: AnyArray) -> AnyArray:
        return quantizer.quantize(block, scale=samples.scale, zero_point=samples.zero_point)

    check = implementation or numba_path
    checked = mismatches = 0
    first: str | None = None
    chosen = decisive_samples(quantizer, samples)
    by_reference = reference.quantize(
        quantizer, chosen, scale=samples.scale, zero_point=samples.zero_point
    )
    blocks, total = iter([(chosen, by_reference)]), chosen.size
    if exhaustive and samples.dtype == "float32":
        blocks, total = chain(blocks, every_float32(quantizer)), total + FINITE_PATTERNS
    for block, expected in blocks:
        got = check(block)
        wrong = np.flatnonzero(got != expected)
        if wrong.size and first is None:
            index = int(wrong[0])
            first = f"{block[index]!r}: level {got[index]}, the reference {expected[index]}"
        checked, mismatches = checked + block.size, mismatches + int(wrong.size)
        if progress is not None:
            progress(checked, total)
    return Verification(target, checked, mismatches, first)


def verify_nonfinite(
    quantizer: Quantizer, *, refuses: Implementation | None = None, target: str = "numba"
) -> Verification:
    """Checks all 2^24 float32 bit patterns that are no number: ±Inf and NaN.

    Args:
        refuses: for an array of them, whether each is refused where it is the only sample; the
            levels of the Numba path when it saturates if None: 0, the highest, and one for NaN.
        target: its name in the result.
    """
    positive = np.arange(INFINITY_BITS, SIGN_BIT, dtype=np.uint32)
    bits = np.concatenate((positive, positive | np.uint32(SIGN_BIT)))
    if refuses is None:
        nan_level = quantizer.maximum_level >> 1
        got = quantizer.quantize(bits.view(np.float32), nonfinite="saturate", nan_level=nan_level)
        expected = np.full(bits.size, nan_level, got.dtype)
        expected[0] = 0 if quantizer.is_constant else quantizer.maximum_level
        expected[positive.size] = 0
    else:
        got, expected = refuses(bits.view(np.float32)), np.ones(bits.size, np.bool_)
    wrong = np.flatnonzero(got != expected)
    first = None
    if wrong.size:
        index = int(wrong[0])
        first = f"the bits {bits[index]:#x}: {got[index]!r}, expected {expected[index]!r}"
    return Verification(target, bits.size, int(wrong.size), first)


def verify_dequantizer(
    quantizer: Quantizer,
    output: SampleType = FLOAT32,
    *,
    implementation: Implementation | None = None,
    target: str = "numba",
) -> Verification:
    """Compares the samples of all levels, bit by bit, with the reference's."""
    levels = np.arange(quantizer.maximum_level + 1).astype(quantizer.level_dtype)
    meaning = {"scale": output.scale, "zero_point": output.zero_point}

    def numba_path(block: AnyArray) -> AnyArray:
        return quantizer.dequantize(block, output.dtype, **meaning)  # type: ignore[arg-type]

    got = (implementation or numba_path)(levels)
    expected = reference.dequantize(quantizer, levels, output.dtype, **meaning)  # type: ignore[arg-type]
    bits = f"uint{8 * expected.dtype.itemsize}"
    wrong = np.flatnonzero(got.view(bits) != expected.view(bits))
    first = None
    if wrong.size:
        level = int(wrong[0])
        first = f"level {level}: {got[level]!r}, the reference {expected[level]!r}"
    return Verification(target, levels.size, int(wrong.size), first)


def decisive_samples(quantizer: Quantizer, samples: SampleType = FLOAT32) -> AnyArray:
    """The samples that stand for all: every integer code, or the neighbours of decisions."""
    if samples.is_integer:
        codes = np.arange(samples.lowest_code, samples.highest_code + 1)
        return codes.astype(samples.dtype)
    singles = _decisive_float32(quantizer)
    if samples.dtype == "float32":
        return singles
    limit = float(np.finfo(np.float64).max)
    thresholds = _values_of_double_keys(decision_thresholds(quantizer, samples))
    doubles = np.concatenate((thresholds, singles.astype(np.float64), [limit, -limit]))
    doubles = doubles[np.isfinite(doubles)]
    around = [doubles, np.nextafter(doubles, -limit), np.nextafter(doubles, limit)]
    return np.concatenate(around)


def every_float32(quantizer: Quantizer) -> Iterator[tuple[npt.NDArray[np.float32], AnyArray]]:
    """Every finite float32 in blocks, from +0 up and from −0 down, and its level by the thresholds.

    Along a block levels rise or fall: each threshold is a place in it, and nothing is searched.
    """
    thresholds = decision_thresholds(quantizer).astype(np.int64)
    for start in range(0, INFINITY_BITS, EXHAUSTIVE_BLOCK):
        stop = min(start + EXHAUSTIVE_BLOCK, INFINITY_BITS)
        levels = levels_between(thresholds, start, stop)
        yield np.arange(start, stop, dtype=np.uint32).view(np.float32), levels
        levels = levels_between(thresholds, 1 - stop, 1 - start)
        bits = np.arange(start, stop, dtype=np.uint32) | np.uint32(SIGN_BIT)
        yield bits.view(np.float32), np.ascontiguousarray(levels[::-1])


def levels_between(thresholds: npt.NDArray[np.int64], first: int, stop: int) -> AnyArray:
    """The levels of the keys first .. stop − 1, as uint8 or uint16, by the thresholds' keys."""
    levels = np.arange(thresholds.size + 1).astype(np.uint8 if thresholds.size < 256 else np.uint16)
    places = np.clip(thresholds, first, stop) - first
    return np.repeat(levels, np.diff(places, prepend=0, append=stop - first))


def _decisive_float32(quantizer: Quantizer) -> npt.NDArray[np.float32]:
    thresholds = decision_thresholds(quantizer).astype(np.int64)
    special = np.array(SPECIAL_BITS, dtype=np.uint32).view(np.float32)
    origin = np.array([quantizer.origin], dtype=np.float32)
    centres = np.concatenate((thresholds, order_keys(origin).astype(np.int64)))
    keys = np.unique(np.concatenate((centres - 1, centres, centres + 1)))
    keys = keys[np.abs(keys) < INFINITY_BITS]
    # Samples that a kernel settles without a threshold; behind the others, in blocks of their own.
    middles = (thresholds[:-1] + thresholds[1:]) >> 1
    keys = np.concatenate((keys, middles[np.abs(middles) < INFINITY_BITS]))
    return np.concatenate((special, values_of_keys(keys.astype(np.int32))))


def _values_of_double_keys(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    magnitude = np.abs(keys).view(np.float64)
    return np.where(keys < 0, -magnitude, magnitude)
