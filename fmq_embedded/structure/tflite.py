"""Reading a network's structure from a .tflite model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.structure.layer_types import LayerType
from fmq_embedded.structure.network import BatchNormalisation, Layer, Network
from fmq_embedded.structure.operators import FUSED_ACTIVATIONS, operator_layer
from fmq_embedded.tflite_file import (
    constant_operators,
    constant_tensors,
    indices,
    operator_name,
    read_model,
    schema,
    tensor_name,
)

# What these are when one of their inputs is a constant.
_WITH_CONSTANT: Final = {
    "ADD": (LayerType.OFFSET, "offset"),
    "SUB": (LayerType.OFFSET, "offset"),
    "MUL": (LayerType.OTHER, "scaling"),
}
_CODE_DTYPES: Final = ("float32", "float16", "int8", "uint8", "int16", "int32")


def read_tflite(source: str | Path | bytes) -> Network:
    """Read the structure of a model's first subgraph.

    - An operator is a layer for each tensor that it makes; one with a fused activation is two,
      of which the second makes the tensor. A convolution's own bias belongs to it.
    - Operators on constants, such as the DEQUANTIZE of float16 weights, are no layers.
    - An addition or subtraction of constants is an OFFSET. A multiplication by a constant for
      each channel and an addition of one behind it are a BATCH_NORMALISATION.
    - Operators that are custom or not known are OTHER.

    Args:
        source: a path, or the model's bytes.

    Raises:
        InputError: when the file is missing, corrupt, or not a model.
    """
    model = read_model(source)
    graph = model.subgraphs[0]
    reading = _Reading(model, graph)
    for tensor in indices(graph.inputs):
        reading.add(tensor, Layer(LayerType.INPUT, "input", (), None, "INPUT"))
    folded = constant_operators(model, graph)
    normalisations = _find_batch_normalisations(model, graph, folded)
    skipped = folded | set(normalisations)
    by_addition = {found.addition: found for found in normalisations.values()}
    for position, operator in enumerate(graph.operators):
        if position not in skipped:
            reading.add_operator(operator, by_addition.get(position))
    outputs = [reading.layers_of[t] for t in indices(graph.outputs) if t in reading.layers_of]
    name = "" if isinstance(source, bytes) else Path(source).stem
    return Network(tuple(reading.layers), tuple(outputs), name)


@dataclass(frozen=True)
class _Found:
    """A batch normalisation: the operator that adds, the map that it works on, and what it does."""

    addition: int
    tensor: int
    parameters: BatchNormalisation


@dataclass
class _Reading:
    model: Any
    graph: Any
    layers: list[Layer] = field(default_factory=list)
    layers_of: dict[int, int] = field(default_factory=dict)  # the layer that makes a tensor

    def add(self, tensor: int | None, layer: Layer) -> None:
        name = "" if tensor is None else tensor_name(self.graph.tensors[tensor])
        if tensor is not None:
            self.layers_of[tensor] = len(self.layers)
        self.layers.append(replace(layer, tensor=name))

    def add_operator(self, operator: Any, normalisation: _Found | None) -> None:
        name = operator_name(self.model, operator)
        tensors = indices(operator.inputs) if normalisation is None else [normalisation.tensor]
        inputs = tuple(self.layers_of[t] for t in tensors if t in self.layers_of)
        layer_type, kind = operator_layer(name)
        parameters = None
        if normalisation is not None:
            layer_type, kind = LayerType.BATCH_NORMALISATION, "batch_normalisation"
            parameters = normalisation.parameters
        elif name in _WITH_CONSTANT and len(inputs) < len(tensors):
            layer_type, kind = _WITH_CONSTANT[name]
        elif name == "CUSTOM":
            name = _custom_name(self.model, operator) or name
        activation = FUSED_ACTIVATIONS.get(_fused_activation(operator))
        outputs: list[int | None] = [*indices(operator.outputs)]
        for tensor in outputs or [None]:
            layer = Layer(layer_type, kind, inputs, parameters, name)
            if activation is None:
                self.add(tensor, layer)
            else:
                self.add(None, layer)
                before = (len(self.layers) - 1,)
                self.add(tensor, Layer(LayerType.ACTIVATION, activation, before, None, name))


def _fused_activation(operator: Any) -> int:
    return int(getattr(operator.builtinOptions, "fusedActivationFunction", 0) or 0)


def _custom_name(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex].customCode or b""
    return str(code.decode("utf-8", "backslashreplace"))


def _find_batch_normalisations(model: Any, graph: Any, folded: set[int]) -> dict[int, _Found]:
    """The batch normalisations, by the operator that multiplies.

    One is a MUL whose product nothing but an ADD (or a SUB, from the product) reads, both with a
    constant for each channel.
    """
    readers: dict[int, list[int]] = {}
    for position, operator in enumerate(graph.operators):
        for tensor in indices(operator.inputs):
            readers.setdefault(tensor, []).append(position)
    constants = _Constants(model, graph, folded)
    found: dict[int, _Found] = {}
    for position, operator in enumerate(graph.operators):
        gamma = constants.channel_vector(operator, "MUL")
        if position in folded or gamma is None or _fused_activation(operator):
            continue
        product = indices(operator.outputs)[0]
        behind = readers.get(product, [])
        if len(behind) != 1 or product in indices(graph.outputs):
            continue
        addition = graph.operators[behind[0]]
        beta = constants.channel_vector(addition, "ADD")
        if beta is None and indices(addition.inputs)[0] == product:
            negative = constants.channel_vector(addition, "SUB")
            beta = None if negative is None else -negative
        if beta is not None:
            parameters = _parameters(gamma, beta)
            tensor = constants.variable_input(operator)
            if parameters is not None:
                found[position] = _Found(behind[0], tensor, parameters)
    return found


def _parameters(
    gamma: npt.NDArray[np.float32], beta: npt.NDArray[np.float32]
) -> BatchNormalisation | None:
    with np.errstate(over="ignore", invalid="ignore"):
        variance = gamma * gamma
    if not (np.isfinite(variance).all() and np.isfinite(beta).all()):
        return None
    return BatchNormalisation(tuple(beta), tuple(variance))


@dataclass
class _Constants:
    """The values of constants, through the operators that unpack them."""

    model: Any
    graph: Any
    folded: set[int]
    fixed: set[int] = field(init=False)
    sources: dict[int, int] = field(init=False)  # what an unpacked constant was unpacked from

    def __post_init__(self) -> None:
        self.fixed = constant_tensors(self.graph)
        self.sources = {}
        for position in sorted(self.folded):
            operator = self.graph.operators[position]
            outputs = indices(operator.outputs)
            self.fixed.update(outputs)
            if operator_name(self.model, operator) == "DEQUANTIZE":
                self.sources[outputs[0]] = indices(operator.inputs)[0]

    def variable_input(self, operator: Any) -> int:
        return next(i for i in indices(operator.inputs) if i not in self.fixed)

    def channel_vector(self, operator: Any, name: str) -> npt.NDArray[np.float32] | None:
        """The constant of an operator called `name` that joins a map with one for each channel."""
        if operator_name(self.model, operator) != name or len(indices(operator.inputs)) != 2:
            return None
        constant = [i for i in indices(operator.inputs) if i in self.fixed]
        outputs = indices(operator.outputs)
        if len(constant) != 1 or len(outputs) != 1:
            return None
        shape = _shape(self.graph.tensors[outputs[0]])
        vector_shape = _shape(self.graph.tensors[constant[0]])
        if not shape or math.prod(vector_shape) != shape[-1] or vector_shape[-1:] != shape[-1:]:
            return None
        values = self._values(constant[0])
        return values if values is not None and values.size == shape[-1] else None

    def _values(self, index: int) -> npt.NDArray[np.float32] | None:
        """The real values of a constant; None when its type or quantization is not simple."""
        tensor = self.graph.tensors[self.sources.get(index, index)]
        data = self.model.buffers[tensor.buffer].data
        dtype = _dtype_name(tensor.type)
        if dtype not in _CODE_DTYPES or data is None or len(data) % np.dtype(dtype).itemsize:
            return None
        codes = np.asarray(data, np.uint8).view(np.dtype(dtype).newbyteorder("<"))
        if dtype.startswith("float"):
            return codes.astype(np.float32)
        quantization = tensor.quantization
        if quantization is None or quantization.scale is None or len(quantization.scale) != 1:
            return None
        zero_points = [] if quantization.zeroPoint is None else list(quantization.zeroPoint)
        zero = int(zero_points[0]) if zero_points else 0
        return ((codes.astype(np.float64) - zero) * float(quantization.scale[0])).astype(np.float32)


def _shape(tensor: Any) -> list[int]:
    return [] if tensor.shape is None else [int(size) for size in tensor.shape]


def _dtype_name(code: int) -> str:
    names = {value: name.lower() for name, value in vars(schema().TensorType).items()}
    return str(names.get(code, ""))
