"""Calibration of dense plans: the unit and the step of each tensor's own levels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration.statistics import TensorStatistics
from fmq_embedded.dense import real_values
from fmq_embedded.dense.channel_transform import FINER_BITS, ChannelTransform
from fmq_embedded.dense.contexts import SPATIAL
from fmq_embedded.dense.device_plan import QUICK, DensePlan, device_exponent, step_of_depth
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION
from fmq_embedded.dense.payload import Search
from fmq_embedded.dense.steps import STEP_COUNT, STEPS_PER_OCTAVE, nearest_step
from fmq_embedded.dense.weighting import FACTOR_BITS, Weighting
from fmq_embedded.deploy.calibrate_channels import (
    TailSensitivity,
    can_have_transform,
    fitted_transform,
    weighed_transforms,
)
from fmq_embedded.deploy.dense_report import DenseChoice, DenseReport
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, MismatchError, unknown_name

DEVICE_SEARCHES: Mapping[str, Search] = {
    "quick": QUICK,
    "plain": PLAIN,
    "rdo": RATE_DISTORTION,
}
SPATIAL_PLAIN = replace(PLAIN, allowed=(SPATIAL,))
RANKS = (-80, 80)
"""Steps from a middling one: five octaves finer and coarser."""
REFINEMENTS = (8, 4, 2, 1)

Array = npt.NDArray[Any]
Change = Callable[[Deployment], float]


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
    sensitivity: TailSensitivity,
    change: Change,
    *,
    limit: float,
    search: Search,
    like: Deployment | None = None,
    target_sqnr: float | None = None,
    bit_depth: int | None = None,
    headers_agreed: bool = False,
) -> tuple[Deployment, DenseReport]:
    """Give each tensor a dense plan, with the coarsest step that serves.

    Args:
        statistics: of each tensor.
        sensitivity: the maps by which steps are judged, and what matters to the tail.
        change: of the tail's outputs under a deployment.
        limit: the most that they may change.
        search: how the device decides.
        like: whose channel transforms are taken where the tail decides; None to try all.
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
    judged = sensitivity.judged
    tried: dict[str, dict[str, float]] = {}
    middle = {
        plan.name: _middle(plan, statistics[plan.name], judged, search)
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
            plan.name: _of_sqnr(
                plan, _transformed(plan, middle[plan.name], judged), judged, target_sqnr
            )
            for plan in deployment.tensors
        }
    else:
        trials = {
            plan.name: (
                _trials(plan, middle[plan.name], sensitivity)
                if like is None
                else _same_transform(plan, middle[plan.name], judged, like)
            )
            for plan in deployment.tensors
        }
        plans, tried = _with_best_transforms(
            deployment, trials, judged, lambda tried: change(planned(tried)), limit
        )
    judged_by_tail = bit_depth is None and target_sqnr is None
    choices = tuple(_choice(plan, plans[plan.name], judged) for plan in deployment.tensors)
    allowed = limit if judged_by_tail else math.inf
    report = DenseReport(choices, change(planned(plans)), allowed, tried)
    why = {one.tensor: str(one).removeprefix(f"{one.tensor}: ") for one in choices}
    return deployment.with_dense(plans, why, headers_agreed=headers_agreed), report


def weighted(
    deployment: Deployment,
    statistics: Mapping[str, TensorStatistics],
    judged: Sequence[Mapping[str, Array]],
    change: Change,
    made: Callable[[TensorPlan, int], Weighting],
    *,
    limit: float,
    headers_agreed: bool = False,
) -> tuple[Deployment, DenseReport]:
    """Give each tensor a dense plan with a weighting and the coarsest step within the limit.

    Args:
        made: gives the weighting of a tensor whose numbers are in units of 2^exponent.

    Raises:
        MismatchError: not even the finest steps keep within the limit.
    """
    middle = {
        plan.name: _weighted(
            plan, _middle(plan, statistics[plan.name], judged, SPATIAL_PLAIN), made
        )
        for plan in deployment.tensors
    }

    def planned(plans: Mapping[str, DensePlan]) -> Deployment:
        return deployment.with_dense(plans, dict.fromkeys(plans, ""), headers_agreed=headers_agreed)

    plans = _by_tail(middle, lambda tried: change(planned(tried)), limit)
    choices = tuple(_choice(plan, plans[plan.name], judged) for plan in deployment.tensors)
    report = DenseReport(choices, change(planned(plans)), limit)
    why = {one.tensor: str(one).removeprefix(f"{one.tensor}: ") for one in choices}
    return deployment.with_dense(plans, why, headers_agreed=headers_agreed), report


def _weighted(
    tensor: TensorPlan, plan: DensePlan, made: Callable[[TensorPlan, int], Weighting]
) -> DensePlan:
    """With a unit in which what the largest factor makes of the samples still fits."""
    largest = max(made(tensor, plan.exponent - FINER_BITS).factors)
    moved = max(math.ceil(math.log2(largest)) - FACTOR_BITS, 0)
    step = max(plan.step - moved * STEPS_PER_OCTAVE, 0)
    exponent = plan.exponent + moved
    return replace(
        plan, exponent=exponent, step=step, weighting=made(tensor, exponent - FINER_BITS)
    )


def _middle(
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
    values = np.concatenate([_values(plan, maps).reshape(-1) for maps in judged])
    return float(np.sqrt(np.square(values).mean()))


def _transformed(
    tensor: TensorPlan,
    plan: DensePlan,
    judged: Sequence[Mapping[str, Array]],
) -> DensePlan:
    """With the orthonormal channel transform where it takes fewer bits at the same ratio."""
    if not can_have_transform(tensor, judged):
        return plan
    transform, exponent = fitted_transform(_rows(tensor, judged))
    own = _choice(tensor, plan, judged)
    trial = _of_sqnr(tensor, _behind(plan, transform, exponent), judged, own.sqnr)
    return trial if _choice(tensor, trial, judged).bits < own.bits else plan


def _behind(plan: DensePlan, transform: ChannelTransform, exponent: int) -> DensePlan:
    """The plan for numbers behind a transform, in the unit that they need, at the same step."""
    moved = max(exponent, plan.exponent - FINER_BITS + 1) - plan.exponent
    step = min(max(plan.step - moved * STEPS_PER_OCTAVE, 0), STEP_COUNT - 1)
    return replace(plan, exponent=plan.exponent + moved, step=step, channels=transform)


def _trials(
    tensor: TensorPlan, plan: DensePlan, sensitivity: TailSensitivity
) -> dict[str, DensePlan]:
    """The plan without a transform, and with those that may serve the tail better."""
    trials = {"channels": plan}
    if can_have_transform(tensor, sensitivity.judged):
        rows = _rows(tensor, sensitivity.judged)
        transform, exponent = fitted_transform(rows)
        transforms = {"components": transform} | weighed_transforms(tensor, rows, sensitivity)
        trials |= {name: _behind(plan, one, exponent) for name, one in transforms.items()}
    return trials


def _same_transform(
    tensor: TensorPlan,
    plan: DensePlan,
    judged: Sequence[Mapping[str, Array]],
    like: Deployment,
) -> dict[str, DensePlan]:
    """The plan with the transform that another deployment has for the tensor."""
    (other,) = (one.dense for one in like.tensors if one.name == tensor.name)
    if other is None or other.channels is None:
        return {"channels": plan}
    _, exponent = fitted_transform(_rows(tensor, judged))
    return {"the same": _behind(plan, other.channels, exponent)}


def _ends(plan: TensorPlan, known: TensorStatistics) -> tuple[float, float]:
    """The ends of what was seen; of codes those of their type, less the zero point."""
    if plan.dtype == "float32":
        return known.moments.minimum, known.moments.maximum
    limits = np.iinfo(plan.dtype)
    return float(limits.min - plan.zero_point), float(limits.max - plan.zero_point)


def _values(plan: TensorPlan, maps: Mapping[str, Array]) -> npt.NDArray[np.float64]:
    return real_values(plan.item(maps[plan.name]))


def _rows(plan: TensorPlan, judged: Sequence[Mapping[str, Array]]) -> list[npt.NDArray[np.float64]]:
    """The samples of each map, (positions, channels)."""
    return [_values(plan, maps).reshape(-1, plan.shape[-1]) for maps in judged]


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


def _with_best_transforms(
    deployment: Deployment,
    trials: Mapping[str, Mapping[str, DensePlan]],
    judged: Sequence[Mapping[str, Array]],
    change: Callable[[Mapping[str, DensePlan]], float],
    limit: float,
) -> tuple[dict[str, DensePlan], dict[str, dict[str, float]]]:
    """Each tensor, one after the other, with the transform of the fewest bits within the limit.

    Args:
        trials: for each tensor its plans, by the name of the transform.

    Returns:
        The plans; and for each tensor that has a choice, the bits with each transform.
    """
    best, tried = {name: next(iter(plans.values())) for name, plans in trials.items()}, {}
    for name, plans in trials.items():
        if len(plans) > 1:
            bits = {
                told: _bits(deployment, _by_tail(best | {name: plan}, change, limit), judged)
                for told, plan in plans.items()
            }
            best[name] = plans[min(bits, key=lambda told: bits[told])]
            tried[name] = bits
    return _by_tail(best, change, limit), tried


def _bits(
    deployment: Deployment, plans: Mapping[str, DensePlan], judged: Sequence[Mapping[str, Array]]
) -> float:
    """Per sample of all tensors together."""
    counts = {one.name: math.prod(one.shape) for one in deployment.tensors}
    total = sum(
        _choice(one, plans[one.name], judged).bits * counts[one.name] for one in deployment.tensors
    )
    return total / sum(counts.values())


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
