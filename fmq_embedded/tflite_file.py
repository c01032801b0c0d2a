"""Reading and writing .tflite files safely: the one place that knows the file's layout.

Models are handled through the schema's object API (`ai_edge_litert.schema_py_generated`):
`ModelT`, `SubGraphT`, `TensorT` … as schema.fbs names them. What reaches a caller has been
checked: every offset lies in the file, every index points to something, operators come after
what they read, and buffers that converters put behind the flatbuffer (`Buffer.offset`, which a
naive reader sees as empty) have been brought in.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from fmq_embedded.errors import InputError, MissingToolError, unknown_name
from fmq_embedded.flatbuffer_check import check_flatbuffer

BUFFER_ALIGNMENT: Final = 16  # force_align of Buffer.data in schema.fbs
MAX_TENSOR_ELEMENTS: Final = 2**31 - 1
_SHARED_ELEMENTS: Final = 16

# Operators that do not give the same result each time, or hold a state: never a constant.
_NOT_FOLDABLE: Final = frozenset(
    {
        "CALL_ONCE",
        "CUSTOM",
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_SIZE",
        "MULTINOMIAL",
        "RANDOM_STANDARD_NORMAL",
        "RANDOM_UNIFORM",
        "READ_VARIABLE",
        "ASSIGN_VARIABLE",
        "VAR_HANDLE",
        "STABLEHLO_CUSTOM_CALL",
        "STABLEHLO_RNG_BIT_GENERATOR",
    }
)


@functools.cache
def schema() -> ModuleType:
    """The module with the schema's object API; imported when a model is first read.

    Raises:
        MissingToolError: when ai-edge-litert, which brings it, is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise MissingToolError(
            "reading a .tflite model needs the package ai-edge-litert; "
            "install it with: python -m pip install ai-edge-litert"
        ) from error
    return schema_py_generated  # type: ignore[no-any-return]


@functools.cache
def builtin_operators() -> dict[int, str]:
    """The name of each builtin operator of the schema, by its code."""
    return {v: k for k, v in vars(schema().BuiltinOperator).items() if isinstance(v, int)}


def read_bytes(source: str | Path | bytes) -> bytes:
    """The bytes of a model given as a path or as its bytes.

    Raises:
        InputError: when there is no such file, or it cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"the model {str(source)!r} cannot be read: {error.strerror}") from error


def read_model(source: str | Path | bytes) -> Any:
    """Read a .tflite model into the object API's `ModelT`, all of its buffers in place.

    Args:
        source: a path, or the model's bytes.

    Raises:
        InputError: when the file is missing, not a model, corrupt, or has its weights in
            another file.
    """
    data = read_bytes(source)
    check_flatbuffer(data)
    try:
        model = schema().ModelT.InitFromPackedBuf(data, 0)
    except (struct.error, IndexError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"this .tflite model is corrupt: {error}; get the file again") from error
    _check_model(model)
    _bring_buffers_in(model, data)
    return model


def write_model(model: Any) -> bytes:
    """The bytes of a .tflite file, the same for the same model.

    Unlike the object API's own `Pack`, the data of each buffer starts at a multiple of 16
    bytes, as the schema demands and as microcontrollers without unaligned access need.
    """
    weights = sum(len(b.data) + 2 * BUFFER_ALIGNMENT for b in model.buffers if b.data is not None)
    builder = _sharing_builder()(weights + (1 << 16))
    buffers = model.buffers
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in buffers]
    try:
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    finally:
        model.buffers = buffers
    return bytes(memoryview(builder.Bytes)[builder.Head() :])


@functools.cache
def _sharing_builder() -> Any:
    """The schema's Builder, writing equal small vectors, such as shapes, once."""

    class SharingBuilder(schema().flatbuffers.Builder):  # type: ignore[misc]
        def __init__(self, size: int) -> None:
            super().__init__(size)
            self._written: dict[tuple[str, bytes], int] = {}

        def CreateNumpyVector(self, x: Any) -> int:  # noqa: N802 (the object API calls it so)
            if x.size > _SHARED_ELEMENTS:
                return int(super().CreateNumpyVector(x))
            key = (x.dtype.str, x.tobytes())
            if key not in self._written:
                self._written[key] = int(super().CreateNumpyVector(x))
            return self._written[key]

    return SharingBuilder


class _AlignedBuffer:
    """Packs a `BufferT` with its data aligned."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def Pack(self, builder: Any) -> int:  # noqa: N802 (the object API calls it so)
        table = schema()
        vector = None
        # Copied here, one at a time: a large model is not held twice.
        data = b"" if self.data is None else bytes(np.asarray(self.data, np.uint8))
        if data:
            builder.Prep(BUFFER_ALIGNMENT, len(data))
            vector = builder.CreateByteVector(data)
        table.BufferStart(builder)
        if vector is not None:
            table.BufferAddData(builder, vector)
        return int(table.BufferEnd(builder))


def operator_name(model: Any, operator: Any) -> str:
    """The builtin operator's name, such as "CONV_2D"; "CUSTOM" and unknown ones included."""
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return builtin_operators().get(number, f"UNKNOWN_{number}")


def tensor_name(tensor: Any) -> str:
    """The tensor's name as text; bytes that are not UTF-8 are shown escaped."""
    name = tensor.name or b""
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else str(name)


def indices(vector: Any) -> list[int]:
    """A vector of indices (None where the file has none) as a list, -1 left out."""
    return [] if vector is None else [int(index) for index in vector if index >= 0]


def constant_operators(model: Any, graph: Any) -> set[int]:
    """The operators of `graph` whose result is known before the model runs.

    These are the ones that read constants alone: above all the DEQUANTIZE (and DENSIFY) of
    weights kept as float16. They belong to the weights, not to the network's layers.
    """
    fixed = constant_tensors(graph)
    found = set()
    for position, operator in enumerate(graph.operators):
        inputs = indices(operator.inputs)
        if not inputs or operator_name(model, operator) in _NOT_FOLDABLE:
            continue
        if fixed.issuperset(inputs) and not any(graph.tensors[i].isVariable for i in inputs):
            found.add(position)
            fixed.update(indices(operator.outputs))
    return found


def constant_tensors(graph: Any) -> set[int]:
    """The tensors that no operator makes and no caller gives: weights and variables."""
    made = {i for operator in graph.operators for i in indices(operator.outputs)}
    return set(range(len(graph.tensors))) - made - set(indices(graph.inputs))


def find_tensors(model: Any, graph: Any, names: Sequence[str]) -> list[int]:
    """The indices of feature maps by name: the tensors that depend on the model's input.

    Raises:
        InputError: for a name that is not there (with the nearest ones), that two feature
            maps share, or that is given twice.
    """
    constant = constant_tensors(graph)
    for position in constant_operators(model, graph):
        constant.update(indices(graph.operators[position].outputs))
    known: dict[str, list[int]] = {}
    for index, tensor in enumerate(graph.tensors):
        if index not in constant:
            known.setdefault(tensor_name(tensor), []).append(index)
    if len(set(names)) != len(names):
        raise InputError(f"each tensor is named once; got {', '.join(names)}")
    for name in names:
        if name not in known:
            raise unknown_name("tensor between layers of this model", name, known)
        if len(known[name]) > 1:
            raise InputError(f"{len(known[name])} tensors of this model are called {name!r}")
    return [known[name][0] for name in names]


def signature_entries(
    graph: Any, tensors: Sequence[int], names: Mapping[int, bytes] | None = None
) -> list[Any]:
    """The entries of a signature for some tensors of `graph`, in their order.

    Each is called as `names` says, or else by the tensor's own name.
    """
    entries = []
    for index in tensors:
        entry = schema().TensorMapT()
        entry.name = (names or {}).get(index) or graph.tensors[index].name
        entry.tensorIndex = index
        entries.append(entry)
    return entries


def _bring_buffers_in(model: Any, data: bytes) -> None:
    """Move what lies behind the flatbuffer into the tables.

    Offsets count from the start of the file; 0 and 1 mean that there is none (schema.fbs,
    Buffer and Operator).
    """
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = _outside(data, buffer.offset, buffer.size)
        buffer.offset = buffer.size = 0
    for graph in model.subgraphs:
        for operator in graph.operators:
            if operator.largeCustomOptionsOffset > 1:
                operator.customOptions = _outside(
                    data, operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize
                )
            operator.largeCustomOptionsOffset = operator.largeCustomOptionsSize = 0


def _outside(data: bytes, offset: int, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if offset + size > len(data):
        raise InputError(
            f"this .tflite model is truncated: a buffer of {size} bytes at byte {offset} "
            f"ends past its {len(data)} bytes; get the file again"
        )
    return np.frombuffer(data, np.uint8, size, offset)


def _check_model(model: Any) -> None:
    """Check every index of the model, and fill in the vectors that the file leaves out."""
    for name in ("operatorCodes", "subgraphs", "buffers"):
        if getattr(model, name) is None:
            setattr(model, name, [])
    if not model.subgraphs or not model.buffers:
        raise InputError("this .tflite model has no subgraph or no buffers; get the file again")
    for graph in model.subgraphs:
        graph.tensors = graph.tensors or []
        graph.operators = graph.operators or []
        _check_graph(model, graph)
    for signature in model.signatureDefs or []:
        if signature.subgraphIndex >= len(model.subgraphs):
            raise InputError("this .tflite model is corrupt: a signature's subgraph is missing")
        tensors = len(model.subgraphs[signature.subgraphIndex].tensors)
        for entry in [*(signature.inputs or []), *(signature.outputs or [])]:
            _check_index("a signature's tensor", entry.tensorIndex, tensors)
    for entry in model.metadata or []:
        _check_index("a metadata entry's buffer", entry.buffer, len(model.buffers))


def _check_graph(model: Any, graph: Any) -> None:
    for tensor in graph.tensors:
        _check_index("a tensor's buffer", tensor.buffer, len(model.buffers))
        if tensor.externalBuffer:
            raise InputError(
                f"the weights of tensor {tensor_name(tensor)!r} lie in another file; "
                "convert the model so that it holds its weights itself"
            )
        shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
        if any(size < 0 for size in shape) or math.prod(shape) > MAX_TENSOR_ELEMENTS:
            raise InputError(f"tensor {tensor_name(tensor)!r} cannot have the shape {shape}")
    for index in (*_every(graph.inputs), *_every(graph.outputs)):
        _check_index("a subgraph's tensor", index, len(graph.tensors))
    ready = constant_tensors(graph) | set(_every(graph.inputs))
    for operator in graph.operators:
        _check_operator(model, graph, operator, ready)


def _check_operator(model: Any, graph: Any, operator: Any, ready: set[int]) -> None:
    """Check one operator; `ready` holds the tensors that it may read, and takes its results."""
    _check_index("an operator's code", operator.opcodeIndex, len(model.operatorCodes))
    optional = [i for i in (*_every(operator.inputs), *_every(operator.intermediates)) if i != -1]
    for index in (*optional, *_every(operator.outputs)):
        _check_index("an operator's tensor", index, len(graph.tensors))
    name = operator_name(model, operator)
    for index in indices(operator.inputs):
        if index not in ready:
            tensor = tensor_name(graph.tensors[index])
            raise InputError(f"{name} reads tensor {tensor!r} before anything has made it")
    for index in _every(operator.outputs):
        if index in ready:
            tensor = tensor_name(graph.tensors[index])
            raise InputError(f"tensor {tensor!r} is made twice, the second time by {name}")
        ready.add(index)


def _every(vector: Any) -> Iterator[int]:
    return iter(()) if vector is None else (int(index) for index in vector)


def _check_index(what: str, index: int, length: int) -> None:
    if not 0 <= index < length:
        raise InputError(f"this .tflite model is corrupt: {what} is {index} of {length}")
