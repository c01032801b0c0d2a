"""The integer forms a quantizer takes on a device, chosen by cost and proved equal.

Each form holds plain integers and arrays under the names of `fmq_quantizer_t` in
`fmq/quantizer.h`; a field that the form does not have is 0 there. `FORM_CODES` and
`INPUT_CODES` are that header's constants.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.quantizers.estimate import FixedPointEstimate, fixed_point_estimate
from fmq_embedded.quantizers.estimate import prove_estimate as _prove_estimate
from fmq_embedded.quantizers.exact import decision_thresholds, origin_and_unit
from fmq_embedded.quantizers.integer_path import level_table
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.samples import AnyArray, SampleType

INPUT_CODES = {"int8": 0, "uint8": 1, "int16": 2, "float32": 3}
FORM_CODES = {"table": 0, "multiply_shift": 1, "search": 2, "estimate": 3}
LARGEST_SHIFT = 46
LARGEST_MULTIPLIER = 2**32 - 1
LARGEST_SCALED = 2**62


@dataclass(frozen=True)
class Cost:
    """What a form costs on a Cortex-M4: bytes of tables, bytes of RAM, instructions a sample."""

    flash_bytes: int
    ram_bytes: int
    instructions: int


@dataclass(frozen=True)
class TableForm:
    """level = table[bits of the code as unsigned]; integer inputs.

    Attributes:
        table: 2^8 or 2^16 levels, uint8 or uint16.
    """

    name: ClassVar[str] = "table"
    input: str
    bit_depth: int
    table: AnyArray

    @property
    def cost(self) -> Cost:
        """One load for the code, one for the level, one store."""
        return Cost(self.table.nbytes, 0, 4)

    def levels(self, codes: AnyArray) -> npt.NDArray[np.int64]:
        """What the device gives for these codes."""
        bits = codes.view(f"uint{8 * codes.dtype.itemsize}")
        found: npt.NDArray[np.int64] = self.table[bits].astype(np.int64)
        return found


@dataclass(frozen=True)
class MultiplyShiftForm:
    """level = clip(0, 2^b − 1, (code · multiplier + addend) >> shift); integer inputs.

    Attributes:
        multiplier: below 2^32.
        addend: within ±2^62, as all sums are.
        shift: 0..46.
    """

    name: ClassVar[str] = "multiply_shift"
    input: str
    bit_depth: int
    multiplier: int
    addend: int
    shift: int

    @property
    def cost(self) -> Cost:
        """A 64-bit product, a 64-bit shift, two clips."""
        return Cost(0, 0, 27)

    def levels(self, codes: AnyArray) -> npt.NDArray[np.int64]:
        """What the device gives for these codes."""
        scaled = codes.astype(np.int64) * self.multiplier + self.addend
        levels: npt.NDArray[np.int64] = np.clip(scaled >> self.shift, 0, 2**self.bit_depth - 1)
        return levels


@dataclass(frozen=True)
class SearchForm:
    """level = the number of thresholds at most the sample, by binary search; every input.

    Attributes:
        table: int32, 2^b − 1 thresholds: keys for float32, codes for integers.
    """

    name: ClassVar[str] = "search"
    input: str
    bit_depth: int
    table: npt.NDArray[np.int32]

    @property
    def cost(self) -> Cost:
        """About eight instructions for each bit of a level."""
        return Cost(self.table.nbytes, 0, 14 + 8 * self.bit_depth)


@dataclass(frozen=True)
class EstimateForm:
    """A fixed-point estimate settled by one threshold; float32 input (see `estimate`).

    Attributes:
        exponent, multiplier, base, pivot, dead_zone: as in `FixedPointEstimate`.
        shift: its fraction bits.
        table: int32, −2^31 and the 2^b − 1 thresholds as keys.
    """

    name: ClassVar[str] = "estimate"
    input: str
    bit_depth: int
    shift: int
    exponent: int
    multiplier: int
    base: int
    pivot: int
    dead_zone: int
    table: npt.NDArray[np.int32]

    @property
    def cost(self) -> Cost:
        """A 64-bit product, two shifts, the clips, one threshold."""
        return Cost(self.table.nbytes, 0, 39)


Form = TableForm | MultiplyShiftForm | SearchForm | EstimateForm


def choose_form(quantizer: Quantizer, samples: SampleType, flash_budget: int = 2048) -> Form:
    """The form with the fewest instructions whose tables fit; without one, the smallest.

    Args:
        samples: float32, int8, uint8 or int16 with its scale and zero point.
        flash_budget: bytes of constant tables that this quantizer may take.

    Raises:
        InputError: for float64 samples; devices take float32.
        MismatchError: if a form is not equal to the exact thresholds: a defect.
    """
    found = possible_forms(quantizer, samples)
    fitting = [form for form in found if form.cost.flash_bytes <= flash_budget]
    if fitting:
        return min(fitting, key=lambda form: (form.cost.instructions, form.cost.flash_bytes))
    return min(found, key=lambda form: (form.cost.flash_bytes, form.cost.instructions))


def possible_forms(quantizer: Quantizer, samples: SampleType) -> list[Form]:
    """Every form that gives this quantizer, each proved equal to the exact thresholds."""
    if samples.dtype not in INPUT_CODES:
        raise InputError(
            f"a device takes {', '.join(INPUT_CODES)} samples; got {samples.dtype}; "
            "convert them to float32"
        )
    thresholds = decision_thresholds(quantizer, samples)
    found: list[Form] = [SearchForm(samples.dtype, quantizer.bit_depth, thresholds)]
    if samples.is_integer:
        table = level_table(quantizer, samples)
        found.append(TableForm(samples.dtype, quantizer.bit_depth, table))
        product = multiply_shift(quantizer, samples)
        if product is not None:
            found.append(product)
    else:
        estimate = fixed_point_estimate(quantizer)
        if estimate is not None:
            found.append(_estimate_form(quantizer, estimate))
    for form in found:
        prove(quantizer, form, samples)
    return found


def prove(quantizer: Quantizer, form: Form, samples: SampleType) -> None:
    """Checks a form against the exact thresholds over its whole input range.

    Tables and multiply–shift are enumerated; a search holds the thresholds themselves; an
    estimate is checked at both ends of each level's interval.

    Raises:
        MismatchError: if it differs anywhere.
    """
    thresholds = decision_thresholds(quantizer, samples)
    if isinstance(form, SearchForm):
        is_equal = bool(np.array_equal(form.table, thresholds))
    elif isinstance(form, EstimateForm):
        is_equal = bool(np.array_equal(form.table[1:], thresholds))
        _prove_estimate(quantizer, _estimate_of(form))
    else:
        codes = np.arange(samples.lowest_code, samples.highest_code + 1)
        expected = np.searchsorted(thresholds, codes, side="right")
        is_equal = bool(np.array_equal(form.levels(codes.astype(samples.dtype)), expected))
    if not is_equal:
        raise MismatchError(
            f"the {form.name} form of {quantizer!r} differs from the exact thresholds; "
            "report this with the quantizer"
        )


def multiply_shift(quantizer: Quantizer, samples: SampleType) -> MultiplyShiftForm | None:
    """The multiply–shift with the smallest shift that is exact for every code; else None.

    With T_k the first code of level k or more, the sum must reach k · 2^shift at T_k and not
    before; that leaves an interval for the addend, for each multiplier near the slope.
    """
    if quantizer.is_explicit or quantizer.is_constant:
        return None
    _, unit = origin_and_unit(quantizer)
    slope = Fraction(samples.scale) / (unit * Fraction(quantizer.step_size))
    firsts = decision_thresholds(quantizer, samples).astype(np.int64)
    levels = np.arange(1, quantizer.maximum_level + 1)
    for shift in range(LARGEST_SHIFT + 1):
        lower = int(slope * 2**shift)
        for multiplier in (lower, lower + 1):
            if multiplier > LARGEST_MULTIPLIER:
                return None
            addend = _addend(firsts, levels, multiplier, shift, samples)
            if addend is not None:
                return MultiplyShiftForm(
                    samples.dtype, quantizer.bit_depth, multiplier, addend, shift
                )
    return None


def _addend(
    firsts: npt.NDArray[np.int64],
    levels: npt.NDArray[np.int64],
    multiplier: int,
    shift: int,
    samples: SampleType,
) -> int | None:
    """The middle of the interval of addends that give every code its level."""
    targets = levels << shift
    is_reached = firsts <= samples.highest_code
    is_exceeded = firsts > samples.lowest_code
    lows = (targets - firsts * multiplier)[is_reached]
    highs = (targets - (firsts - 1) * multiplier)[is_exceeded] - 1
    largest_product = max(-samples.lowest_code, samples.highest_code) * multiplier
    low = int(lows.max()) if lows.size else largest_product - LARGEST_SCALED
    high = int(highs.min()) if highs.size else LARGEST_SCALED - largest_product
    addend = (low + high) // 2
    if low > high or abs(addend) + largest_product >= LARGEST_SCALED:
        return None
    return addend


def _estimate_form(quantizer: Quantizer, estimate: FixedPointEstimate) -> EstimateForm:
    return EstimateForm(
        "float32",
        quantizer.bit_depth,
        estimate.fraction_bits,
        estimate.exponent,
        estimate.multiplier,
        estimate.base,
        estimate.pivot,
        estimate.dead_zone,
        estimate.lower_bounds,
    )


def _estimate_of(form: EstimateForm) -> FixedPointEstimate:
    return FixedPointEstimate(
        form.exponent,
        form.multiplier,
        form.base,
        form.pivot,
        form.dead_zone,
        form.shift,
        form.table,
    )
