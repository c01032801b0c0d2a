"""Adding tensors, constants and operators to a model's first subgraph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.tflite_file import indices, schema, tensor_name

_TYPES: Final = {
    "float32": "FLOAT32",
    "int8": "INT8",
    "uint8": "UINT8",
    "int16": "INT16",
    "int32": "INT32",
    "bool": "BOOL",
}

# The class of each operator's options, where it needs one: CAST's say what its tensors say.
_OPTIONS: Final = {
    "ADD": "AddOptions",
    "BUCKETIZE": "BucketizeOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "GATHER": "GatherOptions",
    "MUL": "MulOptions",
    "QUANTIZE": "QuantizeOptions",
}

Array = npt.NDArray[Any]


class GraphEditor:
    """Adds to `model.subgraphs[0]`; what is added is put in place by `append` or `prepend`.

    Tensors that nobody outside needs get no name, and equal constants are one: a file grows by
    the tables and little more.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.graph = model.subgraphs[0]
        self._added: list[Any] = []
        self._constants: dict[tuple[Any, ...], int] = {}

    def tensor(
        self,
        like: int,
        dtype: str,
        *,
        name: str = "",
        scale: float | None = None,
        zero_point: int = 0,
    ) -> int:
        """A new tensor with the shape of tensor `like`; its index.

        Args:
            dtype: a NumPy name, such as "int8".
            name: "" for a tensor inside.
            scale, zero_point: its quantization; None, or 1 and 0, for none.
        """
        source = self.graph.tensors[like]
        return self._add(source.shape, dtype, name, 0, (scale, zero_point), source.shapeSignature)

    def constant(
        self, values: Array, *, scale: float | Sequence[float] | None = None, axis: int = 0
    ) -> int:
        """A constant tensor; its index. `scale` may be one for each element along `axis`."""
        key = (values.dtype.name, values.shape, values.tobytes(), str(scale))
        if key not in self._constants:
            buffer = schema().BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            number = len(self.model.buffers) - 1
            shape = list(values.shape) if values.ndim else None
            index = self._add(shape, values.dtype.name, "", number, (scale, 0), None, axis)
            self._constants[key] = index
        return self._constants[key]

    def operator(self, name: str, inputs: Sequence[int], output: int, **options: Any) -> int:
        """An operator that makes `output`; gives `output`.

        Args:
            name: of the builtin operator.
            options: fields of its options, as schema.fbs names them.
        """
        added = schema().OperatorT()
        added.opcodeIndex = self._code(name)
        added.inputs, added.outputs = list(inputs), [output]
        if name in _OPTIONS:
            added.builtinOptionsType = getattr(schema().BuiltinOptions, _OPTIONS[name])
            added.builtinOptions = getattr(schema(), f"{_OPTIONS[name]}T")()
            for field, value in options.items():
                setattr(added.builtinOptions, field, value)
        self._added.append(added)
        return output

    def cast(self, source: int, dtype: str, **meaning: Any) -> int:
        """The tensor `source` converted to `dtype`; `meaning` as in `tensor`."""
        return self.operator("CAST", [source], self.tensor(source, dtype, **meaning))

    def gather(self, table: Array, index: int, **meaning: Any) -> int:
        """table[index] for each element of the int32 tensor `index`."""
        target = self.tensor(index, table.dtype.name, **meaning)
        scale = meaning.get("scale")
        return self.operator("GATHER", [self.constant(table, scale=scale), index], target, axis=0)

    def add(self, source: int, values: Array, **options: Any) -> int:
        """`source` + values, which are a scalar or one for each channel; 0 adds nothing."""
        if not options and not values.any():
            return source
        target = self.tensor(source, values.dtype.name)
        return self.operator("ADD", [source, self.constant(values)], target, **options)

    def append(self) -> None:
        """Put what was added behind the graph's operators."""
        self.graph.operators = [*self.graph.operators, *self._added]
        self._added = []

    def prepend(self) -> None:
        """Put what was added before the graph's operators."""
        self.graph.operators = [*self._added, *self.graph.operators]
        self._added = []

    def free_name(self, wanted: str) -> str:
        """`wanted`, or with a number behind it when a tensor has that name."""
        taken = {tensor_name(tensor) for tensor in self.graph.tensors}
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        return name

    def rename_ports(self, old: int, new: int, name: str) -> None:
        """Let `new` take the place of `old` in the graph's and the signatures' ports.

        A signature's port is called as before with "_levels" behind it.

        Args:
            name: "inputs" or "outputs".
        """
        ports = [new if port == old else port for port in indices(getattr(self.graph, name))]
        setattr(self.graph, name, ports)
        for signature in self.model.signatureDefs or []:
            for entry in getattr(signature, name) or [] if signature.subgraphIndex == 0 else []:
                if entry.tensorIndex == old:
                    entry.tensorIndex = new
                    entry.name = (entry.name or b"") + b"_levels"

    def _add(
        self,
        shape: Any,
        dtype: str,
        name: str,
        buffer: int,
        quantization: tuple[Any, int],
        signature: Any = None,
        axis: int = 0,
    ) -> int:
        tensor = schema().TensorT()
        tensor.shape = shape
        tensor.shapeSignature = signature
        tensor.name = name.encode() or None
        tensor.type = tensor_type(dtype)
        tensor.buffer = buffer
        scale, zero_point = quantization
        if scale is not None and (scale, zero_point) != (1.0, 0):
            scales = [scale] if isinstance(scale, float) else list(scale)
            tensor.quantization = schema().QuantizationParametersT()
            tensor.quantization.scale = scales
            tensor.quantization.zeroPoint = [zero_point] * len(scales)
            tensor.quantization.quantizedDimension = axis
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def _code(self, name: str) -> int:
        number = getattr(schema().BuiltinOperator, name)
        codes = self.model.operatorCodes
        for index, code in enumerate(codes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
                return index
        code = schema().OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        codes.append(code)
        return len(codes) - 1


def tensor_type(dtype: str) -> int:
    """The number of a NumPy dtype in the schema's TensorType."""
    return int(getattr(schema().TensorType, _TYPES[dtype]))
