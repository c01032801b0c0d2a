"""Partitions of any kind and shape, drawn at random."""

from __future__ import annotations

import numpy as np

from fmq_embedded.entropy import Geometry
from fmq_embedded.partition import OWN, ClassQuantizer, Partition, Step
from fmq_embedded.partition.blocks import SPLITS, Box, parts_of
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.companding import Compander
from fmq_embedded.quantizers.vector import VectorQuantizer

BASE = Quantizer.laplace(4, 6)
CLASSES: tuple[ClassQuantizer, ...] = (
    OWN,
    Step(5),
    Quantizer.uniform(-3, 3, 4),
    Compander("mu_law", 5, 50, -4, 4),
    VectorQuantizer(((31, 31, 31), (40, 31, 31), (20, 20, 50), (63, 0, 7))),
    Quantizer.explicit([-1.0, 0.5, 0.5], [-2.0, 0.0, 0.5, 1.5]),
)


def random_tree(
    generator: np.random.Generator, box: Box, class_count: int, depth: int = 0
) -> bytes:
    """The symbols of a tree over a box."""
    symbol = int(generator.integers(0, 9)) if generator.random() < 0.7 else 0
    own = generator.integers(0, class_count, 2).tolist()
    if symbol in SPLITS and depth < 8:
        parts = parts_of(box, symbol)
        if parts is not None:
            nodes = [random_tree(generator, part, class_count, depth + 1) for part in parts]
            return bytes([symbol]) + b"".join(nodes)
    if symbol >= 7 and box.rows > 1 and box.columns > 1:
        return bytes([symbol, *own])
    return bytes([0, own[0]])


def random_partition(
    generator: np.random.Generator,
    kind: str,
    shape: tuple[int, ...],
    classes: tuple[ClassQuantizer, ...] = CLASSES,
    base: Quantizer = BASE,
    centre: int | None = None,
) -> Partition:
    """A partition of a kind and shape, not every class of it used."""
    geometry = Geometry.of(shape)
    count = len(classes)
    if kind == "channel":
        class_of = generator.integers(0, count, geometry.channels)
        return Partition.of_channels(shape, base, classes, class_of, centre)
    if kind == "region":
        coarse = generator.integers(0, count, (geometry.rows, geometry.columns))
        class_of = np.repeat(np.repeat(coarse, 2, 0), 3, 1)[: geometry.rows, : geometry.columns]
        return Partition.of_regions(shape, base, classes, class_of, centre)
    box = Box(0, 0, 0, geometry.rows, geometry.columns, geometry.channels)
    tree = random_tree(generator, box, count)
    return Partition.of_blocks(shape, base, classes, tree, centre)
