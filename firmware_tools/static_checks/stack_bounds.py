"""The deepest stack of each of libfmq's functions, from the compiler's own call graph.

A function's bound is its frame and the deepest bound of what it calls. A call through a pointer
may reach every function that nothing calls by name, but for the library's own interface; of some
callers it is known which of these. There is no recursion: a cycle is a finding, and so is a frame
whose size is not known.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources
from firmware_tools.static_checks.findings import StaticResult
from firmware_tools.static_checks.object_symbols import core_compiler, with_stack_usage
from firmware_tools.toolchains.compile import compile_objects
from fmq_embedded.errors import MissingToolError

CORE = "cortex-m4"
LARGEST_BOUND = 2048
"""Bytes that no call into the library takes; three lines of a 64-point transform are 768."""

INDIRECT = "__indirect_call"
REACHED = {
    "fmq_partition_walk": {
        "quantize_scalars",
        "quantize_vector",
        "dequantize_scalars",
        "dequantize_vector",
    },
    "fmq_stream_reader_poll": {"start", "read"},
    "fmq_work_size": {"work_size"},
}
"""Functions that calls through a pointer reach, by the caller; others may reach all."""

DECLARED = re.compile(r"\b(fmq_\w+)\(")
PUBLIC = "fmq_"
NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
FRAME = re.compile(r"(\d+) bytes \((static|dynamic|dynamic,bounded)\)")


@dataclass
class CallGraph:
    """Functions by their unique names.

    Attributes:
        frames: bytes of stack of each function that is compiled here.
        calls: the functions that it calls.
        unbounded: functions whose frame has no known size.
    """

    frames: dict[str, int] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)
    unbounded: list[str] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Add what a compiler says of one source."""
        for title, label in NODE.findall(text):
            frame = FRAME.search(label)
            if frame:
                self.frames[title] = int(frame[1])
                if frame[2] == "dynamic":
                    self.unbounded.append(title)
        for source, target in EDGE.findall(text):
            self.calls.setdefault(source, set()).add(target)

    def bounds(self) -> tuple[dict[str, int], list[str]]:
        """The bound of each function, and the functions that call themselves."""
        by_pointer = self._by_pointer()
        known: dict[str, int] = {}
        cycles: list[str] = []

        def bound(name: str, above: tuple[str, ...]) -> int:
            if name in above:
                cycles.append(name)
                return 0
            if name not in known:
                below = self._below(name, by_pointer)
                deepest = max((bound(each, (*above, name)) for each in below), default=0)
                known[name] = self.frames.get(name, 0) + deepest
            return known[name]

        for name in sorted(self.frames):
            bound(name, ())
        return known, sorted(set(cycles))

    def _below(self, name: str, by_pointer: set[str]) -> set[str]:
        """The functions that one calls, by name or through a pointer."""
        called = self.calls.get(name, set())
        if INDIRECT not in called:
            return called
        reached = REACHED.get(name)
        pointed = {f for f in by_pointer if reached is None or f.rpartition(":")[2] in reached}
        return called - {INDIRECT} | pointed

    def _by_pointer(self) -> set[str]:
        called = {target for targets in self.calls.values() for target in targets}
        return {
            name
            for name in self.frames
            if name not in called and not name.rpartition(":")[2].startswith(PUBLIC)
        }


def stack_bounds(core: str = CORE) -> StaticResult:
    """Bound the stack of every function of libfmq's interface, built for a core."""
    check = f"stack of libfmq's functions, {core}"
    try:
        compiler = with_stack_usage(core_compiler(core))
    except MissingToolError as error:
        return StaticResult(check, absent=str(error))
    graph = CallGraph()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compile_objects(compiler, library_sources(), [LIBFMQ_INCLUDE], {}, folder)
        for path in sorted(folder.glob("*.ci")):
            graph.read(path.read_text())
    return result_of(graph, check)


def result_of(graph: CallGraph, check: str) -> StaticResult:
    """The check of a call graph: bounds below the limit, no recursion, no unknown frame."""
    bounds, cycles = graph.bounds()
    own = {name: size for name, size in bounds.items() if name.startswith(PUBLIC)}
    declared = _declared()
    entries = {name: size for name, size in own.items() if name in declared}
    return StaticResult(
        check,
        len(graph.frames),
        tuple(_findings(own, cycles, graph.unbounded)),
        tuple(_lines(entries)),
    )


def _declared() -> set[str]:
    """The library's interface: what its headers declare."""
    headers = LIBFMQ_INCLUDE.rglob("*.h")
    return {name for path in headers for name in DECLARED.findall(path.read_text())}


def _findings(
    entries: Mapping[str, int], cycles: Iterable[str], unbounded: Iterable[str]
) -> Iterable[str]:
    for name, size in sorted(entries.items()):
        if size > LARGEST_BOUND:
            yield f"{name} takes {size} bytes of stack, expected {LARGEST_BOUND} at most"
    yield from (f"{name} can call itself" for name in cycles)
    yield from (f"{name} has a frame of unknown size" for name in unbounded)


def _lines(entries: Mapping[str, int]) -> Iterable[str]:
    deepest = sorted(entries.items(), key=lambda entry: (-entry[1], entry[0]))
    return (f"{name}: {size} bytes" for name, size in deepest)
