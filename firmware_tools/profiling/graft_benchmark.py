"""What quantizers inside a model cost: bytes, time beside the head's; and large models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

import fmq_embedded
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.timing import compare
from fmq_embedded.deploy.graft import graft_head, passing_model, quantizer_model
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.deploy.split import split
from fmq_embedded.errors import FmqError
from fmq_embedded.model_store import fetch
from fmq_embedded.quantizers import Quantizer, SampleType
from fmq_embedded.runtimes import open_model
from fmq_embedded.tflite_file import schema, write_model

TABLE_LIMIT: Final = 2048
HEAD_LIMIT: Final = 1.1
SPLIT_SECONDS_LIMIT: Final = 5.0
SPLIT_MEMORY_LIMIT: Final = 3.0

CUT: Final = ("activation_11", "activation_16")
SHAPE: Final = (1, 16, 16, 88)
ROUNDS: Final = 200
LAYERS: Final = 25
WIDTH: Final = 1024  # of each layer: 4 MB of float32 weights

# The peak of a new process above what it has when the modules are there, over the file's size.
CHILD: Final = """
import json, re, sys, time
from pathlib import Path
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.tflite_file import schema
schema()

def peak_bytes():
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS

path, out = map(Path, sys.argv[1:])
before = peak_bytes()
start = time.perf_counter()
split_model(path.read_bytes(), ["layer12"], out, model_file=path.name)
seconds = time.perf_counter() - start
memory = (peak_bytes() - before) / path.stat().st_size
print(json.dumps({"seconds": seconds, "memory": memory}))
"""


def figures(quick: bool) -> list[Figure]:
    """The suite "graft"."""
    return [*_sizes(), _head_time(5 if quick else ROUNDS), *_large_model(6 if quick else LAYERS)]


def _sizes() -> list[Figure]:
    quantizer = Quantizer.uniform(0.0, 6.375, 8)
    found = []
    for dtype, target in (
        ("float32", "tflite"),
        ("float32", "micro"),
        ("int8", "tflite"),
        ("int8", "micro"),
        ("int8", "npu"),
    ):
        samples = SampleType(dtype, 0.025, -128) if dtype == "int8" else SampleType()
        tables = MapTables.of("map", samples, quantizer)
        grafted = quantizer_model(tables, SHAPE, target)
        added = len(grafted.model) - len(passing_model("map", samples, SHAPE))
        found.append(
            Figure(f"8-bit quantizer in a head, {dtype}, {target}", added, "bytes",
                   limit=TABLE_LIMIT)
        )  # fmt: skip
    return found


def _head_time(rounds: int) -> Figure:
    """BlazeFace's head in LiteRT, with levels as outputs beside maps."""
    model = fetch("blazeface_short_range").read_bytes()
    head, _ = split(model, CUT)
    maps = [MapTables.of(name, SampleType(), Quantizer.uniform(0.0, 6.5, 8)) for name in CUT]
    plain = open_model(head, "litert")
    grafted = open_model(graft_head(head, maps).model, "litert")
    samples = sum(int(np.prod(port.shape)) for port in plain.outputs)
    generator = np.random.default_rng(0)
    picture = generator.uniform(-1, 1, plain.inputs[0].shape).astype(np.float32)
    return compare(
        "BlazeFace's head with quantizers in LiteRT",
        "without",
        lambda: grafted.run(picture),
        lambda: plain.run(picture),
        unit="sample of its maps",
        units=(samples, samples),
        rounds=rounds,
        limit=HEAD_LIMIT,
    )


def _large_model(layers: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.tflite"
        path.write_bytes(large_model(max(layers, 14)))
        megabytes = path.stat().st_size / 1e6
        measured = _run_child(path, Path(folder) / "out")
    name = f"splitting a model of {megabytes:.0f} MB"
    return [
        Figure(name, measured["seconds"], "s", limit=SPLIT_SECONDS_LIMIT),
        Figure(f"{name}, memory", measured["memory"], "times its size", limit=SPLIT_MEMORY_LIMIT),
    ]


def large_model(layers: int) -> bytes:
    """A chain of fully connected layers, `layer0` …, of 4 MB each."""
    table = schema()
    model, graph = table.ModelT(), table.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [table.BufferT()]
    code = table.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = table.BuiltinOperator.FULLY_CONNECTED
    code.version, model.operatorCodes = 1, [code]
    graph.tensors, graph.operators = [_tensor("input", [1, WIDTH], 0)], []
    graph.inputs = [0]
    for number in range(layers):
        weights = table.BufferT()
        weights.data = np.full(4 * WIDTH * WIDTH, number, np.uint8)
        model.buffers.append(weights)
        source = len(graph.tensors) - 1
        graph.tensors.append(_tensor(f"weights{number}", [WIDTH, WIDTH], len(model.buffers) - 1))
        graph.tensors.append(_tensor(f"layer{number}", [1, WIDTH], 0))
        operator = table.OperatorT()
        operator.opcodeIndex = 0
        operator.inputs, operator.outputs = [source, source + 1, -1], [source + 2]
        operator.builtinOptionsType = table.BuiltinOptions.FullyConnectedOptions
        operator.builtinOptions = table.FullyConnectedOptionsT()
        graph.operators.append(operator)
    graph.outputs = [len(graph.tensors) - 1]
    return write_model(model)


def _tensor(name: str, shape: list[int], buffer: int) -> Any:
    tensor = schema().TensorT()
    tensor.name, tensor.shape, tensor.buffer = name.encode(), shape, buffer
    tensor.type = schema().TensorType.FLOAT32
    return tensor


def _run_child(path: Path, out: Path) -> dict[str, float]:
    root = str(Path(fmq_embedded.__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), str(out)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise FmqError(f"the process that was to be measured failed:\n{ended.stderr}")
    measured: dict[str, float] = json.loads(ended.stdout)
    return measured
