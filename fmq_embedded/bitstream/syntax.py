"""The syntax of the bitstream, once, for the writer and the reader (SPECIFICATION.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fmq_embedded.bitstream.fields import Fields

MAGIC = (0x46, 0x51)
VERSION = 1
NAMES, STRUCTURE, STRUCTURE_AGREED, HEADERS_AGREED = 1, 2, 4, 8
KNOWN_FLAGS = NAMES | STRUCTURE | STRUCTURE_AGREED | HEADERS_AGREED

LARGEST_TENSOR_COUNT = 65535
LARGEST_NAME_SIZE = 255
LARGEST_STRUCTURE_SIZE = 1 << 20
LARGEST_RANK = 8

ENTROPY_CODED, PACKED, CONSTANT, STATIC_CODED = 0, 1, 2, 3
DENSE_CODED = 4
STRUCTURAL_METHODS = (2, 3, 4)
DENSE_CHOICE = 5
"""In place of `choice`: no quantizer; the dense coder's own fields follow `coding`."""

CODING_BITS = 0x07
DEPENDENT, ONE_SIDED, POINTS_ARE_SENT, LOSSLESS, SINE = 0x08, 0x10, 0x20, 0x40, 0x80
"""Of `coding` behind `DENSE_CHOICE`, whose lowest bits are `DENSE_CODED`."""
EXPONENT_BIAS = 138

COMPACT = 0x66
"""In place of the preamble: one dense tensor without a name follows, without its `choice`."""

CENTRE_ROUNDING, SPAN_IS_FITTED, EXPLICIT = 0x20, 0x40, 0x80
STEP_IS_SENT, PARAMETERS_ARE_BATCH_NORMALISATION, CENTRE_IS_SENT = 0x10, 0x20, 0x40
IS_PARTITIONED = 0x80

OWN_QUANTIZER, STEP, FULL, COMPANDED, VECTOR = range(5)
"""What a class of a partition is quantized by."""
CLASS_SHAPE_BITS = 0x1F

PARAMETER_COUNTS = {0: 2, 1: 2, 2: 1}


@dataclass
class RawPreamble:
    """The preamble's fields as they stand in the stream."""

    magic_first: int = MAGIC[0]
    magic_second: int = MAGIC[1]
    version: int = VERSION
    flags: int = 0
    tensor_count: int = 0
    structure: bytes = b""
    structure_crc: int = 0
    headers_crc: int = 0


@dataclass
class RawTensor:
    """A tensor header's fields as they stand in the stream, before `coding`."""

    name: bytes = b""
    type: int = 0
    dimensions: tuple[int, ...] = ()
    scale: float = 1.0
    zero_point: int = 0
    choice: int = 0
    layer: int = 0
    shape: int = 0
    step_size: float = 1.0
    rounding_offset: float = 0.5
    parameters: tuple[float, ...] = ()
    centre: int = 0

    @property
    def count(self) -> int:
        """The number of samples."""
        return math.prod(self.dimensions)

    @property
    def parameter_count(self) -> int:
        """The number of float32 parameters that follow."""
        if self.shape & PARAMETERS_ARE_BATCH_NORMALISATION:
            return 0
        if self.choice & EXPLICIT:
            return int(2 << ((self.shape & 0x0F) + 1)) - 1
        return PARAMETER_COUNTS.get(self.distribution_bits, 0)

    @property
    def method_bits(self) -> int:
        """How the distribution was chosen."""
        return self.choice & 0x07

    @property
    def distribution_bits(self) -> int:
        """The distribution, or what is sent of it."""
        return self.choice >> 3 & 0x03


def describe_start(fields: Fields, raw: RawPreamble) -> None:
    """Magic, version and flags: what must be right before anything else is read."""
    fields.u8(raw, "magic_first")
    fields.u8(raw, "magic_second")
    fields.u8(raw, "version")
    fields.u8(raw, "flags")


def describe_preamble_rest(fields: Fields, raw: RawPreamble) -> None:
    """The tensor count, the structure, and what both ends agreed on."""
    fields.varint(raw, "tensor_count")
    if raw.flags & STRUCTURE:
        fields.sized_bytes(raw, "structure", LARGEST_STRUCTURE_SIZE)
    if raw.flags & STRUCTURE_AGREED:
        fields.u32(raw, "structure_crc")
    if raw.flags & HEADERS_AGREED:
        fields.u32(raw, "headers_crc")


def describe_samples(fields: Fields, raw: RawTensor, flags: int) -> None:
    """A tensor's name, type and shape."""
    if flags & NAMES:
        fields.sized_bytes(raw, "name", LARGEST_NAME_SIZE)
    fields.u8(raw, "type")
    fields.varints(raw, "dimensions", raw.type & 0x0F)
    if raw.type >> 4:
        fields.float32(raw, "scale")
        fields.svarint(raw, "zero_point")


def describe_choice(fields: Fields, raw: RawTensor) -> None:
    """How its quantizer was chosen, its bit depth, step and offset."""
    fields.u8(raw, "choice")
    if raw.choice == DENSE_CHOICE:
        return
    if raw.method_bits in STRUCTURAL_METHODS:
        fields.varint(raw, "layer")
    fields.u8(raw, "shape")
    if raw.shape & STEP_IS_SENT:
        fields.float32(raw, "step_size")
        fields.float32(raw, "rounding_offset")


@dataclass
class RawDense:
    """The dense coder's fields: `coding` and what follows it, before the payload."""

    coding: int = DENSE_CODED
    biased_exponent: int = EXPONENT_BIAS
    step: int = 0
    spatial_points: int = 0
    transform_points: int = 0
    fill: int = 0
    centre: int = 0


def describe_dense(fields: Fields, raw: RawDense) -> None:
    """What a dense payload needs, behind `coding`."""
    if raw.coding & LOSSLESS:
        if raw.coding & POINTS_ARE_SENT:
            fields.svarint(raw, "centre")
        return
    fields.u8(raw, "biased_exponent")
    fields.u8(raw, "step")
    if raw.coding & POINTS_ARE_SENT:
        fields.u8(raw, "spatial_points")
        fields.u8(raw, "transform_points")
        if raw.coding & ONE_SIDED:
            fields.u8(raw, "fill")


def describe_parameters(fields: Fields, raw: RawTensor, count: int) -> None:
    """The quantizer's parameters, and the centre of the levels.

    `count` follows from the distribution, derived or sent.
    """
    fields.float32s(raw, "parameters", count)
    if raw.shape & CENTRE_IS_SENT:
        fields.varint(raw, "centre")


@dataclass
class RawPartition:
    """How a partition begins."""

    kind: int = 0
    classes_less_one: int = 0


@dataclass
class RawClass:
    """A class's fields; a quantizer of its own is a `RawTensor`."""

    what: int = OWN_QUANTIZER
    exponent: int = 0
    function: int = 0
    depth_less_one: int = 0
    parameter: float = 0.0
    minimum: float = 0.0
    maximum: float = 0.0
    dimension: int = 0
    codewords_less_one: int = 0
    codewords: tuple[int, ...] = ()


def describe_partition(fields: Fields, raw: RawPartition) -> None:
    """The kind of a partition and how many classes follow."""
    fields.u8(raw, "kind")
    fields.varint(raw, "classes_less_one")


def describe_class(fields: Fields, raw: RawClass) -> None:
    """What a class is quantized by, and its fields but those of a full quantizer."""
    fields.u8(raw, "what")
    if raw.what == STEP:
        fields.svarint(raw, "exponent")
    elif raw.what == COMPANDED:
        fields.u8(raw, "function")
        fields.u8(raw, "depth_less_one")
        fields.float32(raw, "parameter")
        fields.float32(raw, "minimum")
        fields.float32(raw, "maximum")
    elif raw.what == VECTOR:
        fields.u8(raw, "dimension")
        fields.varint(raw, "codewords_less_one")


def describe_codewords(fields: Fields, raw: RawClass) -> None:
    """The codewords of a vector quantizer, whose counts are known."""
    fields.varints(raw, "codewords", (raw.codewords_less_one + 1) * raw.dimension)
