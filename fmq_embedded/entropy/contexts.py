"""The context model of the entropy coder: its numbers, once, for Numba, C and the specification.

A level l is coded as its residual r = l − centre. The magnitude m = |r| is binarised as a zero
flag, a sign (where both signs can occur), the class e = floor(log2(m)) in unary, and the e bits
below the leading one, most significant first; the first two of those are modelled, the others
cost one bit each. Contexts come from an estimate of m by the neighbours W, N, NW and NE in the same
channel and by the running mean of the channel.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PROBABILITY_BITS = 16
PROBABILITY_MINIMUM = 32
PROBABILITY_MAXIMUM = 65536 - PROBABILITY_MINIMUM
PROBABILITY_START = 32768
COUNT_LIMIT = 60
BYPASS = 32768

MAGNITUDE_LIMIT = 127
"""Neighbours are remembered as magnitudes up to this, with their sign: one byte each."""

ESTIMATE_EDGES = (0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30, 42, 60, 90, 140, 220)
"""Bin i of the estimate holds the values from edge i up to, not including, edge i + 1."""

ESTIMATE_BINS = len(ESTIMATE_EDGES)
CLASS_FLAGS = 8
MANTISSA_GROUPS = 3
MANTISSA_CLASSES = 7

ZERO_CONTEXTS = 0
SIGN_CONTEXTS = ZERO_CONTEXTS + ESTIMATE_BINS * 9
CLASS_CONTEXTS = SIGN_CONTEXTS + 9
MANTISSA_CONTEXTS = CLASS_CONTEXTS + ESTIMATE_BINS * CLASS_FLAGS
SILENT_CONTEXT = MANTISSA_CONTEXTS + MANTISSA_GROUPS * MANTISSA_CLASSES * 3
"""The zero flag of a channel without a level but the centre so far: dead ones cost few bits."""

CONTEXT_COUNT = SILENT_CONTEXT + 1


def adaptation_rates() -> npt.NDArray[np.uint16]:
    """Rate after n earlier decisions in a context, n = 0..60: floor(65536 / (n + 2))."""
    return np.array([65536 // (n + 2) for n in range(COUNT_LIMIT + 1)], dtype=np.uint16)


def estimate_bins() -> npt.NDArray[np.uint8]:
    """The bin of each estimate 0..220; larger estimates fall into the last bin."""
    edges = np.asarray(ESTIMATE_EDGES)
    bins = np.searchsorted(edges, np.arange(ESTIMATE_EDGES[-1] + 1), side="right") - 1
    return bins.astype(np.uint8)


def mantissa_groups() -> npt.NDArray[np.uint8]:
    """The group of mantissa contexts of each bin of the estimate."""
    return np.array([b * MANTISSA_GROUPS // ESTIMATE_BINS for b in range(ESTIMATE_BINS)], np.uint8)
