"""The demo."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from firmware_tools.emulators import DEFAULT_EMULATOR
from firmware_tools.firmware import DEFAULT_BOARD
from firmware_tools.tasks.console import emit, fmq_task, steps
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN
from fmq_embedded.errors import MismatchError


@fmq_task(
    help={
        "out": "folder for the deployment and the picture",
        "board": "the id of the board whose firmware runs, see `fmq boards`",
        "emulator": "unicorn or qemu",
        "profile": "standard, fast or dense: what the maps are coded with",
    }
)
def demo(
    context: Context,
    out: str = "fmq-demo",
    board: str = DEFAULT_BOARD,
    toolchain: str = DEFAULT_TOOLCHAIN,
    emulator: str = DEFAULT_EMULATOR,
    profile: str = "standard",
    json: str | None = None,
) -> None:
    """The whole path: a real model, an emulated board, the same bits on both sides, a picture."""
    from firmware_tools.demo import STEPS, run_demo
    from fmq_embedded.deploy.deployment import device_profile

    with steps(STEPS) as step:
        result = run_demo(
            Path(out),
            board=board,
            tools=toolchain,
            emulator_name=emulator,
            coding=device_profile(profile),
            step=step,
        )
    emit(str(result), result.to_json(), json)
    if not (result.bit_exact and result.split_exact):
        raise MismatchError("the board, the Numba path and the reference do not agree; see above")


TASKS = (demo,)
