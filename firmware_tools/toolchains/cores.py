"""What each compiler calls the cores that boards have."""

from __future__ import annotations

from dataclasses import dataclass

from fmq_embedded.errors import unknown_name


@dataclass(frozen=True)
class Core:
    """A processor core in the compilers' own words.

    The firmware computes with integers alone, so every core is built with soft float: the
    compiler then touches no floating-point register and the start-up code need not switch
    the unit on.
    """

    zig_target: str
    zig_cpu: str
    gcc_flags: tuple[str, ...]


CORES = {
    f"cortex-{name}": Core("thumb-freestanding-eabi", f"cortex_{name}", (f"-mcpu=cortex-{name}",))
    for name in ("m0", "m3", "m4", "m7", "m33", "m55")
}


def core(name: str) -> Core:
    """The core called `name`, such as "cortex-m4"."""
    if name not in CORES:
        raise unknown_name("core", name, CORES)
    return CORES[name]
