"""The partition of a tensor in its header: the classes, then the class map."""

from __future__ import annotations

import numpy as np

from fmq_embedded.bitstream import syntax
from fmq_embedded.bitstream.fields import Reader, Writer
from fmq_embedded.bitstream.quantizer_fields import DISTRIBUTIONS, fill_quantizer, quantizer_of
from fmq_embedded.bitstream.syntax import RawClass, RawPartition, RawTensor
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.partition.class_map import KINDS, decode_class_map, encode_class_map
from fmq_embedded.partition.classes import OWN, ClassQuantizer, Step
from fmq_embedded.partition.partition import LARGEST_CLASS_COUNT, Partition
from fmq_embedded.quantizers.companding import Compander, Function
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.vector import (
    LARGEST_CODEBOOK,
    LARGEST_DIMENSION,
    SMALLEST_DIMENSION,
    VectorQuantizer,
)

FUNCTIONS: tuple[Function, ...] = ("mu_law", "power")


def write_partition(writer: Writer, partition: Partition) -> None:
    """Append the classes and the class map."""
    count = len(partition.classes)
    raw = RawPartition(1 + KINDS.index(partition.kind), count - 1)
    syntax.describe_partition(writer, raw)
    for chosen in partition.classes:
        _write_class(writer, chosen)
    writer.data += encode_class_map(partition.kind, partition.class_map, partition.geometry, count)


def read_partition(
    reader: Reader, shape: tuple[int, ...], base: Quantizer, centre: int | None
) -> Partition:
    """Read the partition of a tensor of this shape, quantizer and centre.

    Raises:
        BitstreamError: a field that cannot be.
    """
    raw = RawPartition()
    syntax.describe_partition(reader, raw)
    if not 1 <= raw.kind <= len(KINDS):
        reader.fail(f"the kind 0x{raw.kind:02x} of a partition is not one of this version")
    if raw.classes_less_one >= LARGEST_CLASS_COUNT:
        reader.fail(f"a partition declares {raw.classes_less_one + 1} classes")
    kind = KINDS[raw.kind - 1]
    try:
        classes = tuple(_read_class(reader) for _ in range(raw.classes_less_one + 1))
        data = np.frombuffer(reader.data, np.uint8)
        class_map, reader.position = decode_class_map(
            kind, data, reader.position, Geometry.of(shape), len(classes)
        )
        return Partition(kind, shape, base, classes, class_map, centre)
    except InputError as error:
        raise BitstreamError(f"the stream holds a partition that cannot be: {error}") from error


def _write_class(writer: Writer, chosen: ClassQuantizer) -> None:
    if isinstance(chosen, Quantizer):
        syntax.describe_class(writer, RawClass(syntax.FULL))
        raw = RawTensor(choice=DISTRIBUTIONS.index(chosen.distribution) << 3)
        fill_quantizer(raw, chosen)
        syntax.describe_choice(writer, raw)
        syntax.describe_parameters(writer, raw, len(raw.parameters))
    elif isinstance(chosen, Compander):
        fields = RawClass(
            syntax.COMPANDED,
            function=FUNCTIONS.index(chosen.function) + 1,
            depth_less_one=chosen.bit_depth - 1,
            parameter=chosen.parameter,
            minimum=chosen.minimum,
            maximum=chosen.maximum,
        )
        syntax.describe_class(writer, fields)
    elif isinstance(chosen, VectorQuantizer):
        fields = RawClass(
            syntax.VECTOR,
            dimension=chosen.dimension,
            codewords_less_one=len(chosen.codewords) - 1,
            codewords=tuple(level for row in chosen.codewords for level in row),
        )
        syntax.describe_class(writer, fields)
        syntax.describe_codewords(writer, fields)
    else:
        what = syntax.STEP if chosen.exponent else syntax.OWN_QUANTIZER
        syntax.describe_class(writer, RawClass(what, chosen.exponent))


def _read_class(reader: Reader) -> ClassQuantizer:
    raw = RawClass()
    syntax.describe_class(reader, raw)
    if raw.what == syntax.OWN_QUANTIZER:
        return OWN
    if raw.what == syntax.STEP:
        if raw.exponent == 0:
            reader.fail("the step of a class has the exponent 0; that is the tensor's own")
        return Step(raw.exponent)
    if raw.what == syntax.FULL:
        return _read_quantizer(reader)
    if raw.what == syntax.COMPANDED:
        if not 1 <= raw.function <= len(FUNCTIONS):
            reader.fail(f"the companding function {raw.function} is not one of this version")
        return Compander(
            FUNCTIONS[raw.function - 1],
            raw.depth_less_one + 1,
            raw.parameter,
            raw.minimum,
            raw.maximum,
        )
    if raw.what != syntax.VECTOR:
        reader.fail(f"a class by {raw.what} is not one of version {syntax.VERSION}")
    return _read_codebook(reader, raw)


def _read_quantizer(reader: Reader) -> Quantizer:
    raw = RawTensor()
    syntax.describe_choice(reader, raw)
    if (
        raw.method_bits
        or raw.distribution_bits >= len(DISTRIBUTIONS)
        or raw.shape & ~syntax.CLASS_SHAPE_BITS
    ):
        reader.fail(f"choice 0x{raw.choice:02x}, shape 0x{raw.shape:02x} are not those of a class")
    syntax.describe_parameters(reader, raw, raw.parameter_count)
    return quantizer_of(raw, DISTRIBUTIONS[raw.distribution_bits], raw.parameters)


def _read_codebook(reader: Reader, raw: RawClass) -> VectorQuantizer:
    is_known = SMALLEST_DIMENSION <= raw.dimension <= LARGEST_DIMENSION
    if not is_known or raw.codewords_less_one >= LARGEST_CODEBOOK:
        reader.fail(
            f"a codebook declares {raw.codewords_less_one + 1} codewords of {raw.dimension} levels"
        )
    syntax.describe_codewords(reader, raw)
    size = raw.dimension
    return VectorQuantizer(
        tuple(raw.codewords[i : i + size] for i in range(0, len(raw.codewords), size))
    )
