"""The whole codec on this machine: time and bits per element, beside zlib at its best."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.synthetic_maps import RELU_QUANTIZER, relu_map
from firmware_tools.profiling.timing import compare
from fmq_embedded import codec
from fmq_embedded.settings import Settings

SHAPES = {
    "ReLU 56×56×64": (56, 56, 64),
    "ReLU 16×16×88": (16, 16, 88),
    "ReLU 8×8×96": (8, 8, 96),
}
"""The second and third are the sizes of BlazeFace's two maps."""
ROUNDS = 9
ZLIB_LEVEL = 9
PEER = f"zlib -{ZLIB_LEVEL}"

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
"""Elements over which the time per element is to stay the same."""
COLUMNS, CHANNELS = 50, 20
LINEAR_LIMIT = 1.5

SETTINGS = Settings(quantizer=RELU_QUANTIZER)

Samples = npt.NDArray[np.float32]


def figures(quick: bool) -> list[Figure]:
    """The suite "codec"."""
    if quick:
        shape = SHAPES["ReLU 8×8×96"]
        return map_figures("ReLU 8×8×96", relu_map(*shape), 2) + linear_figures(SIZES[:2], 2)
    found: list[Figure] = []
    for name, shape in SHAPES.items():
        found += map_figures(name, relu_map(*shape), ROUNDS)
    return found + linear_figures(SIZES, ROUNDS)


def map_figures(name: str, samples: Samples, rounds: int) -> list[Figure]:
    """Encode, decode and bits; zlib gets the levels that the codec's entropy coder gets."""
    levels = RELU_QUANTIZER.quantize(samples).tobytes()
    stream, packed = codec.encode(samples, SETTINGS), zlib.compress(levels, ZLIB_LEVEL)

    def timed(what: str, ours: Callable[[], Any], theirs: Callable[[], Any]) -> Figure:
        return compare(
            f"{what}, {name}",
            PEER,
            ours,
            theirs,
            unit="element",
            units=(samples.size, samples.size),
            rounds=rounds,
            limit=None,
        )

    return [
        timed(
            "encode",
            lambda: codec.encode(samples, SETTINGS),
            lambda: zlib.compress(levels, ZLIB_LEVEL),
        ),
        timed("decode", lambda: codec.decode(stream), lambda: zlib.decompress(packed)),
        Figure(
            f"bits, {name}",
            8 * len(stream) / samples.size,
            "bit/element",
            PEER,
            8 * len(packed) / samples.size,
            len(stream) / len(packed),
            limit=1.0,
        ),
    ]


def linear_figures(sizes: tuple[int, ...], rounds: int) -> list[Figure]:
    """The time per element at the largest size beside that at each smaller one."""
    maps = [relu_map(size // (COLUMNS * CHANNELS), COLUMNS, CHANNELS) for size in sizes]
    largest = maps[-1]
    return [
        compare(
            f"encode, {largest.size:,} elements",
            f"{small.size:,} elements",
            lambda: codec.encode(largest, SETTINGS),
            lambda small=small: codec.encode(small, SETTINGS),  # type: ignore[misc]
            unit="element",
            units=(largest.size, small.size),
            rounds=rounds,
            limit=LINEAR_LIMIT,
        )
        for small in maps[:-1]
    ]
