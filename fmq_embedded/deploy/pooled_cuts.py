"""Cuts that would send less: where the tail pools a feature map before it does anything else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fmq_embedded.runtimes.ports import described_port
from fmq_embedded.structure import LayerType
from fmq_embedded.structure.operators import operator_layer
from fmq_embedded.tflite_file import indices, operator_name, read_model


@dataclass(frozen=True)
class PooledCut:
    """A cut behind a pooling layer, in place of the one before it.

    Args:
        tensor: the feature map that the tail pools.
        pooling: how: "average", "max", "l2" or "pooling".
        pooled: the tensor behind.
        values, pooled_values: their samples.
        pooled_bits: of the latter as they are, not coded.
    """

    tensor: str
    pooling: str
    pooled: str
    values: int
    pooled_values: int
    pooled_bits: int

    def __str__(self) -> str:
        return (
            f"{self.tensor}: the tail begins with {self.pooling} pooling. Behind it "
            f"{self.pooled_values:,} values cross the link in place of {self.values:,}: "
            f"{self.pooled_bits:,} bits without any loss. Cut there: {self.pooled}"
        )


def pooled_cuts(tail: bytes) -> list[PooledCut]:
    """The inputs of a tail that nothing reads but one pooling layer with fewer outputs.

    Args:
        tail: a .tflite model.

    Returns:
        One for each such input, in their order; an axis that is left open counts as 1.
    """
    model = read_model(tail)
    return [cut for index in indices(model.subgraphs[0].inputs) for cut in _behind(model, index)]


def _behind(model: Any, index: int) -> Iterator[PooledCut]:
    graph = model.subgraphs[0]
    readers = [one for one in graph.operators if index in indices(one.inputs)]
    if len(readers) != 1 or index in indices(graph.outputs):
        return
    layer, kind = operator_layer(operator_name(model, readers[0]))
    if layer is not LayerType.POOLING:
        return
    source = described_port(graph.tensors[index])
    pooled = described_port(graph.tensors[indices(readers[0].outputs)[0]])
    values, fewer = math.prod(source.shape), math.prod(pooled.shape)
    if fewer < values:
        bits = 8 * pooled.dtype.itemsize * fewer
        yield PooledCut(source.name, kind, pooled.name, values, fewer, bits)
