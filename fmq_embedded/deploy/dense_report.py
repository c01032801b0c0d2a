"""What calibration says of dense plans."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fmq_embedded.dense.device_plan import DensePlan


@dataclass(frozen=True)
class DenseChoice:
    """What one tensor was given.

    Args:
        tensor: its name.
        plan: of its coding.
        bits: per sample, over the judged maps.
        sqnr: of these maps, in dB; infinite where they come back exactly.
    """

    tensor: str
    plan: DensePlan
    bits: float
    sqnr: float

    def __str__(self) -> str:
        return (
            f"{self.tensor}: dense, {_stage(self.plan)}step "
            f"{self.plan.step_size:.6g}: {self.bits:.3f} bits/sample, "
            f"{self.sqnr:.1f} dB"
        )


def _stage(plan: DensePlan) -> str:
    if plan.weighting is None:
        return "channel transform, " if plan.channels else ""
    return "factors of channels, " + ("region of interest, " if plan.weighting.region else "")


@dataclass(frozen=True)
class DenseReport:
    """The dense plans of all tensors.

    Args:
        choices: one per tensor, in the order of the deployment.
        change: of the tail's worst output, noise to signal.
        limit: what was allowed; infinite where the tail was not asked.
        tried: bits per sample of all tensors together with each channel transform that was tried
            for a tensor, at the coarsest steps that are within the limit.
    """

    choices: tuple[DenseChoice, ...]
    change: float
    limit: float
    tried: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"change {self.change:.6g} of at most {self.limit:.6g}", *map(str, self.choices)]
        for tensor, bits in self.tried.items():
            told = ", ".join(f"{name} {size:.3f}" for name, size in bits.items())
            lines.append(f"  {tensor}, bits/sample coded as {told}")
        return "\n".join(lines)

    def rows(self) -> list[dict[str, Any]]:
        """Plain data for the `json` module."""
        return [
            {
                "name": one.tensor,
                "kind": "dense",
                "bits": one.bits,
                "sqnr": one.sqnr if math.isfinite(one.sqnr) else None,
                "exponent": one.plan.exponent,
                "step": one.plan.step,
                "tried": dict(self.tried.get(one.tensor, {})),
            }
            for one in self.choices
        ]
