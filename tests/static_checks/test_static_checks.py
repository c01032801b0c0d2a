"""Bounds of the stack, symbols from outside, deviations from MISRA: what is found, what not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from firmware_tools.firmware import DENSE_STACK_SIZE, library_sources
from firmware_tools.static_checks import analyzers, object_symbols
from firmware_tools.static_checks import stack_bounds as stack_bounds_module
from firmware_tools.static_checks.analyzers import (
    ANALYZERS,
    TIDY_OF_SYNTAX,
    Analyzer,
    analyze,
    deviations,
)
from firmware_tools.static_checks.object_symbols import ALLOWED, outside_symbols
from firmware_tools.static_checks.stack_bounds import CallGraph, result_of, stack_bounds

FIRMWARE_STACK = 512
"""What the command loop takes above a call into the library, and to spare."""

needs_arm_gcc = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None and not os.environ.get("CI"),
    reason="needs arm-none-eabi-gcc",
)

GRAPH = """
node: { title: "fmq_entry" label: "fmq_entry\\na.c:1:1\\n16 bytes (static)\\n0 dynamic objects" }
node: { title: "a.c:deep" label: "deep\\na.c:5:1\\n100 bytes (static)\\n0 dynamic objects" }
node: { title: "a.c:shallow" label: "shallow\\na.c:9:1\\n8 bytes (static)\\n0 dynamic objects" }
node: { title: "a.c:pointed" label: "pointed\\na.c:9:1\\n40 bytes (static)\\n0 dynamic objects" }
node: { title: "memcpy" label: "memcpy\\nm.h:1:1" shape : ellipse }
edge: { sourcename: "fmq_entry" targetname: "a.c:shallow" label: "a.c:2:2" }
edge: { sourcename: "a.c:shallow" targetname: "a.c:deep" label: "a.c:2:2" }
edge: { sourcename: "fmq_entry" targetname: "memcpy" label: "a.c:2:2" }
"""


def graph(text: str = "") -> CallGraph:
    found = CallGraph()
    found.read(GRAPH + text)
    return found


def test_a_bound_is_the_deepest_way_down() -> None:
    bounds, cycles = graph().bounds()
    assert bounds["fmq_entry"] == 16 + 8 + 100
    assert cycles == []


def test_a_call_through_a_pointer_reaches_what_nothing_calls() -> None:
    edge = 'edge: { sourcename: "a.c:deep" targetname: "__indirect_call" label: "a.c:2:2" }\n'
    bounds, _ = graph(edge).bounds()
    assert bounds["fmq_entry"] == 16 + 8 + 100 + 40


def test_a_caller_that_is_known_reaches_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = 'edge: { sourcename: "fmq_entry" targetname: "__indirect_call" label: "a.c:2:2" }\n'
    node = 'node: { title: "b.c:other" label: "other\\nb.c:1:1\\n900 bytes (static)\\n0 d" }\n'
    assert graph(edge + node).bounds()[0]["fmq_entry"] == 16 + 900
    monkeypatch.setitem(stack_bounds_module.REACHED, "fmq_entry", {"pointed"})
    assert graph(edge + node).bounds()[0]["fmq_entry"] == 16 + 8 + 100


def test_recursion_and_unknown_frames_are_findings() -> None:
    edge = 'edge: { sourcename: "a.c:deep" targetname: "a.c:shallow" label: "a.c:2:2" }\n'
    node = 'node: { title: "a.c:vla" label: "vla\\na.c:1:1\\n8 bytes (dynamic)\\n1 objects" }\n'
    result = result_of(graph(edge + node), "a check")
    assert any("can call itself" in finding for finding in result.findings)
    assert "a.c:vla has a frame of unknown size" in result.findings


def test_a_frame_too_large_is_a_finding() -> None:
    node = 'node: { title: "fmq_big" label: "fmq_big\\na.c:1:1\\n4000 bytes (static)\\n0 d" }\n'
    result = result_of(graph(node), "a check")
    assert result.findings == ("fmq_big takes 4000 bytes of stack, expected 2048 at most",)


@needs_arm_gcc
def test_the_librarys_stack_is_bounded() -> None:
    result = stack_bounds()
    assert (result.absent, result.findings) == ("", ())
    bounds = {note.partition(":")[0] for note in result.notes}
    assert {"fmq_encode", "fmq_decode", "fmq_quantize_tensor", "fmq_work_size"} <= bounds


def test_dense_firmware_keeps_room_for_the_librarys_stack_and_its_own() -> None:
    assert DENSE_STACK_SIZE >= stack_bounds_module.LARGEST_BOUND + FIRMWARE_STACK


def test_those_that_are_known_call_through_pointers() -> None:
    """A name in the table that is nowhere would make a bound too small."""
    text = "".join(path.read_text() for path in library_sources())
    for caller, reached in stack_bounds_module.REACHED.items():
        assert all(f" {name}(" in text for name in (caller, *reached))


@needs_arm_gcc
def test_the_library_wants_memory_functions_alone() -> None:
    result = outside_symbols("cortex-m4")
    assert (result.findings, result.notes) == ((), ("memcpy, memset",))


@needs_arm_gcc
def test_floating_point_and_the_heap_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "wrong.c"
    source.write_text(
        "void *malloc(unsigned size);\n"
        "float half(float x) { return x * 0.5f; }\n"
        "void *get(double d) { return malloc((unsigned)d); }\n"
    )
    monkeypatch.setattr(object_symbols, "library_sources", lambda: [source])
    result = outside_symbols("cortex-m4")
    assert {"malloc is wanted", "__aeabi_fmul is wanted", "__aeabi_d2uiz is wanted"} == set(
        result.findings
    )


@pytest.mark.parametrize(
    "name",
    ["__aeabi_fadd", "__aeabi_dmul", "__mulsf3", "__adddf3", "malloc", "printf", "__udivmod"],
)
def test_what_is_never_allowed(name: str) -> None:
    assert not ALLOWED.fullmatch(name)


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=lambda analyzer: analyzer.name)
def test_every_deviation_has_a_reason(analyzer: Analyzer) -> None:
    reasons = deviations(analyzer).values()
    assert all(len(reason) > 5 and reason.endswith(".") for reason in reasons)


needs_clang_tidy = pytest.mark.skipif(
    shutil.which("clang-tidy") is None and not os.environ.get("CI"), reason="needs clang-tidy"
)


@needs_clang_tidy
def test_clang_tidy_finds_nothing_in_the_library() -> None:
    result = analyze(TIDY_OF_SYNTAX)
    assert (result.absent, result.findings) == ("", ())


@needs_clang_tidy
def test_what_clang_tidy_finds_is_a_finding_but_for_deviations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("int f(int x);\nint f(int x)\n{\n    return x == 0 ? 100 / x : x;\n}\n")
    monkeypatch.setattr(analyzers, "DEVIATIONS", tmp_path)
    rules = tmp_path / "tidy_deviations.toml"
    rules.write_text("")
    (finding,) = analyze(ANALYZERS[1], [source]).findings
    assert "Division by zero" in finding
    rules.write_text('"wrong.c: clang-analyzer-core.DivideZero" = "for the test"\n')
    result = analyze(ANALYZERS[1], [source])
    assert (result.findings, len(result.notes)) == ((), 1)


@pytest.mark.skipif(
    shutil.which("cppcheck") is None and not os.environ.get("CI"), reason="needs cppcheck"
)
def test_a_rule_that_is_not_deviated_from_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "wrong.c"
    source.write_text(
        "#include <stdint.h>\nuint32_t f(uint32_t x);\n"
        "uint32_t f(uint32_t x)\n{\n    if (x == 1u) {\n        goto end;\n    }\n"
        "    x = x + 1u;\nend:\n    return x;\n}\n"
    )
    rules = tmp_path / "misra_deviations.toml"
    rules.write_text('"15.1" = "for the test"\n"1.1" = "for the test"\n')
    monkeypatch.setattr(analyzers, "DEVIATIONS", tmp_path)
    result = analyze(ANALYZERS[0], [source])
    assert "rule 1.1 is deviated from nowhere" in result.findings
    assert any(note.startswith("rule 15.1") for note in result.notes)
    rules.write_text("")
    assert any(
        "misra-c2012-15.1" in finding for finding in analyze(ANALYZERS[0], [source]).findings
    )
