"""Integer tables of the dense model: adaptation, mixing in the logistic domain, and costs.

A probability is that of a 1, in 1/65,536. A logit is ln(p / (1 − p)) in 1/256, within ±2,047.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

COUNT_LIMIT: Final = 60
"""How often a context has been used, at most; after that it forgets at a fixed rate."""
LOWEST, HIGHEST = 16, 65519
"""What a context may hold."""
PLAIN_LOWEST, PLAIN_HIGHEST = 64, 65472
"""What a decision by one context alone is coded with, at most."""
LARGEST_LOGIT: Final = 2047
SQUASH_STEP: Final = 32
"""The knots of the squash table are this many logits apart."""
WEIGHT_ONE: Final = 1 << 14
COST_ONE: Final = 256
"""A bit, in the unit of costs."""

Table = npt.NDArray[np.int32]


def adaptation_rates() -> Table:
    """65,536 / (n + 1.6) for n = 0…60: how far a context moves towards a decision."""
    return np.array([655360 // (10 * n + 16) for n in range(COUNT_LIMIT + 1)], np.int32)


def mean_rates() -> Table:
    """65,536 / (n + 5) for n = 0…255: how far a channel's mean moves towards a magnitude."""
    return np.array([65536 // (n + 5) for n in range(256)], np.int32)


def stretch() -> Table:
    """The logits of the probabilities (16·i + 8) / 65,536, i = 0…4,095.

    Between 1/16 and 15/16 they change with every 16th entry only: so C needs 736 of them.
    """
    table = np.zeros(4096, np.int32)
    for i in range(4096):
        centre = (i & ~15) + 8.0 if 256 <= i < 3840 else i + 0.5
        logit = 256 * math.log(centre / (4096 - centre))
        table[i] = max(-LARGEST_LOGIT, min(LARGEST_LOGIT, math.floor(logit + 0.5)))
    return table


def squash_knots() -> Table:
    """The probabilities of the logits −2,048, −2,016 … 2,048, within 24…65,512."""
    table = np.zeros(129, np.int32)
    for i in range(129):
        probability = 65536 / (1 + math.exp(-(i - 64) * SQUASH_STEP / 256))
        table[i] = max(24, min(65536 - 24, math.floor(probability + 0.5)))
    return table


def squash() -> Table:
    """The probabilities of the logits −2,048…2,047: linear between the knots, rounded."""
    knots = squash_knots().astype(np.int64)
    position = np.arange(4096)
    knot, rest = position // SQUASH_STEP, position % SQUASH_STEP
    between = knots[knot] * (SQUASH_STEP - rest) + knots[knot + 1] * rest
    rounded: Table = ((between + SQUASH_STEP // 2) // SQUASH_STEP).astype(np.int32)
    return rounded


def sizes_in_bits() -> Table:
    """About the bits of a value of i / 16 steps, i = 0…4,095, in 1/256 bit.

    It is log2(1 + 12·v²) / 2: what a Gaussian source of that deviation needs at the noise of
    rounding.
    """
    return np.array(
        [math.floor(128 * math.log2(1 + 12 * (i / 16) ** 2) + 0.5) for i in range(4096)], np.int32
    )


def costs() -> Table:
    """−log2 of the probabilities (128·i + 64) / 65,536, i = 0…511, in 1/256 bit."""
    return np.array(
        [math.floor(-COST_ONE * math.log2((i + 0.5) / 512) + 0.5) for i in range(512)], np.int32
    )
