"""Boards and what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task

if TYPE_CHECKING:
    from firmware_tools.settings import Settings


@fmq_task()
def boards(context: Context, json: str | None = None) -> None:
    """The boards that are supported, and the ports that are there."""
    from serial.tools import list_ports

    from firmware_tools.boards import board_folders, load_board
    from firmware_tools.firmware import emulators_of

    found = [load_board(name) for name in sorted(board_folders())]
    rows = [
        {
            "id": board.id,
            "name": board.name,
            "core": board.core,
            "flash_bytes": board.memory.flash_size,
            "ram_bytes": board.memory.ram_size,
            "emulators": emulators_of(board),
        }
        for board in found
    ]
    ports = [{"port": port.device, "what": port.description} for port in list_ports.comports()]
    lines = [
        f"{board.id:<14} {board.core:<12} flash {board.memory.flash_size // 1024:>6} KB  "
        f"RAM {board.memory.ram_size // 1024:>6} KB  runs in "
        f"{', '.join(emulators_of(board)) or 'no installed emulator'}  {board.name}"
        for board in found
    ]
    lines += [f"port {port['port']}: {port['what']}" for port in ports]
    lines += [] if ports else ["no serial port is there"]
    emit("\n".join(lines), {"boards": rows, "ports": ports}, json)


@fmq_task(help={"port": "look at the line to the board there as well; also FMQ_PORT"})
def doctor(context: Context, port: str = "", baud: int = 0, json: str | None = None) -> None:
    """What is installed, what is missing and how to get it; the settings; with --port, the line."""
    from firmware_tools.doctor import advice, examine
    from firmware_tools.settings import settings

    chosen = settings(port=port, baud=baud)
    tools = examine()
    width = max(len(tool.name) for tool in tools)
    lines = [
        f"{'✓' if tool.version else '–'} {tool.name:<{width}}  "
        f"{tool.version or 'missing'}  {tool.used_for}"
        + ("" if tool.version else f"\n  {'':<{width}}  get it: {tool.how_to_get}")
        for tool in tools
    ]
    lines += advice() or ["every task can be used"]
    data = [tool.to_json() for tool in tools]
    for name, value, source in chosen.rows():
        lines.append(f"{name} = {value or '–'} ({source})")
        data.append({"name": name, "value": value, "source": source})
    if port:
        changes = _line_changes(chosen)
        lines += [f"the line at {chosen.port} {change}" for change in changes]
        data.append({"name": "line", "port": chosen.port, "changes": changes})
    emit("\n".join(lines), data, json)


def _line_changes(chosen: Settings) -> list[str]:
    from firmware_tools.link.device import Device

    with Device.open(chosen.port, baud=chosen.baud, timeout=chosen.timeout) as device:
        return device.line_changes() or ["is transparent"]


TASKS = (boards, doctor)
