"""One home for what a user sets once: port, speed, board, time-out.

Each setting is looked for in turn: the task's option; the environment (FMQ_PORT, FMQ_BAUD,
FMQ_BOARD, FMQ_TIMEOUT); the project's file, `fmq.toml` in this folder or the nearest above it; the
user's file, `fmq-embedded/settings.toml` in the user's folder of settings; the board; what is
built in. The files have the keys port, baud, board and timeout.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_tools.boards import load_board
from fmq_embedded.errors import InputError, unknown_name

PROJECT_FILE = "fmq.toml"
USER_FILE = Path("fmq-embedded") / "settings.toml"
DEFAULT_TIMEOUT = 5.0
DEFAULT_BAUD = 115_200
_TYPES: dict[str, type] = {"port": str, "baud": int, "board": str, "timeout": float}
_NOWHERE = "not set"


@dataclass(frozen=True)
class Setting:
    """A value and where it comes from; `value` is "" or 0 where nothing says anything."""

    value: str | int | float
    source: str


@dataclass(frozen=True)
class Settings:
    """The settings that hold for a task.

    Attributes:
        port: of the board; "" for the only one that is there.
        baud: bits per second.
        board: a board's id; "" where nothing says which.
        timeout: seconds without an answer after which a request fails.
        sources: for each, where it comes from.
    """

    port: str
    baud: int
    board: str
    timeout: float
    sources: Mapping[str, str]

    def rows(self) -> list[tuple[str, str, str]]:
        """The environment variable, the value and its source, of each."""
        return [
            (f"FMQ_{name.upper()}", str(getattr(self, name)), self.sources[name]) for name in _TYPES
        ]


def settings(
    *, port: str = "", baud: int = 0, board: str = "", timeout: float = 0.0, default_board: str = ""
) -> Settings:
    """What holds, with a task's options; an option that is "" or 0 was not given.

    Raises:
        InputError: a file or a variable has something that is no such setting.
    """
    options = {"port": port, "baud": baud, "board": board, "timeout": timeout}
    layers: list[tuple[str, Mapping[str, Any]]] = [
        ("option", {name: value for name, value in options.items() if value}),
        ("environment", _environment()),
    ]
    layers += [(str(path), _file(path)) for path in (_project_file(), _user_file()) if path]
    found = {name: _first(name, layers) for name in _TYPES}
    if not found["board"].value and default_board:
        found["board"] = Setting(default_board, "built in")
    if not found["baud"].value:
        found["baud"] = _board_baud(str(found["board"].value))
    if not found["timeout"].value:
        found["timeout"] = Setting(DEFAULT_TIMEOUT, "built in")
    return Settings(
        str(found["port"].value),
        int(found["baud"].value),
        str(found["board"].value),
        float(found["timeout"].value),
        {name: setting.source for name, setting in found.items()},
    )


def _first(name: str, layers: list[tuple[str, Mapping[str, Any]]]) -> Setting:
    for source, values in layers:
        if values.get(name):
            return Setting(_checked(name, values[name], source), source)
    return Setting("" if _TYPES[name] is str else 0, _NOWHERE)


def _checked(name: str, value: Any, source: str) -> str | int | float:
    kind = _TYPES[name]
    expected = {str: "text", int: "a whole number above 0", float: "seconds above 0"}[kind]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        if kind is str and isinstance(value, str):
            return value
        if kind is not str and (is_number or (isinstance(value, str) and source == "environment")):
            number = kind(value)
            if 0 < number < float("inf") and number == float(value):
                return number  # type: ignore[no-any-return]
    except ValueError:
        pass
    raise InputError(
        f"{source}: {name} is {value!r}; expected {expected}; correct it or leave it out"
    )


def _environment() -> dict[str, str]:
    return {name: os.environ.get(f"FMQ_{name.upper()}", "") for name in _TYPES}


def _project_file() -> Path | None:
    here = Path.cwd()
    files = (folder / PROJECT_FILE for folder in (here, *here.parents))
    return next((file for file in files if file.is_file()), None)


def _user_file() -> Path | None:
    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME")
    file = (Path(base) if base else Path.home() / ".config") / USER_FILE
    return file if file.is_file() else None


def _file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}; correct it or take it away") from error
    for name in values:
        if name not in _TYPES:
            raise InputError(f"{path}: {unknown_name('setting', name, _TYPES)}")
    return values


def _board_baud(board: str) -> Setting:
    if board:
        return Setting(load_board(board).uart.baud, f"board {board}")
    return Setting(DEFAULT_BAUD, "built in")
