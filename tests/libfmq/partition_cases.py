"""Random partitions of every kind, with classes of every way to quantize."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError
from fmq_embedded.partition import ClassQuantizer, Partition, Step
from fmq_embedded.partition.class_map import KINDS
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.companding import Compander
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.vector import VectorQuantizer

SHAPES: list[tuple[int, ...]] = [
    (1, 1),
    (1, 9),
    (9, 1),
    (),
    (17,),
    (5, 7, 3),
    (2, 5, 7, 3),
    (1, 1, 251),
    (3, 2, 251),
    (13, 22, 16),
    (1, 3, 5),
]
SAMPLES = [
    SampleType("float32"),
    SampleType("int8", 0.03, 5),
    SampleType("uint8", 0.02, 130),
    SampleType("int16", 1e-4, -300),
]
BASES = [
    Quantizer.uniform(-1.5, 2.25, 4),
    Quantizer.uniform(0.0, 3.0, 8),
    Quantizer.gaussian(0.2, 1.0, 6, span=3.0),
    Quantizer.laplace(2.0, 9, rounding="centre", rounding_offset=0.3),
]
CLASS_COUNTS = (1, 2, 3, 5, 8)
TREE_DEPTH = 4


def random_tree(rng: np.random.Generator, box: tuple[int, int, int], count: int) -> bytes:
    """A coding tree that this box can have, of `count` classes."""
    return bytes(_nodes(rng, box, count, 0))


def _nodes(
    rng: np.random.Generator, box: tuple[int, int, int], count: int, depth: int
) -> Iterator[int]:
    rows, columns, _ = box
    possible = [0]
    if depth < TREE_DEPTH:
        possible += [symbol for symbol, parts in _splits(box).items() if parts]
    if rows > 1 and columns > 1:
        possible += [7, 8]
    symbol = int(rng.choice(possible))
    yield symbol
    if symbol in (0, 7, 8):
        yield from rng.integers(count, size=1 if symbol == 0 else 2).tolist()
        return
    for part in _splits(box)[symbol]:
        yield from _nodes(rng, part, count, depth + 1)


def _splits(box: tuple[int, int, int]) -> dict[int, list[tuple[int, int, int]]]:
    rows, columns, channels = box
    high, wide, deep = _halves(rows), _halves(columns), _halves(channels)
    along = rows >= columns
    parts = {
        1: (high, [columns], [channels]),
        2: ([rows], wide, [channels]),
        3: ([rows], [columns], deep),
        4: (
            _thirds(rows) if along else [rows],
            [columns] if along else _thirds(columns),
            [channels],
        ),
        5: (high, wide, [channels]),
        6: (high, wide, deep),
    }
    return {
        symbol: [(r, c, d) for r in first for c in second for d in third]
        for symbol, (first, second, third) in parts.items()
    }


def _halves(size: int) -> list[int]:
    return [(size + 1) // 2, size // 2] if size > 1 else []


def _thirds(size: int) -> list[int]:
    quarter = (size + 1) // 4
    return [quarter, size - 2 * quarter, quarter] if size > 2 else []


def random_class(rng: np.random.Generator, base: Quantizer) -> ClassQuantizer:
    """Any way to quantize a class."""
    what = int(rng.integers(6))
    if what == 0:
        return Step(int(rng.integers(-12, 13)))
    if what == 1:
        return BASES[int(rng.integers(len(BASES)))]
    if what == 2:
        limits = np.sort(rng.normal(size=7)).astype(np.float32).tolist()
        return Quantizer.explicit(limits, np.sort(rng.normal(size=8)).tolist())
    if what == 3:
        return Compander("power", int(rng.integers(1, 7)), 0.5, -1.0, 2.0)
    if what == 4:
        dimension, count = int(rng.integers(2, 9)), int(rng.integers(1, 20))
        words = rng.integers(base.maximum_level + 1, size=(count, dimension))
        return VectorQuantizer(tuple(map(tuple, words.tolist())))
    return Step(0)


def random_partition(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Partition:
    """A partition of this kind; classes may be empty, and the map may be of one class."""
    geometry = Geometry.of(shape)
    base = BASES[int(rng.integers(len(BASES)))]
    count = int(rng.choice([*CLASS_COUNTS, min(geometry.channels, 16)]))
    centre = int(rng.integers(base.maximum_level + 1)) if rng.random() < 0.3 else None
    used = int(rng.integers(1, count + 1))
    while True:
        classes = tuple(random_class(rng, base) for _ in range(count))
        try:
            if kind == "channel":
                chosen = rng.integers(used, size=geometry.channels)
                return Partition.of_channels(shape, base, classes, chosen, centre)
            if kind == "region":
                chosen = np.cumsum(rng.random((geometry.rows, geometry.columns)) < 0.3, 1) % used
                return Partition.of_regions(shape, base, classes, chosen, centre)
            box = (geometry.rows, geometry.columns, geometry.channels)
            return Partition.of_blocks(shape, base, classes, random_tree(rng, box, used), centre)
        except InputError:
            continue  # the joint levels of these classes need too many bits


def random_samples(
    rng: np.random.Generator, partition: Partition, samples: SampleType
) -> np.ndarray:
    """A map whose samples lie in the classes' ranges and beyond them."""
    values = rng.normal(0, 1.5, partition.shape) * rng.choice([0.5, 1, 8])
    if samples.dtype == "float32":
        return values.astype(np.float32)
    codes = np.rint(values / samples.scale + samples.zero_point)
    return np.clip(codes, samples.lowest_code, samples.highest_code).astype(samples.dtype)


def cases(seed: int) -> Iterator[tuple[np.random.Generator, Partition, SampleType]]:
    """Every kind, shape and sample type once."""
    rng = np.random.default_rng(seed)
    for kind in KINDS:
        for shape in SHAPES:
            for samples in SAMPLES:
                yield rng, random_partition(rng, kind, shape), samples
