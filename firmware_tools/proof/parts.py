"""The parts of the proof as data, and what makes the rows of each."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from firmware_tools.conformance.boards import BoardResult, run_boards
from firmware_tools.conformance.kit import check_cases
from firmware_tools.conformance.machines import (
    MACHINES,
    SANITIZED_MACHINES,
    MachineResult,
    run_machines,
)
from firmware_tools.conformance.mutants import MUTANTS
from firmware_tools.conformance.self_test import CHECKING, CHECKOUT, self_test
from firmware_tools.conformance.spoilt_on_board import spoil_on_board
from firmware_tools.firmware import DEFAULT_BOARD
from firmware_tools.fuzzing.fuzz import fuzz
from firmware_tools.fuzzing.targets import TARGETS
from firmware_tools.proof.every_float32 import check_every_float32
from firmware_tools.proof.interpreters import VERSIONS, prepared
from firmware_tools.proof.promises import check_promises
from firmware_tools.proof.section import Kits, Part, Row, Step
from firmware_tools.static_checks.analyzers import ANALYZERS, analyze
from firmware_tools.static_checks.findings import StaticResult
from firmware_tools.static_checks.object_symbols import CORES, outside_symbols
from firmware_tools.static_checks.stack_bounds import stack_bounds
from firmware_tools.verifying import check_targets, standard_deployment
from fmq_embedded.errors import MissingToolError

THREADS = 4
FUZZING_S = 60
CORPUS = CHECKOUT / "tests" / "fuzz" / "corpus"


def _targets(kits: Kits, step: Step) -> Iterator[Row]:
    for check in check_targets(standard_deployment(), ["all"], step=step):
        subject = f"{check.target}: {check.tensor or 'all tensors'}, {check.stage}"
        yield Row(subject, check.inputs_checked, check.mismatches, check.first_difference or "")


def _cases(kits: Kits, step: Step) -> Iterator[Row]:
    for threads in (1, THREADS):
        subject = f"Python {platform.python_version()}, compiled, {threads} at a time"
        step(subject)
        findings = check_cases(kits.whole, threads=threads)
        first = findings[0].line() if findings else ""
        yield Row(subject, len(kits.whole), len(findings), first)


def _pythons(kits: Kits, step: Step) -> Iterator[Row]:
    subject = f"Python {platform.python_version()} without compiled code, the compact kit"
    step(subject)
    yield _checked_by(sys.executable, subject, kits, {"NUMBA_DISABLE_JIT": "1"})
    for version in VERSIONS:
        step(f"Python {version}")
        with tempfile.TemporaryDirectory() as folder:
            try:
                python, said = prepared(version, Path(folder) / "environment")
            except MissingToolError as error:
                yield Row(f"Python {version}", absent=str(error))
                continue
            yield _checked_by(str(python), f"{said}, compiled, the compact kit", kits, {})


def _checked_by(python: str, subject: str, kits: Kits, settings: Mapping[str, str]) -> Row:
    """The compact kit in a process of its own, by an interpreter, under settings."""
    done = subprocess.run(
        [python, "-c", CHECKING, str(kits.compact_folder)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **settings},
        capture_output=True,
        check=False,
        text=True,
    )
    return Row(subject, len(kits.compact), int(done.returncode != 0), done.stderr.strip()[-200:])


def _machines(kits: Kits, step: Step) -> Iterator[Row]:
    for result in run_machines(MACHINES, kits.whole, kits.whole_folder, step):
        yield _machine_row(result)


def _spoilt(kits: Kits, step: Step) -> Iterator[Row]:
    kept, folder = kits.compact, kits.compact_folder
    for result in run_machines(SANITIZED_MACHINES, kept, folder, step, spoil=True):
        yield _machine_row(result)
    try:
        yield _board_row(spoil_on_board(kept, step=step))
    except MissingToolError as error:
        yield Row(DEFAULT_BOARD, absent=str(error))


def _machine_row(result: MachineResult) -> Row:
    first = result.findings[0].line() if result.findings else ""
    return Row(result.machine, result.checks, len(result.findings), first, result.absent)


def _boards(kits: Kits, step: Step) -> Iterator[Row]:
    for result in run_boards(kits.compact, step):
        yield _board_row(result)


def _board_row(result: BoardResult) -> Row:
    first = result.findings[0].line() if result.findings else ""
    held = f"{result.cases} cases; {result.left_out} that it cannot hold or take left out"
    return Row(result.board, result.checks, len(result.findings), first or held)


def _every_float32(kits: Kits, step: Step) -> Iterator[Row]:
    for found in check_every_float32(step):
        yield Row(*found)


def _fuzzing(kits: Kits, step: Step) -> Iterator[Row]:
    for target in TARGETS:
        step(f"fuzzing {target} for {FUZZING_S} s")
        subject = f"{target}: {TARGETS[target].what}"
        with tempfile.TemporaryDirectory() as folder:
            try:
                (done,) = fuzz([target], FUZZING_S, CORPUS, Path(folder) / "findings")
            except MissingToolError as error:
                yield Row(subject, absent=str(error))
                continue
        reached = f"began with {done.seeds:,} inputs; {done.covered:,} edges reached"
        yield Row(subject, done.runs, len(done.found), reached)


def _mutants(kits: Kits, step: Step) -> Iterator[Row]:
    for verdict in self_test(MUTANTS, kits.compact, kits.compact_folder, step):
        subject = f"{verdict.language}: {verdict.mutant}"
        yield Row(subject, 1, int(not verdict.is_caught), verdict.by)


def _static(kits: Kits, step: Step) -> Iterator[Row]:
    for core in CORES:
        step(f"symbols, {core}")
        yield _static_row(outside_symbols(core))
    step("stack")
    yield _static_row(stack_bounds())
    for analyzer in ANALYZERS:
        step(analyzer.name)
        yield _static_row(analyze(analyzer))


def _static_row(result: StaticResult) -> Row:
    found = len(result.findings)
    short = len(result.notes) <= 1
    detail = "; ".join(result.findings or (result.notes if short else ()))
    notes = () if short else result.notes
    return Row(result.check, result.looked_at, found, detail, result.absent, notes)


PARTS: Mapping[str, Part] = {
    "targets": Part(
        "Bit-exactness",
        "Every target gives the float reference's levels at every decision threshold and one "
        "representable step beside it, its samples for every level, and its bitstreams.",
        "inputs",
        _targets,
        "Numba, C, the runtimes and single boards.",
    ),
    "cases": Part(
        "Conformance kit, in Python",
        "The reference and the integer path give the kit's levels, bitstreams and samples, and "
        "refuse what cannot be.",
        "cases",
        _cases,
        "all of it, and the frozen kits.",
    ),
    "pythons": Part(
        "Conformance kit, in other Pythons",
        "Neither compiling nor the version of Python or NumPy changes anything.",
        "cases",
        _pythons,
        "nothing of it, but mistakes are looked for without compiled code.",
    ),
    "machines": Part(
        "Conformance kit, libfmq on machines",
        "Compilers, optimisations, fast mathematics, word sizes and byte orders change nothing.",
        "checks",
        _machines,
        "this machine's compiler and a PowerPC, whose highest byte is first.",
    ),
    "boards": Part(
        "Conformance kit, on emulated boards",
        "The firmware of every emulated board gives the kit's levels, bitstreams and samples.",
        "checks",
        _boards,
        "other deployments on every emulated board, not the kit.",
    ),
    "spoilt": Part(
        "Conformance kit, spoilt streams",
        "Every prefix of every stream of the compact kit, and the stream with every bit flipped: "
        "refused; with a checksum that is right, refused or decoded to levels of the case's depth, "
        "here and on a board. Here the sanitizers see no access outside of a buffer and nothing "
        "undefined.",
        "streams",
        _spoilt,
        "other streams, in Python, C and on a board, as below.",
    ),
    "mutants": Part(
        "The kit catches mistakes",
        "Each of these changes to one line of the implementations is found by the kit.",
        "mistakes",
        _mutants,
        "some of them, and that the line of each is there.",
    ),
    "promises": Part(
        "Faults, hostile input, keys",
        "What is cut short leaves the old files or the new ones; what a stranger sends is refused "
        "or harmless; what is not signed is not taken.",
        "tests",
        check_promises,
        "all of it.",
    ),
    "fuzzing": Part(
        "Fuzzing",
        "No crash, no access outside of a buffer, no step or byte of memory beyond the bounds.",
        "executions",
        _fuzzing,
        "a minute of each.",
    ),
    "static": Part(
        "Static analysis of libfmq",
        "No heap, no floating point, no printing, no recursion; the stack of every function that "
        "is called from outside is bounded; what analyzers find is mended or judged.",
        "functions, symbols, files",
        _static,
        "the stack, the symbols of a Cortex-M4, cppcheck without MISRA, and clang-tidy without its "
        "walk along paths.",
    ),
    "every-float32": Part(
        "Every float32",
        "Quantizers of every form give every one of the 4,278,190,080 finite float32 samples the "
        "level that the exact thresholds give it, and each of the other 16,777,216 bit patterns is "
        "refused in C; in Python, asked to saturate, it gets the level that is named for it.",
        "inputs",
        _every_float32,
        "nothing of it.",
    ),
}
