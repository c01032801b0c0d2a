"""The loops of the integer path, compiled by Numba. Integers alone.

Arrays are one-dimensional and contiguous. Float samples come as the unsigned integers that have
their bits; levels go to uint8 or uint16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from fmq_embedded.quantizers.estimate import UNCERTAIN
from fmq_embedded.quantizers.streaming import finish_streaming, store_streaming
from fmq_embedded.quantizers.vector_block import GROUP, centre_block, floor_block

BLOCK = 256
"""Samples that are settled together if one of them lies too near a threshold; whole groups."""

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compiled when first called, and cached on disk.

    Without reference counts, rewrites and C wrappers a first call compiles in half the time.
    """
    compiled: Function = numba.njit(
        cache=True,
        nogil=True,
        _nrt=False,
        error_model="numpy",
        no_cfunc_wrapper=True,
        no_rewrites=True,
    )(function)
    return compiled


@jit
def lookup(codes: Any, table: Any, out: Any) -> None:
    """out[i] = table[codes[i]]; `codes` are unsigned and below the table's length."""
    for index in range(codes.size):
        out[index] = table[codes[index]]


@jit
def lookup_pairs(words: Any, firsts: Any, seconds: Any, out: Any) -> None:
    """Two 4-byte values for two one-byte codes at a time, stored past the caches.

    Args:
        words: uint64, eight codes each, the first in the lowest byte.
        firsts, seconds: uint64 tables: the value in the lower half, and in the upper half.
        out: uint64, four for each word.
    """
    byte = np.uint64(0xFF)
    for index in range(words.size):
        word = words[index]
        for pair in range(4):
            codes = word >> np.uint64(16 * pair)
            value = firsts[codes & byte] | seconds[(codes >> np.uint64(8)) & byte]
            store_streaming(out, 4 * index + pair, value)
    finish_streaming()


@jit
def search_float32(bits: Any, thresholds: Any, out: Any) -> np.uint32:
    """The number of thresholds (2^b − 1 int32 keys) at most the sample; the largest magnitude."""
    largest = np.uint32(0)
    for index in range(bits.size):
        magnitude = bits[index] & np.uint32(0x7FFFFFFF)
        largest = max(largest, magnitude)
        key = np.int64(magnitude)
        if bits[index] >> np.uint32(31):
            key = -key
        level = 0
        step = (thresholds.size + 1) >> 1
        while step:
            if key >= thresholds[level + step - 1]:
                level += step
            step >>= 1
        out[index] = level
    return largest


@jit
def search_float64(bits: Any, thresholds: Any, out: Any) -> np.uint64:
    """As `search_float32`, for the bits of float64 and int64 keys."""
    largest = np.uint64(0)
    for index in range(bits.size):
        magnitude = bits[index] & np.uint64(0x7FFFFFFFFFFFFFFF)
        largest = max(largest, magnitude)
        key = np.int64(magnitude)
        if bits[index] >> np.uint64(63):
            key = -key
        level = 0
        step = (thresholds.size + 1) >> 1
        while step:
            if key >= thresholds[level + step - 1]:
                level += step
            step >>= 1
        out[index] = level
    return largest


@jit
def settle(bits: Any, start: int, stop: int, beyond: int, lower_bounds: Any, out: Any) -> None:
    """Levels that are at most one too high, made right; those beyond the estimate are ends."""
    for index in range(start, stop):
        magnitude = np.int64(bits[index] & np.uint32(0x7FFFFFFF))
        is_negative = bits[index] >> np.uint32(31)
        level: Any = np.int64(out[index])
        if magnitude >= beyond:
            level = 0 if is_negative else lower_bounds.size - 1
        else:
            key = -magnitude if is_negative else magnitude
            if key < lower_bounds[level]:
                level -= 1
        out[index] = level


@jit
def quantize_floor(bits: Any, fields: Any, beyond: int, lower_bounds: Any, out: Any) -> np.uint64:
    """Levels of whole groups of float32 samples by estimate; returns the largest magnitude."""
    largest = np.uint64(0)
    for start in range(0, bits.size, BLOCK):
        stop = min(start + BLOCK, bits.size)
        found = floor_block(bits, out, start, stop - start, fields)
        magnitude = found >> np.uint64(32)
        largest = max(largest, magnitude)
        if (found & np.uint64(0xFFFFFFFF)) < UNCERTAIN or magnitude >= beyond:
            settle(bits, start, stop, beyond, lower_bounds, out)
    return largest


@jit
def quantize_centre(bits: Any, fields: Any, beyond: int, lower_bounds: Any, out: Any) -> np.uint64:
    """As `quantize_floor`, with a dead zone about the centre."""
    largest = np.uint64(0)
    for start in range(0, bits.size, BLOCK):
        stop = min(start + BLOCK, bits.size)
        found = centre_block(bits, out, start, stop - start, fields)
        magnitude = found >> np.uint64(32)
        largest = max(largest, magnitude)
        if (found & np.uint64(0xFFFFFFFF)) < UNCERTAIN or magnitude >= beyond:
            settle(bits, start, stop, beyond, lower_bounds, out)
    return largest


def estimate_float32(plan: Any, bits: Any, out: Any) -> int:
    """Levels of float32 samples by a plan's estimate; returns the largest magnitude's bits.

    Args:
        plan: what `integer_path.Float32Plan` holds.
        bits: uint32, any length: the samples behind the last whole group are padded to one.
        out: uint8 or uint16 levels, as long.
    """
    kernel = quantize_centre if plan.has_dead_zone else quantize_floor
    whole = bits.size - bits.size % GROUP
    arguments = (plan.fields, plan.beyond, plan.lower_bounds)
    largest = int(kernel(bits[:whole], *arguments, out[:whole])) if whole else 0
    rest = bits.size - whole
    if rest:
        padded, levels = np.zeros(GROUP, np.uint32), np.empty(GROUP, out.dtype)
        padded[:rest] = bits[whole:]
        largest = max(largest, int(kernel(padded, *arguments, levels)))
        out[whole:] = levels[:rest]
    return largest
