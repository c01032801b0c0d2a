"""The arguments that every implementation of quantize and dequantize takes, checked once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.quantizers.exact import OUTPUT_DTYPES
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.samples import AnyArray, SampleType, known_sample_type

NONFINITE_RULES = ("error", "saturate")


def checked_out(out: AnyArray | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray:
    """`out` if it can take the result, a new array if it is None.

    Raises:
        InputError: for another shape, dtype or order, or an array that cannot be written.
    """
    if out is None:
        return np.empty(shape, dtype)
    if out.shape != shape or out.dtype != dtype or not out.flags.carray:
        raise InputError(
            f"out must be a writeable C-contiguous {dtype} array of shape {shape}; "
            f"got {out.dtype} of shape {out.shape}"
        )
    return out


def replace_nonfinite(
    quantizer: Quantizer, array: AnyArray, nonfinite: str, nan_level: int | None
) -> tuple[AnyArray, Callable[[AnyArray], None]]:
    """The samples with 0 for each NaN and ±Inf, and a function that then sets their levels.

    Raises:
        InputError: as `Quantizer.quantize`; it says how many there are and where the first is.
    """
    if nonfinite not in NONFINITE_RULES:
        raise unknown_name("rule for NaN and infinities", str(nonfinite), NONFINITE_RULES)
    if array.dtype.kind != "f":
        return array, lambda levels: None
    bad = ~np.isfinite(array)
    if not bad.any():
        return array, lambda levels: None
    if nonfinite == "error":
        raise nonfinite_error(array)
    level = checked_nan_level(quantizer, array, nan_level)

    def replace(levels: AnyArray) -> None:
        levels[array == np.inf] = 0 if quantizer.is_constant else quantizer.maximum_level
        levels[array == -np.inf] = 0
        if level is not None:
            levels[np.isnan(array)] = level

    return np.where(bad, array.dtype.type(0), array), replace


def nonfinite_error(array: AnyArray) -> InputError:
    """Says how many samples are NaN or infinite, and where the first one is."""
    bad = ~np.isfinite(array)
    first = np.unravel_index(int(np.argmax(bad)), array.shape)
    index = tuple(int(position) for position in first)
    return InputError(
        f"{np.count_nonzero(bad)} of {array.size} samples are NaN or infinite, the first "
        f'({array[index]}) at index {index}; remove them, or pass nonfinite="saturate"'
    )


def checked_nan_level(quantizer: Quantizer, array: AnyArray, nan_level: int | None) -> int | None:
    """The level that NaN gets; None where there is no NaN.

    Raises:
        InputError: if there is a NaN and no level for it, or one outside 0..L.
    """
    count = int(np.count_nonzero(np.isnan(array)))
    if nan_level is None:
        if count:
            raise InputError(
                f"{count} samples are NaN and no level was named for them; pass "
                f"nan_level=0..{quantizer.maximum_level}"
            )
        return None
    if not 0 <= nan_level <= quantizer.maximum_level:
        raise InputError(f"nan_level lies in 0..{quantizer.maximum_level}; got {nan_level}")
    return nan_level


def check_levels(quantizer: Quantizer, levels: npt.ArrayLike) -> AnyArray:
    """Levels as a C-contiguous array of integers that lie in 0..L.

    Raises:
        InputError: for another kind of dtype, or a level outside; it says where the first is.
    """
    array = np.asarray(levels)
    if array.dtype.kind not in "iu":
        raise InputError(f"levels are integers; got {array.dtype}; convert them with astype")
    array = np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
    top = quantizer.maximum_level
    fits = array.dtype.kind == "u" and np.iinfo(array.dtype).max <= top
    if not fits and array.size and (array.max() > top or array.min() < 0):
        outside = (array < 0) | (array > top)
        first = np.unravel_index(int(np.argmax(outside)), array.shape)
        index = tuple(int(position) for position in first)
        raise InputError(
            f"levels of a {quantizer.bit_depth}-bit quantizer lie in 0..{top}; "
            f"got {array[index]} at index {index}"
        )
    return array


def output_type(dtype: npt.DTypeLike, scale: float, zero_point: int) -> SampleType:
    """The type of a dequantizer's output.

    Raises:
        InputError: for a dtype that no dequantizer gives.
    """
    name = np.dtype(dtype).name
    if name not in OUTPUT_DTYPES:
        raise InputError(
            f"a dequantizer gives {', '.join(OUTPUT_DTYPES)}; got {name}; "
            "dequantize to float32 and convert"
        )
    return known_sample_type(name, scale, zero_point)
