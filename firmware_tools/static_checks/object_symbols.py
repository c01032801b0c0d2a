"""What libfmq's objects ask of others: memory functions, and integer helpers of the compiler."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources
from firmware_tools.static_checks.findings import StaticResult
from firmware_tools.toolchains.compile import Compiler, compile_objects
from firmware_tools.toolchains.cores import core
from fmq_embedded.errors import MissingToolError

CORES = ("cortex-m0", "cortex-m4", "cortex-m55", "rv32imc", "rv32imac", "avr6")

# All that may be wanted from outside. Helpers of floating point have other names (__aeabi_f…,
# __aeabi_d…, …sf3, …df3), and so have the heap and printing.
ALLOWED = re.compile(
    r"mem(?:cpy|set|move)|_GLOBAL_OFFSET_TABLE_"
    r"|__aeabi_(?:u?idiv(?:mod)?|u?lcmp|lmul|ll?sl|ll?sr|lasr|llsl|llsr|mem\w+)"
    r"|__gnu_thumb1_case_\w+"
    r"|__(?:u?div|u?mod|u?divmod|mul|ashl|ashr|lshr|clz|ctz|bswap|cmp|ucmp)[qhsd]i[234]"
    r"|__riscv_(?:save|restore)_\d+"
    r"|__(?:prologue_saves|epilogue_restores|tablejump2?)__|__do_(?:copy_data|clear_bss)"
    r"|__u?(?:add|sub|neg|mulsi|cmp)di[23](?:_s8)?|__\w*mul\w*hisi3|__negsi2"
)


def core_compiler(name: str) -> Compiler:
    """GCC for a core, as firmware is built.

    Raises:
        MissingToolError: it is not installed.
    """
    chosen = core(name)
    if not shutil.which(chosen.gcc):
        raise MissingToolError(f"{chosen.gcc} is not installed")
    flags = ("-std=c99", "-O2", "-ffreestanding", "-fno-common", *chosen.gcc_flags)
    return Compiler((chosen.gcc,), flags, maps_folders=False)


def outside_symbols(name: str) -> StaticResult:
    """What the library, built for a core, asks for that it does not have itself."""
    check = f"symbols that libfmq wants, {name}"
    try:
        compiler = core_compiler(name)
    except MissingToolError as error:
        return StaticResult(check, absent=str(error))
    with tempfile.TemporaryDirectory() as folder:
        objects = compile_objects(compiler, library_sources(), [LIBFMQ_INCLUDE], {}, Path(folder))
        defined, wanted = _symbols(objects)
    outside = sorted(wanted - defined)
    wrong = tuple(f"{symbol} is wanted" for symbol in outside if not ALLOWED.fullmatch(symbol))
    return StaticResult(check, len(defined | wanted), wrong, (", ".join(outside) or "none",))


def with_stack_usage(compiler: Compiler) -> Compiler:
    """The compiler, writing each source's call graph with stack sizes beside its object."""
    return replace(compiler, flags=(*compiler.flags, "-fcallgraph-info=su"))


def _symbols(objects: Iterable[Path]) -> tuple[set[str], set[str]]:
    from elftools.elf.elffile import ELFFile

    defined: set[str] = set()
    wanted: set[str] = set()
    for path in objects:
        with path.open("rb") as file:
            symbols: Sequence[tuple[str, str]] = [
                (symbol.name, symbol["st_shndx"])
                for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols()
                if symbol["st_info"]["bind"] != "STB_LOCAL"
            ]
        for name, section in symbols:
            (wanted if section == "SHN_UNDEF" else defined).add(name)
    return defined, wanted - {""}
