"""What all of libfmq takes of a board's flash: every public function is linked, nothing called."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from firmware_tools.boards import load_board
from firmware_tools.firmware import APP, LIBFMQ_INCLUDE, library_sources
from firmware_tools.profiling.figures import Figure
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, toolchain

BOARDS = {"Cortex-M4": "mps2-an386", "Cortex-M0": "microbit"}
LIMIT = 24 * 1024
_FUNCTION = re.compile(r"\b(fmq_[a-z0-9_]+)\(")
_CODING = re.compile(r"\b(fmq_[a-z]+_(?:en|de)coding)\b")
PARTS = {
    "dense": re.compile(r"dense_|transform"),
    "classes": re.compile(r"class_|partition|.*_partition|vector_quantizer"),
    "static coder": re.compile(r"static_"),
}
"""Of the library's files, by how their names begin; all others are what every deployment shares."""
SHARED = "quantizers, range coder, stream"


def whole_library_figures(boards: Mapping[str, str]) -> list[Figure]:
    """Bytes of flash of the whole library and of its parts, -Os.

    Args:
        boards: of each core one, as in `BOARDS`.
    """
    found = []
    for core, board in boards.items():
        by_source = flash_by_source(board)
        total = sum(by_source.values())
        found.append(Figure(f"libfmq, flash, -Os, everything, {core}", total, "bytes", limit=LIMIT))
        found += [
            Figure(f"libfmq, flash, -Os, {part}, {core}", size, "bytes")
            for part, size in _by_part(by_source).items()
        ]
    return found


def flash_by_source(board: str) -> dict[str, int]:
    """Bytes of code and constants of each of the library's files, where all functions are kept."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "every_function.c"
        program.write_text(_program(*public_names()), encoding="ascii")
        build = toolchain(DEFAULT_TOOLCHAIN).build(
            load_board(board),
            [program, APP / "freestanding.c"],
            [LIBFMQ_INCLUDE, APP],
            {},
            folder / "build",
            optimise="-Os",
            library=library_sources(),
            library_dirs=[LIBFMQ_INCLUDE],
        )
    own = {path.name for path in library_sources()}
    by_source = build.sizes.flash_by_source
    return {source: size for source, size in by_source.items() if Path(source).name in own}


def public_names() -> tuple[list[str], list[str]]:
    """The names of all functions that the library's headers declare, and of its codings."""
    headers = sorted((LIBFMQ_INCLUDE / "fmq").glob("*.h"))
    text = "".join(path.read_text("utf-8") for path in headers)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    functions, codings = (set(names.findall(text)) for names in (_FUNCTION, _CODING))
    return sorted(functions), sorted(codings)


def _program(functions: list[str], codings: list[str]) -> str:
    """A program that is never run, with the address of each function and coding."""
    lines = [
        *(f"void {name}(void);" for name in functions),
        *(f"extern const char {name}[];" for name in codings),
        "int main(void);",
        "static void (*const functions[])(void) = {" + ", ".join(functions) + "};",
        "static const char *const codings[] = {" + ", ".join(codings) + "};",
        "int main(void)",
        "{",
        "    void (*const volatile *function)(void) = functions;",
        "    const char *const volatile *coding = codings;",
        "    while (**coding++ == 0) {",
        "        (*function++)();",
        "    }",
        "    return 0;",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _by_part(by_source: Mapping[str, int]) -> dict[str, int]:
    sizes = dict.fromkeys((*PARTS, SHARED), 0)
    for source, size in by_source.items():
        name = Path(source).name
        part = next((part for part, files in PARTS.items() if files.match(name)), SHARED)
        sizes[part] += size
    return sizes
