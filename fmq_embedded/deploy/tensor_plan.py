"""How one feature map of a deployment is coded: what it is, and its quantizer or dense plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.headers import DTYPES, TensorHeader, write_tensor_header
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.dense.weighting import LARGEST_POOLED, places_of_map
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import Partition
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.samples import SampleType

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TensorPlan:
    """A feature map that crosses the link.

    Args:
        name: in the model.
        shape: with the batch axis.
        dtype: of the head's output and the tail's input.
        scale, zero_point: of integer samples.
        quantizer: None until the deployment is calibrated.
        centre: the level that residuals are taken from; None for that of 0.
        why: how the quantizer was chosen, in words.
        partition: its classes, of this shape, quantizer and centre, or classes that the encoder
            finds in each map; None where it is quantized as a whole.
        dense: how the dense coder makes levels of its own, in place of a quantizer and a
            partition; None where there is a quantizer.

    Raises:
        InputError: a dtype that cannot be coded, an axis below 1, a scale or zero point that
            the dtype cannot have, a partition of another shape, quantizer or centre, or a
            quantizer beside a dense plan.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 1.0
    zero_point: int = 0
    quantizer: Quantizer | None = None
    centre: int | None = None
    why: str = ""
    partition: Partition | DynamicClasses | None = None
    dense: DensePlan | None = None

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise unknown_name("dtype of a feature map", str(self.dtype), DTYPES)
        if not all(isinstance(axis, int) and axis > 0 for axis in self.shape):
            raise InputError(f"a shape is whole numbers above 0; got {self.shape}")
        # Rounded to float32, which is what a bitstream carries.
        scale = SampleType(self.dtype, self.scale, self.zero_point).scale
        object.__setattr__(self, "scale", scale)
        partition = self.any_partition
        if partition is not None and (partition.shape, partition.base, partition.centre) != (
            self.shape,
            self.quantizer,
            self.centre,
        ):
            raise InputError(
                f"the partition of tensor {self.name!r} is not of its shape, quantizer and centre"
            )
        transform = None if self.dense is None else self.dense.channels
        if transform is not None and self.shape[-1:] != (transform.channels,):
            raise InputError(
                f"the channel transform of tensor {self.name!r} is for {transform.channels} "
                f"channels; its shape is {self.shape}"
            )
        weighting = None if self.dense is None else self.dense.weighting
        if weighting is not None and Geometry.of(self.shape).channels != weighting.count:
            raise InputError(
                f"the weighting of tensor {self.name!r} is for {weighting.count} channels; its "
                f"shape is {self.shape}"
            )
        if weighting is not None and weighting.is_pooled:
            places = places_of_map(self.shape)
            if places > LARGEST_POOLED:
                raise InputError(
                    f"channels become means of at most {LARGEST_POOLED} places; tensor "
                    f"{self.name!r} has {places}"
                )
        if self.dense is not None and self.quantizer is not None:
            raise InputError(
                f"tensor {self.name!r} has a dense plan, which makes levels, and a quantizer; "
                "leave one of them out"
            )

    @property
    def any_partition(self) -> Partition | None:
        """The partition; where each map has its own, one of them: they differ in the class map."""
        if isinstance(self.partition, DynamicClasses):
            return self.partition.single(self.shape)
        return self.partition

    def partition_of(self, item: FeatureMap) -> Partition | None:
        """The partition of a map; None where it is quantized as a whole."""
        if isinstance(self.partition, DynamicClasses):
            return self.partition.partition(item)
        return self.partition

    def item(self, samples: Array) -> FeatureMap:
        """Samples of the plan's shape and dtype as a feature map."""
        return FeatureMap(samples, self.scale, self.zero_point, self.name)

    @property
    def chosen_quantizer(self) -> Quantizer:
        """The quantizer.

        Raises:
            InputError: the deployment is not calibrated, or the dense coder makes the levels.
        """
        if self.dense is not None:
            raise InputError(
                f"tensor {self.name!r} is coded densely, with levels of the coder's own: it has no "
                "quantizer; calibrate with --profile standard or fast for one"
            )
        if self.quantizer is None:
            raise InputError(
                f"tensor {self.name!r} has no quantizer yet; run `inv calibrate` on the deployment"
            )
        return self.quantizer

    @property
    def header(self) -> TensorHeader:
        """The tensor's header in a bitstream; with dynamic classes, that of any map.

        Raises:
            InputError: the deployment is not calibrated.
        """
        return self.header_with(self.any_partition)

    def header_with(self, partition: Partition | None) -> TensorHeader:
        """The header of a map that is quantized by this partition; else as `header`."""
        dense = self.dense is not None
        return TensorHeader(
            self.shape,
            self.dtype,
            self.scale,
            self.zero_point,
            quantizer=None if dense else self.chosen_quantizer,
            centre=self.centre,
            partition=partition,
            is_dense=dense,
        )

    @property
    def level_dtype(self) -> npt.DTypeLike:
        """Of what stands between quantizing and coding: levels, or a dense plan's numbers."""
        if self.dense is not None:
            return np.uint16
        partition = self.any_partition
        depth = (partition or self.chosen_quantizer).bit_depth
        return np.uint8 if depth <= 8 else np.uint16

    def dequantize(self, levels: Array, partition: Partition | None = None) -> Array:
        """The samples of levels; of a dense plan's decoded numbers."""
        if self.dense is not None:
            samples: Array = self.dense.samples(levels, self.dtype, self.zero_point)
            return samples
        return (partition or self.chosen_quantizer).dequantize(
            levels, np.dtype(self.dtype), scale=self.scale, zero_point=self.zero_point
        )

    def is_of(self, header: TensorHeader) -> bool:
        """Whether a tensor of a bitstream is one that this plan gives, as far as headers tell.

        They are compared as a device compares them, by their bytes: −0.0 is not 0.0.
        """
        partition, classes = header.partition, self.partition
        if not isinstance(classes, DynamicClasses):
            return _written(header) == _written(self.header)
        return (
            partition is not None
            and classes.can_give(partition)
            and _written(header) == _written(self.header_with(partition))
        )


def _written(header: TensorHeader) -> bytes:
    """A header as it stands in a bitstream."""
    writer = Writer()
    write_tensor_header(writer, header, named=False)
    return bytes(writer.data)
