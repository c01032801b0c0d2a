"""One interface to tflite-runtime and ai-edge-litert."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, MissingToolError, unknown_name
from fmq_embedded.plugins import plugins
from fmq_embedded.runtimes.ports import Port
from fmq_embedded.tflite_file import read_model, write_model

# The module of each runtime, and the package that brings it.
RUNTIMES: Final = {
    "tflite_runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
}

Array = npt.NDArray[Any]


def default_runtime() -> str:
    """tflite-runtime up to Python 3.11, the last that it has wheels for; then ai-edge-litert."""
    return "tflite_runtime" if sys.version_info < (3, 12) else "litert"


def open_model(
    source: str | Path | bytes,
    runtime: str | None = None,
    *,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    reference_kernels: bool = False,
) -> Model:
    """Load a .tflite model, ready to run on one thread.

    Args:
        source: a path, or the model's bytes.
        runtime: "tflite_runtime", "litert", or one that another package brings; None for the
            default of this Python.
        input_shapes: shapes, by name, for inputs whose shape the model leaves open.
        reference_kernels: LiteRT's plain kernels in place of its fast ones; "litert" only.

    Raises:
        MissingToolError: when the runtime is not installed, or not usable with this NumPy.
        InputError: for an unknown runtime or input, a missing or corrupt model, or one that the
            runtime refuses.
    """
    name = default_runtime() if runtime is None else runtime
    brought = {} if name in RUNTIMES else plugins("runtimes")
    if name not in (*RUNTIMES, *brought):
        raise unknown_name("runtime", name, [*RUNTIMES, *brought])
    # The runtimes follow offsets unchecked: give them nothing but what has been checked.
    content = write_model(read_model(source))
    options = _reference_kernels(name) if reference_kernels else {}
    interpreter_class = brought[name].Interpreter if brought else _interpreter_class(name)
    try:
        interpreter = interpreter_class(model_content=content, num_threads=1, **options)
        for index, shape in _resizes(interpreter, input_shapes or {}):
            interpreter.resize_tensor_input(index, shape, strict=True)
        with _without_notices():
            interpreter.allocate_tensors()
        return Model(interpreter, name)
    except InputError:
        raise
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{_package(name)} refuses this model: {error}") from error


@contextlib.contextmanager
def _without_notices() -> Iterator[None]:
    """Keep the runtimes' own lines ("Created TensorFlow Lite XNNPACK delegate") off stderr.

    They write to the descriptor, past Python. Errors are raised besides, so nothing is lost.
    """
    kept = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silence)


class Model:
    """A model in a runtime; from `open_model`."""

    def __init__(self, interpreter: Any, runtime: str) -> None:
        self._interpreter = interpreter
        self.runtime = runtime
        self._input_indices = [d["index"] for d in interpreter.get_input_details()]
        self._output_indices = [d["index"] for d in interpreter.get_output_details()]
        self.inputs = tuple(_port(d) for d in interpreter.get_input_details())
        self.outputs = tuple(_port(d) for d in interpreter.get_output_details())

    def run(self, inputs: Array | Mapping[str, Array]) -> dict[str, Array]:
        """Run the model once.

        Args:
            inputs: the array of the model's only input, or an array for each input by its name.
                Shapes and dtypes are those of `self.inputs`; nothing is converted.

        Returns:
            A copy of each output, by its name.

        Raises:
            InputError: for a missing, unknown or wrong input, or when the runtime fails.
        """
        arrays = self._arrays(inputs)
        try:
            for index, array in zip(self._input_indices, arrays, strict=True):
                self._interpreter.set_tensor(index, array)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{_package(self.runtime)} cannot run this: {error}") from error
        names = [port.name for port in self.outputs]
        # get_tensor copies: what is returned stays when the model runs again.
        return {
            name: self._interpreter.get_tensor(index)
            for name, index in zip(names, self._output_indices, strict=True)
        }

    def _arrays(self, inputs: Array | Mapping[str, Array]) -> list[Array]:
        """The arrays in the order of the model's inputs, checked."""
        names = [port.name for port in self.inputs]
        if not isinstance(inputs, Mapping):
            if len(names) != 1:
                raise InputError(f"this model has {len(names)} inputs: name them: {names}")
            inputs = {names[0]: inputs}
        for name in inputs:
            if name not in names:
                raise unknown_name("input of this model", name, names)
        missing = [name for name in names if name not in inputs]
        if missing:
            raise InputError(f"the model's inputs {', '.join(missing)} are missing")
        arrays = []
        for port in self.inputs:
            array = np.asarray(inputs[port.name])
            if array.shape != port.shape or array.dtype != port.dtype:
                raise InputError(
                    f"input {port.name!r} is {port.dtype.name} of {port.shape}; "
                    f"got {array.dtype.name} of {array.shape}"
                )
            arrays.append(np.ascontiguousarray(array).reshape(port.shape))
        return arrays


def _resizes(interpreter: Any, shapes: Mapping[str, Sequence[int]]) -> list[tuple[int, list[int]]]:
    """The index and the new shape of each input that is named."""
    known = {detail["name"]: detail["index"] for detail in interpreter.get_input_details()}
    for name in shapes:
        if name not in known:
            raise unknown_name("input of this model", name, known)
    return [(known[name], [int(size) for size in shape]) for name, shape in shapes.items()]


def _reference_kernels(name: str) -> dict[str, Any]:
    if name != "litert":
        raise InputError(f"only litert has reference kernels to choose; got {name}")
    resolvers = importlib.import_module(RUNTIMES[name][0]).OpResolverType
    return {"experimental_op_resolver_type": resolvers.BUILTIN_REF}


def _package(name: str) -> str:
    return RUNTIMES[name][1] if name in RUNTIMES else name


def _interpreter_class(name: str) -> Any:
    module, package = RUNTIMES[name]
    try:
        return importlib.import_module(module).Interpreter
    except (ImportError, AttributeError) as error:
        # AttributeError: what tflite-runtime's binding raises with NumPy 2.
        raise MissingToolError(
            f"the runtime {package} cannot be loaded ({error}); install it with: "
            f"python -m pip install {package}"
            + (' "numpy<2" (Python up to 3.11)' if name == "tflite_runtime" else "")
        ) from error


def _port(detail: Mapping[str, Any]) -> Port:
    scale, zero_point = detail["quantization"]
    return Port(
        name=detail["name"],
        shape=tuple(int(size) for size in detail["shape"]),
        dtype=np.dtype(detail["dtype"]),
        scale=float(scale) or 1.0,
        zero_point=int(zero_point),
    )
