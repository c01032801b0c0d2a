"""How the samples of a class are quantized: four ways, told by what the stream carries (P4, Q6).

A class has a step relative to the tensor's own quantizer, a quantizer of its own, a companded one,
or a vector quantizer over the levels of the tensor's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fmq_embedded.errors import InputError
from fmq_embedded.quantizers.companding import Compander
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.vector import VectorQuantizer

LARGEST_EXPONENT = 64

QUARTER_OCTAVES = (
    1.0,
    float(np.float32(2**0.25)),
    float(np.float32(2**0.5)),
    float(np.float32(2**0.75)),
)
"""2^0, 2^(1/4), 2^(1/2) and 2^(3/4), each rounded to float32: 1, 0x3F9837F0, 0x3FB504F3,
0x3FD744FD."""


@dataclass(frozen=True)
class Step:
    """The tensor's own quantizer with its step size times 2^(exponent / 4).

    Args:
        exponent: quarter octaves, −64..64; 0 is the tensor's own quantizer as it is. Below 0 the
            highest levels are soon out of reach: the bit depth stays.

    Raises:
        InputError: for another exponent.
    """

    exponent: int = 0

    def __post_init__(self) -> None:
        if abs(self.exponent) > LARGEST_EXPONENT:
            raise InputError(
                f"the exponent of a step is −{LARGEST_EXPONENT}..{LARGEST_EXPONENT}; "
                f"got {self.exponent}"
            )

    def of(self, base: Quantizer) -> Quantizer:
        """The quantizer of this step.

        With floor rounding the offset grows by the same factor, so that it still rounds in the
        middle of the step; with centre rounding it is in parts of a step already.

        Raises:
            InputError: the base is explicit, or the step is not a float32 above 0.
        """
        if self.exponent == 0:
            return base
        if base.is_explicit:
            raise InputError("an explicit quantizer has no step; give the class its own quantizer")
        offset = base.rounding_offset
        if base.rounding == "floor":
            offset = self._scaled(offset)
        return replace(base, step_size=self._scaled(base.step_size), rounding_offset=offset)

    def _scaled(self, value: float) -> float:
        """value × a quarter octave × a power of two, exact in float64, rounded once to float32."""
        octaves, quarter = divmod(self.exponent, len(QUARTER_OCTAVES))
        with np.errstate(over="ignore"):
            return float(np.float32(math.ldexp(value * QUARTER_OCTAVES[quarter], octaves)))


ClassQuantizer = Step | Quantizer | Compander | VectorQuantizer
OWN = Step()
"""The tensor's own quantizer."""


def scalar_quantizer(chosen: ClassQuantizer, base: Quantizer) -> Quantizer:
    """The scalar quantizer of a class; of a vector quantizer, the one that gives its levels.

    Raises:
        InputError: see `Step.of`.
    """
    if isinstance(chosen, Quantizer):
        return chosen
    if isinstance(chosen, Compander):
        return chosen.quantizer
    return chosen.of(base) if isinstance(chosen, Step) else base
