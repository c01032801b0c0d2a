"""The kit on machines: compilers, optimisations, word sizes, byte orders, sanitizers, forms.

A machine is a row of `MACHINES`. Emulated boards are in `boards.py`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from firmware_tools.conformance.case_files import KeptCase, groups
from firmware_tools.conformance.kit import Finding
from firmware_tools.conformance.running import Sources, Target, run
from firmware_tools.toolchains.compile import Compiler
from firmware_tools.toolchains.host import host_compiler
from firmware_tools.toolchains.zig import zig_compiler
from fmq_embedded.deploy.c_tables import FLASH_BUDGET
from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.files import make_folder

Step = Callable[[str], None]

FAST_MATH = ("-O3", "-ffast-math", "-ffp-contract=fast", "-march=native")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass(frozen=True)
class Machine:
    """How libfmq is built and run.

    Args:
        compiler: its command, or "zig".
        flags: of the compiler; for zig with its target.
        emulator: the command that runs such a program here; empty where none is needed.
        flash_budget: bytes of tables that a quantizer may take: it decides which forms are used.
    """

    compiler: str
    flags: tuple[str, ...]
    emulator: str = ""
    flash_budget: int = FLASH_BUDGET

    @property
    def name(self) -> str:
        """For people: what tells it from the others."""
        said = [self.compiler, *self.flags]
        said += [f"under {self.emulator}"] if self.emulator else []
        if self.flash_budget != FLASH_BUDGET:
            said.append(f"tables of at most {self.flash_budget:,} bytes")
        return " ".join(said)

    @classmethod
    def here(cls) -> Machine:
        """This machine's compiler as a firmware's build would use it."""
        command = Path(host_compiler().command[0])
        return cls(command.name if command.name in ("gcc", "clang", "cc") else "zig", ("-O2",))

    def target(self) -> Target:
        """The target that it is.

        Raises:
            MissingToolError: the compiler or the emulator is not installed.
        """
        for tool in (self.emulator, "" if self.compiler == "zig" else self.compiler):
            if tool and not shutil.which(tool):
                raise MissingToolError(f"{tool} is not installed")
        base = zig_compiler() if self.compiler == "zig" else Compiler((self.compiler,))
        compiler = Compiler(base.command, (*base.flags, *self.flags), base.environment)
        return Target(self.name, compiler, (self.emulator,) if self.emulator else ())


STATIC = ("-O2", "-static")
BIG_ENDIAN = Machine("powerpc-linux-gnu-gcc", STATIC, "qemu-ppc")
SANITIZED_MACHINES = (Machine("gcc", SANITIZED), Machine("clang", SANITIZED))
MACHINES = (
    *(Machine("gcc", (level,)) for level in ("-O0", "-O1", "-O2", "-O3", "-Os")),
    *(Machine("clang", (level,)) for level in ("-O0", "-O1", "-O2", "-O3", "-Os")),
    Machine("gcc", FAST_MATH),
    Machine("clang", FAST_MATH),
    *SANITIZED_MACHINES,
    Machine("gcc", ("-O2", "-DFMQ_PLAIN_C")),
    Machine("gcc", ("-O2", "-funsigned-char")),
    Machine("gcc", ("-O2",), flash_budget=0),
    Machine("gcc", ("-O2",), flash_budget=1 << 20),
    Machine("zig", ("-O2", "-target", "x86-linux-musl"), "qemu-i386"),
    Machine("zig", ("-O2", "-target", "arm-linux-musleabihf"), "qemu-arm"),
    BIG_ENDIAN,
    Machine("s390x-linux-gnu-gcc", STATIC, "qemu-s390x"),
    Machine("zig", ("-O2", "-target", "mips-linux-musleabihf"), "qemu-mips"),
    Machine("zig", ("-O2", "-target", "riscv32-linux-musl"), "qemu-riscv32"),
    Machine("zig", ("-O2", "-target", "riscv64-linux-musl"), "qemu-riscv64"),
)

QUICK_MACHINES = (
    Machine("gcc", ("-O2",)),
    Machine("clang", FAST_MATH),
    Machine("gcc", ("-O2",), flash_budget=0),
    BIG_ENDIAN,
)


@dataclass(frozen=True)
class MachineResult:
    """What the kit found on a machine.

    Args:
        machine: its name.
        cases, checks: of the kit; 0 where it could not be run.
        unsupported: checks that libfmq does not build in.
        findings: the differences.
        absent: why it could not be run; empty where it ran.
    """

    machine: str
    cases: int = 0
    checks: int = 0
    unsupported: int = 0
    findings: tuple[Finding, ...] = ()
    absent: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    def line(self) -> str:
        """The row as text."""
        if self.absent:
            return f"{self.machine}: not run: {self.absent}"
        return f"{self.machine}: {self.checks:,} checks, {len(self.findings)} differences"


def run_machines(
    machines: Sequence[Machine],
    kept: Sequence[KeptCase],
    kit: Path,
    step: Step = lambda name: None,
    *,
    spoil: bool = False,
) -> list[MachineResult]:
    """Run the kit on machines, one after the other.

    Args:
        machines: which.
        kept: the kit's cases.
        kit: its folder.
        step: called with the name of each machine as it begins.
        spoil: give libfmq every prefix of each stream, and it with every bit flipped, in place of
            the cases.
    """
    results = []
    for machine in machines:
        step(machine.name)
        try:
            results.append(_result(machine, kept, kit, spoil=spoil))
        except (InputError, MissingToolError) as error:
            results.append(MachineResult(machine.name, absent=str(error).splitlines()[0]))
    return results


def _result(machine: Machine, kept: Sequence[KeptCase], kit: Path, *, spoil: bool) -> MachineResult:
    target = machine.target()
    checks = unsupported = 0
    findings: list[Finding] = []
    for cases in groups(kept):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_folder(folder / "generated")
            sources = Sources(cases, folder / "generated", machine.flash_budget)
            program = sources.program(target, folder)
            names = [one.case.name for one in cases]
            found = run(program, kit, names, target.prefix, spoil=spoil)
        checks, unsupported = checks + found.checks, unsupported + found.unsupported
        findings += found.findings
    return MachineResult(machine.name, len(kept), checks, unsupported, tuple(findings))
