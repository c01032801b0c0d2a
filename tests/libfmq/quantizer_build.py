"""Builds the quantizers of libfmq for this machine and for a Cortex-M4, and calls them."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np

from fmq_embedded.quantizers.forms import FORM_CODES, INPUT_CODES

LIBRARY = Path(__file__).parents[2] / "firmware_tools" / "libfmq"
SOURCES = [
    *(path for path in sorted(LIBRARY.glob("src/quantize*.c")) if "partition" not in path.name),
    LIBRARY / "src" / "dequantize.c",
    LIBRARY / "src" / "dequantize_fixed_point.c",
]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Wvla", "-Wpedantic"]
WARNINGS.append("-Werror")
CODE, DATA, RETURN = 0x10000, 0x20000000, 0x8000
CODE_SIZE, DATA_SIZE = 0x10000, 0x100000

LINKER_SCRIPT = f"""
SECTIONS {{
  . = {CODE:#x};
  .text : {{ KEEP(*(.text*)) KEEP(*(.rodata*)) }}
  /DISCARD/ : {{ *(.ARM.*) *(.comment) }}
}}
"""


class Quantizer(ctypes.Structure):
    """fmq_quantizer_t of this machine."""

    _fields_ = [
        ("form", ctypes.c_uint8),
        ("input", ctypes.c_uint8),
        ("bit_depth", ctypes.c_uint8),
        ("shift", ctypes.c_uint8),
        ("exponent", ctypes.c_uint8),
        ("multiplier", ctypes.c_uint32),
        ("addend", ctypes.c_int64),
        ("base", ctypes.c_int32),
        ("pivot", ctypes.c_int32),
        ("dead_zone", ctypes.c_int32),
        ("table", ctypes.c_void_p),
    ]


class DeviceQuantizer(ctypes.LittleEndianStructure):
    """fmq_quantizer_t of a 32-bit Arm: the same, with a 32-bit pointer."""

    _fields_ = [*Quantizer._fields_[:-1], ("table", ctypes.c_uint32)]


class Dequantizer(ctypes.Structure):
    """fmq_dequantizer_t of this machine."""

    _fields_ = [
        ("output", ctypes.c_uint8),
        ("bit_depth", ctypes.c_uint8),
        ("values", ctypes.c_void_p),
    ]


def filled(structure, form, table_address):
    """A structure with the form's fields; those that it does not have are 0."""
    made = structure()
    made.form, made.input = FORM_CODES[form.name], INPUT_CODES[form.input]
    for name in ("bit_depth", "shift", "exponent", "multiplier", "addend", "base"):
        setattr(made, name, getattr(form, name, 0))
    made.pivot, made.dead_zone = getattr(form, "pivot", 0), getattr(form, "dead_zone", 0)
    made.table = table_address
    return made


def host_library(folder: Path) -> ctypes.CDLL:
    """libfmq's quantizers, undefined behaviour trapped, loaded into this process."""
    target = folder / "libquantizers.so"
    flags = ["-std=c99", "-O2", "-shared", "-fPIC", "-fsanitize=undefined"]
    flags += ["-fno-sanitize-recover=all", f"-I{LIBRARY / 'include'}"]
    subprocess.run(["gcc", *WARNINGS, *flags, *map(str, SOURCES), "-o", str(target)], check=True)
    library = ctypes.CDLL(str(target))
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    library.fmq_quantize.argtypes = [pointer, pointer, size, pointer]
    library.fmq_dequantize.argtypes = [pointer, pointer, size, pointer]
    return library


def quantize(library: ctypes.CDLL, form, samples: np.ndarray) -> tuple[int, np.ndarray]:
    """The status and the levels that the host build gives."""
    table = np.ascontiguousarray(getattr(form, "table", np.zeros(1)))
    levels = np.full(samples.shape, 0xAA, np.uint8 if form.bit_depth <= 8 else np.uint16)
    described = filled(Quantizer, form, table.ctypes.data)
    status = library.fmq_quantize(
        ctypes.byref(described), samples.ctypes.data, samples.size, levels.ctypes.data
    )
    return status, levels


def device_image(folder: Path) -> tuple[bytes, int]:
    """The code of fmq_quantize for a Cortex-M4 at −O2, at `CODE`, and its entry."""
    from elftools.elf.elffile import ELFFile

    script = folder / "image.ld"
    script.write_text(LINKER_SCRIPT)
    target = folder / "quantizers.elf"
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi"]
    flags = ["-mcpu=cortex_m4", "-std=c99", "-O2", "-fno-sanitize=undefined", "-nostdlib"]
    flags += ["-ffreestanding", "-fno-unwind-tables", f"-Wl,-T,{script}"]
    flags += [f"-I{LIBRARY / 'include'}"]
    sources = [*map(str, SOURCES), str(LIBRARY.parent / "app" / "freestanding.c")]
    subprocess.run([*compiler, *WARNINGS, *flags, *sources, "-o", str(target)], check=True)
    with target.open("rb") as file:
        elf = ELFFile(file)
        text = elf.get_section_by_name(".text")
        assert text["sh_addr"] == CODE
        (entry,) = elf.get_section_by_name(".symtab").get_symbol_by_name("fmq_quantize")
        return text.data(), entry["st_value"]


def device_quantize(image: bytes, entry: int, form, samples: np.ndarray):
    """Status, levels and the number of instructions on an emulated Cortex-M4."""
    import unicorn
    from unicorn import arm_const as arm

    machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    machine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
    machine.mem_map(CODE, CODE_SIZE)
    machine.mem_map(DATA, DATA_SIZE)
    machine.mem_map(RETURN, 0x1000)
    machine.mem_write(CODE, image)
    table = np.ascontiguousarray(getattr(form, "table", np.zeros(1))).tobytes()
    places = [DATA + 0x100, DATA + 0x40000, DATA + 0x80000]
    machine.mem_write(DATA, bytes(filled(DeviceQuantizer, form, places[0])))
    machine.mem_write(places[0], table)
    machine.mem_write(places[1], samples.tobytes())
    for register, value in zip(
        (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3),
        (DATA, places[1], samples.size, places[2]),
        strict=True,
    ):
        machine.reg_write(register, value)
    machine.reg_write(arm.UC_ARM_REG_SP, DATA + DATA_SIZE)
    machine.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
    count = 0

    def step(*_):
        nonlocal count
        count += 1

    machine.hook_add(unicorn.UC_HOOK_CODE, step)
    machine.emu_start(entry | 1, RETURN)
    dtype = np.dtype(np.uint8 if form.bit_depth <= 8 else np.uint16)
    raw = machine.mem_read(places[2], samples.size * dtype.itemsize)
    status = machine.reg_read(arm.UC_ARM_REG_R0)
    return status, np.frombuffer(bytes(raw), dtype), count
