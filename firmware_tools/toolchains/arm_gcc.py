"""arm-none-eabi-gcc, as distributions and Arm ship it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from firmware_tools.toolchains.compile import Compiler
from firmware_tools.toolchains.cores import Core
from firmware_tools.toolchains.toolchain import Toolchain

COMMAND = "arm-none-eabi-gcc"


class ArmNoneEabiGcc(Toolchain):
    """GCC for Arm without an operating system; its C library is not used."""

    name = "arm-none-eabi-gcc"
    how_to_get = "apt install gcc-arm-none-eabi, or Arm's own GNU toolchain"

    def installed(self) -> bool:
        return shutil.which(COMMAND) is not None

    def version(self) -> str:
        done = Compiler((COMMAND,)).run(["-dumpfullversion"], Path.cwd(), "asking gcc's version")
        return done.strip()

    def compiler(self, core: Core) -> Compiler:
        return Compiler((COMMAND, *core.gcc_flags, "-mthumb", "-mfloat-abi=soft"))

    def link(self, compiler: Compiler, arguments: Sequence[str], folder: Path) -> None:
        compiler.run(["-nostdlib", *arguments, "-lgcc"], folder, "linking")
