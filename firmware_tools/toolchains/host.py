"""Builds C sources as a shared library for this machine, for calls through ctypes."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from firmware_tools.toolchains.cache import build_cache
from firmware_tools.toolchains.compile import DETERMINISTIC, WARNINGS, Compiler, compile_objects
from firmware_tools.toolchains.zig import zig_compiler
from fmq_embedded.errors import InputError, MissingToolError, unknown_name

LIBFMQ_INCLUDE = Path(__file__).resolve().parents[1] / "libfmq" / "include"

# Sanitizers end the process at the first finding: a finding is never only a line in a log.
SANITIZERS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "undefined": ("-fsanitize=undefined", "-fno-sanitize-recover=all"),
    "address": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
}


def host_compiler(name: str | None = None) -> Compiler:
    """The C compiler for this machine: `name`, else CC, gcc, clang, cc, else zig's.

    Raises:
        MissingToolError: `name` or CC is given and not there, or there is none at all.
    """
    wanted = name or os.environ.get("CC")
    for candidate in (wanted,) if wanted else ("gcc", "clang", "cc"):
        path = shutil.which(candidate)
        if path:
            return Compiler((path,))
    if wanted:
        raise MissingToolError(f"there is no C compiler {wanted!r}; install it or unset CC")
    return zig_compiler()


def host_library(
    sources: Iterable[Path],
    include_dirs: Iterable[Path] = (LIBFMQ_INCLUDE,),
    defines: Mapping[str, str] | None = None,
    sanitize: str = "none",
    compiler: str | None = None,
) -> Path:
    """Build a shared library of C sources, or find the one that was built from the same bytes.

    Args:
        sources: C files; every warning of the project's list is an error.
        include_dirs: folders searched for headers; all headers in them count as input.
        defines: macros.
        sanitize: "none", "undefined", or "address" (with "undefined"). A library with a
            sanitizer is built by gcc; one with "address" loads only into a process that was
            started with `sanitizer_environment()`.
        compiler: a compiler's name; else as `host_compiler` finds it.

    Returns:
        The library's path, in the cache folder.

    Raises:
        InputError: a source is not there or does not compile.
        MissingToolError: no compiler.
    """
    if sanitize not in SANITIZERS:
        raise unknown_name("sanitizer", sanitize, SANITIZERS)
    sources, include_dirs = [Path(s) for s in sources], [Path(d) for d in include_dirs]
    if not sources:
        raise InputError("a library needs at least one C source, and none was given")
    base = host_compiler("gcc" if sanitize != "none" else compiler)
    flags = ("-O2", "-fPIC", *WARNINGS, *DETERMINISTIC, *SANITIZERS[sanitize])
    full = dataclasses.replace(base, flags=(*base.flags, *flags))
    key = _content_hash(full, sources, include_dirs, defines or {})
    target = build_cache("host") / f"{key}{_suffix()}"
    if not target.is_file():
        _build(full, sources, include_dirs, defines or {}, target)
    return target


def sanitizer_environment() -> dict[str, str]:
    """The environment in which a process can load a library built with sanitize="address"."""
    gcc = host_compiler("gcc")
    runtime = gcc.run(["-print-file-name=libasan.so"], Path.cwd(), "asking gcc for libasan").strip()
    # Python keeps memory to its end; a leak report about it would hide the findings.
    return {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0"}


def _build(
    compiler: Compiler,
    sources: Sequence[Path],
    include_dirs: Sequence[Path],
    defines: Mapping[str, str],
    target: Path,
) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        objects = compile_objects(compiler, sources, include_dirs, defines, folder)
        sanitizers = [flag for flag in compiler.flags if flag.startswith("-fsanitize")]
        linking = ["-shared", *compiler.library_flags, *sanitizers]
        arguments = [*linking, *[o.name for o in objects], "-o", target.name]
        compiler.run(arguments, folder, f"linking {target.name}")
        (folder / target.name).replace(target)


def _content_hash(
    compiler: Compiler,
    sources: Sequence[Path],
    include_dirs: Sequence[Path],
    defines: Mapping[str, str],
) -> str:
    digest = hashlib.sha256()
    version = compiler.run(["--version"], Path.cwd(), "asking the compiler for its version")
    digest.update(repr((version, compiler.flags, sorted(defines.items()))).encode())
    folders = {*(d.resolve() for d in include_dirs), *(s.resolve().parent for s in sources)}
    headers = sorted(header for folder in folders for header in folder.rglob("*.h"))
    for path in (*sources, *headers):
        if not path.is_file():
            raise InputError(f"there is no source file {path}; the build needs it")
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _suffix() -> str:
    return {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
