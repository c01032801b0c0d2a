"""The section [flash] of board.toml: how firmware gets onto the board, as data.

[flash]
method = "pyocd"                    # the flasher that is used unless another is asked for
usb = ["0483:374b"]                 # vendor:product of the probe or of the serial bridge
sectors = [[4, 0x4000], [1, 0x10000], [3, 0x20000]]     # count and bytes, from the start
erased_byte = 0xFF
identify_address = 0xE004_2000      # a word that tells this chip from others …
identify_mask = 0xFFF
identify_value = 0x421              # … and what it holds behind the mask

[flash.pyocd]                       # one table for each flasher that can do it
target = "stm32f446re"
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.plugins import plugins

_USB_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")


@dataclass(frozen=True)
class PyocdKeys:
    """`target`: pyOCD's name of the chip (`pyocd list --targets`)."""

    target: str


@dataclass(frozen=True)
class OpenocdKeys:
    """`config`: OpenOCD's configuration files, in order."""

    config: list[str]


@dataclass(frozen=True)
class EsptoolKeys:
    """`chip`: esptool's name of the chip; `baud`: the speed of the transfer."""

    chip: str
    baud: int = 460_800


@dataclass(frozen=True)
class Stm32loaderKeys:
    """The ROM loader: `family` as stm32loader names it, `chip_id` as the chip answers.

    `options` are further ones of stm32loader, such as --boot0-active-low.
    """

    family: str
    chip_id: int
    baud: int = 115_200
    options: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True)
class AvrdudeKeys:
    """avrdude's names of the chip and of the programmer; `signature`: the chip's three bytes."""

    part: str
    programmer: str
    signature: int
    baud: int = 115_200


@dataclass(frozen=True)
class Uf2Keys:
    """`board_id`: of INFO_UF2.TXT on the drive; `family_id`: of the UF2 blocks."""

    board_id: str
    family_id: int


@dataclass(frozen=True)
class FlashSection:
    """Everything of [flash]; a flasher whose table is left out cannot be used.

    Attributes:
        sectors: (count, bytes) of each run of equal sectors, from the start of the flash.
        options: of a flasher that another package brings, as it says.
        address: where the flasher sees the start of the flash, if not where the core does.
    """

    method: str
    sectors: list[list[int]]
    usb: list[str] = dataclasses.field(default_factory=list)
    erased_byte: int = 0xFF
    address: int | None = None
    identify_address: int | None = None
    identify_mask: int = 0xFFFF_FFFF
    identify_value: int | None = None
    pyocd: PyocdKeys | None = None
    openocd: OpenocdKeys | None = None
    esptool: EsptoolKeys | None = None
    stm32loader: Stm32loaderKeys | None = None
    avrdude: AvrdudeKeys | None = None
    uf2: Uf2Keys | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what the types do not say. Raises InputError."""
        known = [*METHODS, *plugins("flashers")]
        if self.method not in known:
            raise unknown_name("flash method", self.method, known)
        if self.method not in self.methods:
            raise InputError(f"[flash] has the method {self.method!r}; add [flash.{self.method}]")
        for usb in self.usb:
            if not isinstance(usb, str) or not _USB_ID.fullmatch(usb):
                raise InputError(
                    f"[flash] usb has {usb!r}; expected vendor:product in lower-case hexadecimal, "
                    "such as 0483:374b"
                )
        if not self.sectors or not all(_is_run(run) for run in self.sectors):
            raise InputError(
                f"[flash] sectors is {self.sectors!r}; expected runs of [count, bytes], each of "
                "them above 0"
            )
        if self.erased_byte > 0xFF:
            raise InputError(f"[flash] erased_byte is {self.erased_byte}; expected 0..255")
        if (self.identify_address is None) != (self.identify_value is None):
            raise InputError("[flash] needs identify_address and identify_value together")

    @property
    def methods(self) -> list[str]:
        """The flashers that the board can be flashed with, the preferred one first."""
        there = [name for name in METHODS if getattr(self, name) is not None]
        there += [] if self.method in METHODS else [self.method]
        return sorted(there, key=lambda name: name != self.method)

    @property
    def flash_bytes(self) -> int:
        """All sectors together."""
        return sum(count * size for count, size in self.sectors)

    def sector_starts(self) -> list[int]:
        """The offset of each sector from the start of the flash, and the end of the last."""
        starts = [0]
        for count, size in self.sectors:
            for _ in range(count):
                starts.append(starts[-1] + size)
        return starts


METHODS = ("pyocd", "openocd", "esptool", "stm32loader", "avrdude", "uf2")


def _is_run(run: object) -> bool:
    return (
        isinstance(run, list)
        and len(run) == 2
        and all(isinstance(number, int) and number > 0 for number in run)
    )
