"""Builds: the same bytes anywhere, warnings as errors, sizes, and what is missing."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from firmware_tools.boards import Board
from firmware_tools.profiling.elf_image import load_image
from firmware_tools.toolchains import TOOLCHAINS, Build, toolchain
from fmq_embedded.errors import InputError, MissingToolError

ROOT = Path(__file__).resolve().parents[2]


def test_two_builds_in_different_folders_are_identical(
    toolchain_name: str, build: Any, firmware: Build, board: Board, tmp_path: Path
) -> None:
    copy = tmp_path / "somewhere" / "else"
    shutil.copytree(ROOT / "firmware_tools" / "app", copy / "app")
    source = shutil.copy(ROOT / "tests" / "firmware" / "echo_and_count.c", copy)
    sources = [Path(source), copy / "app" / "freestanding.c"]
    moved = dataclasses.replace(board, folder=Path(shutil.copytree(board.folder, copy / "board")))
    second = TOOLCHAINS[toolchain_name].build(
        moved, sources, [copy / "app"], {}, tmp_path / "output"
    )
    for kind in ("elf", "binary", "map"):
        assert getattr(second, kind).read_bytes() == getattr(firmware, kind).read_bytes(), kind
    assert str(ROOT).encode() not in firmware.elf.read_bytes()


def test_source_name_in_a_message_does_not_depend_on_the_folder(
    toolchain_name: str, build: Any, tmp_path: Path
) -> None:
    images = []
    for name in ("one", "another"):
        folder = tmp_path / name
        folder.mkdir()
        source = folder / "message.c"
        source.write_text(
            "extern const char file_name[];\n"
            '__attribute__((section(".vectors.name"), used)) const char file_name[] = __FILE__;\n'
        )
        images.append(build(toolchain_name, folder / "out", source).elf.read_bytes())
    assert images[0] == images[1]


def test_clock_in_a_source_is_an_error(toolchain_name: str, build: Any, tmp_path: Path) -> None:
    source = tmp_path / "clock.c"
    source.write_text("extern const char now[];\nconst char now[] = __TIME__;\n")
    with pytest.raises(InputError, match=r"clock\.c"):
        build(toolchain_name, tmp_path / "out", source)


@pytest.mark.parametrize(
    "text",
    [
        "signed char narrow(int value);\nsigned char narrow(int value) { return value; }\n",
        "int same(int value);\nint same(int value) { { int value = 1; return value; } }\n",
        "#if NOT_DEFINED\n#endif\nextern int any;\n",
        "int sum(int n);\nint sum(int n) { int a[n]; a[0] = n; return a[0]; }\n",
        "extern int any;;\n",
    ],
    ids=["conversion", "shadow", "undef", "vla", "pedantic"],
)
def test_warning_is_an_error(toolchain_name: str, build: Any, tmp_path: Path, text: str) -> None:
    source = tmp_path / "warned.c"
    source.write_text(text)
    with pytest.raises(InputError, match=r"compiling .*warned\.c failed"):
        build(toolchain_name, tmp_path / "out", source)
    assert list((tmp_path / "out").iterdir()) == []


def test_sizes_add_up_and_are_told_by_source(firmware: Build, board: Board) -> None:
    sizes = firmware.sizes
    assert firmware.flash_bytes == len(firmware.binary.read_bytes())
    assert firmware.stack_bytes == 0x4000
    assert 4 <= firmware.ram_bytes < 256
    assert sum(sizes.ram_by_source.values()) == firmware.ram_bytes
    initial = sum(size for name, size in sizes.sections.items() if name == ".data")
    assert sum(sizes.flash_by_source.values()) == firmware.flash_bytes - initial
    assert {"uart_cmsdk.c", "echo_and_count.c", "(compiler)"} <= sizes.flash_by_source.keys()
    loop = next(symbol for symbol in sizes.symbols if symbol.name == "plain_loop")
    assert (loop.size, loop.source, loop.in_ram) == (18, "echo_and_count.c", False)
    assert "plain_loop echo_and_count.c" in firmware.map.read_text()


def test_unused_functions_are_left_out(toolchain_name: str, build: Any, tmp_path: Path) -> None:
    source = tmp_path / "unused.c"
    source.write_text("int never_called(int a);\nint never_called(int a) { return a; }\n")
    names = {s.name for s in build(toolchain_name, tmp_path / "out", source).sizes.symbols}
    assert "main" in names
    assert "never_called" not in names


def test_optimising_for_size_is_smaller(toolchain_name: str, build: Any, tmp_path: Path) -> None:
    small = build(toolchain_name, tmp_path / "small", optimise="-Os")
    fast = build(toolchain_name, tmp_path / "fast", optimise="-O2")
    assert small.flash_bytes < fast.flash_bytes
    with pytest.raises(InputError, match="-O2"):
        build(toolchain_name, tmp_path / "fast", optimise="-O3")


@pytest.mark.parametrize("memory", [{"flash_size": 1024}, {"ram_size": 0x4000}])
def test_program_too_large_for_the_board_is_refused(
    toolchain_name: str, board: Board, tmp_path: Path, memory: dict[str, int]
) -> None:
    tight = dataclasses.replace(board, memory=dataclasses.replace(board.memory, **memory))
    sources = [ROOT / "tests/firmware/echo_and_count.c", ROOT / "firmware_tools/app/freestanding.c"]
    with pytest.raises(InputError, match=r"needs \d+ bytes of (flash|RAM).* mps2-an386 has"):
        TOOLCHAINS[toolchain_name].build(
            tight, sources, [ROOT / "firmware_tools" / "app"], {}, tmp_path
        )


def test_zig_builds_offline_in_an_empty_home(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with no compiler on the path and with an empty cache, its run-time library included."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FMQ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    firmware = build("zig", tmp_path / "out")
    assert "(compiler)" in firmware.sizes.flash_by_source
    assert not (tmp_path / "home").exists()


def test_version_is_the_tool_s_own(firmware: Build, toolchain_name: str) -> None:
    assert firmware.toolchain == toolchain_name
    assert firmware.toolchain_version.count(".") == 2


def test_missing_toolchain_says_how_to_get_it(
    toolchain_name: str, build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(TOOLCHAINS[toolchain_name]), "installed", lambda _: False)
    with pytest.raises(MissingToolError, match="install"):
        build(toolchain_name, tmp_path)


def test_unknown_toolchain_names_the_nearest() -> None:
    with pytest.raises(InputError, match="zig"):
        toolchain("zigg")


def test_place_of_an_address_names_its_function(firmware: Build) -> None:
    loop = next(symbol for symbol in firmware.sizes.symbols if symbol.name == "plain_loop")
    image = load_image(firmware.elf)
    assert image.place(loop.address + 4) == f"{loop.address + 4:#x} (plain_loop+0x4)"
    assert image.place(0x7000_0000) == "0x70000000"


def test_file_that_is_not_elf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"no program")
    with pytest.raises(InputError, match="not an ELF file"):
        load_image(path)
