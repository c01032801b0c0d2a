"""The whole proof, part by part: what `inv verify --all` runs and writes a page of."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from firmware_tools.conformance.boards import run_boards
from firmware_tools.conformance.case_files import KeptCase
from firmware_tools.conformance.cases import kit_cases
from firmware_tools.conformance.kit import check_cases, read_kit, write_kit
from firmware_tools.conformance.machines import MACHINES, MachineResult, run_machines
from firmware_tools.conformance.mutants import MUTANTS
from firmware_tools.conformance.self_test import CHECKING, CHECKOUT, self_test
from firmware_tools.proof_every_float32 import check_every_float32
from firmware_tools.static_checks.analyzers import ANALYZERS, analyze
from firmware_tools.static_checks.findings import StaticResult
from firmware_tools.static_checks.object_symbols import CORES, outside_symbols
from firmware_tools.static_checks.stack_bounds import stack_bounds
from firmware_tools.verifying import check_targets, standard_deployment
from fmq_embedded.errors import unknown_name

Step = Callable[[str], None]

THREADS = 4
PACKAGES = ("fmq-embedded", "numpy", "numba", "llvmlite", "ziglang", "unicorn")
TOOLS = ("gcc", "clang", "arm-none-eabi-gcc", "qemu-system-arm", "qemu-ppc")
PYTHONS = ("python3.11", "python3.12", "python3.13")
# What the kit is read with; says what it is read by.
NEEDED = (
    "import platform, ml_dtypes, numba, numpy, tomli_w; print("
    "'Python', platform.python_version(), 'Numba', numba.__version__, 'NumPy', numpy.__version__)"
)


@dataclass(frozen=True)
class Row:
    """One thing that was checked.

    Args:
        subject: what.
        inputs: how many inputs, cases, mutants or functions were looked at.
        mismatches: how many of them do not hold.
        detail: the first of these in words, or what else a reviewer wants to know.
        absent: why it was not checked; empty where it was.
    """

    subject: str
    inputs: int = 0
    mismatches: int = 0
    detail: str = ""
    absent: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the proof: its title, what it says in a sentence, and what was found."""

    title: str
    claim: str
    rows: tuple[Row, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    @property
    def mismatches(self) -> int:
        """How many things do not hold."""
        return sum(row.mismatches for row in self.rows)


@dataclass(frozen=True)
class Kit:
    """The kits that the parts share: the whole one and the compact one, with their folders."""

    whole: Sequence[KeptCase]
    whole_folder: Path
    compact: Sequence[KeptCase]
    compact_folder: Path


@dataclass(frozen=True)
class Part:
    """A part as data: its title, its claim, what makes its rows, and whether that takes an hour."""

    title: str
    claim: str
    rows: Callable[[Kit, Step], Iterator[Row]]
    is_long: bool = False


def proof(
    parts: Sequence[str], step: Step = lambda name: None, *, exhaustive: bool = False
) -> list[Section]:
    """Run parts of the proof.

    Args:
        parts: names of `PARTS`; none for all, but the long ones only if it is `exhaustive`.
        step: called with the name of each thing as it begins.

    Raises:
        InputError: there is no such part.
    """
    for name in parts:
        if name not in PARTS:
            raise unknown_name("part of the proof", name, PARTS)
    sections = []
    with tempfile.TemporaryDirectory() as name:
        step("writing the conformance kits")
        folder = Path(name)
        write_kit(kit_cases(), folder / "whole")
        write_kit(kit_cases(compact=True), folder / "compact")
        kit = Kit(
            read_kit(folder / "whole"),
            folder / "whole",
            read_kit(folder / "compact"),
            folder / "compact",
        )
        every = [name for name, part in PARTS.items() if exhaustive or not part.is_long]
        for chosen in parts or every:
            part = PARTS[chosen]
            began = time.monotonic()
            rows = tuple(part.rows(kit, step))
            sections.append(Section(part.title, part.claim, rows, time.monotonic() - began))
    return sections


def versions() -> dict[str, str]:
    """What it ran on: the machine, Python, packages and tools, by name."""
    found = {"machine": platform.machine(), "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    for tool in TOOLS:
        if shutil.which(tool):
            done = subprocess.run([tool, "--version"], capture_output=True, check=False, text=True)
            found[tool] = (done.stdout.splitlines() or ["version unknown"])[0]
    return found


def _targets(kit: Kit, step: Step) -> Iterator[Row]:
    for check in check_targets(standard_deployment(), ["all"], step=step):
        subject = f"{check.target}: {check.tensor or 'all tensors'}, {check.stage}"
        yield Row(subject, check.inputs_checked, check.mismatches, check.first_difference or "")


def _cases(kit: Kit, step: Step) -> Iterator[Row]:
    for threads in (1, THREADS):
        subject = f"Python {platform.python_version()}, compiled, {threads} at a time"
        step(subject)
        findings = check_cases(kit.whole, threads=threads)
        first = findings[0].line() if findings else ""
        yield Row(subject, len(kit.whole), len(findings), first)
    subject = "Python without compiled code, the compact kit"
    step(subject)
    yield _checked_by(sys.executable, subject, kit, {"NUMBA_DISABLE_JIT": "1"})
    for python in PYTHONS:
        step(python)
        path = shutil.which(python)
        found = None if path is None else _said(path)
        if path is None or found is None:
            yield Row(python, absent=f"{python} with numba and numpy is not installed")
            continue
        yield _checked_by(path, f"{found}, compiled, the compact kit", kit, {})


def _said(python: str) -> str | None:
    """What an interpreter says of itself; None where it lacks what the kit is read with."""
    done = subprocess.run([python, "-c", NEEDED], capture_output=True, check=False, text=True)
    return None if done.returncode else done.stdout.strip()


def _checked_by(python: str, subject: str, kit: Kit, settings: Mapping[str, str]) -> Row:
    """The compact kit in a process of its own, by an interpreter, under settings."""
    done = subprocess.run(
        [python, "-c", CHECKING, str(kit.compact_folder)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **settings},
        capture_output=True,
        check=False,
        text=True,
    )
    return Row(subject, len(kit.compact), int(done.returncode != 0), done.stderr.strip()[-200:])


def _machines(kit: Kit, step: Step) -> Iterator[Row]:
    for result in run_machines(MACHINES, kit.whole, kit.whole_folder, step):
        yield _machine_row(result)


def _machine_row(result: MachineResult) -> Row:
    first = result.findings[0].line() if result.findings else ""
    return Row(result.machine, result.checks, len(result.findings), first, result.absent)


def _boards(kit: Kit, step: Step) -> Iterator[Row]:
    for result in run_boards(kit.compact, step):
        first = result.findings[0].line() if result.findings else ""
        held = f"{result.cases} cases; {result.left_out} that it cannot hold or take left out"
        yield Row(result.board, result.checks, len(result.findings), first or held)


def _every_float32(kit: Kit, step: Step) -> Iterator[Row]:
    for found in check_every_float32(step):
        yield Row(*found)


def _mutants(kit: Kit, step: Step) -> Iterator[Row]:
    for verdict in self_test(MUTANTS, kit.compact, kit.compact_folder, step):
        subject = f"{verdict.language}: {verdict.mutant}"
        yield Row(subject, 1, int(not verdict.is_caught), verdict.by)


def _static(kit: Kit, step: Step) -> Iterator[Row]:
    for core in CORES:
        step(f"symbols, {core}")
        yield _static_row(outside_symbols(core))
    step("stack")
    yield _static_row(stack_bounds())
    for analyzer in ANALYZERS:
        step(analyzer.name)
        yield _static_row(analyze(analyzer))


def _static_row(result: StaticResult) -> Row:
    details = result.findings[:1] or result.notes
    return Row(
        result.check,
        result.looked_at,
        len(result.findings),
        "; ".join(details),
        result.absent,
    )


PARTS: Mapping[str, Part] = {
    "targets": Part(
        "Bit-exactness",
        "Every target gives the float reference's levels at every decision threshold and one "
        "representable step beside it, its samples for every level, and its bitstreams.",
        _targets,
    ),
    "cases": Part(
        "Conformance kit, in Python",
        "The reference and the integer path give the kit's levels, bitstreams and samples, and "
        "refuse what cannot be.",
        _cases,
    ),
    "machines": Part(
        "Conformance kit, libfmq on machines",
        "Compilers, optimisations, fast mathematics, word sizes and byte orders change nothing.",
        _machines,
    ),
    "boards": Part(
        "Conformance kit, on emulated boards",
        "The firmware of every emulated board gives the kit's levels, bitstreams and samples.",
        _boards,
    ),
    "mutants": Part(
        "The kit catches mistakes",
        "Each of these changes to one line of the implementations is found by the kit.",
        _mutants,
    ),
    "static": Part(
        "Static analysis of libfmq",
        "No heap, no floating point, no recursion; the stack of each function is bounded.",
        _static,
    ),
    "every-float32": Part(
        "Every float32",
        "Quantizers of every form give every one of the 4,278,190,080 finite float32 samples the "
        "level that the exact thresholds give it.",
        _every_float32,
        is_long=True,
    ),
}
