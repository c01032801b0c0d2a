"""Static classes of a deployment made into classes that the encoder finds in each map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.partition import Partition
from fmq_embedded.partition.dynamic import DynamicClasses

WHY = "each map's own"

Array = npt.NDArray[Any]


def check_dynamic(kind: str, *, importance: bool) -> None:
    """Refuse what no device finds in a map.

    Args:
        kind: of the partition that calibration is to choose.
        importance: classes by what parts matter to the tail.

    Raises:
        InputError: blocks, no classes, or classes by importance.
    """
    if importance:
        raise InputError(
            "classes by importance are not seen in a map; leave --importance or --dynamic out"
        )
    if kind not in ("channel", "region"):
        raise InputError(f"dynamic classes are of channel or region; got the partition {kind!r}")


def with_dynamic_classes(
    deployment: Deployment, judged: Sequence[Mapping[str, Array]]
) -> Deployment:
    """The deployment with classes of the same quantizers, fitted to what these maps are like.

    Args:
        deployment: calibrated; tensors without classes, or with a single one, stay as they are.
        judged: maps of all tensors, at least one.
    """
    return replace(
        deployment, tensors=tuple(_with_dynamic(plan, judged) for plan in deployment.tensors)
    )


def _with_dynamic(plan: TensorPlan, judged: Sequence[Mapping[str, Array]]) -> TensorPlan:
    partition = plan.partition
    if not isinstance(partition, Partition) or len(partition.classes) == 1:
        return plan
    items = [plan.item(maps[plan.name]) for maps in judged]
    fitted = DynamicClasses.fitted(partition, items)
    return replace(plan, partition=fitted, why=f"{plan.why}; {WHY}")
