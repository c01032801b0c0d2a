"""Encoder and decoder: the order of the stages, and nothing else (Fig. 6 and Fig. 14)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fmq_embedded.bitstream.fields import Reader, Writer
from fmq_embedded.bitstream.headers import (
    Derivation,
    Preamble,
    TensorHeader,
    read_preamble,
    read_tensor_header,
    write_preamble,
    write_tensor_header,
)
from fmq_embedded.dense import DenseTensor, read_dense
from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.map_coders import Tensor
from fmq_embedded.payloads import encode_payload, read_payload
from fmq_embedded.quantizing import joined
from fmq_embedded.rate_control import encode_items
from fmq_embedded.selection import batch_normalisation_quantizer, mirror
from fmq_embedded.settings import Profile, Settings
from fmq_embedded.structure import (
    Network,
    NetworkGraph,
    StructureFeatures,
    features,
    from_symbols,
    to_symbols,
)

if TYPE_CHECKING:
    pass

MAX_ELEMENTS = 1 << 28
CRC_SIZE = 4

Array = npt.NDArray[np.generic]
Maps = FeatureMap | Array | Mapping[str, FeatureMap | Array]


@dataclass(frozen=True)
class DecodedTensor:
    """One tensor of a stream, before it is dequantized.

    Args:
        header: its shape, type and quantizer.
        levels: of the shape, joint levels where it has a partition; None for an empty tensor.
        coding: "entropy coded", "static coded", "dense coded", "packed", "constant" or "empty".
        header_bytes, payload_bytes: what it takes in the stream.
        dense: what the dense coder made, where there is no quantizer; then levels is None.
    """

    header: TensorHeader
    levels: npt.NDArray[np.uint16] | None
    coding: str
    header_bytes: int
    payload_bytes: int
    dense: DenseTensor | None = None

    def samples(self) -> Array:
        """The dequantized samples."""
        header = self.header
        if self.dense is not None:
            return self.dense.samples(header.shape, header.dtype, header.zero_point)
        if header.quantizer is None or self.levels is None:
            return np.zeros(header.shape, header.dtype)
        dequantize = (header.partition or header.quantizer).dequantize
        return dequantize(
            self.levels, np.dtype(header.dtype), scale=header.scale, zero_point=header.zero_point
        )


@dataclass(frozen=True)
class DecodedStream:
    """What a stream holds: its tensors, and the structure where it is in there."""

    preamble: Preamble
    tensors: tuple[DecodedTensor, ...]
    structure: Network | NetworkGraph | None


def encode(maps: Maps, settings: Settings | None = None) -> bytes:
    """Code one feature map, or several with their names, into one bitstream.

    Args:
        maps: an array, a FeatureMap, or a mapping of names to these. Arrays of any shape of up
            to 8 axes and any strides; float32, float16, bfloat16, float64, int8, uint8, int16.
            Integer arrays have scale 1 and zero point 0; a FeatureMap carries others.
        settings: how; by default 8 bits, chosen by histogram.

    Returns:
        The stream. The same maps and settings give the same bytes on every machine.

    Raises:
        InputError: NaN or infinite samples (unless the settings say "saturate"), a dtype that is
            not one of these, more than 2^28 samples, or a map that the structure lacks.
    """
    settings = settings or Settings()
    named = isinstance(maps, Mapping)
    items = [_feature_map(name, value) for name, value in _items(maps)]
    preamble = _preamble(len(items), named, settings)

    def assembled(tensors: Sequence[Tensor]) -> bytes:
        is_compact = not named and preamble == Preamble(1) and tensors[0][0].is_dense
        return assemble(
            replace(preamble, is_compact=is_compact),
            tensors,
            entropy_coding=settings.entropy_coding,
            profile=settings.profile,
        )

    return encode_items(items, settings, assembled)


def assemble(
    preamble: Preamble,
    tensors: Sequence[Tensor],
    *,
    entropy_coding: bool = True,
    profile: Profile = "standard",
) -> bytes:
    """A bitstream of levels that are there already.

    Args:
        preamble: its count is that of the tensors; where the headers are agreed on, they are not
            written.
        tensors: headers, each with its levels, or from `coding` on its bytes; None for an empty
            tensor.
        entropy_coding: False to pack levels only.
        profile: what levels are coded with.
    """
    writer = Writer()
    write_preamble(writer, preamble)
    for header, levels in tensors:
        if preamble.headers_crc is None:
            write_tensor_header(writer, header, named=preamble.named, compact=preamble.is_compact)
        if isinstance(levels, bytes):
            writer.data += levels
        elif levels is not None:
            writer.data += encode_payload(
                levels, header, entropy_coding=entropy_coding, profile=profile
            )
    return bytes(writer.data) + crc_bytes(writer.data)


def decode(
    data: bytes,
    *,
    network: Network | NetworkGraph | None = None,
    max_elements: int = MAX_ELEMENTS,
) -> Array | dict[str, Array]:
    """The feature map of a bitstream, or a dict of them where the stream has names.

    Args:
        data: the stream.
        network: the structure, where both ends agreed on it and the stream does not hold it.
        max_elements: the most samples in all that the caller has memory for.

    Returns:
        float32, int8, uint8 or int16 arrays of the encoded shape; samples that were another
        floating-point type come back as float32.

    Raises:
        BitstreamError: the stream is truncated, corrupt or asks for more than is allowed.
    """
    stream = read_stream(data, network=network, max_elements=max_elements)
    if not stream.preamble.named:
        if len(stream.tensors) == 1:
            return stream.tensors[0].samples()
        return {str(i): tensor.samples() for i, tensor in enumerate(stream.tensors)}
    return {tensor.header.name: tensor.samples() for tensor in stream.tensors}


def read_stream(
    data: bytes,
    *,
    network: Network | NetworkGraph | None = None,
    agreed: Sequence[TensorHeader] = (),
    tables: bytes = b"",
    max_elements: int = MAX_ELEMENTS,
) -> DecodedStream:
    """Everything in a bitstream, down to the levels; see `decode`.

    Args:
        agreed: the tensors' headers, where both ends hold them and the stream does not (a
            deployment knows its own).
        tables: what else they agreed on; see `headers_crc`.
    """
    data = bytes(data)
    reader = Reader(data[: max(len(data) - CRC_SIZE, 0)])
    preamble = read_preamble(reader)
    if crc_bytes(reader.data) != data[-CRC_SIZE:]:
        raise BitstreamError(
            f"the checksum of the stream's {len(data)} bytes is wrong: it is corrupt or truncated"
        )
    structure = _structure(preamble, network)
    derivation = _derivation(structure) if structure is not None else None
    held = _held_headers(preamble, agreed, tables)
    tensors: list[DecodedTensor] = []
    for index in range(preamble.tensor_count):
        start = reader.position
        header = (
            held[index]
            if held
            else read_tensor_header(
                reader,
                named=preamble.named,
                derivation=derivation,
                max_elements=max_elements,
                compact=preamble.is_compact,
            )
        )
        max_elements -= header.count
        tensors.append(_decoded_payload(reader, header, start))
    if reader.position != len(reader.data):
        reader.fail(f"{len(reader.data) - reader.position} bytes follow the last tensor")
    names = [tensor.header.name for tensor in tensors]
    if preamble.named and len(set(names)) != len(names):
        reader.fail("two tensors have the same name")
    return DecodedStream(preamble, tuple(tensors), structure if preamble.structure else None)


def headers_crc(headers: Sequence[TensorHeader], tables: bytes = b"") -> int:
    """The CRC-32 of what is agreed on: what a stream has in its place.

    Args:
        headers: of the tensors.
        tables: what else a decoder needs that is not in the stream.
    """
    writer = Writer()
    for header in headers:
        write_tensor_header(writer, header, named=False)
    return zlib.crc32(bytes(writer.data) + tables)


def _held_headers(
    preamble: Preamble, agreed: Sequence[TensorHeader], tables: bytes
) -> Sequence[TensorHeader]:
    """The headers that the stream leaves out; none where it has them."""
    if preamble.headers_crc is None:
        return ()
    if not agreed:
        raise BitstreamError(
            "the stream leaves out the headers that both ends agreed on; decode it with its "
            "deployment"
        )
    if len(agreed) != preamble.tensor_count or headers_crc(agreed, tables) != preamble.headers_crc:
        raise BitstreamError(
            "the headers given are not those that the stream was made for: it is of another "
            "deployment"
        )
    return agreed


def crc_bytes(data: bytes | bytearray) -> bytes:
    """The stream's last four bytes."""
    return zlib.crc32(data).to_bytes(CRC_SIZE, "little")


def _items(maps: Maps) -> list[tuple[str, FeatureMap | Array]]:
    if not isinstance(maps, Mapping):
        return [("", maps)]
    if not maps:
        raise InputError("there is no feature map in the mapping; give at least one")
    return list(maps.items())


def _feature_map(name: str, value: FeatureMap | Array) -> FeatureMap:
    if isinstance(value, FeatureMap):
        item = FeatureMap(value.samples, value.scale, value.zero_point, name or value.name)
    else:
        item = FeatureMap(np.asarray(value), name=name)
    if item.samples.size > MAX_ELEMENTS:
        raise InputError(
            f"a map has at most {MAX_ELEMENTS} samples; {name or 'this one'} has "
            f"{item.samples.size}; split it"
        )
    return item


def _preamble(count: int, named: bool, settings: Settings) -> Preamble:
    if settings.network is None or settings.quantizer is not None:
        return Preamble(count, named)
    symbols = to_symbols(settings.network)
    if settings.send_structure:
        return Preamble(count, named, structure=symbols)
    return Preamble(count, named, structure_crc=zlib.crc32(symbols))


def _structure(
    preamble: Preamble, network: Network | NetworkGraph | None
) -> Network | NetworkGraph | None:
    if preamble.structure is not None:
        return from_symbols(preamble.structure)
    if preamble.structure_crc is None:
        return network
    if network is None:
        raise BitstreamError(
            "the stream was made for a structure that both ends hold; give it (network=)"
        )
    if zlib.crc32(to_symbols(network)) != preamble.structure_crc:
        raise BitstreamError("the network given is not the one that the stream was made for")
    return network


def _derivation(structure: Network | NetworkGraph) -> Derivation:
    layers = joined(structure)

    def known(layer: int) -> StructureFeatures:
        if layer >= len(layers.layers):
            raise BitstreamError(
                f"a tensor names layer {layer}; the structure has {len(layers.layers)}"
            )
        return features(layers, layer)

    return Derivation(
        distribution=lambda method, layer: mirror(
            method, (False,) if method == "uniform_first" else (), known(layer)
        ),
        parameters=lambda layer, bit_depth, fitted: (
            batch_normalisation_quantizer(
                known(layer), bit_depth, "fitted" if fitted else "literal"
            ).parameters
        ),
    )


def _decoded_payload(reader: Reader, header: TensorHeader, start: int) -> DecodedTensor:
    header_bytes = reader.position - start
    if header.is_dense:
        dense, size = read_dense(reader, header.shape, header.dtype)
        fields = reader.position - start - size
        return DecodedTensor(header, None, "dense coded", fields, size, dense)
    if header.quantizer is None:
        return DecodedTensor(header, None, "empty", header_bytes, 0)
    first = reader.position + 1
    coding, levels = read_payload(reader, header)
    return DecodedTensor(header, levels, coding, header_bytes + 1, reader.position - first)
