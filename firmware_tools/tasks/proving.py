"""Proof and measurement: verify, profile, bench."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from invoke.context import Context

from firmware_tools.emulators import DEFAULT_EMULATOR
from firmware_tools.firmware import DEFAULT_BOARD
from firmware_tools.tasks.console import emit, fmq_task, portion, steps
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.files import write_atomically


@fmq_task(
    help={
        "deployment": "the folder; without it, a set of quantizers of every form",
        "target": "numba, c, boards, a board's id, tflite, litert, micro (quantizers put into "
        "models, in each runtime), npu, or all; with commas between several",
        "exhaustive": "with numba or c and float32: every one of the 2^32 bit patterns, as --all "
        "does for quantizers of every form",
        "all": "the whole proof: every target, the conformance kit on every machine and board, its "
        "own test by mistakes, faults, fuzzing, static analysis, every float32; writes a page of "
        "it, in an hour",
        "only": "with --all: parts of it: targets, cases, pythons, machines, boards, spoilt, "
        "mutants, promises, fuzzing, static, every-float32",
        "report": "with --all: the page's file, Markdown",
    }
)
def verify(
    context: Context,
    deployment: str = "",
    target: str = "all",
    exhaustive: bool = False,
    all: bool = False,
    only: str = "",
    report: str = "verification.md",
    json: str | None = None,
) -> None:
    """Check bit-exactness of each target against the float reference."""
    if all:
        if deployment or target != "all":
            raise InputError(
                "--all proves the project itself, on every target: leave --deployment and --target "
                "out, or --all"
            )
        _prove([part for part in only.split(",") if part], Path(report), json)
        return
    if only:
        raise InputError("--only names parts of the whole proof: give --all with it")
    from firmware_tools.verifying import check_targets, standard_deployment, targets_of
    from fmq_embedded.deploy.conformance import check_case
    from fmq_embedded.deploy.deployment_files import load

    chosen = load(Path(deployment)) if deployment else standard_deployment()
    names = targets_of(part.strip() for part in target.split(",") if part.strip())
    with steps(len(names)) as step:
        checks = check_targets(
            chosen,
            names,
            exhaustive=exhaustive,
            step=step,
            progress=portion(exhaustive),
            folder=Path(deployment) if deployment else None,
        )
    width = max((len(check.target) for check in checks), default=0)
    lines = [check.line(width) for check in checks]
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


def _prove(parts: list[str], report: Path, json: str | None) -> None:
    """Run the proof, write its page, and end with what does not hold."""
    from firmware_tools.proof.page import proof_page
    from firmware_tools.proof.running import chosen_parts, missing_parts, proof
    from firmware_tools.proof.versions import versions

    if not report.resolve().parent.is_dir():
        raise InputError(f"--report {report}: there is no folder {report.parent}; make it first")
    names, ran_on, sections = chosen_parts(parts), versions(), []
    with steps(len(names)) as step:
        for section in proof(names, step):
            # After each part, so that what ends the run loses the last one alone.
            sections.append(section)
            page = proof_page(sections, ran_on, missing_parts(sections))
            write_atomically(report, page.encode())
    wrong = [(section, row) for section in sections for row in section.rows if row.mismatches]
    lines = [
        f"{section.title}: {section.inputs:,} {section.unit}, {section.mismatches:,} do not hold, "
        f"{section.seconds:.0f} s"
        for section in sections
    ]
    lines += [f"{section.title}: {row.subject}: {row.detail}" for section, row in wrong]
    lines.append(f"the page: {report}")
    data = {"versions": ran_on, "sections": [section.to_json() for section in sections]}
    emit("\n".join(lines), data, json)
    if wrong:
        raise MismatchError(f"{len(wrong)} checks do not hold; see {report}")


@fmq_task(
    help={
        "deployment": "the folder; with --all it may be left out: a small one that fits everywhere",
        "board": "a board's id",
        "all": "every emulated board, side by side, in one table",
        "emulator": "unicorn or qemu; without it the first that runs the board",
        "runs": "how often each stage runs",
        "hardware": "on a real board that runs the deployment's firmware, in cycles",
        "port": "the real board's port: --hardware goes without saying; also FMQ_PORT",
    }
)
def profile(
    context: Context,
    deployment: str = "",
    board: str = "",
    all: bool = False,
    toolchain: str = DEFAULT_TOOLCHAIN,
    emulator: str = "",
    optimise: str = "-O2",
    runs: int = 3,
    hardware: bool = False,
    port: str = "",
    baud: int = 0,
    timeout: float = 0.0,
    json: str | None = None,
) -> None:
    """Run a deployment's case on a board, emulated or real; count what each stage takes."""
    from firmware_tools.boards import load_board
    from firmware_tools.firmware import build_firmware, emulators_of
    from firmware_tools.profiling.measure import (
        profile_boards,
        profile_on_board,
        profile_on_port,
        small_case,
    )
    from firmware_tools.profiling.profile import profiles_table
    from firmware_tools.settings import settings
    from firmware_tools.tasks.flashing import only_port
    from firmware_tools.verifying import targets_of
    from fmq_embedded.deploy.conformance import case_maps
    from fmq_embedded.deploy.deployment_files import load

    if runs < 1:
        raise InputError(f"--runs is {runs}; expected 1 or more")
    if not deployment and not all:
        raise InputError("name a deployment with --deployment, or every board with --all")
    if all and (hardware or port):
        raise InputError("--all is of emulated boards; leave it out, or --hardware and --port")
    folder = Path(deployment)
    loaded, maps = small_case() if not deployment else (load(folder), {})
    if deployment:
        maps = case_maps(loaded, folder)
    if all:
        names = targets_of(["boards"])
        with steps(len(names)) as step:
            found, reasons = profile_boards(
                loaded, maps, names, step, tools=toolchain, optimise=optimise, runs=runs
            )
        lines = [profiles_table(found), *(f"{name}: {why}" for name, why in reasons.items())]
        data = {"profiles": [each.to_json() for each in found], "without": reasons}
        emit("\n".join(lines), data, json)
        return
    if hardware or port:
        real = settings(port=port, baud=baud, board=board, timeout=timeout)
        real = replace(real, port=real.port or only_port())
        measured = profile_on_port(
            loaded, maps, real, tools=toolchain, optimise=optimise, runs=runs
        )
        emit(measured.table(), measured.to_json(), json)
        return
    board = settings(board=board, default_board=DEFAULT_BOARD).board
    with steps(2) as step, tempfile.TemporaryDirectory() as out:
        step(f"building the firmware for {board}")
        build = build_firmware(loaded, Path(out), board, tools=toolchain, optimise=optimise)
        name = emulator or next(iter(emulators_of(load_board(board))), DEFAULT_EMULATOR)
        step(f"running it in {name}")
        measured = profile_on_board(loaded, build, maps, name, runs)
    emit(measured.table(), measured.to_json(), json)


@fmq_task(
    help={
        "deployment": "the folder; without it a small one",
        "board": "a board's id",
        "all": "every board",
    }
)
def size(
    context: Context,
    deployment: str = "",
    board: str = DEFAULT_BOARD,
    all: bool = False,
    toolchain: str = DEFAULT_TOOLCHAIN,
    optimise: str = "-O2",
    json: str | None = None,
) -> None:
    """Build the firmware; show how full the board's memory is, and of which source files."""
    from firmware_tools.boards import board_folders, load_board
    from firmware_tools.firmware import build_firmware
    from firmware_tools.profiling.measure import small_case
    from firmware_tools.profiling.size_bars import size_bars, sizes_by_source
    from fmq_embedded.deploy.deployment_files import load

    loaded = load(Path(deployment)) if deployment else small_case()[0]
    names = sorted(board_folders()) if all else [board]
    texts, data = [], []
    with steps(len(names)) as step:
        for name in names:
            step(name)
            with tempfile.TemporaryDirectory() as out:
                built = build_firmware(loaded, Path(out), name, tools=toolchain, optimise=optimise)
            by_source = [] if all else ["", *sizes_by_source(built.sizes)]
            bars = size_bars(load_board(name), built.sizes)
            texts.append("\n".join([f"{name}, {built.toolchain} {optimise}", bars, *by_source]))
            data.append(
                {
                    "board": name,
                    "flash_bytes": built.flash_bytes,
                    "ram_bytes": built.ram_bytes,
                    "stack_bytes": built.stack_bytes,
                    "flash_by_source": built.sizes.flash_by_source,
                    "ram_by_source": built.sizes.ram_by_source,
                }
            )
    emit("\n\n".join(texts), data, json)


@fmq_task(
    help={
        "suite": "host, codec, device, start, partial, graft, gateway, workers, rate, rate-task, "
        "rate-tail, rate-speed or all; with commas between several",
        "workers": "spread the suites over so many processes, which disturb each other's times; 0: "
        "this one measures them one after the other",
        "scheduler": "or over the workers of a Dask scheduler, such as tcp://10.0.0.1:8786",
        "quick": "fewer and smaller rounds: for a look, not for figures",
        "plots": "a folder for the curves of the suite rate: pictures, a table, and rate.json",
    }
)
def bench(
    context: Context,
    suite: str = "all",
    quick: bool = False,
    plots: str = "",
    workers: int = 0,
    scheduler: str = "",
    json: str | None = None,
) -> None:
    """Measure each figure beside its peer, in one run."""
    from firmware_tools.profiling.benchmarks import run_suites, suites_of
    from fmq_embedded.workers import open_workers

    names = [part.strip() for part in suite.split(",") if part.strip()]
    with steps(len(suites_of(names))) as step, open_workers(scheduler, workers) as pool:
        spread = pool if scheduler or workers > 1 else None
        figures, noise = run_suites(names, quick=quick, step=step, workers=spread)
    width = max(len(figure.name) for figure in figures)
    lines = [figure.line(width) for figure in figures]
    lines.append(f"noise of this machine: {noise:.1%} (spread of a fixed loop's times)")
    data: dict[str, Any] = {"noise": noise, "figures": [figure.to_json() for figure in figures]}
    if plots:
        from firmware_tools.profiling.rate_plots import write_plots

        lines += write_plots(Path(plots), quick=quick)
    emit("\n".join(lines), data, json)


TASKS = (verify, profile, size, bench)
