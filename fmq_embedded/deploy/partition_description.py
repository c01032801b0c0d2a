"""A partition in a deployment's files: its classes for people, its class map as integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.quantizer_description import (
    describe_quantizer,
    quantizer_tables,
    read_quantizer,
)
from fmq_embedded.errors import unknown_name
from fmq_embedded.partition import ClassQuantizer, Partition, Step
from fmq_embedded.partition.class_map import KINDS
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.companding import Compander
from fmq_embedded.quantizers.vector import VectorQuantizer

WAYS = ("step", "quantizer", "companding", "vector")

Array = npt.NDArray[Any]


def describe_partition(partition: Partition | DynamicClasses) -> dict[str, Any]:
    """What the description says: the kind, what each class is quantized by, and whether each map
    has a class map of its own."""
    classes = [_describe_class(chosen) for chosen in partition.classes]
    said: dict[str, Any] = {"kind": partition.kind}
    if isinstance(partition, DynamicClasses):
        said["dynamic"] = True
    return said | {"class": classes}


def partition_tables(partition: Partition | DynamicClasses, prefix: str) -> dict[str, Array]:
    """The class map, the coding tree or the centroids, and the tables of the classes."""
    tables: dict[str, Array] = {}
    if isinstance(partition, DynamicClasses):
        tables[f"{prefix}_centroids"] = np.array(partition.centroids, np.int16)
    elif partition.kind == "block":
        tables[f"{prefix}_tree"] = np.frombuffer(partition.class_map.tree, np.uint8)
    else:
        tables[f"{prefix}_class_of"] = partition.class_of
    for index, chosen in enumerate(partition.classes):
        name = f"{prefix}_class{index}"
        if isinstance(chosen, Quantizer):
            tables |= quantizer_tables(chosen, name)
        elif isinstance(chosen, VectorQuantizer):
            tables[f"{name}_codewords"] = np.array(chosen.codewords, np.uint16)
    return tables


def read_partition(
    entry: Mapping[str, Any],
    prefix: str,
    tables: Mapping[str, Array],
    shape: tuple[int, ...],
    base: Quantizer,
    centre: int | None,
) -> Partition | DynamicClasses:
    """The partition that was described, of this shape, quantizer and centre.

    Raises:
        KeyError, TypeError, ValueError: the description or the tables are not what was written.
    """
    classes = tuple(
        _read_class(one, f"{prefix}_class{index}", tables)
        for index, one in enumerate(entry["class"])
    )
    if entry.get("dynamic", False):
        centroids = tuple((a, b, c) for a, b, c in tables[f"{prefix}_centroids"].tolist())
        return DynamicClasses(entry["kind"], base, classes, centroids, centre)
    if entry["kind"] == "block":
        tree = tables[f"{prefix}_tree"].astype(np.uint8).tobytes()
        return Partition.of_blocks(shape, base, classes, tree, centre)
    class_of = tables[f"{prefix}_class_of"]
    if entry["kind"] == "region":
        return Partition.of_regions(shape, base, classes, class_of, centre)
    if entry["kind"] != "channel":
        raise unknown_name("kind of partition", str(entry["kind"]), KINDS)
    return Partition.of_channels(shape, base, classes, class_of, centre)


def _describe_class(chosen: ClassQuantizer) -> dict[str, Any]:
    if isinstance(chosen, Step):
        return {"by": "step", "exponent": chosen.exponent}
    if isinstance(chosen, Compander):
        return {
            "by": "companding",
            "function": chosen.function,
            "bit_depth": chosen.bit_depth,
            "parameter": chosen.parameter,
            "minimum": chosen.minimum,
            "maximum": chosen.maximum,
        }
    if isinstance(chosen, VectorQuantizer):
        return {"by": "vector", "dimension": chosen.dimension, "codewords": len(chosen.codewords)}
    return {"by": "quantizer", "quantizer": describe_quantizer(chosen)}


def _read_class(entry: Mapping[str, Any], name: str, tables: Mapping[str, Array]) -> ClassQuantizer:
    if entry["by"] == "step":
        return Step(entry["exponent"])
    if entry["by"] == "companding":
        fields = {key: value for key, value in entry.items() if key != "by"}
        return Compander(**fields)
    if entry["by"] == "vector":
        book = VectorQuantizer(tuple(map(tuple, tables[f"{name}_codewords"].tolist())))
        if (book.dimension, len(book.codewords)) != (entry["dimension"], entry["codewords"]):
            raise ValueError(f"{name} is described as another codebook than its table holds")
        return book
    if entry["by"] != "quantizer":
        raise unknown_name("way to quantize a class", str(entry["by"]), WAYS)
    return read_quantizer(entry["quantizer"], name, tables)
