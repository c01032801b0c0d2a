"""Calibration of dense plans: the unit and the step of each tensor's own levels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from fmq_embedded.calibration.statistics import TensorStatistics
from fmq_embedded.dense.channel_transform import FINER_BITS, ChannelTransform
from fmq_embedded.dense.contexts import SPATIAL
from fmq_embedded.dense.device_plan import QUICK, DensePlan
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import STEP_COUNT, STEPS_PER_OCTAVE
from fmq_embedded.dense.weighting import FACTOR_BITS, Weighting
from fmq_embedded.deploy.calibrate_channels import (
    TailSensitivity,
    can_have_transform,
    fitted_transform,
    weighted_transforms,
)
from fmq_embedded.deploy.dense_report import DenseReport
from fmq_embedded.deploy.dense_steps import (
    bits_of,
    by_tail,
    choice_of,
    middle_plan,
    of_depth,
    of_sqnr,
    rows_of,
)
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, unknown_name

DEVICE_SEARCHES: Mapping[str, Search] = {
    "quick": QUICK,
    "plain": PLAIN,
    "rdo": RATE_DISTORTION,
}
SPATIAL_PLAIN = replace(PLAIN, allowed=(SPATIAL,))

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
        plan.name: middle_plan(plan, statistics[plan.name], judged, search)
        for plan in deployment.tensors
    }

    planned = _Planned(deployment, judged, change, headers_agreed)
    if bit_depth is not None:
        plans = {
            name: of_depth(deployment, name, plan, statistics[name], bit_depth)
            for name, plan in middle.items()
        }
    elif target_sqnr is not None:
        plans = {
            plan.name: of_sqnr(
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
        plans, tried = _with_best_transforms(deployment, trials, judged, planned.change, limit)
    judged_by_tail = bit_depth is None and target_sqnr is None
    return planned.reported(plans, limit if judged_by_tail else math.inf, tried)


@dataclass(frozen=True)
class _Planned:
    """A deployment under plans that are tried, and those it is given."""

    deployment: Deployment
    judged: Sequence[Mapping[str, Array]]
    change_of: Change
    headers_agreed: bool

    def change(self, plans: Mapping[str, DensePlan]) -> float:
        """What the tail's outputs change by."""
        nothing = dict.fromkeys(plans, "")
        agreed = self.headers_agreed
        return self.change_of(self.deployment.with_dense(plans, nothing, headers_agreed=agreed))

    def reported(
        self,
        plans: Mapping[str, DensePlan],
        limit: float,
        tried: Mapping[str, Mapping[str, float]],
    ) -> tuple[Deployment, DenseReport]:
        """The deployment with these plans, and what there is to say of them."""
        choices = tuple(
            choice_of(plan, plans[plan.name], self.judged) for plan in self.deployment.tensors
        )
        report = DenseReport(choices, self.change(plans), limit, tried)
        why = {one.tensor: str(one).removeprefix(f"{one.tensor}: ") for one in choices}
        made = self.deployment.with_dense(plans, why, headers_agreed=self.headers_agreed)
        return made, report


def weighted(
    deployment: Deployment,
    statistics: Mapping[str, TensorStatistics],
    judged: Sequence[Mapping[str, Array]],
    change: Change,
    made: Callable[[TensorPlan, int], Weighting],
    *,
    limit: float,
    search: Search,
    headers_agreed: bool = False,
) -> tuple[Deployment, DenseReport]:
    """Give each tensor a dense plan with a weighting and the coarsest step within the limit.

    Args:
        made: gives the weighting of a tensor whose numbers are in units of 2^exponent.
        search: how the device decides.

    Raises:
        MismatchError: not even the finest steps keep within the limit.
    """
    middle = {
        plan.name: _weighted(plan, middle_plan(plan, statistics[plan.name], judged, search), made)
        for plan in deployment.tensors
    }

    planned = _Planned(deployment, judged, change, headers_agreed)
    plans = by_tail(middle, planned.change, limit)
    return planned.reported(plans, limit, {})


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


def _transformed(
    tensor: TensorPlan,
    plan: DensePlan,
    judged: Sequence[Mapping[str, Array]],
) -> DensePlan:
    """With the orthonormal channel transform where it takes fewer bits at the same ratio."""
    if not can_have_transform(tensor, judged):
        return plan
    transform, exponent = fitted_transform(rows_of(tensor, judged))
    own = choice_of(tensor, plan, judged)
    trial = of_sqnr(tensor, _behind(plan, transform, exponent), judged, own.sqnr)
    return trial if choice_of(tensor, trial, judged).bits < own.bits else plan


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
        rows = rows_of(tensor, sensitivity.judged)
        transform, exponent = fitted_transform(rows)
        transforms = {"components": transform} | weighted_transforms(tensor, rows, sensitivity)
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
    _, exponent = fitted_transform(rows_of(tensor, judged))
    return {"the same": _behind(plan, other.channels, exponent)}


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
                told: bits_of(deployment, by_tail(best | {name: plan}, change, limit), judged)
                for told, plan in plans.items()
            }
            best[name] = plans[min(bits, key=lambda told: bits[told])]
            tried[name] = bits
    return by_tail(best, change, limit), tried
