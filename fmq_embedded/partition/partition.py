"""A partition: which class each sample of a map has, and how each class is quantized (Fig. 24-27).

All classes of a tensor share one alphabet of levels, so that the entropy coder, with its neighbours
and its running means, works as on a map of one quantizer. With c the level of the centre's value
in a class and C the largest c of all classes, level l of a class is the joint level l − c + C.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import BitstreamError, InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition.class_map import KINDS, Classes, ClassMap, Kind, grown, map_shape
from fmq_embedded.partition.classes import ClassQuantizer, scalar_quantizer
from fmq_embedded.partition.vectors import group, vectors_of
from fmq_embedded.quantizers.arguments import nonfinite_error
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.vector import VectorQuantizer

LARGEST_CLASS_COUNT = 256

_FLOAT32_MAX = np.finfo(np.float32).max
_LARGEST_BIT_DEPTH = 16

Levels = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Partition:
    """The classes of a map of one shape.

    Args:
        kind: "channel", "region" or "block".
        shape: of the map, up to 8 axes, not empty.
        base: the tensor's own quantizer.
        classes: 1..256 ways to quantize.
        class_map: the class of each channel (channels), of each position (rows, columns), or, for
            blocks, of each sample (rows, columns, channels) with the coding tree. Rows, columns
            and channels are those of `Geometry.of(shape)`. A class may have no sample.
        centre: the level of `base` whose value is the centre; None for the value 0.

    Raises:
        InputError: the map does not fit the shape, a class is not there, a codeword has a level
            that the base lacks, or the joint levels need more than 16 bits.
    """

    kind: Kind
    shape: tuple[int, ...]
    base: Quantizer
    classes: tuple[ClassQuantizer, ...]
    class_map: ClassMap
    centre: int | None = None

    @classmethod
    def of_channels(
        cls,
        shape: tuple[int, ...],
        base: Quantizer,
        classes: tuple[ClassQuantizer, ...],
        class_of: npt.ArrayLike,
        centre: int | None = None,
    ) -> Partition:
        """By channel: `class_of` has a class for each."""
        return cls("channel", shape, base, classes, ClassMap(_classes(class_of)), centre)

    @classmethod
    def of_regions(
        cls,
        shape: tuple[int, ...],
        base: Quantizer,
        classes: tuple[ClassQuantizer, ...],
        class_of: npt.ArrayLike,
        centre: int | None = None,
    ) -> Partition:
        """By region: `class_of` has a class for each position, rows × columns."""
        return cls("region", shape, base, classes, ClassMap(_classes(class_of)), centre)

    @classmethod
    def of_blocks(
        cls,
        shape: tuple[int, ...],
        base: Quantizer,
        classes: tuple[ClassQuantizer, ...],
        tree: bytes,
        centre: int | None = None,
    ) -> Partition:
        """By block: a coding tree; see `ClassMap`."""
        class_of = grown(tree, Geometry.of(shape), len(classes))
        return cls("block", shape, base, classes, ClassMap(class_of, tree), centre)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("kind of partition", str(self.kind), KINDS)
        if not 1 <= len(self.classes) <= LARGEST_CLASS_COUNT:
            raise InputError(
                f"a partition has 1..{LARGEST_CLASS_COUNT} classes; got {len(self.classes)}"
            )
        class_of, wanted = self.class_map.class_of, map_shape(self.kind, self.geometry)
        if class_of.shape != wanted or not class_of.size:
            raise InputError(
                f"a {self.kind} class map of a map {self.shape} has the shape {wanted}; "
                f"got {class_of.shape}"
            )
        if class_of.max() >= len(self.classes):
            raise InputError(
                f"class {class_of.max()} is not one of the {len(self.classes)} classes"
            )
        if self.centre is not None and not 0 <= self.centre <= self.base.maximum_level:
            raise InputError(f"centre is a level, 0..{self.base.maximum_level}; got {self.centre}")
        for chosen in self.classes:
            if not isinstance(chosen, VectorQuantizer):
                continue
            if chosen.largest_level > self.base.maximum_level:
                raise InputError(
                    f"a codeword has the level {chosen.largest_level}; the levels of the base "
                    f"end at {self.base.maximum_level}"
                )
        if self.bit_depth > _LARGEST_BIT_DEPTH:
            raise InputError(
                f"the joint levels of these classes need {self.bit_depth} bits; 16 is the most; "
                "give the classes fewer bits or like centres"
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Partition) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        classes = self.class_map.class_of.tobytes()
        return (self.kind, self.shape, self.base, self.classes, classes, self.class_map.tree,
                self.centre)  # fmt: skip

    @cached_property
    def geometry(self) -> Geometry:
        """Rows, columns and channels."""
        return Geometry.of(self.shape)

    @property
    def class_of(self) -> Classes:
        """The class of each channel, position or sample; see `class_map`."""
        return self.class_map.class_of

    @cached_property
    def quantizers(self) -> tuple[Quantizer, ...]:
        """The scalar quantizer of each class; of a vector class, the base."""
        return tuple(scalar_quantizer(chosen, self.base) for chosen in self.classes)

    @cached_property
    def centre_value(self) -> float:
        """The real value at which each class has its centre, a float32."""
        if self.centre is None:
            return 0.0
        return float(self.base.dequantize(np.array([self.centre]))[0])

    @cached_property
    def class_centres(self) -> tuple[int, ...]:
        """c of each class: the level of the centre's value; 0 for a vector class."""
        value = np.array([self.centre_value], np.float32)
        return tuple(
            0 if isinstance(chosen, VectorQuantizer) else int(quantizer.quantize(value)[0])
            for chosen, quantizer in zip(self.classes, self.quantizers, strict=True)
        )

    @cached_property
    def class_tops(self) -> tuple[int, ...]:
        """The largest level of each class: that of the largest float32; of a vector class N − 1."""
        value = np.array([_FLOAT32_MAX], np.float32)
        return tuple(
            len(chosen.codewords) - 1
            if isinstance(chosen, VectorQuantizer)
            else int(quantizer.quantize(value)[0])
            for chosen, quantizer in zip(self.classes, self.quantizers, strict=True)
        )

    @cached_property
    def joint_centre(self) -> int:
        """C, the joint level of the centre: the largest c of all classes."""
        return max(self.class_centres)

    @cached_property
    def bit_depth(self) -> int:
        """D, the bits of a joint level: enough for the largest one, at least 1."""
        pairs = zip(self.class_tops, self.class_centres, strict=True)
        return max(1, (max(top - own for top, own in pairs) + self.joint_centre).bit_length())

    def members(self, index: int) -> npt.NDArray[np.intp]:
        """The samples of a class as indices into the flat map, in coding order."""
        geometry, mask = self.geometry, self.class_of == index
        if self.kind == "block":
            return np.flatnonzero(mask)
        positions = geometry.rows * geometry.columns
        if self.kind == "channel":
            first, second = np.arange(positions), np.flatnonzero(mask)
        else:
            first, second = np.flatnonzero(mask), np.arange(geometry.channels)
        return (first[:, None] * geometry.channels + second).reshape(-1)

    def quantize(
        self,
        item: FeatureMap | npt.ArrayLike,
        *,
        nonfinite: Literal["error", "saturate"] = "error",
        nan_level: int | None = None,
    ) -> Levels:
        """The joint levels of a map.

        Args:
            item: of the partition's shape; dtypes and strides as `Quantizer.quantize`.
            nonfinite, nan_level: as there; a class that does not reach the level takes its top.

        Returns:
            uint16 of the same shape.

        Raises:
            InputError: another shape; else as `Quantizer.quantize`.
        """
        feature_map = item if isinstance(item, FeatureMap) else FeatureMap(np.asarray(item))
        if feature_map.shape != self.shape:
            raise InputError(f"the partition is of {self.shape}; got a map of {feature_map.shape}")
        flat = np.ascontiguousarray(feature_map.samples).reshape(-1)
        if nonfinite == "error" and not feature_map.is_integer:
            widest = flat.astype(np.float32) if flat.dtype.name == "bfloat16" else flat
            if not np.isfinite(widest).all():
                raise nonfinite_error(widest.reshape(self.shape))
        joint = np.full(flat.size, self.joint_centre, np.uint16)
        for index, chosen in enumerate(self.classes):
            where = self.members(index)
            if not where.size:
                continue
            part = FeatureMap(flat[where], feature_map.scale, feature_map.zero_point)
            levels = self.quantizers[index].quantize(part, nonfinite=nonfinite, nan_level=nan_level)
            if isinstance(chosen, VectorQuantizer):
                vectors = self.class_vectors(index, levels, chosen.dimension)
                is_first = group(where, self.geometry.channels, chosen.dimension).is_first
                joint[where[is_first]] = chosen.nearest(vectors) + self.joint_centre
            else:
                levels = np.minimum(levels, self.class_tops[index]).astype(np.uint16)
                joint[where] = levels + (self.joint_centre - self.class_centres[index])
        return joint.reshape(self.shape)

    def dequantize(
        self,
        joint: npt.NDArray[np.integer[Any]],
        dtype: npt.DTypeLike = np.float32,
        *,
        scale: float = 1.0,
        zero_point: int = 0,
    ) -> npt.NDArray[Any]:
        """The samples of joint levels; the arguments as `Quantizer.dequantize`.

        Raises:
            BitstreamError: a joint level that its class does not have.
        """
        SampleType(np.dtype(dtype).name, scale, zero_point)
        flat = np.asarray(joint).reshape(-1).astype(np.int64)
        samples = np.empty(flat.size, dtype)
        for index, chosen in enumerate(self.classes):
            where = self.members(index)
            if not where.size:
                continue
            levels: npt.NDArray[Any] = flat[where] - self.joint_centre + self.class_centres[index]
            if levels.min() < 0 or levels.max() > self.class_tops[index]:
                raise BitstreamError(
                    f"a level of class {index} is outside 0..{self.class_tops[index]}"
                )
            if isinstance(chosen, VectorQuantizer):
                levels = self._codewords(index, chosen, levels)
            samples[where] = self.quantizers[index].dequantize(
                levels, dtype, scale=scale, zero_point=zero_point
            )
        return samples.reshape(self.shape)

    def class_vectors(
        self, index: int, levels: npt.NDArray[Any], dimension: int
    ) -> npt.NDArray[np.uint16]:
        """The vectors of a class.

        Args:
            levels: of the base, one for each of `members(index)`.
        """
        value = np.array([self.centre_value], np.float32)
        grouping = group(self.members(index), self.geometry.channels, dimension)
        return vectors_of(levels, grouping, dimension, int(self.base.quantize(value)[0]))

    def _codewords(
        self, index: int, chosen: VectorQuantizer, indices: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint16]:
        """The levels of the base that the levels of a vector class stand for."""
        grouping = group(self.members(index), self.geometry.channels, chosen.dimension)
        if indices[~grouping.is_first].any():
            raise BitstreamError(f"a sample of vector class {index} has a level of its own")
        return chosen.levels(indices[grouping.is_first])[grouping.vector, grouping.place]


def _classes(class_of: npt.ArrayLike) -> Classes:
    array = np.asarray(class_of)
    if array.dtype.kind not in "iu":
        raise InputError(f"classes are integers; got {array.dtype}")
    if array.size and (array.min() < 0 or array.max() >= LARGEST_CLASS_COUNT):
        raise InputError(f"classes lie in 0..{LARGEST_CLASS_COUNT - 1}")
    return np.ascontiguousarray(array, np.uint8)
