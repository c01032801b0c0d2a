"""A tensor of the dense coder: its fields, its payload, and its samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fmq_embedded.bitstream import syntax
from fmq_embedded.bitstream.fields import Reader, Writer
from fmq_embedded.bitstream.syntax import RawDense
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.numbers import Array, decoded
from fmq_embedded.dense.payload import Channels, Coded, Planes, decode_samples
from fmq_embedded.dense.prior import default_prior
from fmq_embedded.dense.reconstruction import restore_samples
from fmq_embedded.dense.records import Numbers
from fmq_embedded.dense.steps import SAMPLE_FRACTION

LARGEST_LEVEL = (1 << 18) - 1


@dataclass(frozen=True)
class DenseTensor:
    """What a stream holds of a dense tensor.

    Args:
        exponent: of the fixed-point samples; 0 if lossless.
        step: 0…255; see `steps`.
        dependent, one_sided, lossless: as the flags of `coding` say.
        sine: whether tiles are of the DST-VII.
        points: int64 (3, 2): of reconstruction; see `POINTS_SHAPE`. If there are any, samples of a
            one-sided tensor are clipped at 0.
        levels: int32, channels × rows × columns.
        channels: how each is coded.
        centre: if lossless, what levels are taken from in place of the zero point; None for that.
    """

    exponent: int
    step: int
    dependent: bool
    one_sided: bool
    lossless: bool
    sine: bool
    points: Numbers
    levels: Planes
    channels: Channels
    centre: int | None = None

    def fixed_point(self, layout: Layout) -> Planes:
        """The samples in 1/4 of the unit of the fixed-point ones, channels × rows × columns."""
        if self.lossless:
            return self.levels << SAMPLE_FRACTION
        return restore_samples(
            self.levels,
            self.channels,
            layout,
            self.step,
            dependent=self.dependent,
            one_sided=self.one_sided,
            sine=self.sine,
            points=self.points,
        )

    def samples(
        self,
        shape: tuple[int, ...],
        dtype: str,
        zero_point: int,
        *,
        restored: Planes | None = None,
    ) -> Array:
        """The decoded samples of a shape and type; `restored`: of `fixed_point`, if known."""
        layout = Layout.of(shape)
        planes = self.fixed_point(layout) if restored is None else restored
        flat = layout.interleaved(planes)
        centre = zero_point if self.centre is None else self.centre
        return decoded(flat, self.exponent, dtype, centre).reshape(shape)


def write_dense(tensor: DenseTensor, coded: Coded) -> bytes:
    """`coding`, the dense fields and the payload."""
    raw = RawDense(biased_exponent=tensor.exponent + syntax.EXPONENT_BIAS, step=tensor.step)
    raw.centre = tensor.centre or 0
    for is_set, flag in (
        (tensor.dependent, syntax.DEPENDENT),
        (tensor.one_sided, syntax.ONE_SIDED),
        (bool(tensor.points.any()) or tensor.centre is not None, syntax.POINTS_ARE_SENT),
        (tensor.lossless, syntax.LOSSLESS),
        (tensor.sine, syntax.SINE),
    ):
        raw.coding |= flag if is_set else 0
    raw.spatial_points, raw.transform_points, raw.fill = (_nibbles(pair) for pair in tensor.points)
    writer = Writer()
    writer.u8(raw, "coding")
    syntax.describe_dense(writer, raw)
    return bytes(writer.data) + coded.data


def read_dense(reader: Reader, shape: tuple[int, ...], dtype: str) -> tuple[DenseTensor, int]:
    """Read what `write_dense` writes; and the bytes of the payload.

    Args:
        reader: stands at `coding`.
        shape: of the tensor, not empty.
        dtype: of its samples.

    Raises:
        BitstreamError: fields or levels that cannot be, or truncated.
    """
    raw = RawDense()
    reader.u8(raw, "coding")
    lossless, dependent = bool(raw.coding & syntax.LOSSLESS), bool(raw.coding & syntax.DEPENDENT)
    sine = bool(raw.coding & syntax.SINE)
    is_odd = lossless and (dependent or sine or dtype == "float32")
    if raw.coding & syntax.CODING_BITS != syntax.DENSE_CODED or is_odd:
        reader.fail(f"the coding 0x{raw.coding:02x} is not one of a dense tensor of {dtype}")
    syntax.describe_dense(reader, raw)
    layout = Layout.of(shape)
    body = np.frombuffer(reader.data, np.uint8)
    one_sided = bool(raw.coding & syntax.ONE_SIDED)
    first = reader.position
    levels, channels, reader.position = decode_samples(
        body, reader.position, layout, dependent, one_sided, lossless, default_prior()
    )
    if int(np.abs(levels).max()) > LARGEST_LEVEL:
        reader.fail(f"a dense payload holds a level beyond ±{LARGEST_LEVEL}")
    points = np.array(
        [_pair(raw.spatial_points), _pair(raw.transform_points), [raw.fill & 15, raw.fill >> 4]],
        np.int64,
    )
    tensor = DenseTensor(
        0 if lossless else raw.biased_exponent - syntax.EXPONENT_BIAS,
        raw.step,
        dependent,
        one_sided,
        lossless,
        sine,
        points,
        levels,
        channels,
        raw.centre if lossless and raw.coding & syntax.POINTS_ARE_SENT else None,
    )
    return tensor, reader.position - first


def _nibbles(pair: Numbers) -> int:
    return int(pair[0] & 15) | int(pair[1] & 15) << 4


def _pair(byte: int) -> list[int]:
    return [(nibble ^ 8) - 8 for nibble in (byte & 15, byte >> 4)]
