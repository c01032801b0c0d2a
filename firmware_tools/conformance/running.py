"""The kit's runner with libfmq in it: built for a target, run on a kit's cases."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firmware_tools.conformance.case_files import KeptCase
from firmware_tools.conformance.cases import deployment_of
from firmware_tools.conformance.kit import CASES, RUNNER, Finding
from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources
from firmware_tools.toolchains.compile import WARNINGS, Compiler, compile_objects
from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.headers import write_preamble, write_tensor_header
from fmq_embedded.deploy.c_tables import FLASH_BUDGET, SOURCE, c_tables
from fmq_embedded.deploy.c_text import array
from fmq_embedded.errors import InputError
from fmq_embedded.files import write_atomically

OWN_STREAM = "kit_tensors.h"
TIMEOUT_S = 300
TOTALS = re.compile(r"(\d+) cases, (\d+) checks, (\d+) differences, (\d+) unsupported")


@dataclass(frozen=True)
class Target:
    """What the runner is built by and run on.

    Args:
        name: for people.
        compiler: its command and the flags that make the target; warnings are added.
        prefix: the command that runs a program of it, such as an emulator; none on this machine.
    """

    name: str
    compiler: Compiler
    prefix: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What a runner found.

    Args:
        checks, unsupported: how many calls were checked, and how many of them are not built in.
        findings: the differences; a crash or a stop is one.
    """

    checks: int = 0
    unsupported: int = 0
    findings: list[Finding] = field(default_factory=list)


class Sources:
    """The sources of the runner for cases of one profile, and the objects made of them."""

    def __init__(
        self, cases: Sequence[KeptCase], folder: Path, flash_budget: int = FLASH_BUDGET
    ) -> None:
        """Write the generated sources into `folder`.

        Args:
            cases: of one kit, in their order.
            folder: is there and empty.
            flash_budget: as in `c_tables`: it decides which forms the quantizers take.
        """
        self.folder = folder
        texts = c_tables(deployment_of([one.case for one in cases]), flash_budget)
        texts[OWN_STREAM] = _own_stream_header(cases)
        for name, text in texts.items():
            write_atomically(folder / name, text.encode())
        self.tables = folder / SOURCE
        self.own = sorted(RUNNER.glob("*.c"))
        self.include = (LIBFMQ_INCLUDE, RUNNER, folder)

    def compiled(self, target: Target, sources: Iterable[Path], folder: Path) -> list[Path]:
        """Objects of some sources, in `folder`."""
        compiler = target.compiler
        flags = (*WARNINGS, "-fno-ident", *compiler.flags)
        full = Compiler(compiler.command, flags, compiler.environment)
        return compile_objects(full, list(sources), self.include, {}, folder)

    def program(self, target: Target, folder: Path) -> Path:
        """The runner with libfmq for a target, built in `folder`."""
        sources = [*self.own, self.tables, *library_sources()]
        return linked(target, self.compiled(target, sources, folder), folder)


def linked(target: Target, objects: Sequence[Path], folder: Path) -> Path:
    """A program of objects that lie in `folder`, or beside it."""
    compiler = target.compiler
    program = folder / "runner"
    arguments = [*compiler.flags, *map(str, objects), "-o", str(program)]
    compiler.run(arguments, folder, "linking the conformance runner")
    return program


def run(
    program: Path,
    kit: Path,
    names: Sequence[str],
    prefix: Sequence[str] = (),
    *,
    spoil: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Run:
    """Run a runner on cases of a kit.

    Args:
        program: as `Sources.program` builds it.
        kit: its folder.
        names: of the cases.
        prefix: as in `Target`.
        spoil: give it each stream with every bit flipped, and cut short everywhere, in place of
            the whole case.
        timeout_s: it is stopped after so many seconds: a finding.

    Raises:
        InputError: a case cannot be read.
    """
    try:
        done = subprocess.run(
            [*prefix, str(program), *(["--spoil"] if spoil else []), *names],
            cwd=kit / CASES,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return Run(findings=[Finding("all", "run", f"does not end within {timeout_s:.0f} s")])
    totals = TOTALS.search(done.stdout)
    if done.returncode == 2:
        raise InputError(f"the conformance runner stopped: {done.stderr.strip()}")
    findings = [_finding(line) for line in done.stdout.splitlines() if not TOTALS.match(line)]
    if totals is None or done.returncode not in (0, 1):
        said = (done.stderr.strip().splitlines() or [""])[0]
        findings.append(Finding("all", "run", f"ended with status {done.returncode}: {said}"))
        return Run(findings=findings)
    return Run(int(totals[2]), int(totals[4]), findings)


def _finding(line: str) -> Finding:
    name, _, rest = line.partition(": ")
    stage, _, what = rest.partition(": ")
    return Finding(name, stage, what)


def _own_stream_header(cases: Sequence[KeptCase]) -> str:
    """How a stream of one tensor begins: its preamble, and its header where it has another then."""
    deployments = [one.case.deployment for one in cases]
    preamble = Writer()
    write_preamble(preamble, deployments[0].preamble)
    parts = ["#include <stdint.h>\n", array("uint8_t", "kit_preamble", bytes(preamble.data))]
    rows = []
    for index, deployment in enumerate(deployments):
        own, header = Writer(), "0, 0u"
        if deployment.preamble.is_compact:
            write_tensor_header(own, deployment.headers[0], named=False, compact=True)
            parts.append(array("uint8_t", f"kit_header_{index}", bytes(own.data)))
            header = f"kit_header_{index}, sizeof kit_header_{index}"
        rows.append(f'    {{"{cases[index].case.name}", {header}}},\n')
    kind = "static const struct {\n    const char *name;\n    const uint8_t *header;\n"
    parts += [kind, "    uint32_t header_size;\n} kit_tensors[] = {\n", *rows, "};\n"]
    return "".join(parts)
