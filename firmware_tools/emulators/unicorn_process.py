"""A board in a process of its own: `unicorn_process BOARD_FOLDER ELF`.

Prints the UART's address first, and at the end what ended the program.
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import unicorn
from unicorn import arm_const
from unicorn import unicorn_const as const
from unicorn.unicorn_py3.unicorn import uclib

from firmware_tools.boards import Board, read_board
from firmware_tools.emulators.cmsdk import CmsdkTimer, CmsdkUart
from firmware_tools.emulators.instruction_counter import InstructionCounter
from firmware_tools.emulators.keeper import exit_with_input
from firmware_tools.emulators.nrf import NrfClock, NrfTimer, NrfUart, Plain
from firmware_tools.emulators.serial_bridge import SerialBridge
from firmware_tools.profiling.elf_image import ElfImage, load_image
from fmq_embedded.errors import FmqError, LinkError, unknown_name

Model = TypeVar("Model")


class Device(Protocol):
    """A block of registers on the bus."""

    size: int

    def read(self, offset: int) -> int: ...

    def write(self, offset: int, value: int) -> None: ...


UARTS: dict[str, Callable[[SerialBridge], Device]] = {"cmsdk": CmsdkUart, "nrf": NrfUart}
TIMERS: dict[str, Callable[[Callable[[], int]], Device]] = {"cmsdk": CmsdkTimer, "nrf": NrfTimer}
PARTS: dict[str, Callable[[], Device]] = {"nrf-clock": NrfClock, "plain": Plain}

# The core's own registers, among them the vectors' address: plain memory to the program.
SYSTEM_CONTROL = 0xE000_E000
SYSTEM_CONTROL_SIZE = 0x1000

FAULTS = {
    const.UC_ERR_READ_UNMAPPED: "read of an address where nothing is",
    const.UC_ERR_WRITE_UNMAPPED: "write to an address where nothing is",
    const.UC_ERR_FETCH_UNMAPPED: "jump to an address where nothing is",
    const.UC_ERR_WRITE_PROT: "write to flash",
    const.UC_ERR_FETCH_PROT: "jump to an address without code",
    const.UC_ERR_INSN_INVALID: "undefined instruction",
    const.UC_ERR_EXCEPTION: "fault",
}

# Unicorn stops at this address; no program is there.
NOWHERE = 0xFFFF_FFFE


class Machine:
    """A Cortex-M core with flash, RAM, a UART and a timer."""

    def __init__(self, board: Board, image: ElfImage, bridge: SerialBridge) -> None:
        self._image = image
        self._core = unicorn.Uc(const.UC_ARCH_ARM, const.UC_MODE_THUMB | const.UC_MODE_MCLASS)
        self._core.ctl_set_cpu_model(_cpu_model(board))
        memory = board.memory
        code = const.UC_PROT_READ | const.UC_PROT_EXEC
        self._flash = self._map(memory.flash_origin, memory.flash_size, code)
        ram = self._map(memory.ram_origin, memory.ram_size, const.UC_PROT_ALL)
        self._core.mem_map(SYSTEM_CONTROL, SYSTEM_CONTROL_SIZE)
        content = image.flash_bytes(memory.flash_origin)
        self._flash[: len(content)] = np.frombuffer(content, np.uint8)
        counter = InstructionCounter([(memory.flash_origin, self._flash), (memory.ram_origin, ram)])
        self._hook_blocks(counter)
        uart, timer = _model(UARTS, board.uart.model), _model(TIMERS, board.counter.model)
        self._attach(board.uart.address, uart(bridge))
        for name, address in board.emulator.unicorn_parts.items():
            self._attach(address, _model(PARTS, name)())
        self._attach(board.counter.address, timer(lambda: board.counter.ticks(counter.total)))

    def run(self) -> str:
        """Run from reset until something ends the program, and say what."""
        stack, entry = self._flash[:8].view("<u4").tolist()
        self._core.reg_write(arm_const.UC_ARM_REG_SP, stack)
        try:
            self._core.emu_start(entry | 1, NOWHERE)
            reason = "the core stopped"
        except unicorn.UcError as error:
            reason = FAULTS.get(error.errno, str(error))
        at, caller = (
            self._image.place(self._core.reg_read(register) & ~1)
            for register in (arm_const.UC_ARM_REG_PC, arm_const.UC_ARM_REG_LR)
        )
        return f"{reason} at {at}, return address {caller}"

    def _map(self, address: int, size: int, protection: int) -> npt.NDArray[np.uint8]:
        """Memory that the core and this process share."""
        memory = np.frombuffer(mmap.mmap(-1, size), np.uint8)
        self._core.mem_map_ptr(address, size, protection, memory.ctypes.data)
        return memory

    def _hook_blocks(self, counter: InstructionCounter) -> None:
        # Unicorn's own hook_add takes Python functions only, and those are 100 times slower.
        handle = ctypes.c_size_t()
        first, last = ctypes.c_uint64(1), ctypes.c_uint64(0)  # every address
        self._counter = counter  # Unicorn keeps its addresses
        status = uclib.uc_hook_add(
            self._core._uch,
            ctypes.byref(handle),
            const.UC_HOOK_BLOCK,
            counter.hook,
            counter.state_address,
            first,
            last,
        )
        if status != const.UC_ERR_OK:
            raise LinkError(f"Unicorn takes no hook: {unicorn.UcError(status)}")

    def _attach(self, address: int, device: Device) -> None:
        def read(_core: Any, offset: int, _size: int, _data: Any) -> int:
            return device.read(offset)

        def write(_core: Any, offset: int, _size: int, value: int, _data: Any) -> None:
            device.write(offset, value)

        self._core.mmio_map(address, device.size, read, None, write, None)


def _cpu_model(board: Board) -> int:
    prefix = "UC_CPU_ARM_"
    models = {
        name.removeprefix(prefix).lower(): value
        for name, value in vars(arm_const).items()
        if name.startswith(prefix)
    }
    return int(_model(models, board.emulator.unicorn_cpu or ""))


def _model(table: Mapping[str, Model], name: str) -> Model:
    if name not in table:
        raise unknown_name("emulated part", name, table)
    return table[name]


def main() -> int:
    """Run the board until the program or the standard input ends; 1, as a program has no end."""
    exit_with_input()
    board_folder, elf = sys.argv[1:]
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            bridge = SerialBridge(server)
            machine = Machine(read_board(Path(board_folder)), load_image(Path(elf)), bridge)
            print(f"socket://127.0.0.1:{server.getsockname()[1]}", flush=True)
            bridge.accept()
            end = machine.run()
            bridge.flush()
    except FmqError as error:
        end = str(error)
    print(end, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
