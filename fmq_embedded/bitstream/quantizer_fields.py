"""A quantizer as it stands in a tensor's header, or in a class of its partition."""

from __future__ import annotations

from fmq_embedded.bitstream import syntax
from fmq_embedded.bitstream.syntax import RawTensor
from fmq_embedded.quantizers.quantizer import Distribution, Quantizer

DISTRIBUTIONS: tuple[Distribution, ...] = ("uniform", "gaussian", "laplace")


def fill_quantizer(raw: RawTensor, quantizer: Quantizer) -> None:
    """Set the fields of a quantizer, without the distribution's bits in `choice`."""
    raw.shape = quantizer.bit_depth - 1
    raw.step_size, raw.rounding_offset = quantizer.step_size, quantizer.rounding_offset
    raw.parameters = quantizer.parameters
    if quantizer.rounding == "centre":
        raw.choice |= syntax.CENTRE_ROUNDING
    if quantizer.span_is_fitted:
        raw.choice |= syntax.SPAN_IS_FITTED
    if quantizer.thresholds is not None and quantizer.values is not None:
        raw.choice |= syntax.EXPLICIT
        raw.parameters = quantizer.thresholds + quantizer.values
    if (raw.step_size, raw.rounding_offset) != (1.0, 0.5):
        raw.shape |= syntax.STEP_IS_SENT


def quantizer_of(
    raw: RawTensor, distribution: Distribution, parameters: tuple[float, ...]
) -> Quantizer:
    """The quantizer of these fields; the distribution and the parameters may be derived.

    Raises:
        InputError: there is no such quantizer.
    """
    bit_depth = (raw.shape & 0x0F) + 1
    if raw.choice & syntax.EXPLICIT:
        limits = parameters[: (1 << bit_depth) - 1]
        return Quantizer.explicit(limits, parameters[len(limits) :], distribution)
    return Quantizer(
        distribution,
        bit_depth,
        raw.step_size,
        raw.rounding_offset,
        "centre" if raw.choice & syntax.CENTRE_ROUNDING else "floor",
        parameters,
        bool(raw.choice & syntax.SPAN_IS_FITTED),
    )
