"""Maps of levels that bring each part of the entropy coder to light."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import Geometry, decode_levels, encode_levels, packed_size

KINDS = ("laplace", "uniform", "sparse", "constant", "ends", "smooth")

Levels = npt.NDArray[np.uint16]

# Before the run: so that the interval does not end where the run's number does.
_LEAD = b"\x5a\xc3\x17\x88\x2e\x71\x9d\x36\xe4"
_TAIL = b"\x3b\xa7\x1c\xd5\x68\xf2\x09\x94" * 8


def levels_of(
    kind: str, shape: tuple[int, ...], bit_depth: int, centre: int, *, seed: int
) -> Levels:
    """Levels of a kind.

    Args:
        kind: one of `KINDS`, or "mixed": channels of every width, some of them silent.
        shape: channels last.
        bit_depth: 1..16.
        centre: the level that residuals are taken from.
        seed: of the generator.
    """
    rng = np.random.default_rng([seed, bit_depth, centre])
    count, largest = math.prod(shape), (1 << bit_depth) - 1
    if kind == "uniform":
        values = rng.integers(0, largest + 1, count)
    elif kind == "constant":
        values = np.full(count, rng.integers(0, largest + 1))
    elif kind == "ends":
        values = rng.choice([0, largest], count)
    elif kind == "sparse":
        hit = rng.random(count) < 0.05
        values = centre + hit * rng.integers(-largest, largest + 1, count)
    elif kind == "smooth":
        values = centre + np.cumsum(rng.integers(-2, 3, count))
    elif kind == "mixed":
        width = 2.0 ** np.linspace(-3, bit_depth - 1, shape[-1])
        values = np.rint(centre + rng.laplace(0, 1, shape) * width).reshape(-1)
    else:
        spread = max(largest / 2.0 ** int(rng.integers(1, 6)), 0.3)
        values = np.rint(centre + rng.laplace(0, spread, count))
    return np.clip(values, 0, largest).astype(np.uint16).reshape(shape)


def carry_levels(run: int, *, carries: bool) -> Levels:
    """Levels whose payload has `run` bytes that the encoder holds back for a carry.

    Whatever is coded, the interval narrows towards the payload read as one number; so levels that
    are decoded from … 7F FF … FF, or from … 80 00 … 00, keep the interval around that point, and
    the encoder cannot tell its bytes until the bytes behind them.

    Returns:
        8-bit levels of one row, to be coded about 0: then whatever is decoded is a level.
    """
    waiting = b"\x80" + bytes(run) if carries else b"\x7f" + b"\xff" * run
    payload = _LEAD + waiting + _TAIL
    data = np.frombuffer(payload, np.uint8)
    for count in range(4, 8 * len(payload), 4):
        levels, end = decode_levels(data, 0, Geometry(1, count, 1), 0, 8)
        if end >= len(_LEAD) + len(waiting) + 4:
            return levels
    raise AssertionError("levels take at least a bit each here")


def even_levels(gain: int) -> Levels:
    """Levels of one row, 3 bits deep, that are `gain` bytes shorter coded about 3 than packed."""
    for seed in range(1 << 12):
        rng = np.random.default_rng(seed)
        drawn = np.rint(rng.normal(3.0, rng.uniform(0.6, 1.9), 48))
        levels: Levels = np.clip(drawn, 0, 7).astype(np.uint16)
        coded = len(encode_levels(levels, Geometry(1, levels.size, 1), 3, 3))
        if packed_size(levels.size, 3) - coded == gain:
            return levels
    raise AssertionError("such levels are one in a few")


def almost_constant(shape: tuple[int, ...], level: int, place: int) -> Levels:
    """One level everywhere, and another one at `place`."""
    levels = np.full(shape, level, np.uint16)
    levels.flat[place] ^= 1
    return levels
