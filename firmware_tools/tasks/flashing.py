"""Firmware and tables onto boards, and what comes from their ports."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task, portion
from fmq_embedded.errors import InputError, NoPortError

if TYPE_CHECKING:
    from firmware_tools.authentication import Key
    from firmware_tools.boards import Board

_METHOD = "pyocd, openocd, esptool, stm32loader, avrdude or uf2; by default the board's"
_KEY = "a file of 32 random bytes that only you may read"


@fmq_task(
    help={
        "deployment": "the folder whose firmware is built and flashed",
        "image": "a file with the bytes of the flash from its start, instead of --deployment",
        "method": _METHOD,
        "verify": "read everything back and compare (--no-verify leaves it out)",
        "force": "write everything, also what is there already",
        "key-file": _KEY + ": it goes into the firmware of --deployment, which then takes only "
        "tables with its tag; the tag of --image is checked with it (`inv sign` makes that)",
    }
)
def flash(
    context: Context,
    board: str = "",
    port: str = "",
    deployment: str = "",
    image: str = "",
    method: str = "",
    toolchain: str = "zig",
    optimise: str = "-O2",
    verify: bool = True,
    force: bool = False,
    key_file: str = "",
    dry_run: bool = False,
    json: str | None = None,
) -> None:
    """Put the firmware on a board: identify, compare, write, verify."""
    from firmware_tools.flashers.flashing import flash as run
    from firmware_tools.flashers.flashing import make_job, make_plan

    if bool(deployment) == bool(image):
        raise InputError("give one of --deployment and --image; got both or none")
    key = _key(key_file)
    chosen, port = _board(board, port)
    flasher, job = make_job(chosen, method, port)
    flasher.ready()
    data = _image(image, deployment, chosen.id, toolchain, optimise, key)
    plan = make_plan(flasher, job, data, verify=verify, force=force)
    if dry_run:
        commands = plan.commands()
        skipped = [f"# written before: {p.what}" for p in plan.parts if p.address in plan.resumed]
        text = [f"# {chosen.id} at {job.target}, image {plan.image_hash}", *skipped]
        text += [shlex.join(command) for command in commands]
        emit("\n".join(text), {"image": plan.image_hash, "commands": commands}, json)
        return
    done = run(plan, _say)
    verified = {True: "verified", False: "not verified", None: "cannot be read back by this method"}
    text = [
        f"{chosen.id} at {job.target}: {done.written:,} bytes written, {done.unchanged:,} were "
        f"there, {done.resumed:,} by an earlier run; {verified[done.verified]}",
        f"image {done.image_hash}",
    ]
    row = {
        "board": chosen.id,
        "target": str(job.target),
        "image": done.image_hash,
        "written": done.written,
        "unchanged": done.unchanged,
        "resumed": done.resumed,
        "verified": done.verified,
    }
    emit("\n".join(text), row, json)


@fmq_task(help={"method": _METHOD})
def erase(
    context: Context, board: str = "", port: str = "", method: str = "", dry_run: bool = False
) -> None:
    """Erase a board's whole flash, after a look at which chip it is."""
    from firmware_tools.flashers.flashing import erase as run
    from firmware_tools.flashers.flashing import make_job

    chosen, port = _board(board, port)
    flasher, job = make_job(chosen, method, port)
    flasher.ready()
    if dry_run:
        commands = [flasher.identify(job), flasher.erase(job)]
        emit("\n".join(map(shlex.join, commands)), None, None)
        return
    run(flasher, job, _say)
    emit(f"{chosen.id} at {job.target}: erased", None, None)


@fmq_task(
    help={
        "board": "for its speed; also FMQ_BOARD",
        "hexadecimal": "show bytes as numbers",
        "seconds": "end after so long; by default with Ctrl-C",
    }
)
def monitor(
    context: Context,
    port: str = "",
    baud: int = 0,
    board: str = "",
    hexadecimal: bool = False,
    seconds: float = 0.0,
) -> None:
    """Show what comes from a port, as it comes."""
    from firmware_tools.link.monitor import watch
    from firmware_tools.settings import settings

    chosen = settings(port=port, baud=baud, board=board)
    url = chosen.port or only_port()
    print(f"{url} at {chosen.baud} baud; Ctrl-C ends it", file=sys.stderr)
    watch(url, chosen.baud, sys.stdout.buffer, hexadecimal=hexadecimal, seconds=seconds)


@fmq_task()
def ports(context: Context, json: str | None = None) -> None:
    """The serial ports that are there, and the boards that they may be."""
    from serial.tools import list_ports

    from firmware_tools.boards import board_folders, load_board

    known = [load_board(name) for name in sorted(board_folders())]
    rows = []
    for found in sorted(list_ports.comports(), key=lambda port: port.device):
        usb = "" if found.vid is None else f"{found.vid:04x}:{found.pid:04x}"
        fitting = [board.id for board in known if board.flash and usb in board.flash.usb]
        rows.append(
            {
                "port": found.device,
                "usb": usb,
                "serial_number": found.serial_number or "",
                "what": found.description,
                "boards": fitting,
            }
        )
    lines = [
        f"{row['port']}  {row['usb'] or 'not USB'}  {row['serial_number'] or '–'}  {row['what']}"
        + (f"  may be {', '.join(row['boards'])}" if row["boards"] else "")
        for row in rows
    ]
    emit("\n".join(lines or ["no serial port is there"]), rows, json)


@fmq_task(
    help={
        "deployment": "the folder whose tables are sent",
        "port": "the board's port, or any pyserial URL; also FMQ_PORT",
        "toolchain": "what the board's firmware was built with: zig, or gcc",
        "revert": "go back to the tables of the firmware",
        "key-file": _KEY + ", the one that the board's firmware was built with",
        "tables-version": "with a key: the number of these tables, above that of those in use; by "
        "default the next one",
    }
)
def update(
    context: Context,
    deployment: str = "",
    port: str = "",
    baud: int = 0,
    timeout: float = 0.0,
    toolchain: str = "zig",
    revert: bool = False,
    key_file: str = "",
    tables_version: int = 0,
    json: str | None = None,
) -> None:
    """Send new tables to a board that runs the firmware; a power cut leaves the old or the new."""
    from firmware_tools.link.device import Device
    from firmware_tools.settings import settings
    from firmware_tools.tables.image import update_tables
    from fmq_embedded.deploy.deployment_files import load

    if bool(deployment) == revert:
        raise InputError("give one of --deployment and --revert; got both or none")
    chosen = settings(port=port, baud=baud, timeout=timeout)
    key = _key(key_file)
    loaded = load(Path(deployment)) if deployment else None
    url = chosen.port or only_port()
    with Device.open(url, baud=chosen.baud, timeout=chosen.timeout) as device:
        sent = False
        if loaded is None:
            device.revert_tables()
        else:
            show = portion(sys.stderr.isatty())
            sent = update_tables(
                device, loaded, tools=toolchain, progress=show, key=key, version=tables_version
            )
        tables, identity = device.tables(), device.identity
    where = "those of the firmware" if tables.slot is None else f"slot {tables.slot}"
    row = {
        "board": identity.board,
        "deployment": identity.deployment,
        "crc32": f"{identity.session.deployment_crc32:08x}",
        "slot": tables.slot,
        "generation": tables.generation,
        "sent": sent,
    }
    text = f"{identity.board} uses {identity.deployment}, tables {row['crc32']}: {where}"
    emit(text, row, json)


def _board(board: str, port: str) -> tuple[Board, str]:
    """The board that the settings name, and their port."""
    from firmware_tools.boards import load_board
    from firmware_tools.settings import settings

    chosen = settings(port=port, board=board)
    if not chosen.board:
        raise NoPortError("no board is named; give --board or FMQ_BOARD (`inv boards` shows them)")
    return load_board(chosen.board), chosen.port


def _key(key_file: str) -> Key | None:
    from firmware_tools.authentication import read_key

    return read_key(Path(key_file)) if key_file else None


def _image(
    image: str, deployment: str, board: str, toolchain: str, optimise: str, key: Key | None
) -> bytes:
    from firmware_tools.authentication import check_image
    from firmware_tools.firmware import build_firmware
    from fmq_embedded.deploy.deployment_files import load
    from fmq_embedded.files import read_bytes

    if image:
        data = read_bytes(Path(image))
        if key is not None:
            check_image(key, Path(image), data)
        return data
    loaded = load(Path(deployment))
    _say(f"building the firmware for {board}")
    with tempfile.TemporaryDirectory() as out:
        build = build_firmware(
            loaded, Path(out), board, tools=toolchain, optimise=optimise, key=key
        )
        return read_bytes(build.binary)


def only_port() -> str:
    """The serial port of this machine, if it has a single one. Raises NoPortError."""
    from firmware_tools.flashers.target import Target, choose_target
    from firmware_tools.link.port import port_names

    return choose_target([Target(name) for name in port_names()], "", "serial port").port


def _say(step: str) -> None:
    print(f"· {step}", file=sys.stderr, flush=True)


@fmq_task(help={"image": "a file with the bytes of a flash", "key-file": _KEY})
def sign(context: Context, image: str, key_file: str, json: str | None = None) -> None:
    """Write the tag of a firmware's image beside it: `inv flash --image --key-file` checks it."""
    from firmware_tools.authentication import read_key, sign_image

    tag = sign_image(read_key(Path(key_file)), Path(image))
    emit(f"{tag}: the tag of {image}", {"image": image, "tag": str(tag)}, json)


TASKS = (flash, sign, erase, monitor, ports, update)
