"""A channel predicted from channels before it, its parents; compiled by Numba.

What is coded then is what the samples are more than Σ factor · parent / 16, of parents as a
decoder has them: each takes away what the ones before it left.
"""

from __future__ import annotations

# Numba finds the types of these bodies, not mypy.
# mypy: check_untyped_defs=False
import numpy as np

from fmq_embedded.compiling import inner, merged
from fmq_embedded.dense import contexts as c
from fmq_embedded.dense.coder_kernels import BYPASS, code_bit, code_plain
from fmq_embedded.dense.numbers import LARGEST_SAMPLE
from fmq_embedded.dense.plane_kernels import scale_plane, transform_tiles
from fmq_embedded.dense.probabilities import sizes_in_bits

PARENTS, DEAD, WHOLE, MOST_PARENTS = c.PARENTS, c.DEAD, c.WHOLE, c.MOST_PARENTS
PARENT_WINDOW, NO_PARENT = c.PARENT_WINDOW, c.NO_PARENT
FACTOR_BITS, FACTOR_BIAS, FACTOR_SHIFT = 6, 32, 4
CANDIDATES = 3
"""How many of the most similar channels are looked at closer."""
PARENT_BITS = 12
"""What telling a parent costs, about."""
SIZES = sizes_in_bits()
SIZE_LIMIT = SIZES.size - 1


@inner
def code_parents(coder, states, channel, mode, parents, factors):  # type: ignore[no-untyped-def]
    """A channel's parents and factors.

    Args:
        parents: int64, `MOST_PARENTS`: channels, then `NO_PARENT`.
        factors: int64, `MOST_PARENTS`: in 1/16, −32…31.
    """
    window = min(channel, PARENT_WINDOW)
    size = 0
    while ((window - 1) >> size) > 0:
        size += 1
    for k in range(MOST_PARENTS):
        context = PARENTS + 2 * k + np.int64(mode == DEAD)
        has_one = np.int64(parents[k] != NO_PARENT)
        if not code_plain(coder, states, context, has_one):
            return
        distance = _code_number(coder, size, channel - 1 - parents[k])
        parents[k] = channel - 1 - min(distance, window - 1)
        factor = _code_number(coder, np.int64(FACTOR_BITS), factors[k] + FACTOR_BIAS)
        factors[k] = factor - FACTOR_BIAS


@inner
def _code_number(coder, size, number):  # type: ignore[no-untyped-def]
    read = np.int64(0)
    for i in range(size):
        bit = (number >> (size - 1 - i)) & 1
        read = 2 * read + code_bit(coder, np.int64(BYPASS), bit)
    return read


@inner
def share(parent, factor):  # type: ignore[no-untyped-def]
    """What a parent's sample says of its child's; both in 1/4, modulo 2^32 as signed numbers."""
    product = np.int32(np.int32(parent) * np.int32(factor) + np.int32(1 << (FACTOR_SHIFT - 1)))
    return np.int32(product >> FACTOR_SHIFT)


@inner
def subtract_parent(samples, parent, factor, residuals):  # type: ignore[no-untyped-def]
    """Samples less what their parent says, rounded; whether they stay within ±4,095."""
    fits = True
    for row in range(samples.shape[0]):
        for column in range(samples.shape[1]):
            guess = np.int64(share(parent[row, column], factor))
            value = samples[row, column] - ((guess + 2) >> 2)
            fits &= abs(value) <= LARGEST_SAMPLE
            residuals[row, column] = value
    return fits


@inner
def add_parents(restored, channel, parents, factors):  # type: ignore[no-untyped-def]
    """The mirror of `subtract_parent` for all parents of a channel, on decoded samples in 1/4.

    Args:
        restored: int32, channels × rows × columns: `restored[channel]` is added to.
    """
    samples = restored[channel]
    for k in range(MOST_PARENTS):
        if parents[k] == NO_PARENT:
            return
        parent = restored[parents[k]]
        for row in range(samples.shape[0]):
            for column in range(samples.shape[1]):
                said = share(parent[row, column], factors[k])
                samples[row, column] = np.int32(samples[row, column] + said)


@merged
def find_parent(plane, own_bits, channel, tiles, quantizer, trials, residuals):  # type: ignore[no-untyped-def]
    """The channel that leaves the fewest bits, if one leaves fewer than there are.

    Args:
        plane: int32, rows × columns: of the channel.
        own_bits: what `estimated_bits` says of it.
        residuals: int32, rows × columns: what the parent leaves.

    Returns:
        The parent, or `NO_PARENT`; and the factor in 1/16.
    """
    restored, totals, gains, slopes = trials.restored, trials.totals, trials.gains, trials.slopes
    best = own_bits
    own, _ = moments(plane)
    first = max(channel - PARENT_WINDOW, 0)
    count = channel - first
    for other in range(first, channel):
        gains[other - first], slopes[other - first] = similarity(
            plane, own, restored[other], totals[other, 0], totals[other, 1]
        )
    chosen, factor = np.int64(NO_PARENT), np.int64(0)
    for _ in range(min(CANDIDATES, count)):
        at = np.argmax(gains[:count])
        if gains[at] <= 0:
            break
        gains[at] = 0
        if not subtract_parent(plane, restored[first + at], slopes[at], residuals):
            continue
        bits = 256 * PARENT_BITS + estimated_bits(
            residuals, tiles, quantizer, trials.residuals[MOST_PARENTS]
        )
        if bits < best:
            best, chosen, factor = bits, np.int64(first + at), slopes[at]
    if chosen != NO_PARENT:
        subtract_parent(plane, restored[chosen], factor, residuals)
    return chosen, factor


@inner
def moments(plane):  # type: ignore[no-untyped-def]
    """The sum of a plane's samples, and that of their squares."""
    samples = plane.reshape(plane.size)
    total = squares = np.int64(0)
    for i in range(samples.size):
        sample = np.int64(samples[i])
        total += sample
        squares += sample * sample
    return total, squares


@inner
def similarity(plane, own, other, total, squares):  # type: ignore[no-untyped-def]
    """How much of a plane's energy about its mean another explains, by which factor in 1/16.

    Sums are those of integers, so they are exact; what comes of them is rounded as IEEE 754 says,
    the same on every machine.

    Args:
        own: the sum of the plane's samples.
        total, squares: of the other's, from `moments`.
    """
    samples, parents = plane.reshape(plane.size), other.reshape(plane.size)
    products = np.int64(0)
    for i in range(samples.size):
        products += np.int64(samples[i]) * np.int64(parents[i])
    spread = float(squares) - float(total) * (total / plane.size)
    if spread <= 0:
        return 0.0, np.int64(0)
    shared = float(products) - float(own) * (total / plane.size)
    slope = np.int64(np.rint(64 * (shared / spread)))
    slope = min(max(slope, -FACTOR_BIAS), FACTOR_BIAS - 1)
    return (shared * (shared / spread) if slope != 0 else 0.0), slope


@inner
def estimated_bits(plane, tiles, quantizer, coefficients):  # type: ignore[no-untyped-def]
    """The fewer of the bits of samples and of their transform, about, in 1/256.

    Args:
        coefficients: int32, rows × columns: of no use afterwards.
    """
    scale_plane(plane, quantizer.reciprocal, quantizer.shift, coefficients)
    spatial = bits_of(coefficients)
    transform_tiles(plane, tiles, np.int64(WHOLE), coefficients)
    scale_plane(coefficients, quantizer.reciprocal, quantizer.shift, coefficients)
    return min(spatial, bits_of(coefficients))


@inner
def bits_of(scaled):  # type: ignore[no-untyped-def]
    """What coefficients in 1/256 step take, about, in 1/256."""
    total = np.int64(0)
    for row in range(scaled.shape[0]):
        for column in range(scaled.shape[1]):
            total += SIZES[min(abs(np.int64(scaled[row, column])) >> 4, SIZE_LIMIT)]
    return total
