"""The cheapest partition of each kind, and what it costs ([0226]–[0236])."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.partitions import write_partition
from fmq_embedded.entropy import Geometry
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition.blocks import TreeLimits, TreeSearch, renumbered
from fmq_embedded.partition.class_map import Kind
from fmq_embedded.partition.clustering import k_means, merge_small, split_large
from fmq_embedded.partition.costs import BIT, Costs
from fmq_embedded.partition.dynamic import base_residuals
from fmq_embedded.partition.features import (
    FeatureFunction,
    as_distances,
    channel_features,
    custom_features,
    position_features,
)
from fmq_embedded.partition.partition import Partition
from fmq_embedded.partition.regions import Limits, tidied
from fmq_embedded.quantizers.quantizer import Quantizer

Integers = npt.NDArray[np.int64]

CLUSTER_COUNTS = (2, 3, 4, 6, 8, 12)


@dataclass(frozen=True)
class Source:
    """What a search starts from.

    Args:
        item: the map; finite.
        base: its quantizer.
        centre: its centre; see `Partition`.
        costs: of the candidates; the first is the base itself.
        features: a caller's own function of residuals; None for mean, variance and complexity.
        with_library: at calibration: see `k_means`.
    """

    item: FeatureMap
    base: Quantizer
    centre: int | None
    costs: Costs
    features: FeatureFunction | None = None
    with_library: bool = False

    @property
    def geometry(self) -> Geometry:
        """Rows, columns and channels."""
        return Geometry.of(self.item.shape)


@dataclass(frozen=True)
class Found:
    """A partition and its estimated cost, side information counted."""

    partition: Partition
    cost: int


def search(source: Source, kind: Kind, class_count: int | None) -> Found:
    """The cheapest partition of a kind.

    Args:
        class_count: clusters to start from; those that end with the same quantizer are one class.
            None for as many as pay.
    """
    if kind == "block":
        return _blocks(source, class_count)
    units = source.costs.totals.sum(axis=(1, 2) if kind == "channel" else 3)
    units = units.reshape(len(units), -1)
    features = _features(source, kind, units.shape[1])
    counts = CLUSTER_COUNTS if class_count is None else (class_count,)
    smallest, largest = max(1, units.shape[1] // 64), max(1, units.shape[1] * 3 // 4)

    def labels_of(count: int) -> Integers:
        clusters = k_means(features, count, with_library=source.with_library)
        labels = merge_small(features, clusters, smallest)
        return labels if class_count is not None else split_large(features, labels, largest)

    found = [_clustered(source, kind, units, labels_of(count)) for count in counts]
    return min(found, key=lambda option: option.cost)


def _features(source: Source, kind: Kind, count: int) -> Integers:
    residuals = base_residuals(source.item, source.base, source.centre)
    if source.features is not None:
        return custom_features(source.features, residuals, count)
    known = channel_features(residuals) if kind == "channel" else position_features(residuals)
    return as_distances(known)


def _clustered(source: Source, kind: Kind, units: Integers, labels: Integers) -> Found:
    """Clusters with the cheapest candidate each; then every unit goes where it is cheapest."""
    clusters = range(int(labels.max()) + 1)
    best = [int(np.argmin(units[:, labels == cluster].sum(axis=1))) for cluster in clusters]
    chosen = sorted(set(best))
    choice = np.argmin(units[chosen], axis=0).astype(np.int64)
    if kind == "region":
        geometry = source.geometry
        shape = (geometry.rows, geometry.columns)
        choice = tidied(choice.reshape(shape), units[chosen].reshape(-1, *shape), Limits())
    used, class_of = np.unique(choice, return_inverse=True)
    classes = tuple(source.costs.candidates[chosen[index]] for index in used)
    make = Partition.of_channels if kind == "channel" else Partition.of_regions
    partition = make(
        source.item.shape, source.base, classes, class_of.reshape(choice.shape), source.centre
    )
    rows = np.array(chosen)[choice.reshape(-1)]
    return _found(source, partition, int(units[rows, np.arange(units.shape[1])].sum()))


def _blocks(source: Source, class_count: int | None) -> Found:
    """The tree over all candidates; then over those alone that it uses most, if they are many."""
    totals, bit = source.costs.totals, BIT * source.costs.price
    kept = list(range(len(totals)))
    tree = TreeSearch(totals, bit, TreeLimits()).tree()
    if class_count is not None:
        grown = Partition.of_blocks(source.item.shape, source.base, source.costs.candidates, tree)
        share = np.bincount(grown.class_of.reshape(-1), minlength=len(totals))
        kept = sorted(np.argsort(-share, kind="stable")[:class_count].tolist())
        tree = TreeSearch(totals[kept], bit, TreeLimits()).tree()
    tree, used = renumbered(tree)
    classes = tuple(source.costs.candidates[kept[index]] for index in used)
    partition = Partition.of_blocks(source.item.shape, source.base, classes, tree, source.centre)
    rows = np.array([kept[index] for index in used])[partition.class_of]
    cost = int(np.take_along_axis(totals, rows[None], axis=0).sum())
    return _found(source, partition, cost)


def _found(source: Source, partition: Partition, cost: int) -> Found:
    writer = Writer()
    write_partition(writer, partition)
    return Found(partition, cost + source.costs.of_bytes(len(writer.data)))
