"""A split network, and how its feature maps are coded between the device and the gateway."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded import codec
from fmq_embedded.bitstream.headers import Preamble, TensorHeader
from fmq_embedded.data.input_description import InputDescription, describe_input, read_input
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.deploy.tensor_description import describe_tensor, read_tensor, tensor_tables
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.partition import Partition
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.settings import Profile

FORMAT = 1
DEVICE_PROFILES: tuple[Profile, ...] = ("standard", "fast", "dense")

Array = npt.NDArray[Any]


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
        """What a decoder needs beside the headers: channel transforms and weightings."""
        transforms = [plan.dense.stage for plan in self.tensors if plan.dense is not None]
        return b"".join(one.to_bytes() for one in transforms if one is not None)

    @property
    def crc32(self) -> int:
        """A number that tells this deployment's coding from another's."""
        coding = replace(self, lowering=None, input=None)
        return zlib.crc32(coding.description() + coding.tables())

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

        Channel transforms and weightings are agreed on, and with them the headers.
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
        agreed |= any(plan.stage is not None for plan in plans.values())
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

    def description(self) -> bytes:
        """What people read of it, in TOML."""
        import tomli_w

        entries: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "model": {"file": self.model, "sha256": self.model_sha256},
        }
        if self.input is not None:
            entries["input"] = describe_input(self.input)
        entries["tensor"] = [describe_tensor(plan) for plan in self.tensors]
        if self.lowering is not None:
            entries["lowering"] = self.lowering
        if self.headers_agreed:
            entries["headers_agreed"] = True
        if self.profile != "standard":
            entries["profile"] = self.profile
        return tomli_w.dumps(entries).encode()

    def tables(self) -> bytes:
        """Its integers, as NumPy's file of named arrays."""
        arrays: dict[str, Any] = {}  # Any: as keywords they may not be taken for options of savez
        for index, plan in enumerate(self.tensors):
            arrays |= tensor_tables(plan, _prefix(index))
        out = io.BytesIO()
        np.savez(out, **arrays)
        return out.getvalue()

    @classmethod
    def described(cls, entries: Mapping[str, Any], tables: Mapping[str, Array]) -> Deployment:
        """The mirror of `description` and `tables`.

        Raises:
            KeyError, TypeError, ValueError: they are not what was written.
            InputError: another format, or values that a deployment cannot have.
        """
        if entries["format"] != FORMAT:
            raise InputError(f"format {entries['format']} of the deployment is not {FORMAT}")
        model = entries["model"]
        return cls(
            entries["name"],
            model["file"],
            model["sha256"],
            tuple(
                read_tensor(entry, _prefix(index), tables)
                for index, entry in enumerate(entries["tensor"])
            ),
            entries.get("lowering"),
            bool(entries.get("headers_agreed", False)),
            read_input(entries["input"]) if "input" in entries else None,
            entries.get("profile", "standard"),
        )


def _prefix(index: int) -> str:
    """How the names of a tensor's tables begin."""
    return f"tensor{index}"


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
