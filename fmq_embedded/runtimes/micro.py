"""TFLite Micro's interpreter on this machine: what a microcontroller would compute."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.runtimes.adapter import Model
from fmq_embedded.runtimes.ports import described_ports
from fmq_embedded.tflite_file import constant_tensors, read_model, write_model

_MODULE: Final = "tflite_micro.python.tflite_micro.runtime"
_LARGEST_ELEMENT: Final = 8
_RECORD_BYTES: Final = 1024  # of the interpreter's own for a tensor or operator, generously
_SCRATCH_BYTES: Final = 1 << 20

Array = npt.NDArray[Any]


class MicroModel(Model):
    """A model in TFLite Micro; from `open_micro`."""

    def __init__(self, interpreter: Any, model: Any) -> None:
        self._interpreter = interpreter
        self.runtime = "micro"
        self.inputs = described_ports(model, "inputs")
        self.outputs = described_ports(model, "outputs")

    def run(self, inputs: Array | Mapping[str, Array]) -> dict[str, Array]:
        """See `Model.run`."""
        try:
            for index, array in enumerate(self._arrays(inputs)):
                self._interpreter.set_input(array, index)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"TFLite Micro cannot run this: {error}") from error
        return {
            port.name: np.array(self._interpreter.get_output(index))
            for index, port in enumerate(self.outputs)
        }


def open_micro(source: str | Path | bytes) -> MicroModel:
    """Load a model in TFLite Micro, with an arena that is large enough.

    Raises:
        MissingToolError: tflite-micro is not installed.
        InputError: the model is missing or corrupt, or TFLite Micro refuses it.
    """
    model = read_model(source)
    content = write_model(model)
    try:
        runtime = importlib.import_module(_MODULE)
    except ImportError as error:
        raise MissingToolError(
            f"TFLite Micro cannot be loaded ({error}); install it with: "
            "python -m pip install 'fmq-embedded[micro]'"
        ) from error
    try:
        interpreter = runtime.Interpreter.from_bytes(content, arena_size=_arena_bytes(model))
    except (ValueError, RuntimeError) as error:
        raise InputError(f"TFLite Micro refuses this model: {error}") from error
    return MicroModel(interpreter, model)


def _arena_bytes(model: Any) -> int:
    """More than the tensors that a run makes, and the interpreter's records, can take."""
    total = _SCRATCH_BYTES
    for graph in model.subgraphs:
        made = set(range(len(graph.tensors))) - constant_tensors(graph)
        sizes = [graph.tensors[index].shape for index in made]
        elements = sum(math.prod(map(int, shape)) for shape in sizes if shape is not None)
        records = len(graph.tensors) + len(graph.operators)
        total += elements * _LARGEST_ELEMENT + records * _RECORD_BYTES
    return total
