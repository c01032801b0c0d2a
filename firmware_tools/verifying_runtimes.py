"""Bit-exactness of grafted quantizers in the runtimes: the matrix of runtime, version, kernels.

For each engine and tensor: every level that the operators inside the model give, and every sample
that they give back, against the float reference; and where a stock QUANTIZE would have differed.
With a deployment's folder also the whole network: what the grafted head and tail compute, with a
bitstream between them, against the plain ones in the same engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_tools.stock_quantize import stock_check
from firmware_tools.verifying_rows import Check
from fmq_embedded import codec
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL
from fmq_embedded.deploy.graft import Grafted, dequantizer_model, quantizer_model
from fmq_embedded.deploy.grafted_files import graft, map_tables
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.deploy.npu_report import ACCELERATORS, npu_report
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.files import read_bytes
from fmq_embedded.quantizers import reference
from fmq_embedded.quantizers.verification import decisive_samples
from fmq_embedded.runtimes import ENGINES, Model, open_engine

RUNTIME_TARGETS: Final = {
    "tflite": ("tflite",),
    "litert": ("litert", "litert_reference"),
    "micro": ("micro",),
    "npu": ("litert", "litert_reference", "micro"),
}
"""The engines of each target; what an NPU runs is checked in those that there are here."""

NETWORK_RUNS: Final = 3
NO_QUANTIZER: Final = "coded densely, so no quantizer is put into the model"

Array = npt.NDArray[Any]


def runtime_checks(
    deployment: Deployment, target: str, folder: Path | None = None
) -> Iterator[Check]:
    """The rows of one target; one without inputs of a dense plan, which puts nothing into models.

    Args:
        deployment: calibrated.
        target: a key of `RUNTIME_TARGETS`.
        folder: of the deployment; None for the quantizers alone. Then a tensor that the target
            refuses is a row of 0 inputs that says why.

    Raises:
        MissingToolError: a runtime is not installed.
        InputError: with a folder: the target refuses the head or a tensor, and the way out.
    """
    quantized = tuple(plan for plan in deployment.tensors if plan.dense is None)
    for plan in deployment.tensors:
        if plan.dense is not None:
            yield Check(target, f"{plan.name}: {NO_QUANTIZER}", "refused", 0, 0, None)
    if len(quantized) < len(deployment.tensors):
        deployment, folder = replace(deployment, tensors=quantized), None
    for engine in RUNTIME_TARGETS[target] if quantized else ():
        lowering = "npu" if target == "npu" else ENGINES[engine].lowering
        label = ENGINES[engine].label + (", npu lowering" if target == "npu" else "")
        if folder is not None:
            head, tail = graft(deployment, folder, lowering)
            yield _network_check(deployment, folder, (head, tail), engine, label)
        for plan in deployment.tensors:
            yield from _tensor_checks(plan, engine, lowering, label, folder is None)
    if target == "npu" and folder is not None:
        head, _ = graft(deployment, folder, "npu")
        for accelerator in ACCELERATORS:
            report = npu_report(head.model, accelerator)
            yield Check(report.compiler, report.line(), "report", 0, 0, None)


def _tensor_checks(
    plan: TensorPlan, engine: str, lowering: str, label: str, may_refuse: bool
) -> Iterator[Check]:
    try:
        tables = _one_channel_each(map_tables(plan))
        yield _levels_check(tables, engine, lowering, label)
        yield _samples_check(tables, engine, lowering, label)
    except InputError as error:
        if not may_refuse:
            raise
        yield Check(label, f"{plan.name}: {error}", "refused", 0, 0, None)
        return
    stock = stock_check(tables, engine, label)
    if stock is not None:
        yield stock


def _one_channel_each(tables: MapTables) -> MapTables:
    """The same classes with a channel for each: a smaller map says as much."""
    if tables.class_of is None:
        return tables
    return replace(tables, class_of=tuple(range(len(tables.quantizers))))


def _levels_check(tables: MapTables, engine: str, lowering: str, label: str) -> Check:
    """Every integer code, or every threshold and one step to its sides."""
    inputs = np.unique(
        np.concatenate([decisive_samples(q, tables.samples) for q in tables.quantizers])
    )
    # np.unique keeps one of ±0.
    if inputs.dtype.kind == "f":
        inputs = np.concatenate((inputs, np.array([0.0, -0.0], inputs.dtype)))
    block = np.repeat(inputs.reshape(1, 1, -1, 1), len(tables.quantizers), axis=3)
    grafted = quantizer_model(tables, block.shape, lowering)
    got = grafted.levels_of(open_engine(grafted.model, engine).run(block))[tables.name]
    expected = np.empty_like(got)
    for number, quantizer in enumerate(tables.quantizers):
        levels = reference.quantize(
            quantizer,
            block[..., number],
            scale=tables.samples.scale,
            zero_point=tables.samples.zero_point,
        )
        own = np.minimum(levels.astype(np.int32), tables.tops[number])
        expected[..., number] = own + tables.biases[number]
    return _compared(label, tables.name, "levels", (block, got, expected))


def _samples_check(tables: MapTables, engine: str, lowering: str, label: str) -> Check:
    """Every level."""
    levels = np.arange(1 << tables.bit_depth, dtype=np.int32).reshape(1, 1, -1, 1)
    levels = levels[:, :, : tables.maximum_level + 1]
    block = np.repeat(levels, len(tables.quantizers), axis=3)
    grafted = dequantizer_model(tables, block.shape, lowering)
    codes = grafted.codes_of({tables.name: block})
    (got,) = open_engine(grafted.model, engine).run(codes).values()
    expected = np.empty_like(got)
    for number, quantizer in enumerate(tables.quantizers):
        own = np.clip(block[..., number] - tables.biases[number], 0, tables.tops[number])
        expected[..., number] = reference.dequantize(
            quantizer,
            own,
            got.dtype,
            scale=tables.samples.scale,
            zero_point=tables.samples.zero_point,
        )
    bits = f"uint{8 * got.dtype.itemsize}"
    return _compared(label, tables.name, "samples", (block, got.view(bits), expected.view(bits)))


def _compared(label: str, name: str, stage: str, arrays: tuple[Array, Array, Array]) -> Check:
    inputs, got, expected = (array.ravel() for array in arrays)
    wrong = np.flatnonzero(got != expected)
    first = None
    if wrong.size:
        at = int(wrong[0])
        first = f"{inputs[at]!r}: {got[at]}, the reference {expected[at]}"
    return Check(label, name, stage, inputs.size, int(wrong.size), first)


def _network_check(
    deployment: Deployment,
    folder: Path,
    grafted: tuple[Grafted, Grafted],
    engine: str,
    label: str,
) -> Check:
    """Head → levels → bitstream → levels → tail, against head → map → tail of the same engine."""
    plain = [open_engine(read_bytes(folder / name), engine) for name in (HEAD, TAIL)]
    models = [open_engine(part.model, engine) for part in grafted]
    checked = mismatches = 0
    first: str | None = None
    for seed in range(NETWORK_RUNS):
        inputs = random_inputs(plain[0], seed)
        maps = plain[0].run(inputs)
        expected_levels = deployment.quantize(maps)
        levels = grafted[0].levels_of(models[0].run(inputs))
        back = levels_through_stream(deployment, levels)
        outputs = models[1].run(grafted[1].codes_of(back))
        expected = plain[1].run(deployment.decode(deployment.encode(maps)))
        pairs = [(f"levels of {n}", levels[n], expected_levels[n]) for n in levels]
        pairs += [(f"output {n}", outputs[n], expected[n]) for n in expected]
        for what, got, wanted in pairs:
            wrong = int(np.count_nonzero(~_same(got, wanted)))
            checked, mismatches = checked + got.size, mismatches + wrong
            if wrong and first is None:
                first = f"seed {seed}: {wrong} of {got.size} of the {what} differ"
    return Check(label, "", "network", checked, mismatches, first)


def levels_through_stream(deployment: Deployment, levels: dict[str, Array]) -> dict[str, Array]:
    """Levels coded into a bitstream of the deployment, and decoded from it."""
    tensors = [(plan.header, levels[plan.name].astype(np.uint16)) for plan in deployment.tensors]
    stream = codec.read_stream(codec.assemble(deployment.preamble, tensors))
    found = {}
    for plan, tensor in zip(deployment.tensors, stream.tensors, strict=True):
        if tensor.levels is not None:
            found[plan.name] = tensor.levels
    return found


def random_inputs(model: Model, seed: int) -> dict[str, Array]:
    """An input of noise for each port: −1 to 1, or every code."""
    generator = np.random.default_rng(seed)
    draw: Callable[..., Array] = generator.uniform
    arrays = {}
    for port in model.inputs:
        if port.dtype.kind == "f":
            arrays[port.name] = draw(-1, 1, port.shape).astype(port.dtype)
        else:
            info = np.iinfo(port.dtype)
            codes = generator.integers(info.min, info.max, port.shape, endpoint=True)
            arrays[port.name] = codes.astype(port.dtype)
    return arrays


def _same(first: Array, second: Array) -> Array:
    """Where two arrays are equal, NaN to NaN."""
    equal: Array = first == second
    if first.dtype.kind == "f":
        equal = equal | (np.isnan(first) & np.isnan(second))
    return equal
