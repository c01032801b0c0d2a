"""Calibration of dense plans: the unit and the step of each tensor's own levels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration.statistics import TensorStatistics
from fmq_embedded.dense import real_values
from fmq_embedded.dense.channel_transform import (
    FINER_BITS,
    LARGEST_CHANNELS,
    ChannelTransform,
)
from fmq_embedded.dense.device_plan import QUICK, DensePlan, device_exponent, step_of_depth
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION
from fmq_embedded.dense.payload import Search
from fmq_embedded.dense.steps import STEP_COUNT, STEPS_PER_OCTAVE, nearest_step
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, MismatchError, unknown_name
from fmq_embedded.transform import FRACTION_BITS

DEVICE_SEARCHES: Mapping[str, Search] = {
    "quick": QUICK,
    "plain": PLAIN,
    "rdo": RATE_DISTORTION,
}
RANKS = (-80, 80)
"""Steps from a middling one: five octaves finer and coarser."""
REFINEMENTS = (8, 4, 2, 1)

Array = npt.NDArray[Any]
Change = Callable[[Deployment], float]


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
            f"{self.tensor}: dense, {'channel transform, ' if self.plan.channels else ''}step "
            f"{self.plan.step_size:.6g}: {self.bits:.3f} bits/sample, "
            f"{self.sqnr:.1f} dB"
        )


@dataclass(frozen=True)
class DenseReport:
    """The dense plans of all tensors.

    Args:
        choices: one per tensor, in the order of the deployment.
        change: of the tail's worst output, noise to signal.
        limit: what was allowed; infinite where the tail was not asked.
    """

    choices: tuple[DenseChoice, ...]
    change: float
    limit: float

    def __str__(self) -> str:
        return "\n".join(
            [f"change {self.change:.6g} of at most {self.limit:.6g}", *map(str, self.choices)]
        )

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
            }
            for one in self.choices
        ]


def device_search(name: str) -> Search:
    """How a device decides, by its name.

    Raises:
        InputError: there is none, or devices do not have it.
    """
    if name not in DEVICE_SEARCHES:
        raise unknown_name("rate-distortion search of a device", name, DEVICE_SEARCHES)
    return DEVICE_SEARCHES[name]


def densely(
    deployment: Deployment,
    statistics: Mapping[str, TensorStatistics],
    judged: Sequence[Mapping[str, Array]],
    change: Change,
    *,
    limit: float,
    search: Search,
    target_sqnr: float | None = None,
    bit_depth: int | None = None,
    headers_agreed: bool = False,
) -> tuple[Deployment, DenseReport]:
    """Give each tensor a dense plan, with the coarsest step that serves.

    Args:
        statistics: of each tensor.
        judged: the maps by which steps are judged.
        change: of the tail's outputs under a deployment.
        limit: the most that they may change.
        search: how the device decides.
        target_sqnr: in dB, of each tensor's own maps; then the tail is not asked.
        bit_depth: steps of 2^bit_depth levels over a tensor's range; then neither is asked.

    Raises:
        InputError: the deployment's quantizers are put into a model.
        MismatchError: not even the finest steps keep within the limit.
    """
    if deployment.lowering is not None:
        raise InputError(
            "levels inside a .tflite are those of a quantizer: leave --lowering out of the split, "
            "or give --partition, whose levels the dense coder codes"
        )
    middle = {
        plan.name: _transformed(
            plan, _middle(plan, statistics[plan.name], judged, search), judged, bit_depth
        )
        for plan in deployment.tensors
    }

    def planned(plans: Mapping[str, DensePlan]) -> Deployment:
        return deployment.with_dense(plans, dict.fromkeys(plans, ""), headers_agreed=headers_agreed)

    if bit_depth is not None:
        plans = {
            name: _of_depth(deployment, name, plan, statistics[name], bit_depth)
            for name, plan in middle.items()
        }
    elif target_sqnr is not None:
        plans = {
            plan.name: _of_sqnr(plan, middle[plan.name], judged, target_sqnr)
            for plan in deployment.tensors
        }
    else:
        plans = _by_tail(middle, lambda tried: change(planned(tried)), limit)
    judged_by_tail = bit_depth is None and target_sqnr is None
    choices = tuple(_choice(plan, plans[plan.name], judged) for plan in deployment.tensors)
    report = DenseReport(choices, change(planned(plans)), limit if judged_by_tail else math.inf)
    why = {one.tensor: str(one).removeprefix(f"{one.tensor}: ") for one in choices}
    return deployment.with_dense(plans, why, headers_agreed=headers_agreed), report


def _middle(
    plan: TensorPlan,
    known: TensorStatistics,
    judged: Sequence[Mapping[str, Array]],
    search: Search,
) -> DensePlan:
    """With a step half as large as the root mean square."""
    values = np.concatenate([_values(plan, maps).reshape(-1) for maps in judged])
    root_mean_square = float(np.sqrt(np.square(values).mean()))
    lowest, highest = _ends(plan, known)
    exponent = device_exponent(lowest, highest, is_integer=plan.dtype != "float32")
    step = nearest_step(math.ldexp(0.5 * root_mean_square, -exponent))
    return DensePlan(exponent, step, search)


def _transformed(
    tensor: TensorPlan,
    plan: DensePlan,
    judged: Sequence[Mapping[str, Array]],
    bit_depth: int | None,
) -> DensePlan:
    """With a channel transform where it takes fewer bits at the same ratio.

    It is not tried where a step of the map's own range is asked for, nor where no sample is
    negative, for what a ReLU leaves is not linear.
    """
    count = tensor.shape[-1] if tensor.shape else 0
    maps = [_values(tensor, one).reshape(-1, count) for one in judged] if count else []
    if bit_depth is not None or not 2 <= count <= LARGEST_CHANNELS or min(map(np.min, maps)) >= 0:
        return plan
    transform, exponent = fitted_transform(maps)
    moved = max(exponent, plan.exponent - FINER_BITS + 1) - plan.exponent
    step = min(max(plan.step - moved * STEPS_PER_OCTAVE, 0), STEP_COUNT - 1)
    trial = replace(plan, exponent=plan.exponent + moved, step=step, channels=transform)
    own = _choice(tensor, plan, judged)
    with_it = _choice(tensor, _of_sqnr(tensor, trial, judged, own.sqnr), judged)
    return with_it.plan if with_it.bits < own.bits else plan


def fitted_transform(
    maps: Sequence[npt.NDArray[np.float64]],
) -> tuple[ChannelTransform, int]:
    """The channel transform of maps like these, and the exponent for what comes out of it.

    Args:
        maps: each (samples, channels), of 2 to 64 channels.
    """
    transform = ChannelTransform.fitted(sum(values.T @ values for values in maps))
    basis = transform.matrix / (1 << FRACTION_BITS)
    largest = max(float(np.abs(values @ basis.T).max()) for values in maps)
    return transform, device_exponent(-largest, largest, is_integer=False)


def _ends(plan: TensorPlan, known: TensorStatistics) -> tuple[float, float]:
    """The ends of what was seen; of codes those of their type, less the zero point."""
    if plan.dtype == "float32":
        return known.moments.minimum, known.moments.maximum
    limits = np.iinfo(plan.dtype)
    return float(limits.min - plan.zero_point), float(limits.max - plan.zero_point)


def _values(plan: TensorPlan, maps: Mapping[str, Array]) -> npt.NDArray[np.float64]:
    return real_values(plan.item(maps[plan.name]))


def _of_depth(
    deployment: Deployment, name: str, plan: DensePlan, known: TensorStatistics, bit_depth: int
) -> DensePlan:
    (tensor,) = (one for one in deployment.tensors if one.name == name)
    scale = 1.0 if tensor.dtype == "float32" else tensor.scale
    width = (known.moments.maximum - known.moments.minimum) / scale
    return replace(plan, step=step_of_depth(width, plan.exponent, bit_depth))


def _of_sqnr(
    tensor: TensorPlan, plan: DensePlan, judged: Sequence[Mapping[str, Array]], wanted: float
) -> DensePlan:
    """With the coarsest step that reaches the ratio."""
    low, high = 0, STEP_COUNT
    while high - low > 1:
        middle = (low + high) // 2
        reached = _choice(tensor, replace(plan, step=middle), judged).sqnr >= wanted
        low, high = (middle, high) if reached else (low, middle)
    if low == 0 and _choice(tensor, replace(plan, step=0), judged).sqnr < wanted:
        raise MismatchError(
            f"tensor {tensor.name!r} does not reach {wanted:g} dB with fixed-point samples of 12 "
            "bits; ask for less"
        )
    return replace(plan, step=low)


def _by_tail(
    middle: Mapping[str, DensePlan],
    change: Callable[[Mapping[str, DensePlan]], float],
    limit: float,
) -> dict[str, DensePlan]:
    """Steps as coarse as the tail allows: of all tensors together, then of one after the other."""

    def at(rank: int) -> dict[str, DensePlan]:
        return {name: _moved(plan, rank) for name, plan in middle.items()}

    low, high = RANKS
    if not change(at(low)) <= limit:
        raise MismatchError(
            f"the finest steps change the tail's outputs by {change(at(low)):.6g}, and the limit "
            f"is {limit:.6g}; allow a larger change (--tail-sqnr)"
        )
    while high - low > 1:
        rank = (low + high) // 2
        low, high = (rank, high) if change(at(rank)) <= limit else (low, rank)
    plans = at(low)
    for steps in REFINEMENTS:
        for name in plans:
            trial = plans | {name: _moved(plans[name], steps)}
            if change(trial) <= limit:
                plans = trial
    return plans


def _moved(plan: DensePlan, steps: int) -> DensePlan:
    return replace(plan, step=min(max(plan.step + steps, 0), STEP_COUNT - 1))


def _choice(
    tensor: TensorPlan, plan: DensePlan, judged: Sequence[Mapping[str, Array]]
) -> DenseChoice:
    size = count = 0
    noise = signal = 0.0
    for maps in judged:
        values = _values(tensor, maps)
        taken, numbers = plan.through(plan.numbers(tensor.item(maps[tensor.name])))
        back = plan.samples(numbers, tensor.dtype, tensor.zero_point).astype(np.float64)
        size += taken
        count += values.size
        noise += float(np.square(back - tensor.zero_point - values).sum())
        signal += float(np.square(values).sum())
    sqnr = 10 * math.log10(signal / noise) if noise and signal else math.inf
    return DenseChoice(tensor.name, plan, 8 * size / count, sqnr)
