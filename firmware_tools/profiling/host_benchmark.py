"""The speed of the quantizers on this machine, beside LiteRT's operators and NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.timing import compare
from fmq_embedded.quantizers import Quantizer

SAMPLE_COUNT = 1 << 24
ROUNDS = 9
SPREAD = 4.0
"""Half the range of the test samples, which are Gaussian with variance 1."""


def figures(quick: bool) -> list[Figure]:
    """The suite "host"."""
    return run(sample_count=1 << 18, rounds=3) if quick else run()


def run(sample_count: int = SAMPLE_COUNT, rounds: int = ROUNDS) -> list[Figure]:
    """The three comparisons of the quantizers; needs about 0.5 GB at the full count."""
    samples = np.random.default_rng(1).normal(size=sample_count).astype(np.float32)
    samples.clip(-SPREAD, SPREAD, out=samples)
    return [
        quantize_comparison(samples, rounds),
        table_comparison(samples, rounds),
        dequantize_comparison(samples, rounds),
    ]


def quantize_comparison(samples: Any, rounds: int) -> Figure:
    """float32 to 8-bit levels, exact, beside LiteRT's QUANTIZE, which is not exact."""
    quantizer = Quantizer.uniform(-SPREAD, SPREAD)
    levels = np.empty(samples.shape, np.uint8)
    interpreter = single_operator("QUANTIZE", samples.size, 2 * SPREAD / 255)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], samples)
    return compare(
        "float32 to 8-bit levels",
        "LiteRT QUANTIZE",
        lambda: quantizer.quantize(samples, out=levels),
        interpreter.invoke,
        limit=1.0,
        unit="sample",
        units=(samples.size, samples.size),
        rounds=rounds,
    )


def table_comparison(samples: Any, rounds: int) -> Figure:
    """int8 codes to levels by table, beside `np.take` with the same table."""
    quantizer = Quantizer.laplace(SPREAD, bit_depth=6)
    codes = np.rint(samples * (127 / SPREAD)).astype(np.int8)
    indices = codes.view(np.uint8)
    table = quantizer.quantize(np.arange(256, dtype=np.uint8).view(np.int8), scale=SPREAD / 127)
    levels = np.empty(codes.shape, np.uint8)
    return compare(
        "int8 to levels by table",
        "np.take",
        lambda: quantizer.quantize(codes, scale=SPREAD / 127, out=levels),
        lambda: np.take(table, indices, out=levels),
        limit=0.5,
        unit="sample",
        units=(codes.size, codes.size),
        rounds=rounds,
    )


def dequantize_comparison(samples: Any, rounds: int) -> Figure:
    """8-bit levels to float32, beside LiteRT's DEQUANTIZE."""
    quantizer = Quantizer.uniform(-SPREAD, SPREAD)
    levels = quantizer.quantize(samples)
    out = np.empty(samples.shape, np.float32)
    interpreter = single_operator("DEQUANTIZE", samples.size, 2 * SPREAD / 255)
    codes = (levels ^ 0x80).view(np.int8)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], codes)
    return compare(
        "8-bit levels to float32",
        "LiteRT DEQUANTIZE",
        lambda: quantizer.dequantize(levels, out=out),
        interpreter.invoke,
        limit=1.0,
        unit="sample",
        units=(samples.size, samples.size),
        rounds=rounds,
    )


def single_operator(operator: str, count: int, scale: float) -> Any:
    """A LiteRT interpreter, one thread, of a model that is one QUANTIZE or DEQUANTIZE."""
    from ai_edge_litert.interpreter import Interpreter

    model = _single_operator_model(operator, count, scale)
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def _single_operator_model(operator: str, count: int, scale: float) -> bytes:
    """The model between `count` float32 samples and int8 codes with this scale."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name: str, kind: int) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, [count], kind, 0
        return made

    real, codes = tensor("real", schema.TensorType.FLOAT32), tensor("codes", schema.TensorType.INT8)
    codes.quantization = schema.QuantizationParametersT()
    codes.quantization.scale, codes.quantization.zeroPoint = [scale], [0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, operator)
    code.version = 2
    node = schema.OperatorT()
    node.opcodeIndex, node.inputs, node.outputs = 0, [0], [1]
    graph = schema.SubGraphT()
    graph.tensors = [real, codes] if operator == "QUANTIZE" else [codes, real]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [node]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
