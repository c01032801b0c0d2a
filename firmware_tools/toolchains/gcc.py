"""GCC for cores without an operating system, as distributions ship it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from firmware_tools.toolchains.compile import Compiler
from firmware_tools.toolchains.cores import Core
from firmware_tools.toolchains.toolchain import Toolchain

MAPS_FOLDERS_FROM = 8


class Gcc(Toolchain):
    """One of GCC's cross compilers; its C library is not used.

    Args:
        name: its command.
        package: Debian's package that has it.
    """

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self.how_to_get = f"apt install {package}"

    def installed(self) -> bool:
        return shutil.which(self.name) is not None

    def version(self) -> str:
        # GCC before 7 knows the second option only.
        asking = ["-dumpfullversion", "-dumpversion"]
        done = Compiler((self.name,)).run(asking, Path.cwd(), "asking gcc's version")
        return done.strip()

    def supports(self, core: Core) -> bool:
        return core.gcc == self.name

    def compiler(self, core: Core) -> Compiler:
        major = int(self.version().split(".")[0])
        return Compiler((self.name, *core.gcc_flags), maps_folders=major >= MAPS_FOLDERS_FROM)

    def link(self, compiler: Compiler, arguments: Sequence[str], folder: Path) -> None:
        compiler.run(["-nostdlib", *arguments, "-lgcc"], folder, "linking")
