"""Analyzers of others, run on libfmq: cppcheck with MISRA, clang-tidy, gcc -fanalyzer."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources
from firmware_tools.static_checks.findings import StaticResult
from fmq_embedded.errors import InputError

DEVIATIONS = Path(__file__).resolve().parent / "misra_deviations.toml"
MISRA_RULE = re.compile(r"misra-c2012-(\d+\.\d+)")
TOOL_TIMEOUT_S = 1800

# Checks of clang-tidy that say what gcc's warnings and cppcheck do not; the left out ones ask for
# functions of Annex K, which no C library here has, and for what STYLE decides.
TIDY_CHECKS = (
    "-*,bugprone-*,cert-*,clang-analyzer-*,misc-redundant-expression,"
    "performance-*,portability-*,"
    "-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,"
    "-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier,"
    "-cert-dcl37-c,-cert-dcl51-cpp,"
    "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
)


@dataclass(frozen=True)
class Analyzer:
    """A tool and how it is told to look at sources.

    Args:
        name: of the check.
        tool: its command, as it is installed.
        arguments: of the sources.
        finding: what a line of its output is that tells of a finding.
    """

    name: str
    tool: str
    arguments: Callable[[Sequence[Path]], list[str]]
    finding: re.Pattern[str]


_INCLUDE = f"-I{LIBFMQ_INCLUDE}"


def _misra(sources: Sequence[Path]) -> list[str]:
    # Without a folder of its own it would leave files beside the sources.
    said = ["--quiet", "--std=c99", "--addon=misra", "--inline-suppr", "--cppcheck-build-dir=."]
    said.append(_INCLUDE)
    return [*said, "--template={file}:{line}: {id}: {message}", *map(str, sources)]


def _tidy(sources: Sequence[Path]) -> list[str]:
    checks = [f"--checks={TIDY_CHECKS}", "--quiet"]
    return [*checks, *map(str, sources), "--", "-std=c99", _INCLUDE]


def _analyzer(sources: Sequence[Path]) -> list[str]:
    return ["-std=c99", "-O2", "-fanalyzer", "-Wall", _INCLUDE, "-c", *map(str, sources)]


ANALYZERS = (
    Analyzer("MISRA C:2012 by cppcheck", "cppcheck", _misra, re.compile(r": misra-c2012-")),
    Analyzer("clang-tidy", "clang-tidy", _tidy, re.compile(r": (?:warning|error):")),
    Analyzer("gcc -fanalyzer", "gcc", _analyzer, re.compile(r": (?:warning|error):")),
)


def analyze(analyzer: Analyzer, sources: Sequence[Path] = ()) -> StaticResult:
    """Run one analyzer.

    Args:
        analyzer: which.
        sources: on what; by default all of libfmq.

    Raises:
        InputError: it does not end.
    """
    sources = sources or library_sources()
    if not shutil.which(analyzer.tool):
        return StaticResult(analyzer.name, absent=f"{analyzer.tool} is not installed")
    name = f"{analyzer.name} ({_version(analyzer.tool)})"
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [analyzer.tool, *analyzer.arguments([path.resolve() for path in sources])],
                cwd=folder,
                capture_output=True,
                timeout=TOOL_TIMEOUT_S,
                check=False,
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{name} took more than {TOOL_TIMEOUT_S} s") from error
    lines = (done.stdout + done.stderr).splitlines()
    found = list(dict.fromkeys(line for line in lines if analyzer.finding.search(line)))
    if analyzer.tool == "cppcheck":
        return _without_deviations(name, len(sources), found)
    if done.returncode and not found:
        found = [f"{analyzer.tool} ended with status {done.returncode}: {lines[-1:]}"]
    return StaticResult(name, len(sources), tuple(found))


def deviations() -> dict[str, str]:
    """The rules of MISRA that are deviated from, and why."""
    read: dict[str, str] = tomllib.loads(DEVIATIONS.read_text())
    return read


def _without_deviations(name: str, count: int, found: Sequence[str]) -> StaticResult:
    allowed = deviations()
    rules = [MISRA_RULE.search(line) for line in found]
    kept = [
        line for line, rule in zip(found, rules, strict=True) if rule and rule[1] not in allowed
    ]
    counts = {rule[1]: 0 for rule in rules if rule}
    for rule in rules:
        if rule:
            counts[rule[1]] += 1
    kept += [f"rule {rule} is deviated from nowhere" for rule in allowed if rule not in counts]
    notes = tuple(
        f"rule {rule}, {counts[rule]} places: {allowed[rule]}" for rule in allowed if rule in counts
    )
    return StaticResult(name, count, tuple(kept), notes)


def _version(tool: str) -> str:
    done = subprocess.run([tool, "--version"], capture_output=True, check=False, text=True)
    number = re.search(r"\d+\.\d+(?:\.\d+)?", done.stdout)
    return number[0] if number else "version unknown"
