"""Analyzers of others, run on libfmq: cppcheck with MISRA, clang-tidy, gcc -fanalyzer."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources
from firmware_tools.static_checks.findings import StaticResult
from fmq_embedded.errors import InputError

DEVIATIONS = Path(__file__).resolve().parent
TOOL_TIMEOUT_S = 1800

# Checks of clang-tidy that say what gcc's warnings and cppcheck do not; the left out ones ask for
# functions of Annex K, which no C library here has, and for what STYLE decides.
# An integer between two pointers is the way around a const: a plan's numbers are overwritten.
TIDY_CHECKS = (
    "-*,bugprone-*,cert-*,clang-analyzer-*,misc-redundant-expression,"
    "performance-*,portability-*,"
    "-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,"
    "-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier,"
    "-cert-dcl37-c,-cert-dcl51-cpp,-performance-no-int-to-ptr,"
    "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
)
# int8_t is a number here, never a character.
_TIDY_CONFIG = (
    "{CheckOptions: ["
    "{key: bugprone-signed-char-misuse.CharTypdefsToIgnore, value: int8_t}, "
    "{key: cert-str34-c.CharTypdefsToIgnore, value: int8_t}]}"
)


@dataclass(frozen=True)
class Analyzer:
    """A tool and how it is told to look at sources.

    Args:
        name: of the check.
        tool: its command, as it is installed.
        arguments: of the sources.
        finding: what a line of its output is that tells of a finding; its groups, joined by ": ",
            are the rule that is broken.
        deviations: the file, beside this one, of rules that are deviated from; empty for none.
    """

    name: str
    tool: str
    arguments: Callable[[Sequence[Path]], list[str]]
    finding: re.Pattern[str]
    deviations: str = ""


_INCLUDE = f"-I{LIBFMQ_INCLUDE}"


def _misra(sources: Sequence[Path]) -> list[str]:
    # Without a folder of its own it would leave files beside the sources.
    said = ["--quiet", "--std=c99", "--addon=misra", "--inline-suppr", "--cppcheck-build-dir=."]
    said.append(_INCLUDE)
    return [*said, "--template={file}:{line}: {id}: {message}", *map(str, sources)]


def _tidy(sources: Sequence[Path], checks: str = TIDY_CHECKS) -> list[str]:
    said = [f"--checks={checks}", f"--config={_TIDY_CONFIG}", "--quiet"]
    return [*said, *map(str, sources), "--", "-std=c99", _INCLUDE]


def _tidy_of_syntax(sources: Sequence[Path]) -> list[str]:
    return _tidy(sources, f"{TIDY_CHECKS},-clang-analyzer-*")


def _analyzer(sources: Sequence[Path]) -> list[str]:
    return ["-std=c99", "-O2", "-fanalyzer", "-Wall", _INCLUDE, "-c", *map(str, sources)]


_TIDY_FINDING = re.compile(r"([a-z_0-9]+\.[ch]):\d+:\d+: (?:warning|error): .*\[([^\]]+)\]$")

ANALYZERS = (
    Analyzer(
        "MISRA C:2012 by cppcheck",
        "cppcheck",
        _misra,
        re.compile(r": misra-c2012-(\d+\.\d+)"),
        "misra_deviations.toml",
    ),
    Analyzer("clang-tidy", "clang-tidy", _tidy, _TIDY_FINDING, "tidy_deviations.toml"),
    Analyzer("gcc -fanalyzer", "gcc", _analyzer, re.compile(r": (?:warning|error):")),
)

TIDY_OF_SYNTAX = Analyzer("clang-tidy, syntax", "clang-tidy", _tidy_of_syntax, _TIDY_FINDING)
"""clang-tidy without the walk along paths, which takes by far the most of its time."""


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
    found = {line: match for line in lines if (match := analyzer.finding.search(line))}
    if done.returncode and not found:
        ended = f"{analyzer.tool} ended with status {done.returncode}: {lines[-1:]}"
        return StaticResult(name, len(sources), (ended,))
    rules = {line: ": ".join(match.groups()) for line, match in found.items()}
    kept, notes = _without_deviations(rules, deviations(analyzer))
    return StaticResult(name, len(sources), tuple(kept), tuple(notes))


def deviations(analyzer: Analyzer) -> dict[str, str]:
    """The rules of an analyzer that are deviated from, and why."""
    if not analyzer.deviations:
        return {}
    read: dict[str, str] = tomllib.loads((DEVIATIONS / analyzer.deviations).read_text())
    return read


def _without_deviations(
    rules: Mapping[str, str], allowed: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """The findings that stay, and a note for each rule that is deviated from."""
    kept = [line for line, rule in rules.items() if rule not in allowed]
    counts = Counter(rules.values())
    kept += [f"rule {rule} is deviated from nowhere" for rule in allowed if rule not in counts]
    notes = [f"rule {r}, {counts[r]} places: {allowed[r]}" for r in allowed if r in counts]
    return kept, notes


def _version(tool: str) -> str:
    done = subprocess.run([tool, "--version"], capture_output=True, check=False, text=True)
    number = re.search(r"\d+\.\d+(?:\.\d+)?", done.stdout)
    return number[0] if number else "version unknown"
