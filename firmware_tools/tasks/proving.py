"""Proof and measurement: verify, profile, bench."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from invoke.context import Context

from firmware_tools.emulators import DEFAULT_EMULATOR
from firmware_tools.firmware import DEFAULT_BOARD
from firmware_tools.tasks.console import emit, fmq_task, portion, steps
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN
from fmq_embedded.errors import MismatchError


@fmq_task(
    help={
        "deployment": "the folder; without it, a set of quantizers of every form",
        "target": "numba, c, boards, a board's id, or all; with commas between several",
        "exhaustive": "with numba and float32: every one of the 2^32 bit patterns",
    }
)
def verify(
    context: Context,
    deployment: str = "",
    target: str = "all",
    exhaustive: bool = False,
    json: str | None = None,
) -> None:
    """Check bit-exactness of each target against the float reference."""
    from firmware_tools.verifying import check_targets, standard_deployment, targets_of
    from fmq_embedded.deploy.conformance import check_case
    from fmq_embedded.deploy.deployment import load

    chosen = load(Path(deployment)) if deployment else standard_deployment()
    names = targets_of(part.strip() for part in target.split(",") if part.strip())
    with steps(len(names)) as step:
        checks = check_targets(
            chosen, names, exhaustive=exhaustive, step=step, progress=portion(exhaustive)
        )
    width = max((len(check.target) for check in checks), default=0)
    lines = [
        f"{check.target:<{width}}  {check.stage:<10}  {check.inputs_checked:>13,} inputs  "
        f"{check.mismatches:,} mismatches  {check.tensor}"
        for check in checks
    ]
    wrong = [check for check in checks if check.mismatches]
    lines += [f"first difference, {c.target} {c.tensor}: {c.first_difference}" for c in wrong]
    total = sum(check.inputs_checked for check in checks)
    lines.append(
        f"{total:,} inputs checked, {sum(check.mismatches for check in checks):,} mismatches"
    )
    emit("\n".join(lines), [check.to_json() for check in checks], json)
    if wrong:
        raise MismatchError(f"{len(wrong)} of {len(checks)} checks do not hold")
    if deployment:
        check_case(chosen, Path(deployment))


@fmq_task(
    help={
        "deployment": "the folder",
        "board": "a board's id",
        "toolchain": "zig or arm-none-eabi-gcc",
        "emulator": "unicorn or qemu",
        "optimise": "-O2 or -Os",
    }
)
def profile(
    context: Context,
    deployment: str,
    board: str = DEFAULT_BOARD,
    toolchain: str = DEFAULT_TOOLCHAIN,
    emulator: str = DEFAULT_EMULATOR,
    optimise: str = "-O2",
    json: str | None = None,
) -> None:
    """Run a deployment's case on an emulated board; count instructions, flash, RAM, stack."""
    from firmware_tools.firmware import build_firmware
    from firmware_tools.profiling.measure import profile_on_board
    from fmq_embedded.deploy.conformance import case_maps
    from fmq_embedded.deploy.deployment import load

    folder = Path(deployment)
    loaded = load(folder)
    maps = case_maps(loaded, folder)
    with steps(2) as step, tempfile.TemporaryDirectory() as out:
        step(f"building the firmware for {board}")
        build = build_firmware(loaded, Path(out), board, tools=toolchain, optimise=optimise)
        step(f"running it in {emulator}")
        measured = profile_on_board(loaded, build, maps, emulator)
    emit(measured.table(), measured.to_json(), json)


@fmq_task(
    help={
        "suite": "host, codec, device or all; with commas between several",
        "quick": "fewer and smaller rounds: for a look, not for figures",
    }
)
def bench(
    context: Context, suite: str = "all", quick: bool = False, json: str | None = None
) -> None:
    """Measure each figure beside its peer, in one run."""
    from firmware_tools.profiling.benchmarks import run_suites

    names = [part.strip() for part in suite.split(",") if part.strip()]
    with steps(1) as step:
        figures, noise = run_suites(names, quick=quick, step=step)
    width = max(len(figure.name) for figure in figures)
    lines = [figure.line(width) for figure in figures]
    lines.append(f"noise of this machine: {noise:.1%} (spread of a fixed loop's times)")
    data: dict[str, Any] = {"noise": noise, "figures": [figure.to_json() for figure in figures]}
    emit("\n".join(lines), data, json)


TASKS = (verify, profile, bench)
