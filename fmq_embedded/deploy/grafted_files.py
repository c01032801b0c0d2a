"""The grafted models of a deployment: head_levels.tflite and tail_levels.tflite."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL
from fmq_embedded.deploy.graft import Grafted, graft_head, graft_tail
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.files import read_bytes
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import SampleType
from fmq_embedded.quantizers.vector import VectorQuantizer

HEAD_LEVELS: Final = "head_levels.tflite"
TAIL_LEVELS: Final = "tail_levels.tflite"


def map_tables(plan: TensorPlan) -> MapTables:
    """The tables of a tensor of a calibrated deployment.

    Raises:
        InputError: it has no quantizer yet, or one that no table of stock operators gives.
    """
    samples = SampleType(plan.dtype, plan.scale, plan.zero_point)
    partition = plan.partition
    if partition is None:
        return MapTables.of(plan.name, samples, plan.chosen_quantizer)
    if isinstance(partition, DynamicClasses):
        raise InputError(
            f"tensor {plan.name!r} has other classes in each map, which no table inside a model "
            "gives; calibrate with static classes, or leave --lowering out and use the C tables"
        )
    vectors = [c for c in partition.classes if isinstance(c, VectorQuantizer)]
    if partition.kind != "channel" or vectors:
        what = "vector quantizers" if vectors else f"classes by {partition.kind}"
        raise InputError(
            f"tensor {plan.name!r} has {what}, which no table inside a model gives; calibrate with "
            "classes by channel or none, or leave --lowering out and use the C tables"
        )
    biases = tuple(partition.joint_centre - own for own in partition.class_centres)
    classes = tuple(int(number) for number in partition.class_of)
    return MapTables(
        plan.name,
        samples,
        partition.quantizers,
        biases,
        classes,
        partition.bit_depth,
        partition.class_tops,
    )


def graft(deployment: Deployment, folder: Path, lowering: str) -> tuple[Grafted, Grafted]:
    """The head and the tail of a deployment's folder with its quantizers in them.

    Raises:
        InputError: it is not calibrated, or the lowering cannot be done.
    """
    maps = [map_tables(plan) for plan in deployment.tensors]
    head = graft_head(read_bytes(folder / HEAD), maps, lowering)
    return head, graft_tail(read_bytes(folder / TAIL), maps, lowering)


def grafted_files(deployment: Deployment, folder: Path, lowering: str) -> dict[str, bytes]:
    """Both by their names beside the plain ones; errors as `graft`."""
    head, tail = graft(deployment, folder, lowering)
    return {HEAD_LEVELS: head.model, TAIL_LEVELS: tail.model}
