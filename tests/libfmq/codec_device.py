"""libfmq's codec on an emulated Cortex-M4: the same bytes there, and its instructions counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_tools.toolchains import toolchain
from firmware_tools.toolchains.compile import WARNINGS, Compiler, compile_objects
from firmware_tools.toolchains.cores import core
from tests.libfmq.codec_library import CODEC_SOURCES, CODINGS, LIBFMQ, Levels, Tensor

CODE, DATA, RETURN = 0x10000, 0x20000000, 0x8000
CODE_SIZE, DATA_SIZE = 0x20000, 0x400000
SHAPE, INPUT, OUTPUT = DATA + 0x100000, DATA + 0x110000, DATA + 0x210000

LINKER_SCRIPT = f"""
SECTIONS {{
  . = {CODE:#x};
  .text : {{ KEEP(*(.text*)) KEEP(*(.rodata*)) }}
  . = {DATA:#x};
  .bss : {{ *(.bss*) *(COMMON) }}
  /DISCARD/ : {{ *(.ARM.*) *(.comment) }}
}}
"""


@dataclass(frozen=True)
class Image:
    """The code at `CODE` and its entries."""

    code: bytes
    entries: dict[str, int]


def build_image(folder: Path, toolchain_name: str, optimise: str = "-O2") -> Image:
    from elftools.elf.elffile import ELFFile

    tool = toolchain(toolchain_name)
    base = tool.compiler(core("cortex-m4"))
    flags = (*base.flags, optimise, "-ffreestanding", *WARNINGS)
    app = LIBFMQ.parent / "app"
    driver = Path(__file__).with_name("codec_on_device.c")
    objects = compile_objects(
        Compiler(base.command, flags, base.environment),
        [*CODEC_SOURCES, CODINGS, driver, app / "freestanding.c"],
        [LIBFMQ / "include", LIBFMQ / "src"],
        {},
        folder,
    )
    (folder / "image.ld").write_text(LINKER_SCRIPT)
    names = [path.name for path in objects]
    tool.link(base, ["-Wl,-T,image.ld", "-Wl,-e,encode", *names, "-o", "image.elf"], folder)
    with (folder / "image.elf").open("rb") as file:
        elf = ELFFile(file)
        text = elf.get_section_by_name(".text")
        assert text["sh_addr"] == CODE
        symbols = elf.get_section_by_name(".symtab").iter_symbols()
        entries = {s.name: s["st_value"] for s in symbols if s["st_info"]["type"] == "STT_FUNC"}
        return Image(text.data(), entries)


class Machine:
    """A Cortex-M4 with the image in it."""

    def __init__(self, image: Image) -> None:
        import unicorn
        from unicorn import arm_const as arm

        self._arm, self._image = arm, image
        self._machine = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        self._machine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        self._machine.mem_map(CODE, CODE_SIZE)
        self._machine.mem_map(DATA, DATA_SIZE)
        self._machine.mem_map(RETURN, 0x1000)
        self._machine.mem_write(CODE, image.code)
        self._machine.hook_add(unicorn.UC_HOOK_CODE, self._step)
        self.instructions = 0

    def _step(self, *_: object) -> None:
        self.instructions += 1

    def call(self, name: str, *arguments: int) -> int:
        """What the function returns; `instructions` are then those it took."""
        arm = self._arm
        registers = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)
        for register, value in zip(registers, arguments, strict=False):
            self._machine.reg_write(register, value)
        self._machine.reg_write(arm.UC_ARM_REG_SP, DATA + DATA_SIZE)
        self._machine.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self.instructions = 0
        self._machine.emu_start(self._image.entries[name] | 1, RETURN)
        return int(self._machine.reg_read(arm.UC_ARM_REG_R0))

    def _describe(self, tensor: Tensor) -> None:
        g = tensor.geometry
        shape = (g.rows, g.columns, g.channels, tensor.centre, tensor.bit_depth)
        self._machine.mem_write(SHAPE, np.array(shape, "<u4").tobytes())

    def encode(self, tensor: Tensor, levels: Levels) -> bytes:
        self._describe(tensor)
        self._machine.mem_write(INPUT, levels.tobytes())
        size = self.call("encode", SHAPE, INPUT, OUTPUT, DATA_SIZE // 4)
        return bytes(self._machine.mem_read(OUTPUT, size))

    def decode(self, tensor: Tensor, data: bytes) -> tuple[int, Levels]:
        self._describe(tensor)
        self._machine.mem_write(INPUT, data)
        status = self.call("decode", SHAPE, INPUT, len(data), OUTPUT)
        levels = tensor.empty()
        raw = bytes(self._machine.mem_read(OUTPUT, levels.nbytes))
        return status, np.frombuffer(raw, levels.dtype)

    def decision_cost(self, bits: Levels) -> float:
        """Instructions per decision; `bits`: uint8, context << 1 | decision."""
        self._machine.mem_write(INPUT, bits.tobytes())
        counts = {}
        for name in ("decisions", "no_decisions"):
            for count in (0, bits.size):
                self.call(name, INPUT, count)
                counts[name, count] = self.instructions
        whole = counts["decisions", bits.size] - counts["decisions", 0]
        loop = counts["no_decisions", bits.size] - counts["no_decisions", 0]
        return (whole - loop) / bits.size
