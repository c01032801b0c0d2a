"""Headers of a stream as the codec sees them, to and from the raw fields of the syntax."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fmq_embedded.bitstream import syntax
from fmq_embedded.bitstream.fields import Reader, Writer
from fmq_embedded.bitstream.quantizer_fields import DISTRIBUTIONS, fill_quantizer, quantizer_of
from fmq_embedded.bitstream.syntax import RawPreamble, RawTensor
from fmq_embedded.errors import BitstreamError, FmqError, InputError
from fmq_embedded.quantizers.quantizer import Distribution, Quantizer

if TYPE_CHECKING:
    from fmq_embedded.partition import Partition

DTYPES = ("float32", "int8", "uint8", "int16")
METHODS = ("fixed", "histogram", "next_layer", "previous_layer", "uniform_first")

_CODES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True)
class Preamble:
    """What holds for the whole stream.

    Args:
        tensor_count: 1..65535.
        named: whether the tensors have names.
        structure: the symbolised structure, where it is in the stream.
        structure_crc: CRC-32 of the structure that both ends hold, where that is agreed.
        headers_crc: CRC-32 of the tensors' headers that both ends hold, where they are agreed and
            not in the stream.
        is_compact: one dense tensor without a name and nothing else; then the preamble is a byte.
    """

    tensor_count: int
    named: bool = False
    structure: bytes | None = None
    structure_crc: int | None = None
    headers_crc: int | None = None
    is_compact: bool = False


@dataclass(frozen=True)
class TensorHeader:
    """What a decoder must know of one tensor.

    Args:
        shape: up to 8 axes.
        dtype: of the decoded samples: "float32", "int8", "uint8" or "int16".
        scale, zero_point: of integer samples.
        name: empty where the stream has no names.
        method: how the distribution was chosen: one of `METHODS`.
        layer: for the methods by structure, the layer of the joined network that made the map.
        quantizer: None for an empty tensor only.
        parameters_sent: False where they are those of the batch normalisation that made the map.
        centre: the level that residuals are taken from; None for the level of the real value 0.
        partition: the classes of a partly quantized tensor, of this shape, quantizer and centre;
            else None.
        is_dense: whether the dense coder makes the levels itself; then there is no quantizer.
    """

    shape: tuple[int, ...]
    dtype: str
    scale: float = 1.0
    zero_point: int = 0
    name: str = ""
    method: str = "fixed"
    layer: int = 0
    quantizer: Quantizer | None = None
    parameters_sent: bool = True
    centre: int | None = None
    partition: Partition | None = None
    is_dense: bool = False

    @property
    def count(self) -> int:
        """The number of samples."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Derivation:
    """What the decoder finds out by the structure that it has.

    Args:
        distribution: given a method and a layer, the distribution (Fig. 15–18).
        parameters: given a layer, a bit depth and whether the span is fitted, the parameters of
            the Gaussian behind the batch normalisation there.
    """

    distribution: Callable[[str, int], Distribution]
    parameters: Callable[[int, int, bool], tuple[float, ...]]


def write_preamble(writer: Writer, preamble: Preamble) -> None:
    """Append the preamble."""
    if preamble.is_compact:
        writer.data.append(syntax.COMPACT)
        return
    raw = RawPreamble(tensor_count=preamble.tensor_count)
    if not 1 <= preamble.tensor_count <= syntax.LARGEST_TENSOR_COUNT:
        raise InputError(
            f"a stream holds 1..{syntax.LARGEST_TENSOR_COUNT} tensors; got {preamble.tensor_count}"
        )
    raw.flags = syntax.NAMES if preamble.named else 0
    if preamble.structure is not None:
        raw.flags |= syntax.STRUCTURE
        raw.structure = preamble.structure
    elif preamble.structure_crc is not None:
        raw.flags |= syntax.STRUCTURE_AGREED
        raw.structure_crc = preamble.structure_crc
    if preamble.headers_crc is not None:
        raw.flags |= syntax.HEADERS_AGREED
        raw.headers_crc = preamble.headers_crc
    syntax.describe_start(writer, raw)
    syntax.describe_preamble_rest(writer, raw)


def read_preamble(reader: Reader) -> Preamble:
    """Read the preamble.

    Raises:
        BitstreamError: not a stream of this kind or version, or a field that cannot be.
    """
    if reader.data[reader.position : reader.position + 1] == bytes([syntax.COMPACT]):
        reader.position += 1
        return Preamble(1, is_compact=True)
    raw = RawPreamble()
    syntax.describe_start(reader, raw)
    if (raw.magic_first, raw.magic_second) != syntax.MAGIC:
        reader.fail('this is no feature-map bitstream: it does not begin with "FQ"')
    if raw.version != syntax.VERSION:
        reader.fail(f"the stream has version {raw.version}; this decoder knows {syntax.VERSION}")
    both = syntax.STRUCTURE | syntax.STRUCTURE_AGREED
    if raw.flags & ~syntax.KNOWN_FLAGS or raw.flags & both == both:
        reader.fail(f"the flags 0x{raw.flags:02x} are not those of version {syntax.VERSION}")
    if raw.flags & syntax.HEADERS_AGREED and raw.flags != syntax.HEADERS_AGREED:
        reader.fail("names and a structure do not go with headers that are agreed on")
    syntax.describe_preamble_rest(reader, raw)
    if not 1 <= raw.tensor_count <= syntax.LARGEST_TENSOR_COUNT:
        reader.fail(f"the stream declares {raw.tensor_count} tensors")
    return Preamble(
        raw.tensor_count,
        bool(raw.flags & syntax.NAMES),
        raw.structure if raw.flags & syntax.STRUCTURE else None,
        raw.structure_crc if raw.flags & syntax.STRUCTURE_AGREED else None,
        raw.headers_crc if raw.flags & syntax.HEADERS_AGREED else None,
    )


def write_tensor_header(
    writer: Writer, header: TensorHeader, *, named: bool, compact: bool = False
) -> None:
    """Append a tensor's header, up to and without `coding`; if compact, without `choice`."""
    if len(header.shape) > syntax.LARGEST_RANK:
        raise InputError(
            f"a tensor has at most {syntax.LARGEST_RANK} axes; got the shape {header.shape}"
        )
    raw = RawTensor(
        name=header.name.encode(),
        type=DTYPES.index(header.dtype) << 4 | len(header.shape),
        dimensions=header.shape,
        scale=header.scale,
        zero_point=header.zero_point,
    )
    syntax.describe_samples(writer, raw, syntax.NAMES if named else 0)
    quantizer = header.quantizer
    if quantizer is None:
        if header.is_dense and not compact:
            writer.data.append(syntax.DENSE_CHOICE)
        return
    _raw_choice(raw, header, quantizer)
    syntax.describe_choice(writer, raw)
    syntax.describe_parameters(writer, raw, len(raw.parameters))
    if header.partition is not None:
        from fmq_embedded.bitstream.partitions import write_partition

        write_partition(writer, header.partition)


def _raw_choice(raw: RawTensor, header: TensorHeader, quantizer: Quantizer) -> None:
    fill_quantizer(raw, quantizer)
    raw.choice |= METHODS.index(header.method)
    raw.choice |= _sent_distribution(header.method, quantizer.distribution) << 3
    raw.layer = header.layer
    if header.centre is not None:
        raw.shape |= syntax.CENTRE_IS_SENT
        raw.centre = header.centre
    if header.partition is not None:
        raw.shape |= syntax.IS_PARTITIONED
    if not header.parameters_sent:
        raw.shape |= syntax.PARAMETERS_ARE_BATCH_NORMALISATION
        raw.parameters = ()


def _sent_distribution(method: str, distribution: Distribution) -> int:
    if method in ("fixed", "histogram"):
        return DISTRIBUTIONS.index(distribution)
    return 1 if method == "uniform_first" and distribution == "uniform" else 0


def read_tensor_header(
    reader: Reader,
    *,
    named: bool,
    derivation: Derivation | None,
    max_elements: int,
    compact: bool = False,
) -> TensorHeader:
    """Read a tensor's header.

    Args:
        reader: stands at the header.
        named: whether the stream has names.
        derivation: by the structure; None where the decoder has none.
        max_elements: the most samples that a tensor may have.
        compact: whether the stream has no `choice`: the tensor is dense.

    Raises:
        BitstreamError: a field that cannot be, more samples than allowed, or a quantizer that
            is told by a structure that the decoder does not have.
    """
    raw = RawTensor()
    syntax.describe_samples(reader, raw, syntax.NAMES if named else 0)
    name, dtype = _checked_samples(reader, raw, max_elements)
    if raw.count == 0:
        return TensorHeader(raw.dimensions, dtype, raw.scale, raw.zero_point, name)
    raw.choice = syntax.DENSE_CHOICE
    if not compact:
        syntax.describe_choice(reader, raw)
    if raw.choice == syntax.DENSE_CHOICE:
        return TensorHeader(raw.dimensions, dtype, raw.scale, raw.zero_point, name, is_dense=True)
    if raw.method_bits >= len(METHODS):
        reader.fail(f"choice 0x{raw.choice:02x}, shape 0x{raw.shape:02x} are not of this version")
    method = METHODS[raw.method_bits]
    distribution = _distribution(reader, raw, method, derivation)
    count = raw.parameter_count
    if not raw.choice & syntax.EXPLICIT and count:
        count = syntax.PARAMETER_COUNTS[DISTRIBUTIONS.index(distribution)]
    syntax.describe_parameters(reader, raw, count)
    if raw.centre >> (raw.shape & 0x0F) + 1:
        reader.fail(f"the centre {raw.centre} is beyond {(raw.shape & 0x0F) + 1} bits")
    try:
        quantizer = _quantizer(raw, distribution, derivation)
    except FmqError as error:
        raise BitstreamError(f"the stream holds a quantizer that cannot be: {error}") from error
    centre = raw.centre if raw.shape & syntax.CENTRE_IS_SENT else None
    partition = None
    if raw.shape & syntax.IS_PARTITIONED:
        from fmq_embedded.bitstream.partitions import read_partition

        partition = read_partition(reader, raw.dimensions, quantizer, centre)
    return TensorHeader(
        raw.dimensions,
        dtype,
        raw.scale,
        raw.zero_point,
        name,
        method,
        raw.layer,
        quantizer,
        not raw.shape & syntax.PARAMETERS_ARE_BATCH_NORMALISATION,
        centre,
        partition,
    )


def _checked_samples(reader: Reader, raw: RawTensor, max_elements: int) -> tuple[str, str]:
    if raw.type >> 4 >= len(DTYPES) or raw.type & 0x0F > syntax.LARGEST_RANK:
        reader.fail(f"the type 0x{raw.type:02x} is not one of version {syntax.VERSION}")
    if raw.count > max_elements:
        reader.fail(
            f"a tensor declares {raw.count} samples ({'×'.join(map(str, raw.dimensions))}); this "
            f"decoder allows {max_elements} (max_elements)"
        )
    dtype = DTYPES[raw.type >> 4]
    if dtype in _CODES:
        lowest, highest = _CODES[dtype]
        if not raw.scale > 0 or not lowest <= raw.zero_point <= highest:
            reader.fail(f"scale {raw.scale} with zero point {raw.zero_point} cannot be of {dtype}")
    try:
        return raw.name.decode(), dtype
    except UnicodeDecodeError:
        reader.fail("a tensor's name is not UTF-8")


def _distribution(
    reader: Reader, raw: RawTensor, method: str, derivation: Derivation | None
) -> Distribution:
    bits = raw.distribution_bits
    largest = {"fixed": 2, "histogram": 2, "uniform_first": 1}.get(method, 0)
    if bits > largest or (raw.choice & syntax.EXPLICIT and largest < 2):
        reader.fail(f"choice 0x{raw.choice:02x} is not one of version {syntax.VERSION}")
    if largest == 2:
        return DISTRIBUTIONS[bits]
    if bits == 1:
        return "uniform"
    if derivation is None:
        reader.fail(
            f"the quantizer was chosen by {method} and the stream has no structure; "
            "give the network that both ends hold (network=)"
        )
    return derivation.distribution(method, raw.layer)


def _quantizer(
    raw: RawTensor, distribution: Distribution, derivation: Derivation | None
) -> Quantizer:
    parameters = raw.parameters
    if raw.shape & syntax.PARAMETERS_ARE_BATCH_NORMALISATION:
        if derivation is None or distribution != "gaussian" or raw.choice & syntax.EXPLICIT:
            raise InputError("only a Gaussian by structure has a batch normalisation's parameters")
        fitted = bool(raw.choice & syntax.SPAN_IS_FITTED)
        parameters = derivation.parameters(raw.layer, (raw.shape & 0x0F) + 1, fitted)
    return quantizer_of(raw, distribution, parameters)
