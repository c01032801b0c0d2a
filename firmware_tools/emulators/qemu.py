"""QEMU, when it is installed: the second opinion beside Unicorn."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

from firmware_tools.boards import Board
from firmware_tools.emulators.emulator import Emulator, RunningEmulator, spawn
from firmware_tools.profiling.elf_image import load_image
from fmq_embedded.errors import InputError, MissingToolError

# By the board's family: QEMU's command, its option for the program, and further ones.
COMMANDS = {
    "cortex": ("qemu-system-arm", "-kernel", ()),
    "rv": ("qemu-system-riscv32", "-kernel", ("-bios", "none")),
    "avr": ("qemu-system-avr", "-bios", ()),
}


class QemuRun(RunningEmulator):
    """A program under QEMU."""

    def describe_end(self, printed: str) -> str:
        # board_fault put the faulting code's registers into r0, r1 and r2 before it locked up.
        registers = dict(re.findall(r"\b(R\d\d)=([0-9a-f]{8})", printed))
        if "Lockup" in printed and {"R00", "R01", "R02"} <= registers.keys():
            image = load_image(self.elf)
            at, caller, status = (int(registers[name], 16) for name in ("R00", "R01", "R02"))
            return (
                f"HardFault at {image.place(at)}, return address {image.place(caller & ~1)}, "
                f"fault status {status:#010x}"
            )
        return f"QEMU ended: {printed.strip() or 'it printed nothing'}"


class Qemu(Emulator):
    """QEMU with instruction counting: its timers follow the instructions, not the clock."""

    name = "qemu"
    how_to_get = "apt install qemu-system-arm qemu-system-misc, or https://www.qemu.org/download/"

    def installed(self) -> bool:
        return any(shutil.which(command) for command, *_ in COMMANDS.values())

    def runs(self, board: Board) -> bool:
        command, *_ = COMMANDS[board.family]
        return board.emulator.qemu_machine is not None and shutil.which(command) is not None

    def start(self, board: Board, elf: Path) -> RunningEmulator:
        name, program, more = COMMANDS[board.family]
        if not self.installed() or shutil.which(name) is None:
            raise MissingToolError(f"{name} is not installed; get it: {self.how_to_get}")
        machine = board.emulator.qemu_machine
        if machine is None:
            raise InputError(f"QEMU has no machine for {board.id}: board.toml names none")
        # The open socket itself is handed over, so nobody else can take its port meanwhile.
        with socket.create_server(("127.0.0.1", 0)) as server:
            # Accepted connections inherit it on Linux; QEMU refuses `nodelay` beside `fd`.
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            url = f"socket://127.0.0.1:{server.getsockname()[1]}"
            number = server.fileno()
            command = [
                name,
                *("-M", machine),
                *more,
                *("-display", "none"),
                *("-monitor", "none"),
                *_counting(board),
                *("-chardev", f"socket,id=uart,fd={number},server=on,wait=on"),
                *(("-serial", "null") * board.emulator.qemu_serial),
                *("-serial", "chardev:uart"),
                *(program, str(elf)),
            ]
            process = spawn("firmware_tools.emulators.keeper", command, inherit=(number,))
        return QemuRun(board, elf, url, process)


def _counting(board: Board) -> tuple[str, ...]:
    shift = board.counter.qemu_icount_shift
    return () if shift is None else ("-icount", f"shift={shift},sleep=off")
