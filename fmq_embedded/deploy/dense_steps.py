"""How coarse the steps of dense plans may be: by a bit depth, by a ratio, by the tail."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration.statistics import TensorStatistics
from fmq_embedded.dense import real_values
from fmq_embedded.dense.device_plan import DensePlan, device_exponent, step_of_depth
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import STEP_COUNT, nearest_step
from fmq_embedded.deploy.dense_report import DenseChoice
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import MismatchError

RANKS = (-80, 80)
"""Steps from a middling one: five octaves finer and coarser."""
REFINEMENTS = (8, 4, 2, 1)

Array = npt.NDArray[Any]
Change = Callable[[Deployment], float]


def middle_plan(
    plan: TensorPlan,
    known: TensorStatistics,
    judged: Sequence[Mapping[str, Array]],
    search: Search,
) -> DensePlan:
    """With a step half as large as the root mean square."""
    lowest, highest = _ends(plan, known)
    exponent = device_exponent(lowest, highest, is_integer=plan.dtype != "float32")
    step = nearest_step(math.ldexp(0.5 * root_mean_square(plan, judged), -exponent))
    return DensePlan(exponent, step, search)


def root_mean_square(plan: TensorPlan, judged: Sequence[Mapping[str, Array]]) -> float:
    """Of a tensor's samples; of codes less the zero point."""
    values = np.concatenate([values_of(plan, maps).reshape(-1) for maps in judged])
    return float(np.sqrt(np.square(values).mean()))


def _ends(plan: TensorPlan, known: TensorStatistics) -> tuple[float, float]:
    """The ends of what was seen; of codes those of their type, less the zero point."""
    if plan.dtype == "float32":
        return known.moments.minimum, known.moments.maximum
    limits = np.iinfo(plan.dtype)
    return float(limits.min - plan.zero_point), float(limits.max - plan.zero_point)


def values_of(plan: TensorPlan, maps: Mapping[str, Array]) -> npt.NDArray[np.float64]:
    """The samples of the tensor's map, real or codes less the zero point, of its shape."""
    return real_values(plan.item(maps[plan.name]))


def rows_of(
    plan: TensorPlan, judged: Sequence[Mapping[str, Array]]
) -> list[npt.NDArray[np.float64]]:
    """The samples of each map, (positions, channels)."""
    return [values_of(plan, maps).reshape(-1, plan.shape[-1]) for maps in judged]


def of_depth(
    deployment: Deployment, name: str, plan: DensePlan, known: TensorStatistics, bit_depth: int
) -> DensePlan:
    """With the step of 2^bit_depth levels over the range of the tensor's samples."""
    (tensor,) = (one for one in deployment.tensors if one.name == name)
    scale = 1.0 if tensor.dtype == "float32" else tensor.scale
    width = (known.moments.maximum - known.moments.minimum) / scale
    return replace(plan, step=step_of_depth(width, plan.exponent, bit_depth))


def of_sqnr(
    tensor: TensorPlan, plan: DensePlan, judged: Sequence[Mapping[str, Array]], wanted: float
) -> DensePlan:
    """With the coarsest step that reaches the ratio, in dB.

    Raises:
        MismatchError: not even the finest does.
    """
    low, high = 0, STEP_COUNT
    while high - low > 1:
        middle = (low + high) // 2
        reached = choice_of(tensor, replace(plan, step=middle), judged).sqnr >= wanted
        low, high = (middle, high) if reached else (low, middle)
    if low == 0 and choice_of(tensor, replace(plan, step=0), judged).sqnr < wanted:
        raise MismatchError(
            f"tensor {tensor.name!r} does not reach {wanted:g} dB with fixed-point samples of 12 "
            "bits; ask for less"
        )
    return replace(plan, step=low)


def by_tail(
    middle: Mapping[str, DensePlan],
    change: Callable[[Mapping[str, DensePlan]], float],
    limit: float,
) -> dict[str, DensePlan]:
    """Steps as coarse as the tail allows: of all tensors together, then of one after the other.

    Raises:
        MismatchError: not even the finest steps keep within the limit.
    """

    def at(rank: int) -> dict[str, DensePlan]:
        return {name: _moved(plan, rank) for name, plan in middle.items()}

    low, high = RANKS
    if not change(at(low)) <= limit:
        raise MismatchError(
            f"the finest steps change the tail's outputs by {change(at(low)):.6g}, and the limit "
            f"is {limit:.6g}; allow a larger change (--tail-sqnr, "
            "or with --result --agree)"
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


def choice_of(
    tensor: TensorPlan, plan: DensePlan, judged: Sequence[Mapping[str, Array]]
) -> DenseChoice:
    """What the plan takes on the judged maps, and their ratio."""
    size = count = 0
    noise = signal = 0.0
    for maps in judged:
        values = values_of(tensor, maps)
        taken, numbers = plan.through(plan.numbers(tensor.item(maps[tensor.name])))
        back = plan.samples(numbers, tensor.dtype, tensor.zero_point).astype(np.float64)
        size += taken
        count += values.size
        noise += float(np.square(back - tensor.zero_point - values).sum())
        signal += float(np.square(values).sum())
    sqnr = 10 * math.log10(signal / noise) if noise and signal else math.inf
    return DenseChoice(tensor.name, plan, 8 * size / count, sqnr)


def bits_of(
    deployment: Deployment, plans: Mapping[str, DensePlan], judged: Sequence[Mapping[str, Array]]
) -> float:
    """Per sample of all tensors together."""
    counts = {one.name: math.prod(one.shape) for one in deployment.tensors}
    total = sum(
        choice_of(one, plans[one.name], judged).bits * counts[one.name]
        for one in deployment.tensors
    )
    return total / sum(counts.values())
