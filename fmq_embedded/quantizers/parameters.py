"""The parameters of a quantizer, checked, and rounded once to float32."""

from __future__ import annotations

import math
from ctypes import c_float
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fmq_embedded.errors import InputError, unknown_name

if TYPE_CHECKING:
    from fmq_embedded.quantizers.quantizer import Quantizer

PARAMETER_NAMES = {
    "uniform": ("minimum", "maximum"),
    "gaussian": ("mean", "variance"),
    "laplace": ("scale",),
}
ROUNDINGS = ("floor", "centre")
LARGEST_BIT_DEPTH = 16
LARGEST_ROUNDING_OFFSET = 2.0**16
FLOAT32_MAXIMUM = float(np.finfo(np.float32).max)


def checked_fields(quantizer: Quantizer) -> dict[str, Any]:
    """The fields of a new quantizer that are rounded: each with the value to hold.

    Raises:
        InputError: for a parameter outside its range; see `Quantizer`.
    """
    if quantizer.distribution not in PARAMETER_NAMES:
        raise unknown_name("distribution", str(quantizer.distribution), PARAMETER_NAMES)
    if quantizer.rounding not in ROUNDINGS:
        raise unknown_name("rounding", str(quantizer.rounding), ROUNDINGS)
    fields: dict[str, Any] = {
        "bit_depth": _bit_depth(quantizer),
        "step_size": _float32("step_size", quantizer.step_size),
        "rounding_offset": _rounding_offset(quantizer),
    }
    if fields["step_size"] <= 0:
        raise InputError(f"step_size must be above 0 as a float32; got {quantizer.step_size!r}")
    if quantizer.is_explicit:
        return fields | _explicit(quantizer)
    return fields | {"parameters": _parameters(quantizer)}


def _bit_depth(quantizer: Quantizer) -> int:
    lowest = 1 if quantizer.distribution == "uniform" or quantizer.is_explicit else 2
    depth = quantizer.bit_depth
    is_count = isinstance(depth, int | np.integer) and not isinstance(depth, bool)
    if not is_count or not lowest <= depth <= LARGEST_BIT_DEPTH:
        raise InputError(
            f"bit_depth of a {quantizer.distribution} quantizer is a whole number, "
            f"{lowest}..{LARGEST_BIT_DEPTH}; got {depth!r}"
        )
    return int(depth)


def _rounding_offset(quantizer: Quantizer) -> float:
    offset = _float32("rounding_offset", quantizer.rounding_offset)
    if quantizer.rounding == "centre":
        if quantizer.distribution == "uniform":
            raise InputError(
                'rounding "centre" is for gaussian and laplace; a uniform one is "floor"'
            )
        if not 0 <= offset < 1:
            raise InputError(
                'rounding_offset is at least 0 and below 1 with rounding "centre"; '
                f"got {quantizer.rounding_offset!r}"
            )
    if abs(offset) > LARGEST_ROUNDING_OFFSET:
        raise InputError(
            f"rounding_offset lies within ±{LARGEST_ROUNDING_OFFSET:.0f}; "
            f"got {quantizer.rounding_offset!r}"
        )
    return offset


def _parameters(quantizer: Quantizer) -> tuple[float, ...]:
    names = PARAMETER_NAMES[quantizer.distribution]
    if quantizer.span_is_fitted:
        if quantizer.distribution != "gaussian":
            raise InputError("span_is_fitted belongs to a gaussian quantizer only")
        names = ("mean", "span")
    given = quantizer.parameters
    if len(given) != len(names):
        raise InputError(
            f"a {quantizer.distribution} quantizer has the parameters {', '.join(names)}; "
            f"got {len(given)} of them"
        )
    rounded = tuple(_float32(name, value) for name, value in zip(names, given, strict=True))
    if quantizer.distribution == "uniform":
        if rounded[0] > rounded[1]:
            raise InputError(f"minimum is at most maximum; got {rounded[0]} and {rounded[1]}")
    else:
        _check_span(quantizer, names[-1], rounded)
    return rounded


def _check_span(quantizer: Quantizer, name: str, rounded: tuple[float, ...]) -> None:
    """The values of the lowest and the highest level must be float32."""
    mean, span = (0.0, *rounded)[-2:]
    if span < 0:
        raise InputError(f"{name} is at least 0; got {span}")
    if abs(mean) + span * (quantizer.centre + 1) / quantizer.centre > FLOAT32_MAXIMUM:
        raise InputError(f"{name} {span} reaches values beyond float32; scale the map down")


def _explicit(quantizer: Quantizer) -> dict[str, Any]:
    if quantizer.thresholds is None or quantizer.values is None or quantizer.parameters:
        raise InputError("an explicit quantizer has thresholds and values, no parameters")
    limits = _float32_row("thresholds", quantizer.thresholds)
    values = _float32_row("values", quantizer.values)
    if len(limits) != quantizer.maximum_level or len(values) != quantizer.maximum_level + 1:
        raise InputError(
            "an explicit quantizer has 2^b − 1 thresholds and 2^b values; "
            f"got {len(limits)} and {len(values)}"
        )
    if any(low > high for low, high in pairwise(limits)):
        raise InputError("thresholds must not decrease; sort them first")
    return {"thresholds": limits, "values": values}


def _float32(name: str, value: float) -> float:
    try:
        rounded = c_float(float(value)).value
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number; got {value!r}") from None
    if not math.isfinite(rounded):
        raise InputError(f"{name} must be finite as a float32; got {value!r}")
    return rounded


def _float32_row(name: str, values: tuple[float, ...]) -> tuple[float, ...]:
    with np.errstate(over="ignore"):
        rounded = np.asarray(values, dtype=np.float32)
    if rounded.ndim != 1 or not np.isfinite(rounded).all():
        raise InputError(f"{name} must be finite numbers as float32, in one row")
    return tuple(rounded.tolist())
