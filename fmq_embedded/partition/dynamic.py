"""Classes that the encoder finds in each map itself: features, and the nearest centroid.

What a device does with integers alone: the classes' quantizers and centroids are fixed at
calibration; the class map is computed from the map and sent with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition.class_map import ClassMap, map_shape
from fmq_embedded.partition.classes import ClassQuantizer
from fmq_embedded.partition.clustering import means, nearest
from fmq_embedded.partition.features import (
    Integers,
    as_distances,
    channel_features,
    position_features,
)
from fmq_embedded.partition.partition import Partition
from fmq_embedded.quantizers.quantizer import Quantizer

_LARGEST_FEATURE = 16384
_UNREACHABLE = (16384, 16384, 16384)
"""Far from all features, which lie within ±1024."""


@dataclass(frozen=True)
class DynamicClasses:
    """Class quantizers, each with the features that call for it.

    Args:
        kind: "channel" or "region".
        base: the tensor's own quantizer.
        classes: 1..256 of them.
        centroids: for each class, mean, variance and complexity as `as_distances` gives them.
        centre: as of a `Partition`.

    Raises:
        InputError: not three whole numbers within ±16384 for each class, or another kind.
    """

    kind: Literal["channel", "region"]
    base: Quantizer
    classes: tuple[ClassQuantizer, ...]
    centroids: tuple[tuple[int, int, int], ...]
    centre: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("channel", "region"):
            raise InputError(f"dynamic classes are of channel or region; got {self.kind!r}")
        if len(self.centroids) != len(self.classes) or {len(c) for c in self.centroids} != {3}:
            raise InputError(
                f"each of the {len(self.classes)} classes has a centroid of 3 features; got "
                f"{len(self.centroids)}"
            )
        for centroid in self.centroids:
            if not all(-_LARGEST_FEATURE <= value <= _LARGEST_FEATURE for value in centroid):
                raise InputError(
                    f"a centroid's features lie in ±{_LARGEST_FEATURE}; got {centroid}"
                )

    @classmethod
    def fitted(cls, partition: Partition, items: Sequence[FeatureMap]) -> DynamicClasses:
        """The classes of a static partition; each has the mean features of its channels or
        positions in these maps.

        Args:
            partition: of channels or regions.
            items: maps of its shape, at least one. A class without a member in it is never chosen
                unless it is the only one.

        Raises:
            InputError: another kind of partition.
        """
        plain = cls(
            partition.kind,  # type: ignore[arg-type]
            partition.base,
            partition.classes,
            (_UNREACHABLE,) * len(partition.classes),
            partition.centre,
        )
        features = np.concatenate([plain.features(item) for item in items])
        labels = np.tile(partition.class_of.reshape(-1).astype(np.int64), len(items))
        centroids = means(features, labels, np.array(plain.centroids, np.int64))
        return replace(plain, centroids=tuple((a, b, c) for a, b, c in centroids.tolist()))

    def single(self, shape: tuple[int, ...]) -> Partition:
        """A partition of a map in which all channels or positions have the first class.

        Bit depth and centre of the joint levels are the same for every map.

        Raises:
            InputError: what a `Partition` refuses.
        """
        geometry = Geometry.of(shape)
        cells = map_shape(self.kind, geometry)
        class_map = ClassMap(np.zeros(cells, np.uint8))
        return Partition(self.kind, shape, self.base, self.classes, class_map, self.centre)

    def can_give(self, partition: Partition) -> bool:
        """Whether a partition has these classes, whatever its class map."""
        own = (self.kind, self.base, self.classes, self.centre)
        return own == (partition.kind, partition.base, partition.classes, partition.centre)

    def features(self, item: FeatureMap) -> Integers:
        """The features of each channel or position of a map, as they are compared."""
        residuals = base_residuals(item, self.base, self.centre)
        of_kind = channel_features if self.kind == "channel" else position_features
        return as_distances(of_kind(residuals))

    def partition(self, item: FeatureMap) -> Partition:
        """The partition of a map: each channel or position has the class of the nearest centroid.

        Raises:
            InputError: samples that are not finite, or what a `Partition` refuses.
        """
        class_of = nearest(self.features(item), np.array(self.centroids, np.int64))
        if self.kind == "channel":
            return Partition.of_channels(item.shape, self.base, self.classes, class_of, self.centre)
        geometry = Geometry.of(item.shape)
        return Partition.of_regions(
            item.shape,
            self.base,
            self.classes,
            class_of.reshape(geometry.rows, geometry.columns),
            self.centre,
        )


def base_residuals(item: FeatureMap, base: Quantizer, centre: int | None) -> Integers:
    """Levels of the base less that of the centre's value, rows × columns × channels."""
    geometry = Geometry.of(item.shape)
    value = np.zeros(1, np.float32)
    if centre is not None:
        value = base.dequantize(np.array([centre]))
    levels = base.quantize(item).astype(np.int64) - int(base.quantize(value)[0])
    return levels.reshape(geometry.rows, geometry.columns, geometry.channels)
