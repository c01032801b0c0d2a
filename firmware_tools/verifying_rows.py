"""Rows of a report on bit-exactness: what was checked, on how many inputs, what differs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.quantizers.verification import Verification

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Check:
    """One row of the report: what `Verification` has, and of which tensor and stage.

    Args:
        target: "numba", "c", or a board with its emulator.
        tensor: its name; empty for what covers all.
        stage: "quantize", "not finite", "dequantize" or "bitstream"; of a runtime "levels",
            "samples" or "network", and for information "stock", "refused" or "report".
        inputs_checked, mismatches, first_difference: as in `Verification`.
    """

    target: str
    tensor: str
    stage: str
    inputs_checked: int
    mismatches: int
    first_difference: str | None

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    def line(self, width: int) -> str:
        """The row as text, its target padded to `width`."""
        return (
            f"{self.target:<{width}}  {self.stage:<10}  {self.inputs_checked:>13,} inputs  "
            f"{self.mismatches:,} mismatches  {self.tensor}"
        )


def compared(
    target: str, plan: TensorPlan, stage: str, inputs: Array, got: Array, expected: Array
) -> Check:
    """The row of what a target gave for inputs, and what it should have given."""
    wrong = np.flatnonzero(got != expected)
    first = None
    if wrong.size:
        at = int(wrong[0])
        first = f"index {at}, {inputs[at]!r}: {got[at]!r}, the reference {expected[at]!r}"
    return Check(target, plan.name, stage, inputs.size, int(wrong.size), first)


def check_of(found: Verification, plan: TensorPlan, stage: str) -> Check:
    """The row of a verification."""
    return Check(
        found.target,
        plan.name,
        stage,
        found.inputs_checked,
        found.mismatches,
        found.first_difference,
    )
