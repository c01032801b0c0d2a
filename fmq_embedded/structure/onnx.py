"""Reading a network's structure from an ONNX model, in which batch normalisation is a node."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.structure.layer_types import LayerType
from fmq_embedded.structure.network import BatchNormalisation, Layer, Network
from fmq_embedded.structure.onnx_operators import DRAWN, ONNX_LAYERS, PASSED_THROUGH

# What these are when one of their inputs is a constant.
_WITH_CONSTANT: Final = {
    "Add": (LayerType.OFFSET, "offset"),
    "Sub": (LayerType.OFFSET, "offset"),
    "Mul": (LayerType.OTHER, "scaling"),
}
_PLAIN_DOMAINS: Final = ("", "ai.onnx")
_SCALE, _BETA = 1, 2  # of BatchNormalization's inputs: X, scale, B, mean, var


def read_onnx(source: str | Path | bytes) -> Network:
    """Read the structure of a model's main graph.

    - A node is a layer for each tensor that it makes. Identity and Dropout are none, nor are
      nodes on constants alone.
    - BatchNormalization y = γ·(x − μ)/√(σ² + ε) + β is a BATCH_NORMALISATION of mean β and
      variance γ².
    - An addition or subtraction of constants is an OFFSET; a multiplication by one is a scaling.
    - Nodes of other domains and ones that are not known are OTHER.

    Args:
        source: a path, or the model's bytes.

    Raises:
        InputError: when the file is missing, corrupt, or not a model.
        MissingToolError: the package onnx is not installed.
    """
    model = _load(source)
    reading = _Reading()
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    reading.constants.update(constants)
    reading.fixed.update(constants)
    reading.fixed.update(sparse.values.name for sparse in model.graph.sparse_initializer)
    for port in model.graph.input:
        if port.name not in reading.fixed:
            reading.add(port.name, Layer(LayerType.INPUT, "input", (), None, "INPUT", port.name))
    for node in model.graph.node:
        reading.add_node(node)
    outputs = []
    for port in model.graph.output:
        if port.name in reading.layers_of:
            outputs.append(reading.layers_of[port.name])
        elif port.name not in reading.fixed:
            raise InputError(f"nothing makes the output {port.name!r} of this ONNX model")
    name = "" if isinstance(source, bytes) else Path(source).stem
    return Network(tuple(reading.layers), tuple(outputs), name)


def _load(source: str | Path | bytes) -> Any:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise MissingToolError(
            "reading an ONNX model needs the package onnx; install it with: "
            "python -m pip install 'fmq-embedded[onnx]'"
        ) from error
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"the model {str(source)!r} cannot be read: {error.strerror}") from error
    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, ValueError) as error:
        raise InputError(
            f"this is no ONNX model, or it is corrupt: {error}; get the file again"
        ) from error
    if not model.graph.output:
        raise InputError(
            "this is no ONNX model: its graph has no output; check that the file is the right one"
        )
    return model


@dataclass
class _Reading:
    layers: list[Layer] = field(default_factory=list)
    layers_of: dict[str, int] = field(default_factory=dict)  # the layer that makes a tensor
    fixed: set[str] = field(default_factory=set)  # tensors known before the model runs
    constants: dict[str, Any] = field(default_factory=dict)  # those whose values are in the file

    def add(self, tensor: str, layer: Layer) -> None:
        if tensor in self.layers_of or tensor in self.fixed:
            raise InputError(f"tensor {tensor!r} of this ONNX model is made twice")
        self.layers_of[tensor] = len(self.layers)
        self.layers.append(layer)

    def add_node(self, node: Any) -> None:
        read = [name for name in node.input if name]
        for name in read:
            if name not in self.fixed and name not in self.layers_of:
                raise InputError(
                    f"{node.op_type} of this ONNX model reads tensor {name!r} before anything has "
                    "made it"
                )
        made = [name for name in node.output if name]
        if self._is_constant(node, read):
            self._keep_constant(node, made)
        elif node.op_type in PASSED_THROUGH and read[0] in self.layers_of and made:
            self.layers_of.setdefault(made[0], self.layers_of[read[0]])
            self.fixed.update(made[1:])  # Dropout's mask
        else:
            self._add_layers(node, read, made)

    def _is_constant(self, node: Any, read: list[str]) -> bool:
        runs_others = any(a.HasField("g") or a.graphs for a in node.attribute)
        return self.fixed.issuperset(read) and not runs_others and node.op_type not in DRAWN

    def _keep_constant(self, node: Any, made: list[str]) -> None:
        for name in made:
            if name in self.layers_of:
                raise InputError(f"tensor {name!r} of this ONNX model is made twice")
        self.fixed.update(made)
        values = [a.t for a in node.attribute if a.name == "value"]
        if node.op_type == "Constant" and values and made:
            self.constants[made[0]] = values[0]

    def _add_layers(self, node: Any, read: list[str], made: list[str]) -> None:
        inputs = tuple(self.layers_of[name] for name in read if name in self.layers_of)
        layer_type, kind = LayerType.OTHER, "custom"
        parameters = None
        if node.domain in _PLAIN_DOMAINS:
            layer_type, kind = ONNX_LAYERS.get(node.op_type, (LayerType.OTHER, "other"))
            if node.op_type in _WITH_CONSTANT and len(inputs) < len(read):
                layer_type, kind = _WITH_CONSTANT[node.op_type]
        if layer_type is LayerType.BATCH_NORMALISATION:
            parameters = self._batch_normalisation(node)
        elif node.op_type == "Conv" and self._is_depthwise(node):
            kind = "depthwise"
        elif node.op_type == "Clip" and self._clips_to_six(node):
            kind = "relu6"
        for name in made:
            self.add(name, Layer(layer_type, kind, inputs, parameters, node.op_type, name))

    def _batch_normalisation(self, node: Any) -> BatchNormalisation | None:
        """β and γ²; None where they are no constants of one size and finite values."""
        if len(node.input) <= _BETA:
            return None
        gamma, beta = self._values(node.input[_SCALE]), self._values(node.input[_BETA])
        if gamma is None or beta is None or gamma.size != beta.size:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            variance = gamma * gamma
        if not (np.isfinite(variance).all() and np.isfinite(beta).all()):
            return None
        return BatchNormalisation(tuple(beta.ravel()), tuple(variance.ravel()))

    def _is_depthwise(self, node: Any) -> bool:
        """One filter for each channel: as many groups as channels, each of one channel."""
        groups = [a.i for a in node.attribute if a.name == "group"]
        weights = self.constants.get(node.input[1]) if len(node.input) > 1 else None
        shape = [] if weights is None else list(weights.dims)
        return bool(groups) and groups[0] > 1 and len(shape) > 1 and shape[1] == 1

    def _clips_to_six(self, node: Any) -> bool:
        """Clip as ReLU6; the bounds are inputs, or attributes before opset 11."""
        limits: list[float | None] = []
        for place, name in ((1, "min"), (2, "max")):
            values = self._values(node.input[place]) if len(node.input) > place else None
            own = [float(a.f) for a in node.attribute if a.name == name]
            limits.append(float(values.ravel()[0]) if values is not None and values.size else None)
            if own:
                limits[-1] = own[0]
        return limits == [0.0, 6.0]

    def _values(self, name: str) -> npt.NDArray[np.float32] | None:
        """A constant's values; None where the file does not hold them, or not as numbers."""
        from onnx import TensorProto, numpy_helper

        tensor = self.constants.get(name)
        if tensor is None or tensor.data_location == TensorProto.EXTERNAL:
            return None
        try:
            return np.asarray(numpy_helper.to_array(tensor), np.float32)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise InputError(
                f"the constant {name!r} of this ONNX model is corrupt: {error}; get the file again"
            ) from error
