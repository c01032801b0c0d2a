"""Bit-exactness checks: Numba, the C library on this machine, and boards, against the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from firmware_tools.boards import board_folders, load_board
from firmware_tools.firmware import emulators_of
from firmware_tools.verifying_boards import boards_checks
from firmware_tools.verifying_here import Progress, c_checks, numba_checks
from firmware_tools.verifying_partitions import partitioned_plans
from firmware_tools.verifying_rows import Check
from firmware_tools.verifying_runtimes import runtime_checks
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import MissingToolError, unknown_name
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import ENGINES

TARGETS = ("numba", "c", "boards", "tflite", "litert", "micro", "npu")

Step = Callable[[str], None]


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
    checks: list[Check] = []
    names = _expanded(targets)
    boards = [name for name in names if name in board_folders()]
    _check_emulators(boards)
    for target in names:
        if target in boards:
            continue
        step(target)
        if target == "numba":
            checks += numba_checks(deployment, exhaustive, progress)
        elif target == "c":
            checks += c_checks(deployment, exhaustive, progress)
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
