"""What each compiler calls the cores that boards have."""

from __future__ import annotations

from dataclasses import dataclass

from fmq_embedded.errors import unknown_name


@dataclass(frozen=True)
class Core:
    """A processor core in the compilers' own words.

    The firmware computes with integers alone, so a core is built with soft float: the compiler
    then touches no floating-point register. Only the vector unit of the Cortex-M55 asks for the
    calling convention of hard float; the start-up code switches that unit on.

    Attributes:
        zig_target, zig_cpu: zig's; None where zig has no run-time library for the core.
        zig_flags: further ones.
        warnings: what the core changes in the project's list of warnings.
        gcc: the GCC that compiles for the core; `gcc_flags` goes with it.
    """

    gcc: str
    gcc_flags: tuple[str, ...]
    zig_target: str | None = None
    zig_cpu: str | None = None
    zig_flags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


ARM_GCC, RISCV_GCC, AVR_GCC = "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "avr-gcc"


def _cortex(name: str, float_abi: str = "soft", zig_extension: str = "") -> Core:
    return Core(
        gcc=ARM_GCC,
        gcc_flags=(
            f"-mcpu=cortex-{name}",
            "-mthumb",
            "-masm-syntax-unified",
            f"-mfloat-abi={float_abi}",
        ),
        zig_target="thumb-freestanding-eabi" + ("hf" if float_abi == "hard" else ""),
        zig_cpu=f"cortex_{name}{zig_extension}",
        zig_flags=(f"-mfloat-abi={float_abi}",),
    )


def _riscv(extensions: str) -> Core:
    # Since its version 2.2 the specification names the instructions that reach the counters apart.
    flags = ("-mabi=ilp32", "-mcmodel=medany")
    return Core(
        gcc=RISCV_GCC,
        gcc_flags=(f"-march=rv32{extensions}", "-misa-spec=2.2", *flags, "-msmall-data-limit=0"),
        zig_target="riscv32-freestanding-none",
        zig_cpu="generic_rv32+" + "+".join(extensions[1:]),
        zig_flags=flags,
    )


CORES = {
    **{f"cortex-{name}": _cortex(name) for name in ("m0", "m0plus", "m3", "m4", "m7")},
    # zig takes a Cortex-M33 without its DSP extension, GCC with it; all boards' have it.
    "cortex-m33": _cortex("m33", zig_extension="+dsp"),
    "cortex-m55": _cortex("m55", "hard", "+mve"),
    "rv32imc": _riscv("imc"),
    "rv32imac": _riscv("imac"),
    # Sizes have 16 bits there: every count that is given to the library is below 2^16, and the
    # warnings about narrower sizes say no more than that.
    "avr6": Core(gcc=AVR_GCC, gcc_flags=("-mmcu=avr6",), warnings=("-Wno-conversion",)),
}


def core(name: str) -> Core:
    """The core called `name`, such as "cortex-m4"."""
    if name not in CORES:
        raise unknown_name("core", name, CORES)
    return CORES[name]
