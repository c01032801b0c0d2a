"""Whether the kit catches mistakes: each mutant of the implementations must differ from it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fmq_embedded
from firmware_tools.conformance.case_files import KeptCase, groups
from firmware_tools.conformance.mutant import Mutant
from firmware_tools.conformance.running import Sources, Target, linked, run
from firmware_tools.firmware import library_sources
from firmware_tools.toolchains.compile import Compiler
from firmware_tools.toolchains.host import host_compiler
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.files import make_folder, write_atomically

Step = Callable[[str], None]

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = Path(fmq_embedded.__file__).resolve().parent
PYTHON_TIMEOUT_S = 120
C_TIMEOUT_S = 20
INCLUDED = re.compile(r'#include "([a-z_0-9]+\.h)"')

# Ends with status 1 at the first case that differs, whatever the difference is.
CHECKING = """
import sys
from pathlib import Path
from firmware_tools.conformance.kit import check_cases, read_kit
for one in read_kit(Path(sys.argv[1])):
    for finding in check_cases([one]):
        sys.exit(finding.line())
"""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    Args:
        mutant: its name.
        language: of the implementation.
        is_caught: whether the kit found it.
        by: the first difference, in words.
    """

    mutant: str
    language: str
    is_caught: bool
    by: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)


def mutated(text: str, mutant: Mutant) -> str:
    """A file's text with the mistake in it.

    Raises:
        InputError: the line is not there, or there more than once.
    """
    count = text.count(mutant.old)
    if count != 1:
        raise InputError(
            f"mutant {mutant.name!r}: its line is {count} times in {mutant.path}, expected once; "
            "bring the mutants in firmware_tools/conformance up to date"
        )
    return text.replace(mutant.old, mutant.new)


def self_test(
    mutants: Sequence[Mutant],
    kept: Sequence[KeptCase],
    kit: Path,
    step: Step = lambda name: None,
) -> list[Verdict]:
    """Run the kit on every mutant.

    Args:
        mutants: which.
        kept: the kit's cases.
        kit: its folder.
        step: called with the name of each mutant as it begins.

    Raises:
        InputError: a mutant's line is not in its file.
        MismatchError: the implementations differ from the kit as they are.
    """
    verdicts = []
    with tempfile.TemporaryDirectory() as name:
        in_c = [mutant for mutant in mutants if mutant.language == "c"]
        if in_c:
            verdicts += _c_verdicts(in_c, kept, kit, Path(name) / "c", step)
        copy = Path(name) / "python"
        shutil.copytree(PACKAGE, copy / PACKAGE.name, ignore=shutil.ignore_patterns("*cache*"))
        for mutant in mutants:
            if mutant.language == "python":
                step(mutant.name)
                verdicts.append(_python_verdict(mutant, copy, kit))
    return verdicts


# ---- C: the mutated file and those that include it are compiled anew ----


class _Library:
    """libfmq as objects of a copy of its sources, and the runner for each profile's cases."""

    def __init__(self, kept: Sequence[KeptCase], kit: Path, folder: Path) -> None:
        host = host_compiler()
        flags = (*host.flags, "-O1", "-w")
        self.target = Target("host", Compiler(host.command, flags, host.environment))
        self.kit, self.folder = kit, folder
        shutil.copytree(library_sources()[0].parent, folder / "library")
        self.sources = sorted((folder / "library").glob("*.c"))
        self.runners: list[tuple[list[str], list[Path]]] = []
        for number, cases in enumerate(groups(kept)):
            own = folder / f"group{number}"
            make_folder(own)
            self.generated = Sources(cases, own)
            parts = [*self.generated.own, self.generated.tables]
            objects = self.generated.compiled(self.target, parts, own)
            self.runners.append(([one.case.name for one in cases], objects))
        self.objects = self.compiled(self.sources, "objects")

    def compiled(self, sources: Sequence[Path], name: str) -> dict[Path, Path]:
        """Objects of sources, by these, in a folder of their own."""
        make_folder(self.folder / name)
        objects = self.generated.compiled(self.target, sources, self.folder / name)
        return dict(zip(sources, objects, strict=True))

    def finding(self, changed: Mapping[Path, Path]) -> str:
        """The first difference of libfmq with some other objects; empty where there is none."""
        objects = {**self.objects, **changed}
        for names, own in self.runners:
            program = linked(self.target, [*own, *objects.values()], self.folder)
            found = run(program, self.kit, names, timeout_s=C_TIMEOUT_S)
            if found.findings:
                return found.findings[0].line()
        return ""


def _c_verdicts(
    mutants: Iterable[Mutant], kept: Sequence[KeptCase], kit: Path, folder: Path, step: Step
) -> list[Verdict]:
    step("libfmq as it is")
    library = _Library(kept, kit, folder)
    by = library.finding({})
    if by:
        raise MismatchError(f"libfmq differs from the kit: {by}")
    verdicts = []
    for number, mutant in enumerate(mutants):
        step(mutant.name)
        path = folder / "library" / mutant.path
        original = path.read_text()
        write_atomically(path, mutated(original, mutant).encode())
        changed = library.compiled(_including(path, library.sources), f"mutant{number}")
        write_atomically(path, original.encode())
        by = library.finding(changed)
        verdicts.append(Verdict(mutant.name, "c", bool(by), by))
    return verdicts


def _including(path: Path, sources: Sequence[Path]) -> list[Path]:
    """Those of the sources that are the file or include it, directly or through headers."""
    names = {path.name}
    headers = sorted(path.parent.glob("*.h"))
    for _ in headers:
        names |= {header.name for header in headers if names & _included(header)}
    return [source for source in sources if source.name in names or names & _included(source)]


def _included(path: Path) -> set[str]:
    return set(INCLUDED.findall(path.read_text()))


# ---- Python: a copy of the package, in a process of its own, without compiled code ----


def _python_verdict(mutant: Mutant, copy: Path, kit: Path) -> Verdict:
    path = copy / PACKAGE.name / mutant.path
    original = path.read_text()
    write_atomically(path, mutated(original, mutant).encode())
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(copy), str(CHECKOUT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_DISABLE_JIT": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHECKING, str(kit)],
            env=environment,
            cwd=copy,
            capture_output=True,
            timeout=PYTHON_TIMEOUT_S,
            check=False,
            text=True,
        )
        lines = done.stderr.strip().splitlines() or [""]
        is_caught, by = done.returncode != 0, lines[-1]
    except subprocess.TimeoutExpired:
        is_caught, by = True, f"does not end within {PYTHON_TIMEOUT_S} s"
    finally:
        write_atomically(path, original.encode())
    return Verdict(mutant.name, "python", is_caught, by)
