"""Bit-exactness checks: Numba, the C library on this machine, and boards, against the reference."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.boards import board_folders, load_board
from firmware_tools.firmware import build_firmware, emulators_of, run_emulated
from firmware_tools.host_codec import HostCodec, LibraryError
from firmware_tools.link.device import Device
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN
from fmq_embedded.deploy.deployment import Deployment, TensorPlan
from fmq_embedded.errors import BitstreamError, unknown_name
from fmq_embedded.quantizers import Quantizer, reference
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.verification import (
    Verification,
    decisive_samples,
    verify,
    verify_dequantizer,
)

TARGETS = ("numba", "c", "boards")
STREAM_SEEDS = 4

Array = npt.NDArray[Any]
Step = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Check:
    """One row of the report: what `Verification` has, and of which tensor and stage.

    Args:
        target: "numba", "c", or a board with its emulator.
        tensor: its name; empty for what covers all.
        stage: "quantize", "dequantize" or "bitstream".
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
    return Deployment("standard", "", "", tuple(plans))


def check_targets(
    deployment: Deployment,
    targets: Iterable[str],
    *,
    exhaustive: bool = False,
    step: Step = lambda name: None,
    progress: Progress | None = None,
) -> list[Check]:
    """Check targets against the float reference.

    Args:
        deployment: calibrated.
        targets: of "numba", "c", "boards" (every emulated board), "all", or boards' ids.
        exhaustive: for float32 and Numba, every one of the 2^32 bit patterns: many minutes.
        step: called with the name of each target.
        progress: called with inputs done and inputs in all, by the exhaustive check.

    Raises:
        InputError: an unknown target.
    """
    checks: list[Check] = []
    for target in _expanded(targets):
        step(target)
        if target == "numba":
            checks += _numba_checks(deployment, exhaustive, progress)
        elif target == "c":
            checks += _c_checks(deployment)
        else:
            checks += _board_checks(deployment, target)
    return checks


def targets_of(targets: Iterable[str]) -> list[str]:
    """The targets that a list of names stands for."""
    return _expanded(targets)


def _expanded(targets: Iterable[str]) -> list[str]:
    names: list[str] = []
    boards = sorted(board_folders())
    for target in targets:
        if target == "all":
            names += ["numba", "c", *boards]
        elif target == "boards":
            names += boards
        elif target in (*TARGETS, *boards):
            names.append(target)
        else:
            raise unknown_name("target of verification", target, [*TARGETS, "all", *boards])
    return list(dict.fromkeys(names))


def _numba_checks(
    deployment: Deployment, exhaustive: bool, progress: Progress | None
) -> Iterator[Check]:
    for plan in deployment.tensors:
        found = verify(
            plan.chosen_quantizer, _samples(plan), exhaustive=exhaustive, progress=progress
        )
        yield _check(found, plan, "quantize")
        yield _check(verify_dequantizer(plan.chosen_quantizer, _samples(plan)), plan, "dequantize")


def _c_checks(deployment: Deployment) -> Iterator[Check]:
    codec = HostCodec(deployment)
    for index, plan in enumerate(deployment.tensors):

        def levels_of(block: Array, index: int = index) -> Array:
            return codec.quantize(index, block)

        def samples_of(levels: Array, index: int = index) -> Array:
            return codec.dequantize(index, levels)

        found = verify(plan.chosen_quantizer, _samples(plan), implementation=levels_of, target="c")
        yield _check(found, plan, "quantize")
        found = verify_dequantizer(
            plan.chosen_quantizer, _samples(plan), implementation=samples_of, target="c"
        )
        yield _check(found, plan, "dequantize")
    yield _stream_check("c", deployment, codec.encode, codec.decode)


def _board_checks(deployment: Deployment, board_id: str) -> Iterator[Check]:
    board = load_board(board_id)
    with tempfile.TemporaryDirectory() as folder:
        build = build_firmware(deployment, Path(folder), board.id, tools=DEFAULT_TOOLCHAIN)
        for name in emulators_of(board):
            with run_emulated(build, name) as running:
                yield from _device_checks(running.device, deployment, f"{board_id} ({name})")


def _device_checks(device: Device, deployment: Deployment, target: str) -> Iterator[Check]:
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

        chosen = decisive_samples(plan.chosen_quantizer, _samples(plan))
        expected = reference.quantize(
            plan.chosen_quantizer, chosen, scale=plan.scale, zero_point=plan.zero_point
        )
        yield _compared(target, plan, "quantize", chosen, levels_of(chosen), expected)

    def encode(levels: dict[str, Array]) -> bytes:
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, _samples_with(plan, levels[plan.name]))
        device.quantize()
        return device.read_stream(device.encode())

    def decode(data: bytes) -> dict[str, Array]:
        device.load_stream(data)
        device.decode(len(data))
        return {
            plan.name: device.read_levels(index).reshape(plan.shape)
            for index, plan in enumerate(deployment.tensors)
        }

    yield _stream_check(target, deployment, encode, decode)


def _stream_check(
    target: str,
    deployment: Deployment,
    encode: Callable[[dict[str, Array]], bytes],
    decode: Callable[[bytes], dict[str, Array]],
) -> Check:
    """Encode random maps there and here, and decode them there."""
    checked = mismatches = 0
    first: str | None = None
    for seed in range(STREAM_SEEDS):
        maps = _random_maps(deployment, seed)
        levels = deployment.quantize(maps)
        expected = deployment.encode(maps)
        got = encode(levels)
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


def _random_maps(deployment: Deployment, seed: int) -> dict[str, Array]:
    """Maps whose levels are skewed, noisy or constant, by turns."""
    generator = np.random.default_rng(seed)
    maps = {}
    for index, plan in enumerate(deployment.tensors):
        top = plan.chosen_quantizer.maximum_level
        kind = (index + seed) % 4
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
        first = f"{inputs[at]!r}: level {got[at]}, the reference {expected[at]}"
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


def _samples(plan: TensorPlan) -> SampleType:
    return SampleType(plan.dtype, plan.scale, plan.zero_point)
