"""The suite "rate-speed": nanoseconds for an element, of each profile and of a peer."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import fmq_embedded as fmq
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.rate_frames import to_frame
from firmware_tools.profiling.rate_ours import PROFILES
from firmware_tools.profiling.rate_video_peer import decode_picture, encode_picture, x265
from firmware_tools.profiling.synthetic_maps import relu_map
from firmware_tools.profiling.timing import seconds
from fmq_embedded.errors import MissingToolError
from fmq_embedded.settings import Profile

SHAPES = {"ReLU 56×56×64": (56, 56, 64), "ReLU 16×16×88": (16, 16, 88)}
SIZES: Mapping[Profile, tuple[int, ...]] = {
    "fast": (10_000, 1_000_000, 100_000_000),
    "dense": (10_000, 100_000, 1_000_000, 10_000_000),
}
LARGEST_REPEATED = 1_000_000
"""Elements of a map that is coded more than once."""
PATTERN = (25, 20, 20)
"""A map of any of these sizes is this one again and again, one below the other."""
ROUNDS = 5
BIT_DEPTH = 5
LIMITS = {
    ("fast", "encode"): 15.0,
    ("fast", "decode"): 10.0,
    ("dense", "encode"): 130.0,
    ("dense", "decode"): 60.0,
}
"""Nanoseconds for an element, on one thread."""
LINEAR_LIMIT = 1.5
SET_SPEED_UP = 1.8
"""A set of maps on two threads, to one after the other; on two processors."""
SET_SIZE = 8
QUALITY = 22
"""Of x265: about as many bits as ours."""

Samples = npt.NDArray[np.float32]


def figures(quick: bool) -> list[Figure]:
    """The suite "rate-speed"."""
    rounds = 2 if quick else ROUNDS
    shapes = dict(list(SHAPES.items())[-1:]) if quick else SHAPES
    found = [
        figure
        for name, shape in shapes.items()
        for profile in PROFILES
        for figure in profile_figures(name, relu_map(*shape), profile, rounds)
    ]
    for name, shape in shapes.items():
        found += _peer_figures(name, relu_map(*shape), rounds)
    for profile, sizes in SIZES.items():
        found += _linear_figures(profile, sizes[:2] if quick else sizes, rounds)
    return found + list(_set_figures(rounds, quick))


def profile_figures(name: str, samples: Samples, profile: Any, rounds: int) -> list[Figure]:
    """Nanoseconds for an element to encode and to decode a map."""
    settings = fmq.Settings(profile=profile, bit_depth=BIT_DEPTH)
    stream = fmq.encode(samples, settings)
    calls: Mapping[str, Callable[[], Any]] = {
        "encode": lambda: fmq.encode(samples, settings),
        "decode": lambda: fmq.decode(stream),
    }
    return [
        _figure(
            f"{profile}, {what}, {name}", call, samples.size, rounds, LIMITS.get((profile, what))
        )
        for what, call in calls.items()
    ]


def _peer_figures(name: str, samples: Samples, rounds: int) -> list[Figure]:
    try:
        x265()
    except MissingToolError:
        return []
    picture = to_frame(samples).picture
    stream = encode_picture(picture, QUALITY)
    return [
        _figure(
            f"x265 intra, encode, {name}",
            lambda: encode_picture(picture, QUALITY),
            samples.size,
            rounds,
        ),
        _figure(
            f"x265 intra, decode, {name}", lambda: decode_picture(stream), samples.size, rounds
        ),
    ]


def _linear_figures(profile: Profile, sizes: Sequence[int], rounds: int) -> Iterator[Figure]:
    """The time for an element at each size beside that at the smallest."""
    settings = fmq.Settings(profile=profile, bit_depth=BIT_DEPTH)
    first = 0.0
    for size in sizes:
        samples = np.tile(relu_map(*PATTERN), (size // math.prod(PATTERN), 1, 1))
        runs = 1 if size > LARGEST_REPEATED else rounds
        time = _median(lambda one=samples: fmq.encode(one, settings), runs) / size  # type: ignore[misc]
        first = first or time
        yield Figure(
            f"{profile}, encode, {size:,} elements",
            time * 1e9,
            "ns/element",
            f"{sizes[0]:,} elements",
            first * 1e9,
            time / first,
            LINEAR_LIMIT,
        )


def _set_figures(rounds: int, quick: bool) -> Iterator[Figure]:
    """Maps as a set, which are coded on threads, beside one after the other.

    A stream says nowhere how long a tensor's payload is, so decoding a set is no quicker.
    """
    settings = fmq.Settings(profile="dense", bit_depth=BIT_DEPTH)
    shape = SHAPES["ReLU 16×16×88" if quick else "ReLU 56×56×64"]
    maps = {str(seed): relu_map(*shape, seed=seed) for seed in range(2 if quick else SET_SIZE)}
    count = sum(one.size for one in maps.values())
    stream = fmq.encode(maps, settings)
    alone = [fmq.encode(one, settings) for one in maps.values()]
    pairs: Mapping[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "encode": (
            lambda: fmq.encode(maps, settings),
            lambda: [fmq.encode(one, settings) for one in maps.values()],
        ),
        "decode": (lambda: fmq.decode(stream), lambda: [fmq.decode(one) for one in alone]),
    }
    for what, (together, one_by_one) in pairs.items():
        mine, theirs = _median(together, rounds), _median(one_by_one, rounds)
        yield Figure(
            f"dense, {what}, {len(maps)} maps as a set",
            mine * 1e9 / count,
            "ns/element",
            "one after the other",
            theirs * 1e9 / count,
            mine / theirs,
            1 / SET_SPEED_UP if what == "encode" and not quick else None,
        )


def _figure(
    name: str, call: Callable[[], Any], count: int, rounds: int, limit: float | None = None
) -> Figure:
    return Figure(name, _median(call, rounds) * 1e9 / count, "ns/element", limit=limit)


def _median(call: Callable[[], Any], rounds: int) -> float:
    """Seconds; once before to warm up."""
    call()
    return statistics.median(seconds(call) for _ in range(rounds))
