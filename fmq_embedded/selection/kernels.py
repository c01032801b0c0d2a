"""The loops of moments and histograms over float32 samples, compiled by Numba. Integers alone.

Samples come as the unsigned integers that have their bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fmq_embedded.quantizers.kernels import jit

BLOCK = 1 << 14
"""Samples summed at once: then no sum of `sum_block` passes 64 bits."""
LARGEST_SPAN = 24
"""Of the exponents in a block that `sum_block` takes."""
PART_BITS = 24
KEYS = 1 << 12
"""Samples compared at a time: their keys stay in the caches."""


@jit
def sum_block(bits: Any) -> Any:
    """Exact sums of up to `BLOCK` finite samples whose exponents lie near one another.

    Returns:
        The lowest exponent e of the samples beside 0, at least 1, or 0 where the exponents span
        more than `LARGEST_SPAN`: then the rest is meaningless. How many samples are 0. With
        each sample ±(2^24·h + l) · 2^(e − 150): the sum of samples in that unit, and the sums of
        h·h, h·l and l·l.
    """
    largest, smallest = np.uint32(0), np.uint32(0xFFFFFFFF)
    for index in range(bits.size):
        magnitude = bits[index] & np.uint32(0x7FFFFFFF)
        largest = max(largest, magnitude)
        smallest = min(smallest, np.uint32(magnitude - np.uint32(1)))  # 0 is none
    lowest = np.int64(1)
    if largest > 0:
        lowest = max(np.int64(np.uint32(smallest + np.uint32(1)) >> np.uint32(23)), lowest)
    if np.int64(largest >> np.uint32(23)) - lowest > LARGEST_SPAN:
        lowest = np.int64(0)
    zeros, total = np.int64(0), np.int64(0)
    highs, middles, lows = np.uint64(0), np.uint64(0), np.uint64(0)
    half = np.uint64((1 << PART_BITS) - 1)
    for index in range(bits.size):
        magnitude = bits[index] & np.uint32(0x7FFFFFFF)
        exponent = np.int64(magnitude >> np.uint32(23))
        significand = np.int64(magnitude & np.uint32(0x7FFFFF)) | np.int64(exponent > 0) << 23
        scaled = significand << (max(exponent - lowest, np.int64(0)) & np.int64(31))
        sign = -np.int64(bits[index] >> np.uint32(31))
        zeros += np.int64(magnitude == np.uint32(0))
        total += (scaled ^ sign) - sign
        high, low = np.uint64(scaled) >> np.uint64(PART_BITS) & half, np.uint64(scaled) & half
        highs += high * high
        middles += high * low
        lows += low * low
    return lowest, zeros, total, highs, middles, lows


@jit
def count_from(bits: Any, edges: Any, keys: Any, counts: Any) -> None:
    """Add to `counts` how many finite samples are at least each edge.

    Args:
        bits: uint32.
        edges: int32 keys; see `order_keys`.
        keys: int32, room for the keys of `KEYS` samples.
        counts: int64, one for each edge.
    """
    for start in range(0, bits.size, KEYS):
        count = min(KEYS, bits.size - start)
        for index in range(count):
            magnitude = np.int32(bits[start + index] & np.uint32(0x7FFFFFFF))
            is_negative = bits[start + index] >> np.uint32(31) != 0
            keys[index] = np.int32(-magnitude) if is_negative else magnitude
        for edge in range(edges.size):
            found = np.int32(0)
            for index in range(count):
                found = np.int32(found + np.int32(keys[index] >= edges[edge]))
            counts[edge] += found


@jit
def count_codes(codes: Any, counts: Any) -> None:
    """Add to `counts` how often each code occurs.

    Args:
        codes: uint8 or uint16.
        counts: int64, in four rows, which are to be summed: equal codes that follow one another
            need not wait for the sum of the one before.
    """
    row_mask = np.uint64(3)
    for index in range(codes.size):
        counts[np.uint64(index) & row_mask, np.uint64(codes[index])] += 1
