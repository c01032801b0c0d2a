"""Shared libraries of C sources for this machine."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_tools.toolchains import host_library, sanitizer_environment
from fmq_embedded.errors import InputError, MissingToolError

SHIFT = "int shift(int value, int by);\nint shift(int value, int by) { return value << by; }\n"
READ = (
    "#include <stdlib.h>\n"
    "int read_at(int index);\n"
    "int read_at(int index) {\n"
    "    char *volatile bytes = calloc(4u, 1u); int value = bytes[index];\n"
    "    free(bytes); return value; }\n"
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMQ_CACHE_DIR", str(tmp_path / "cache"))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_library_is_built_once_and_again_when_a_header_changes(tmp_path: Path) -> None:
    header = write(tmp_path, "size.h", "#define SIZE 3\n")
    source = write(
        tmp_path, "size.c", '#include "size.h"\nint size(void);\nint size(void) { return SIZE; }\n'
    )
    first = host_library([source])
    stamp = first.stat().st_mtime_ns
    assert ctypes.CDLL(str(first)).size() == 3
    assert host_library([source]) == first
    assert first.stat().st_mtime_ns == stamp
    header.write_text("#define SIZE 4\n")
    assert ctypes.CDLL(str(host_library([source]))).size() == 4
    assert host_library([source], defines={"OTHER": "1"}) != host_library([source])


def test_zig_builds_where_there_is_no_other_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ctypes.CDLL(str(host_library([write(tmp_path, "s.c", SHIFT)]))).shift(3, 2) == 12


@pytest.mark.parametrize(
    ("text", "call", "sanitize", "message"),
    [
        (SHIFT, "shift(1, 40)", "undefined", "shift exponent 40 is too large"),
        (READ, "read_at(5)", "address", "heap-buffer-overflow"),
        (SHIFT, "shift(1, 40)", "address", "shift exponent 40 is too large"),
    ],
)
def test_sanitizer_ends_the_process_at_a_finding(
    tmp_path: Path, text: str, call: str, sanitize: str, message: str
) -> None:
    library = host_library([write(tmp_path, "wrong.c", text)], sanitize=sanitize)
    environment = sanitizer_environment() if sanitize == "address" else {}
    done = subprocess.run(
        [sys.executable, "-c", f"import ctypes; ctypes.CDLL({str(library)!r}).{call}; print('on')"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert message in done.stderr
    assert done.returncode != 0
    assert "on" not in done.stdout


def test_mistakes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path, "s.c", SHIFT)
    with pytest.raises(InputError, match="undefined"):
        host_library([source], sanitize="undefind")
    with pytest.raises(InputError, match="no source file"):
        host_library([tmp_path / "absent.c"])
    with pytest.raises(InputError, match="at least one"):
        host_library([])
    with pytest.raises(InputError, match=r"compiling .*broken\.c"):
        host_library([write(tmp_path, "broken.c", "int f(void) { return }\n")])
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(MissingToolError, match="no-such-compiler"):
        host_library([source])


def test_memcpy_and_memset_of_the_firmware(tmp_path: Path) -> None:
    """Every alignment and size up to some words, and nothing beside the range is touched."""
    app = Path(__file__).resolve().parents[2] / "firmware_tools" / "app"
    renamed = {"memcpy": "own_memcpy", "memset": "own_memset"}
    library = ctypes.CDLL(str(host_library([app / "freestanding.c"], defines=renamed)))
    source = bytes(range(1, 65))
    for to in range(5):
        for start in range(5):
            for size in range(20):
                got = ctypes.create_string_buffer(b"\xee" * 64, 64)
                at = ctypes.c_void_p(ctypes.addressof(got) + to)
                data = ctypes.create_string_buffer(source, 64)
                begin = ctypes.c_void_p(ctypes.addressof(data) + start)
                library.own_memcpy(at, begin, ctypes.c_size_t(size))
                rest = b"\xee" * (64 - to - size)
                assert got.raw == b"\xee" * to + source[start : start + size] + rest
                library.own_memset(at, 0x1A5, ctypes.c_size_t(size))
                assert got.raw == b"\xee" * to + b"\xa5" * size + rest
