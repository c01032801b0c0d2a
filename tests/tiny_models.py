"""Small .tflite models made by the schema's object API, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.tflite_file import schema, write_model


class TinyModel:
    """Builds a model tensor by tensor and operator by operator."""

    def __init__(self) -> None:
        self.model = schema().ModelT()
        self.model.version = 3
        self.model.operatorCodes = []
        self.model.buffers = [schema().BufferT()]
        self.graph = schema().SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.subgraphs = [self.graph]

    def tensor(
        self,
        name: str,
        shape: Sequence[int] = (1, 4, 4, 3),
        data: npt.NDArray[Any] | None = None,
        dtype: str = "FLOAT32",
        scale: float | None = None,
    ) -> int:
        """Add a tensor, with constant data or without, and give its index."""
        tensor = schema().TensorT()
        tensor.name, tensor.shape = name.encode(), list(shape if data is None else data.shape)
        tensor.hasRank = True
        tensor.type = getattr(schema().TensorType, dtype)
        if data is not None:
            tensor.buffer = len(self.model.buffers)
            buffer = schema().BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
        if scale is not None:
            tensor.quantization = schema().QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> None:
        """Add a builtin operator; `options` is an object of the schema."""
        code = schema().OperatorCodeT()
        code.builtinCode = getattr(schema().BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        operator = schema().OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        self.model.operatorCodes.append(code)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema().BuiltinOptions, kind)
        self.graph.operators.append(operator)

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The model's bytes."""
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        return write_model(self.model)


def fused(name: str, activation: str) -> Any:
    """Options called `name` with a fused activation."""
    options = getattr(schema(), f"{name}T")()
    options.fusedActivationFunction = getattr(schema().ActivationFunctionType, activation)
    return options


def two_branches() -> bytes:
    """input → relu → (neg, abs) → add → output "sum"; and "relu" → tanh → output "side"."""
    tiny = TinyModel()
    source, relu = tiny.tensor("input"), tiny.tensor("relu")
    negative, absolute = tiny.tensor("negative"), tiny.tensor("absolute")
    total, side = tiny.tensor("sum"), tiny.tensor("side")
    tiny.operator("RELU", [source], [relu])
    tiny.operator("NEG", [relu], [negative], schema().NegOptionsT())
    tiny.operator("ABS", [relu], [absolute], schema().AbsOptionsT())
    tiny.operator("ADD", [negative, absolute], [total], schema().AddOptionsT())
    tiny.operator("TANH", [relu], [side])
    return tiny.finish([source], [total, side])


def batch_normalised(
    gamma: npt.NDArray[np.float32],
    beta: npt.NDArray[np.float32],
    *,
    subtract: bool = False,
    half: bool = False,
    activation: str = "NONE",
) -> bytes:
    """input → MUL by gamma → ADD (or SUB) beta → "normalised".

    With `half`, the constants are float16 behind DEQUANTIZE.
    """
    tiny = TinyModel()
    source = tiny.tensor("input")
    constants = []
    for name, values in (("gamma", gamma), ("beta", beta)):
        if half:
            packed = tiny.tensor(f"{name}_half", data=values.astype(np.float16), dtype="FLOAT16")
            constants.append(tiny.tensor(name, values.shape))
            tiny.operator("DEQUANTIZE", [packed], [constants[-1]], schema().DequantizeOptionsT())
        else:
            constants.append(tiny.tensor(name, data=values))
    product, result = tiny.tensor("product"), tiny.tensor("normalised")
    tiny.operator("MUL", [source, constants[0]], [product], schema().MulOptionsT())
    name = "Sub" if subtract else "Add"
    options = fused(f"{name}Options", activation)
    tiny.operator(name.upper(), [product, constants[1]], [result], options)
    return tiny.finish([source], [result])
