"""A deployment: one folder that says everything about a split network and how its maps are coded.

    deployment.toml   for people: the model, the tensors, their quantizers
    tables.npz        integers: decision thresholds and reconstruction values
    head.tflite       for the device
    tail.tflite       for the gateway

The same inputs give byte-identical files.
"""

from __future__ import annotations

import io
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded import codec
from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.headers import DTYPES, Preamble, TensorHeader, write_tensor_header
from fmq_embedded.data.input_description import InputDescription, describe_input, read_input
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.deploy.partition_description import (
    describe_partition,
    partition_tables,
    read_partition,
)
from fmq_embedded.deploy.quantizer_description import (
    describe_quantizer,
    quantizer_tables,
    read_quantizer,
)
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import read_array, read_bytes
from fmq_embedded.partition import Partition
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.settings import Profile
from fmq_embedded.written_together import read_together, write_together

FORMAT = 1
_MAKE_ANEW = "make the deployment anew with `inv split` and `inv calibrate`"
DESCRIPTION = "deployment.toml"
TABLES = "tables.npz"
HEAD = "head.tflite"
TAIL = "tail.tflite"
DEVICE_PROFILES: tuple[Profile, ...] = ("standard", "fast", "dense")

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
        if transform is not None and self.shape[-1:] != (len(transform.rows),):
            raise InputError(
                f"the channel transform of tensor {self.name!r} is for {len(transform.rows)} "
                f"channels; its shape is {self.shape}"
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


@dataclass(frozen=True)
class Deployment:
    """A split network and how its feature maps are coded.

    Args:
        name: of the deployment; a C identifier is made from it.
        model: the file name of the whole model.
        model_sha256: of that file.
        tensors: in the order of the head's outputs and the tail's inputs.
        lowering: how calibration puts the quantizers into the model; None: it does not.
        headers_agreed: whether bitstreams leave out the tensors' headers, for both ends hold this.
        input: how the head wants pictures or sounds; None where it takes arrays alone.
        profile: what levels are coded with: "standard", "fast" or "dense".

    Raises:
        InputError: headers that differ from map to map cannot be agreed on, a profile that
            devices do not have, or a dense plan under another profile.
    """

    name: str
    model: str
    model_sha256: str
    tensors: tuple[TensorPlan, ...]
    lowering: str | None = None
    headers_agreed: bool = False
    input: InputDescription | None = None
    profile: Profile = "standard"

    def __post_init__(self) -> None:
        device_profile(self.profile)
        if self.profile != "dense" and any(plan.dense is not None for plan in self.tensors):
            raise InputError(f"a dense plan does not go with the profile {self.profile!r}")
        dynamic = [p.name for p in self.tensors if isinstance(p.partition, DynamicClasses)]
        if self.headers_agreed and dynamic:
            raise InputError(
                f"the classes of tensor {dynamic[0]!r} differ from map to map and stand in its "
                "header: such headers cannot be agreed on"
            )

    @property
    def preamble(self) -> Preamble:
        """How a bitstream of this deployment begins: no names, for both ends have the folder."""
        agreed = None
        if self.headers_agreed:
            agreed = codec.headers_crc(self.headers, self.agreed_tables)
        alone = len(self.tensors) == 1 and agreed is None
        compact = alone and self.tensors[0].dense is not None
        return Preamble(len(self.tensors), headers_crc=agreed, is_compact=compact)

    @property
    def headers(self) -> tuple[TensorHeader, ...]:
        """The tensors' headers, in order."""
        return tuple(plan.header for plan in self.tensors)

    @property
    def agreed_tables(self) -> bytes:
        """What a decoder needs beside the headers: the matrices of channel transforms."""
        transforms = [plan.dense.channels for plan in self.tensors if plan.dense is not None]
        return b"".join(one.to_bytes() for one in transforms if one is not None)

    @property
    def crc32(self) -> int:
        """A number that tells this deployment's coding from another's."""
        coding = replace(self, lowering=None, input=None)
        return zlib.crc32(_toml_bytes(coding) + _tables_bytes(coding))

    def with_quantizers(
        self,
        quantizers: Mapping[str, Quantizer],
        centres: Mapping[str, int | None],
        why: Mapping[str, str],
        partitions: Mapping[str, Partition | DynamicClasses] | None = None,
        *,
        headers_agreed: bool | None = None,
        profile: Profile | None = None,
    ) -> Deployment:
        """The same deployment with these quantizers, centres and reasons.

        Args:
            partitions: of the tensors that are partly quantized, each of that quantizer and centre.
            headers_agreed, profile: None to leave it as it is.
        """
        tensors = tuple(
            replace(
                plan,
                quantizer=quantizers[plan.name],
                centre=centres[plan.name],
                why=why[plan.name],
                partition=(partitions or {}).get(plan.name),
                dense=None,
            )
            for plan in self.tensors
        )
        agreed = self.headers_agreed if headers_agreed is None else headers_agreed
        return replace(
            self, tensors=tensors, headers_agreed=agreed, profile=profile or self.profile
        )

    def with_dense(
        self,
        plans: Mapping[str, DensePlan],
        why: Mapping[str, str],
        *,
        headers_agreed: bool | None = None,
    ) -> Deployment:
        """The same deployment with dense plans for tensors named there, of the profile "dense".

        Channel transforms are agreed on, and with them the headers.
        """
        tensors = tuple(
            replace(
                plan,
                quantizer=None,
                centre=None,
                partition=None,
                dense=plans[plan.name],
                why=why[plan.name],
            )
            if plan.name in plans
            else plan
            for plan in self.tensors
        )
        agreed = self.headers_agreed if headers_agreed is None else headers_agreed
        agreed |= any(plan.channels is not None for plan in plans.values())
        return replace(self, tensors=tensors, headers_agreed=agreed, profile="dense")

    def quantize(self, maps: Mapping[str, Array]) -> dict[str, Array]:
        """The levels of the feature maps, by name; joint levels where there is a partition, and
        fixed-point samples where there is a dense plan.

        Raises:
            InputError: a map is missing, or has another shape or dtype than the plan.
        """
        return {
            plan.name: levels
            for plan, (_, levels) in zip(self.tensors, self._quantized(maps), strict=True)
        }

    def encode(self, maps: Mapping[str, Array]) -> bytes:
        """The bitstream of the feature maps: byte for byte what the device writes."""
        quantized = zip(self.tensors, self._quantized(maps), strict=True)
        tensors = [
            (plan.header_with(partition), plan.dense.encode(levels) if plan.dense else levels)
            for plan, (partition, levels) in quantized
        ]
        return codec.assemble(self.preamble, tensors, profile=self.profile)

    def _quantized(self, maps: Mapping[str, Array]) -> Iterator[tuple[Partition | None, Array]]:
        """The partition and the levels of each tensor's map; errors as `quantize`."""
        for plan in self.tensors:
            if plan.name not in maps:
                raise unknown_name("feature map given for tensor", plan.name, maps)
            samples = maps[plan.name]
            if samples.shape != plan.shape or samples.dtype.name != plan.dtype:
                raise InputError(
                    f"tensor {plan.name!r} is {plan.dtype} {plan.shape}; got "
                    f"{samples.dtype.name} {samples.shape}"
                )
            item = plan.item(samples)
            if plan.dense is not None:
                yield None, plan.dense.numbers(item)
                continue
            partition = plan.partition_of(item)
            yield partition, (partition or plan.chosen_quantizer).quantize(item)

    def decode(self, data: bytes) -> dict[str, Array]:
        """The feature maps of a bitstream of this deployment, by name.

        Raises:
            BitstreamError: see `fmq_embedded.decode`.
            InputError: the stream is of another deployment.
        """
        return {
            plan.name: tensor.samples() if plan.dense is None else plan.dequantize(levels)
            for plan, tensor, levels in self._decoded(data)
        }

    def decode_levels(self, data: bytes) -> dict[str, Array]:
        """What a device decodes a bitstream to, by name; errors as `decode`."""
        return {plan.name: levels for plan, _, levels in self._decoded(data)}

    def _decoded(self, data: bytes) -> Iterator[tuple[TensorPlan, codec.DecodedTensor, Array]]:
        """The plan, the tensor and the levels of each map of a stream; errors as `decode`."""
        stream = codec.read_stream(
            data, agreed=self.headers if self.headers_agreed else (), tables=self.agreed_tables
        )
        if len(stream.tensors) != len(self.tensors) or not all(
            plan.is_of(tensor.header) and _has_exponent(plan, tensor)
            for plan, tensor in zip(self.tensors, stream.tensors, strict=True)
        ):
            raise InputError(
                f"the stream is not of deployment {self.name!r}: its tensors or quantizers differ; "
                "use the folder that the device's tables were made from"
            )
        for plan, tensor in zip(self.tensors, stream.tensors, strict=True):
            if plan.dense is not None and tensor.dense is not None:
                yield plan, tensor, plan.dense.decode(tensor.dense, plan.shape)
            else:
                assert tensor.levels is not None
                yield plan, tensor, tensor.levels.astype(plan.level_dtype)


def _has_exponent(plan: TensorPlan, tensor: codec.DecodedTensor) -> bool:
    """Whether a dense tensor is in its plan's unit; any other tensor is."""
    if plan.dense is None or tensor.dense is None:
        return True
    return not tensor.dense.lossless and tensor.dense.exponent == plan.dense.exponent


def device_profile(name: str) -> Profile:
    """The profile of this name.

    Raises:
        InputError: there is none, or devices do not have it.
    """
    for profile in DEVICE_PROFILES:
        if name == profile:
            return profile
    raise unknown_name("profile of a deployment", name, DEVICE_PROFILES)


def save(
    deployment: Deployment, folder: Path, others: Mapping[str, bytes | None] | None = None
) -> None:
    """Write the description and the tables: all files are the new ones, or all the old ones.

    Args:
        others: further files of the folder that belong to them; None where one is to go.
    """
    files = {TABLES: _tables_bytes(deployment), DESCRIPTION: _toml_bytes(deployment)}
    write_together(folder, {**(others or {}), **files})


def load(folder: Path) -> Deployment:
    """Read a deployment.

    Raises:
        InputError: there is none in the folder, or its files cannot be read or do not fit.
    """
    path = folder / DESCRIPTION
    with read_together(folder):
        if not path.is_file():
            raise InputError(f"{folder} holds no {DESCRIPTION}; make a deployment with `inv split`")
        tables, description = read_array(folder / TABLES), read_bytes(path)
    try:
        if not isinstance(tables, dict):
            raise TypeError(f"{TABLES} holds no named arrays")
        return _from_description(tomllib.loads(description.decode()), tables)
    except KeyError as error:
        raise InputError(f"{path} lacks {error}; {_MAKE_ANEW}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; {_MAKE_ANEW}") from error


def _from_description(description: Mapping[str, Any], tables: Mapping[str, Array]) -> Deployment:
    if description["format"] != FORMAT:
        raise InputError(f"format {description['format']} of the deployment is not {FORMAT}")
    tensors = []
    for index, entry in enumerate(description["tensor"]):
        prefix, quantizer, partition = f"tensor{index}", None, None
        shape, centre = tuple(entry["shape"]), entry.get("centre")
        if "quantizer" in entry:
            quantizer = read_quantizer(entry["quantizer"], prefix, tables)
        if quantizer is not None and "partition" in entry:
            partition = read_partition(entry["partition"], prefix, tables, shape, quantizer, centre)
        dense = DensePlan.described(entry["dense"]) if "dense" in entry else None
        tensors.append(
            TensorPlan(
                entry["name"],
                shape,
                entry["dtype"],
                entry.get("scale", 1.0),
                entry.get("zero_point", 0),
                quantizer,
                centre,
                entry.get("why", ""),
                partition,
                dense,
            )
        )
    model, lowering = description["model"], description.get("lowering")
    return Deployment(
        description["name"],
        model["file"],
        model["sha256"],
        tuple(tensors),
        lowering,
        bool(description.get("headers_agreed", False)),
        read_input(description["input"]) if "input" in description else None,
        description.get("profile", "standard"),
    )


def _toml_bytes(deployment: Deployment) -> bytes:
    import tomli_w

    description: dict[str, Any] = {
        "format": FORMAT,
        "name": deployment.name,
        "model": {"file": deployment.model, "sha256": deployment.model_sha256},
    }
    if deployment.input is not None:
        description["input"] = describe_input(deployment.input)
    description["tensor"] = [_entry(plan) for plan in deployment.tensors]
    if deployment.lowering is not None:
        description["lowering"] = deployment.lowering
    if deployment.headers_agreed:
        description["headers_agreed"] = True
    if deployment.profile != "standard":
        description["profile"] = deployment.profile
    return tomli_w.dumps(description).encode()


def _entry(plan: TensorPlan) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": plan.name, "shape": list(plan.shape), "dtype": plan.dtype}
    if plan.dtype != "float32":
        entry |= {"scale": plan.scale, "zero_point": plan.zero_point}
    if plan.centre is not None:
        entry["centre"] = plan.centre
    if plan.why:
        entry["why"] = plan.why
    if plan.quantizer is not None:
        entry["quantizer"] = describe_quantizer(plan.quantizer)
    if plan.partition is not None:
        entry["partition"] = describe_partition(plan.partition)
    if plan.dense is not None:
        entry["dense"] = plan.dense.description()
    return entry


def _tables_bytes(deployment: Deployment) -> bytes:
    arrays: dict[str, Any] = {}  # Any: as keywords they may not be taken for options of savez
    for index, plan in enumerate(deployment.tensors):
        if plan.quantizer is not None:
            arrays |= quantizer_tables(plan.quantizer, f"tensor{index}")
        if plan.partition is not None:
            arrays |= partition_tables(plan.partition, f"tensor{index}")
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()
