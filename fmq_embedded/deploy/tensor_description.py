"""The plan of a tensor in a deployment's files: its fields for people, its tables as integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.deploy.partition_description import (
    describe_partition,
    partition_tables,
    read_partition,
)
from fmq_embedded.deploy.quantizer_description import (
    describe_quantizer,
    quantizer_tables,
    read_quantizer,
)
from fmq_embedded.deploy.tensor_plan import TensorPlan

Array = npt.NDArray[Any]


def describe_tensor(plan: TensorPlan) -> dict[str, Any]:
    """What the description says; the tables of quantizers and partitions are kept apart."""
    entry: dict[str, Any] = {"name": plan.name, "shape": list(plan.shape), "dtype": plan.dtype}
    if plan.dtype != "float32":
        entry |= {"scale": plan.scale, "zero_point": plan.zero_point}
    if plan.centre is not None:
        entry["centre"] = plan.centre
    if plan.why:
        entry["why"] = plan.why
    if plan.quantizer is not None:
        entry["quantizer"] = describe_quantizer(plan.quantizer)
    if plan.partition is not None:
        entry["partition"] = describe_partition(plan.partition)
    if plan.dense is not None:
        entry["dense"] = plan.dense.description()
    return entry


def tensor_tables(plan: TensorPlan, prefix: str) -> dict[str, Array]:
    """The tables of the quantizer and of the partition, if any; names begin with the prefix."""
    tables: dict[str, Array] = {}
    if plan.quantizer is not None:
        tables |= quantizer_tables(plan.quantizer, prefix)
    if plan.partition is not None:
        tables |= partition_tables(plan.partition, prefix)
    return tables


def read_tensor(entry: Mapping[str, Any], prefix: str, tables: Mapping[str, Array]) -> TensorPlan:
    """The plan that was described.

    Raises:
        KeyError, TypeError, ValueError: the description or the tables are not what was written.
        InputError: see `TensorPlan`.
    """
    quantizer, partition = None, None
    shape, centre = tuple(entry["shape"]), entry.get("centre")
    if "quantizer" in entry:
        quantizer = read_quantizer(entry["quantizer"], prefix, tables)
    if quantizer is not None and "partition" in entry:
        partition = read_partition(entry["partition"], prefix, tables, shape, quantizer, centre)
    dense = DensePlan.described(entry["dense"]) if "dense" in entry else None
    return TensorPlan(
        entry["name"],
        shape,
        entry["dtype"],
        entry.get("scale", 1.0),
        entry.get("zero_point", 0),
        quantizer,
        centre,
        entry.get("why", ""),
        partition,
        dense,
    )
