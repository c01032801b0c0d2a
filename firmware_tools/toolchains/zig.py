"""zig cc from the package `ziglang`: the compiler that needs nothing else installed."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from firmware_tools.toolchains.cache import build_cache
from firmware_tools.toolchains.compile import Compiler
from firmware_tools.toolchains.cores import Core
from firmware_tools.toolchains.toolchain import Toolchain
from fmq_embedded.errors import InputError, MissingToolError


def zig_compiler() -> Compiler:
    """zig's C compiler, with its caches in our cache folder, so that an empty home will do.

    Raises:
        MissingToolError: the package `ziglang` is not installed.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise MissingToolError(
            "there is no C compiler: neither gcc, clang nor zig; "
            'get zig with `pip install "fmq-embedded[device]"`'
        )
    folder = str(build_cache("zig"))
    caches = {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}
    # Unasked, zig turns undefined behaviour into traps, which adds code.
    flags = ("-fno-sanitize=undefined",)
    # The process that loads a library has the C library already; to link one against its own,
    # zig would first build it, which takes a minute.
    library_flags = ("-nostdlib",) if sys.platform == "linux" else ()
    return Compiler((sys.executable, "-m", "ziglang", "cc"), flags, caches, library_flags)


class Zig(Toolchain):
    """zig cc: clang with its own linker and a compiler run-time made on first need."""

    name = "zig"
    how_to_get = 'pip install "fmq-embedded[device]"'

    def installed(self) -> bool:
        return importlib.util.find_spec("ziglang") is not None

    def version(self) -> str:
        command = Compiler((sys.executable, "-m", "ziglang"))
        return command.run(["version"], Path.cwd(), "asking zig for its version").strip()

    def supports(self, core: Core) -> bool:
        return core.zig_target is not None

    def compiler(self, core: Core) -> Compiler:
        zig = zig_compiler()
        target = ("-target", str(core.zig_target), f"-mcpu={core.zig_cpu}", *core.zig_flags)
        return Compiler((*zig.command, *target), zig.flags, zig.environment)

    def keeping_in(self, compiler: Compiler, folder: Path) -> Compiler:
        caches = {**compiler.environment, "ZIG_LOCAL_CACHE_DIR": str(folder)}
        return dataclasses.replace(compiler, environment=caches)

    def link(self, compiler: Compiler, arguments: Sequence[str], folder: Path) -> None:
        # zig takes seconds to build its run-time library the first time: only if it is needed.
        try:
            compiler.run(["-nostdlib", *arguments], folder, "linking")
        except InputError as error:
            if "undefined symbol" not in str(error):
                raise
            compiler.run(["-nostdlib", *arguments, "-lcompiler_rt"], folder, "linking")
