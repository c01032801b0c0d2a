"""Which partition a map gets: the flow of Fig. 28–31, 33.

Full or partial; if partial, by channel, else by region, else by block: as the user says, as suits
the network's function, or by which takes the fewest bits at the same distortion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.partitions import write_partition
from fmq_embedded.entropy import Geometry, encode_levels
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition.class_map import KINDS, Kind
from fmq_embedded.partition.classes import OWN, ClassQuantizer, Step
from fmq_embedded.partition.costs import Grid, measure
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.partition.functions import FUNCTION_KINDS, network_function
from fmq_embedded.partition.integer_log import log2_fixed
from fmq_embedded.partition.partition import Partition
from fmq_embedded.partition.searching import Source, search
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.settings import PartitionChoice, Settings

CANDIDATES: tuple[ClassQuantizer, ...] = (OWN, *map(Step, (1, 2, 3, 4, 6, 8, 12)))
"""Steps that a class may have. Plain rounding in all: dead zones lose on real maps."""

CURVE = (0, 1, 2, 3, 4, 6, 8)
"""Quarter octaves at which the base's own bits and errors are measured."""

LARGEST_SEARCH = 1 << 22
"""Samples; above, the costs of each sample would take gigabytes."""


def wanted_partition(item: FeatureMap, settings: Settings) -> PartitionChoice:
    """What the settings say about a map.

    Raises:
        InputError: they say it for each name, and not for this one.
    """
    wanted = settings.partition
    if not isinstance(wanted, Mapping):
        return wanted
    if item.name not in wanted:
        raise unknown_name("tensor with a partition", item.name, wanted)
    return wanted[item.name]


def given_partition(item: FeatureMap, settings: Settings) -> Partition | None:
    """The partition that the settings hold for a map, or that their dynamic classes give it.

    None where one is still to be chosen.
    """
    wanted = wanted_partition(item, settings)
    if isinstance(wanted, DynamicClasses):
        return wanted.partition(_finite(item))
    return wanted if isinstance(wanted, Partition) else None


def choose_partition(
    item: FeatureMap,
    quantizer: Quantizer,
    settings: Settings,
    *,
    centre: int | None = None,
    with_library: bool = False,
) -> Partition | None:
    """The partition of a map under these settings; None to quantize it as a whole.

    Args:
        item: not empty; infinities and NaN count as 0 here.
        quantizer: the base.
        centre: see `Partition`.
        with_library: at calibration: clusters by scikit-learn's k-means where it is installed.

    Raises:
        InputError: more than 2^22 samples to search, unless the partition is "auto": such a map
            is then quantized as a whole.
    """
    wanted = wanted_partition(item, settings)
    if not isinstance(wanted, str):
        return given_partition(item, settings)
    if wanted == "none":
        return None
    if item.samples.size > LARGEST_SEARCH:
        if wanted == "auto":
            return None
        raise InputError(
            f"a partition is searched for up to {LARGEST_SEARCH} samples; got "
            f"{item.samples.size}; split the map, or give a Partition"
        )
    source = _source(_finite(item), quantizer, settings, centre)
    source = replace(source, with_library=with_library)
    if wanted != "auto":
        return search(source, wanted, settings.classes).partition
    found = [search(source, kind, settings.classes).partition for kind in _kinds(settings)]
    return _cheapest(source, found)


def _kinds(settings: Settings) -> tuple[Kind, ...]:
    function = settings.function
    if function is None and settings.network is not None:
        function = network_function(settings.network)
    return KINDS if function is None else FUNCTION_KINDS[function]


def _finite(item: FeatureMap) -> FeatureMap:
    if item.is_integer:
        return item
    samples = item.samples.astype(np.float64 if item.samples.dtype == np.float64 else np.float32)
    samples = np.where(np.isfinite(samples), samples, samples.dtype.type(0))
    return FeatureMap(samples, name=item.name)


def _source(item: FeatureMap, base: Quantizer, settings: Settings, centre: int | None) -> Source:
    value = 0.0 if centre is None else float(base.dequantize(np.array([centre]))[0])
    candidates = (OWN,) if base.is_explicit or base.is_constant else CANDIDATES
    costs = measure(item, base, value, candidates)
    return Source(item, base, centre, costs, settings.partition_features)


def _cheapest(source: Source, found: list[Partition]) -> Partition | None:
    """The one whose coded bits are the smallest share of the base's at the same error, below 1.

    The base's bits at an error lie between those of its steps, linearly in the error's logarithm.
    """
    if source.base.is_explicit or source.base.is_constant:
        return None
    grid = Grid.over(source.item, source.base)
    points = [_measured(source, _whole(source, exponent), grid) for exponent in CURVE]
    best, least = None, 1 << 16
    for partition in found:
        bits, error = _measured(source, partition, grid)
        whole = _interpolated(points, error)
        if bits * (1 << 16) < least * whole:
            best, least = partition, bits * (1 << 16) // whole
    return best


def _whole(source: Source, exponent: int) -> Partition:
    base = Step(exponent).of(source.base)
    geometry = Geometry.of(source.item.shape)
    classes = np.zeros(geometry.channels, np.uint8)
    return Partition.of_channels(source.item.shape, base, (OWN,), classes)


def _measured(source: Source, partition: Partition, grid: Grid) -> tuple[int, int]:
    """The bits of the levels and of the partition beside them, and 256 · log2 of the error."""
    joint = partition.quantize(source.item)
    geometry, depth = partition.geometry, partition.bit_depth
    size = len(encode_levels(joint, geometry, partition.joint_centre, depth))
    if len(partition.classes) > 1:
        writer = Writer()
        write_partition(writer, partition)
        size += len(writer.data)
    back = grid.place(partition.dequantize(joint)) - grid.place(source.item)
    return 8 * size, int(log2_fixed((back * back).sum() + 1))


def _interpolated(points: list[tuple[int, int]], error: int) -> int:
    """The base's bits at an error; before its first point and behind its last, those there."""
    curve = sorted(points, key=lambda point: point[1])
    if error <= curve[0][1]:
        return curve[0][0]
    for (bits, at), (next_bits, next_at) in pairwise(curve):
        if error <= next_at:
            width = max(1, next_at - at)
            return bits + (next_bits - bits) * (error - at) // width
    return min(bits for bits, _ in curve)
