"""The inputs and outputs of a model as its file describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fmq_embedded.errors import InputError
from fmq_embedded.tflite_file import indices, schema, tensor_name

_SCALARS = {
    "float32",
    "float16",
    "float64",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "bool",
}


@dataclass(frozen=True)
class Port:
    """An input or output of a model.

    `scale` and `zero_point` are the tensor's quantization: real = (code − zero_point) × scale.
    A tensor without one has scale 1.0 and zero point 0, as have those quantized per channel.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int


def described_ports(model: Any, name: str) -> tuple[Port, ...]:
    """The "inputs" or "outputs" of a model's first subgraph, from `read_model`.

    Raises:
        InputError: for a port of a type that NumPy does not have.
    """
    graph = model.subgraphs[0]
    return tuple(described_port(graph.tensors[index]) for index in indices(getattr(graph, name)))


def has_fixed_shapes(model: Any) -> bool:
    """Whether no tensor of the first subgraph leaves an axis open."""
    tensors = model.subgraphs[0].tensors
    return all(t.shapeSignature is None or min(t.shapeSignature, default=0) >= 0 for t in tensors)


def described_port(tensor: Any) -> Port:
    """Any tensor of a graph, as its inputs and outputs are described.

    Raises:
        InputError: it has a type that NumPy does not have.
    """
    names = {value: key.lower() for key, value in vars(schema().TensorType).items()}
    dtype = str(names.get(tensor.type, tensor.type))
    if dtype not in _SCALARS:
        raise InputError(f"tensor {tensor_name(tensor)!r} is {dtype}, which NumPy does not have")
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    scale, zero_point = 1.0, 0
    own = tensor.quantization
    if own is not None and own.scale is not None and len(own.scale) == 1:
        scale = float(own.scale[0]) or 1.0
        if own.zeroPoint is not None and len(own.zeroPoint) == 1:
            zero_point = int(own.zeroPoint[0])
    return Port(tensor_name(tensor), shape, np.dtype(dtype), scale, zero_point)
