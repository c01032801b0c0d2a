"""Bit-exactness checks: Numba, the C library on this machine, and boards, against the reference."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.boards import board_folders, load_board
from firmware_tools.firmware import emulators_of
from firmware_tools.host_codec import HostCodec, LibraryError
from firmware_tools.link.device import Device
from firmware_tools.verifying_dense import (
    dense_inputs,
    dense_map,
    exact_numbers,
    exact_samples,
    some_numbers,
)
from firmware_tools.verifying_partitions import (
    Stage,
    dynamic_map,
    partitioned_plans,
    verify_dynamic,
    verify_dynamic_values,
    verify_partition,
    verify_partition_values,
)
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import BitstreamError, MissingToolError, unknown_name
from fmq_embedded.partition import Partition
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer, reference
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.verification import (
    Verification,
    decisive_samples,
    verify,
    verify_dequantizer,
)
from fmq_embedded.runtimes import ENGINES

TARGETS = ("numba", "c", "boards", "tflite", "litert", "micro", "npu")
STREAM_SEEDS = 4
# A board's line is slow: its tensors get two of the four kinds of maps, each kind some tensors.
BOARD_STREAM_SEEDS = 2
MOST_BOARD_SAMPLES = 8192

Array = npt.NDArray[Any]
Step = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Check:
    """One row of the report: what `Verification` has, and of which tensor and stage.

    Args:
        target: "numba", "c", or a board with its emulator.
        tensor: its name; empty for what covers all.
        stage: "quantize", "dequantize" or "bitstream"; of a runtime "levels", "samples" or
            "network", and for information "stock", "refused" or "report".
        inputs_checked, mismatches, first_difference: as in `Verification`.
    """

    target: str
    tensor: str
    stage: str
    inputs_checked: int
    mismatches: int
    first_difference: str | None

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    def line(self, width: int) -> str:
        """The row as text, its target padded to `width`."""
        return (
            f"{self.target:<{width}}  {self.stage:<10}  {self.inputs_checked:>13,} inputs  "
            f"{self.mismatches:,} mismatches  {self.tensor}"
        )


def standard_deployment() -> Deployment:
    """Quantizers of every form, distribution, rounding and sample type, without a model."""
    float_quantizers = [
        Quantizer.uniform(0.0, 6.5, 8),
        Quantizer.uniform(-1.0, 3.0, 1),
        Quantizer.gaussian(0.25, 1.5, 6),
        Quantizer.gaussian(-0.5, 0.0, 8, span=4.0, rounding="centre", rounding_offset=0.3),
        Quantizer.laplace(2.0, 10, step_size=1.5, rounding_offset=0.25),
        Quantizer.explicit([-1.5, -0.25, 0.75], [-2.0, -0.75, 0.0, 1.5], "laplace"),
    ]
    integer_quantizers = [
        ("int8", 0.05, -128, Quantizer.uniform(0.0, 12.75, 8)),
        ("int8", 0.1, 3, Quantizer.laplace(6.0, 5)),
        ("uint8", 0.02, 128, Quantizer.gaussian(0.0, 1.1, 4, span=2.5)),
        ("int16", 0.001, 0, Quantizer.uniform(-20.0, 20.0, 12)),
        ("int16", 0.001, 0, Quantizer.gaussian(1.0, 0.0, 6, span=9.0, rounding="centre")),
    ]
    shape = (1, 8, 16, 8)
    plans = [
        TensorPlan(f"float32_{index}", shape, "float32", quantizer=quantizer)
        for index, quantizer in enumerate(float_quantizers)
    ]
    plans += [
        TensorPlan(f"{dtype}_{index}", shape, dtype, scale, zero_point, quantizer)
        for index, (dtype, scale, zero_point, quantizer) in enumerate(integer_quantizers)
    ]
    return Deployment("standard", "", "", (*plans, *partitioned_plans(shape)))


def check_targets(
    deployment: Deployment,
    targets: Iterable[str],
    *,
    exhaustive: bool = False,
    step: Step = lambda name: None,
    progress: Progress | None = None,
    folder: Path | None = None,
) -> list[Check]:
    """Check targets against the float reference.

    Args:
        deployment: calibrated.
        targets: of "numba", "c", "boards" (every emulated board), the runtimes that quantizers are
            put into models for ("tflite", "litert", "micro", "npu"), "all", or boards' ids.
        exhaustive: for float32, Numba and C, every one of the 2^32 bit patterns: many minutes.
        step: called with the name of each target.
        progress: called with inputs done and inputs in all, by the exhaustive check.
        folder: of the deployment, for runtimes to check its whole network.

    Raises:
        InputError: an unknown target; or a runtime that cannot run this deployment.
        MissingToolError: no installed emulator runs a board.
    """
    from firmware_tools.verifying_boards import boards_checks
    from firmware_tools.verifying_runtimes import runtime_checks

    checks: list[Check] = []
    names = _expanded(targets)
    boards = [name for name in names if name in board_folders()]
    _check_emulators(boards)
    for target in names:
        if target in boards:
            continue
        step(target)
        if target == "numba":
            checks += _numba_checks(deployment, exhaustive, progress)
        elif target == "c":
            checks += _c_checks(deployment, exhaustive, progress)
        else:
            checks += runtime_checks(deployment, target, folder)
    return checks + (boards_checks(deployment, boards, step) if boards else [])


def targets_of(targets: Iterable[str]) -> list[str]:
    """The targets that a list of names stands for."""
    return _expanded(targets)


def _expanded(targets: Iterable[str]) -> list[str]:
    names: list[str] = []
    boards = sorted(board_folders())
    emulated = [name for name in boards if emulators_of(load_board(name))]
    for target in targets:
        if target == "all":
            names += ["numba", "c", *_runtimes_here(), *emulated]
        elif target == "boards":
            names += emulated
        elif target in (*TARGETS, *boards):
            names.append(target)
        else:
            raise unknown_name("target of verification", target, [*TARGETS, "all", *boards])
    return list(dict.fromkeys(names))


def _check_emulators(board_ids: Iterable[str]) -> None:
    for board_id in board_ids:
        if not emulators_of(load_board(board_id)):
            raise MissingToolError(
                f"no installed emulator runs {board_id}, so that nothing of it can be verified; "
                "inv boards lists what runs where, inv doctor how to get QEMU"
            )


def _runtimes_here() -> list[str]:
    """The runtimes that the project itself needs; the others are checked when they are named."""
    return [name for name in ("tflite", "litert") if ENGINES[name].exists_here]


def _numba_checks(
    deployment: Deployment, exhaustive: bool, progress: Progress | None
) -> Iterator[Check]:
    for plan in deployment.tensors:
        if plan.dense is not None:
            yield from _dense_checks(
                plan, "numba", functools.partial(_numbers_here, plan), plan.dequantize
            )
            continue
        if plan.partition is not None:
            yield from _partition_checks(plan, "numba", *_stages_here(plan))
            continue
        found = verify(
            plan.chosen_quantizer, _samples(plan), exhaustive=exhaustive, progress=progress
        )
        yield _check(found, plan, "quantize")
        yield _check(verify_dequantizer(plan.chosen_quantizer, _samples(plan)), plan, "dequantize")


def _c_checks(
    deployment: Deployment, exhaustive: bool, progress: Progress | None
) -> Iterator[Check]:
    codec = HostCodec(deployment)
    for index, plan in enumerate(deployment.tensors):

        def levels_of(block: Array, index: int = index) -> Array:
            return codec.quantize(index, block)

        def samples_of(levels: Array, index: int = index) -> Array:
            return codec.dequantize(index, levels)

        if plan.dense is not None:
            yield from _dense_checks(plan, "c", levels_of, samples_of)
            continue
        if plan.partition is not None:
            yield from _partition_checks(
                plan,
                "c",
                functools.partial(codec.quantize_map, index),
                functools.partial(codec.dequantize_map, index),
            )
            continue
        found = verify(
            plan.chosen_quantizer,
            _samples(plan),
            exhaustive=exhaustive,
            progress=progress,
            implementation=levels_of,
            target="c",
        )
        yield _check(found, plan, "quantize")
        found = verify_dequantizer(
            plan.chosen_quantizer, _samples(plan), implementation=samples_of, target="c"
        )
        yield _check(found, plan, "dequantize")

    def encode(maps: dict[str, Array]) -> bytes:
        plans = enumerate(deployment.tensors)
        return codec.encode({p.name: codec.quantize_map(i, maps[p.name]) for i, p in plans})

    yield _stream_check("c", deployment, encode, codec.decode)


def device_checks(device: Device, deployment: Deployment, target: str) -> Iterator[Check]:
    """Check a board that runs a deployment's firmware; `target` names it in the rows."""
    for index, plan in enumerate(deployment.tensors):
        count = int(np.prod(plan.shape))

        def levels_of(block: Array, index: int = index, count: int = count) -> Array:
            parts = []
            for start in range(0, block.size, count):
                part = block[start : start + count]
                device.load_input(index, np.resize(part, count))
                device.quantize(index)
                parts.append(device.read_levels(index).reshape(-1)[: part.size])
            return np.concatenate(parts)

        if plan.dense is not None:
            inputs = dense_inputs(plan, plan.dense)
            exact = exact_numbers(plan, plan.dense, inputs)
            if inputs.size > MOST_BOARD_SAMPLES:
                telling = _telling(exact)
                inputs, exact = inputs[telling], exact[telling]
            yield _compared(target, plan, "quantize", inputs, levels_of(inputs), exact)
            continue
        if plan.partition is not None:
            yield _check(_verified_levels(plan, levels_of, target), plan, "quantize")
            continue
        chosen = decisive_samples(plan.chosen_quantizer, _samples(plan))
        expected = reference.quantize(
            plan.chosen_quantizer, chosen, scale=plan.scale, zero_point=plan.zero_point
        )
        if chosen.size > MOST_BOARD_SAMPLES:
            telling = _telling(expected)
            chosen, expected = chosen[telling], expected[telling]
        yield _compared(target, plan, "quantize", chosen, levels_of(chosen), expected)

    def encode(maps: dict[str, Array]) -> bytes:
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, maps[plan.name])
        device.quantize()
        return device.read_stream(device.encode())

    def decode(data: bytes) -> dict[str, Array]:
        device.load_stream(data)
        device.decode(len(data))
        return {
            plan.name: device.read_levels(index).reshape(plan.shape)
            for index, plan in enumerate(deployment.tensors)
        }

    yield _stream_check(target, deployment, encode, decode, BOARD_STREAM_SEEDS)
    device.dequantize()
    decoded = _random_maps(deployment, BOARD_STREAM_SEEDS - 1)
    for index, plan in enumerate(deployment.tensors):
        levels = np.asarray(device.read_levels(index)).reshape(-1)
        partition = plan.partition_of(plan.item(decoded[plan.name]))
        if plan.dense is not None:
            expected = exact_samples(plan, plan.dense, levels)
        elif partition is not None:
            expected = _dequantized(plan, partition, levels.reshape(plan.shape)).reshape(-1)
        else:
            expected = _samples_with(plan, levels)
        yield _compared(
            target, plan, "dequantize", levels, device.read_samples(index).reshape(-1), expected
        )


def _telling(levels: Array) -> npt.NDArray[np.bool_]:
    """Of all codes in order, those beside a change of level, the ends, and every 64th.

    The library's functions of integer codes are monotone, so between two such codes there is
    nothing to find; the check on this machine takes every code.
    """
    changes = levels[1:] != levels[:-1]
    telling = np.zeros(levels.size, bool)
    telling[::64] = True
    telling[1:] |= changes
    telling[:-1] |= changes
    telling[-1] = True
    return telling


def _stream_check(
    target: str,
    deployment: Deployment,
    encode: Callable[[dict[str, Array]], bytes],
    decode: Callable[[bytes], dict[str, Array]],
    seeds: int = STREAM_SEEDS,
) -> Check:
    """Encode random maps there and here, and decode them there."""
    checked = mismatches = 0
    first: str | None = None
    for seed in range(seeds):
        maps = _random_maps(deployment, seed)
        expected = deployment.encode(maps)
        levels = deployment.quantize(maps) | _lossy_levels(deployment, expected)
        got = encode(maps)
        checked += len(expected)
        if got != expected:
            mismatches += 1
            place = next(
                (i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b),
                min(len(got), len(expected)),
            )
            first = (
                first or f"seed {seed}: {len(got)} bytes, expected {len(expected)}; byte {place}"
            )
        try:
            back = decode(expected)
        except (LibraryError, BitstreamError) as error:
            mismatches += 1
            first = first or f"seed {seed}: the stream is refused: {error}"
            continue
        wrong = [name for name in levels if not np.array_equal(back[name], levels[name])]
        if wrong:
            mismatches += len(wrong)
            first = first or f"seed {seed}: the decoded levels of {wrong[0]} differ"
    return Check(target, "", "bitstream", checked, mismatches, first)


def _lossy_levels(deployment: Deployment, data: bytes) -> dict[str, Array]:
    """What a stream is decoded to where that is not what was coded."""
    if all(plan.dense is None for plan in deployment.tensors):
        return {}
    decoded = deployment.decode_levels(data)
    return {plan.name: decoded[plan.name] for plan in deployment.tensors if plan.dense is not None}


def _dense_checks(
    plan: TensorPlan,
    target: str,
    levels_of: Callable[[Array], Array],
    samples_of: Callable[[Array], Array],
) -> Iterator[Check]:
    """A dense plan's fixed-point samples, and what they are dequantized to."""
    assert plan.dense is not None
    inputs, numbers = dense_inputs(plan, plan.dense), some_numbers()
    exact = exact_numbers(plan, plan.dense, inputs)
    yield _compared(target, plan, "quantize", inputs, levels_of(inputs), exact)
    exact = exact_samples(plan, plan.dense, numbers)
    yield _compared(target, plan, "dequantize", numbers, samples_of(numbers), exact)


def _numbers_here(plan: TensorPlan, samples: Array) -> Array:
    assert plan.dense is not None
    return plan.dense.numbers(plan.item(samples))


def _random_maps(deployment: Deployment, seed: int) -> dict[str, Array]:
    """Maps whose levels are skewed, noisy or constant, by turns."""
    generator = np.random.default_rng(seed)
    maps = {}
    for index, plan in enumerate(deployment.tensors):
        if plan.dense is not None:
            maps[plan.name] = dense_map(plan, plan.dense, index + seed)
            continue
        top = plan.chosen_quantizer.maximum_level
        kind = (index + seed) % 4
        if isinstance(plan.partition, DynamicClasses) and kind != 1:
            maps[plan.name] = dynamic_map(plan, seed)
            continue
        if kind == 0:
            levels = generator.integers(0, top + 1, plan.shape)
        elif kind == 1:
            levels = np.full(plan.shape, int(generator.integers(0, top + 1)))
        else:
            spread = max(top / (8 if kind == 2 else 64), 0.4)
            drawn = np.rint(generator.laplace(0, spread, plan.shape)) + (kind - 2) * top / 2
            levels = np.clip(drawn, 0, top)
        maps[plan.name] = _samples_with(plan, levels.astype(plan.chosen_quantizer.level_dtype))
    return maps


def _samples_with(plan: TensorPlan, levels: Array) -> Array:
    """Samples that lie where a quantizer's levels are dequantized to."""
    return plan.chosen_quantizer.dequantize(
        levels, np.dtype(plan.dtype), scale=plan.scale, zero_point=plan.zero_point
    )


def _compared(
    target: str, plan: TensorPlan, stage: str, inputs: Array, got: Array, expected: Array
) -> Check:
    wrong = np.flatnonzero(got != expected)
    first = None
    if wrong.size:
        at = int(wrong[0])
        first = f"index {at}, {inputs[at]!r}: {got[at]!r}, the reference {expected[at]!r}"
    return Check(target, plan.name, stage, inputs.size, int(wrong.size), first)


def _check(found: Verification, plan: TensorPlan, stage: str) -> Check:
    return Check(
        found.target,
        plan.name,
        stage,
        found.inputs_checked,
        found.mismatches,
        found.first_difference,
    )


def _partition_checks(
    plan: TensorPlan, target: str, quantize: Stage, dequantize: Stage
) -> Iterator[Check]:
    yield _check(_verified_levels(plan, quantize, target), plan, "quantize")
    if isinstance(plan.partition, DynamicClasses):
        found = verify_dynamic_values(plan, quantize, dequantize, target)
    else:
        found = verify_partition_values(plan, dequantize, target)
    yield _check(found, plan, "dequantize")


def _verified_levels(plan: TensorPlan, quantize: Stage, target: str) -> Verification:
    verify_levels = (
        verify_dynamic if isinstance(plan.partition, DynamicClasses) else verify_partition
    )
    return verify_levels(plan, quantize, target)


def _stages_here(plan: TensorPlan) -> tuple[Stage, Stage]:
    """Quantizing and dequantizing of whole maps; the latter by the map quantized last."""
    known = plan.any_partition

    def partition_of(item: Array) -> Partition:
        nonlocal known
        known = plan.partition_of(plan.item(item))
        assert known is not None
        return known

    def dequantize(joint: Array) -> Array:
        assert known is not None
        return _dequantized(plan, known, joint)

    return lambda item: partition_of(item).quantize(plan.item(item)), dequantize


def _dequantized(plan: TensorPlan, partition: Partition, joint: Array) -> Array:
    return partition.dequantize(joint, plan.dtype, scale=plan.scale, zero_point=plan.zero_point)


def _samples(plan: TensorPlan) -> SampleType:
    return SampleType(plan.dtype, plan.scale, plan.zero_point)
