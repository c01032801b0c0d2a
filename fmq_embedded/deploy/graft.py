"""Grafting: the quantizers inside the model, as integer tables in stock operators.

A head that is grafted ends in levels, and a tail that is grafted starts from them; both run in
runtimes that know nothing of this project. What the levels are kept as is told by each tensor's
zero point: level = code − zero point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.graph_editor import GraphEditor, tensor_type
from fmq_embedded.deploy.lowering import LevelCode, Lowering, lowering
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.errors import InputError
from fmq_embedded.quantizers import SampleType
from fmq_embedded.tflite_file import find_tensors, indices, read_model, schema, write_model

LEVELS_SUFFIX: Final = "_levels"

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Grafted:
    """A grafted model.

    Args:
        model: the .tflite file's bytes.
        ports: for each map, the name of the tensor of its levels and how they are kept there.
    """

    model: bytes
    ports: dict[str, tuple[str, LevelCode]]

    def levels_of(self, outputs: dict[str, Array]) -> dict[str, Array]:
        """The levels of each map, int32, from what a grafted head gives."""
        return {
            name: outputs[port].astype(np.int32) - code.zero_point
            for name, (port, code) in self.ports.items()
        }

    def codes_of(self, levels: dict[str, Array]) -> dict[str, Array]:
        """What a grafted tail takes, from the levels of each map."""
        return {
            port: (levels[name].astype(np.int32) + code.zero_point).astype(code.dtype)
            for name, (port, code) in self.ports.items()
        }


def graft_head(
    head: str | Path | bytes, maps: Sequence[MapTables], target: str | Lowering = "tflite"
) -> Grafted:
    """A head that gives levels where it gave the maps.

    Args:
        head: a .tflite file whose outputs include the maps.
        maps: their tables.
        target: a lowering or its name.

    Raises:
        InputError: a map is no output of the head; or the target cannot run the head or the
            quantizer, with the way out.
    """
    chosen = lowering(target) if isinstance(target, str) else target
    model = read_model(head)
    chosen.check_model(model)
    editor = GraphEditor(model)
    tensors = _checked_maps(model, maps, indices(editor.graph.outputs), "an output of this head")
    ports = {}
    for tables, tensor in zip(maps, tensors, strict=True):
        name = editor.free_name(tables.name + LEVELS_SUFFIX)
        levels = chosen.quantize(editor, tensor, tables, name)
        editor.rename_ports(tensor, levels, "outputs")
        ports[tables.name] = (name, chosen.level_code(tables))
    editor.append()
    return Grafted(write_model(model), ports)


def graft_tail(
    tail: str | Path | bytes, maps: Sequence[MapTables], target: str | Lowering = "tflite"
) -> Grafted:
    """A tail that takes levels where it took the maps; arguments and errors as `graft_head`."""
    chosen = lowering(target) if isinstance(target, str) else target
    model = read_model(tail)
    editor = GraphEditor(model)
    tensors = _checked_maps(model, maps, indices(editor.graph.inputs), "an input of this tail")
    ports = {}
    for tables, tensor in zip(maps, tensors, strict=True):
        code = chosen.level_code(tables)
        name = editor.free_name(tables.name + LEVELS_SUFFIX)
        levels = editor.tensor(tensor, code.dtype, name=name, scale=1.0, zero_point=code.zero_point)
        chosen.dequantize(editor, levels, tables, tensor)
        editor.rename_ports(tensor, levels, "inputs")
        ports[tables.name] = (name, code)
    editor.prepend()
    return Grafted(write_model(model), ports)


def quantizer_model(
    tables: MapTables, shape: Sequence[int], target: str | Lowering = "tflite"
) -> Grafted:
    """A model of one quantizer alone: a map of this shape to its levels; for proofs."""
    return graft_head(passing_model(tables.name, tables.samples, shape), [tables], target)


def dequantizer_model(
    tables: MapTables, shape: Sequence[int], target: str | Lowering = "tflite"
) -> Grafted:
    """A model of one dequantizer alone: levels to a map of this shape; for proofs."""
    return graft_tail(passing_model(tables.name, tables.samples, shape), [tables], target)


def passing_model(name: str, samples: SampleType, shape: Sequence[int]) -> bytes:
    """A model whose only tensor, called `name`, is its input and its output."""
    model = schema().ModelT()
    model.version = 3
    model.operatorCodes, model.buffers = [], [schema().BufferT()]
    tensor = schema().TensorT()
    tensor.name, tensor.shape = name.encode(), list(shape)
    tensor.type = tensor_type(samples.dtype)
    if samples.is_integer:
        tensor.quantization = schema().QuantizationParametersT()
        tensor.quantization.scale = [samples.scale]
        tensor.quantization.zeroPoint = [samples.zero_point]
    graph = schema().SubGraphT()
    graph.tensors, graph.operators = [tensor], []
    graph.inputs, graph.outputs = [0], [0]
    model.subgraphs = [graph]
    return write_model(model)


def _checked_maps(model: Any, maps: Sequence[MapTables], ports: list[int], what: str) -> list[int]:
    """The maps' tensors, each one of `ports` and of the type that its tables are made for."""
    graph = model.subgraphs[0]
    tensors = find_tensors(model, graph, [tables.name for tables in maps])
    for tables, index in zip(maps, tensors, strict=True):
        tensor = graph.tensors[index]
        if index not in ports:
            raise InputError(f"tensor {tables.name!r} is not {what}")
        if tensor.type != tensor_type(tables.samples.dtype):
            raise InputError(
                f"tensor {tables.name!r} is not {tables.samples.dtype}, which its quantizer takes"
            )
        channels = int(tensor.shape[-1]) if tensor.shape is not None else 0
        if tables.class_of is not None and len(tables.class_of) != channels:
            raise InputError(
                f"tensor {tables.name!r} has {channels} channels; its classes are for "
                f"{len(tables.class_of)}"
            )
    return tensors
