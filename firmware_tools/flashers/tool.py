"""Finding and running a flasher's program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fmq_embedded.errors import FlashError, MissingToolError
from fmq_embedded.files import read_bytes

Command = tuple[str, ...]
"""A program and its arguments; COPY and SHOW are done here, without a program."""

COPY = "copy"
SHOW = "show"
_TIMEOUT_S = 900
_SHOWN_LINES = 12


def find_program(name: str, how_to_get: str) -> str:
    """The program of that name: of the search path, else beside this Python.

    Raises:
        MissingToolError: it is in neither place.
    """
    beside = Path(sys.executable).parent
    found = shutil.which(name) or shutil.which(name, path=str(beside))
    if found is None:
        raise MissingToolError(f"{name} is not installed; get it: {how_to_get}")
    return name if shutil.which(name) else found


def run_command(command: Command, what: str) -> str:
    """What the program printed, on both outputs.

    Args:
        command: what to run.
        what: is being done, for the error.

    Raises:
        FlashError: it failed, or did not end; the text has the last lines that it printed.
        MissingToolError: it has gone.
    """
    inside = _INSIDE.get(command[0])
    if inside is not None:
        return inside(command, what)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingToolError(f"{command[0]} is not installed any more") from error
    except subprocess.TimeoutExpired as error:
        raise FlashError(
            f"{what}: {command[0]} did not end within {_TIMEOUT_S} s and was stopped; expected it "
            "to; reset the board and try again"
        ) from error
    if done.returncode != 0:
        said = "\n".join(done.stdout.strip().splitlines()[-_SHOWN_LINES:]) or "nothing"
        raise FlashError(
            f"{what}: {Path(command[0]).name} ended with status {done.returncode}; it said:\n{said}"
        )
    return done.stdout


def _copy(command: Command, what: str) -> str:
    _, source, target = command
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise FlashError(
            f"{what}: {target} could not be written: {error.strerror or error}; expected the "
            "board's drive to take it; put the board into its boot loader again"
        ) from error
    return ""


def _show(command: Command, _what: str) -> str:
    return read_bytes(Path(command[1])).decode("utf-8", errors="replace")


_INSIDE: dict[str, Callable[[Command, str], str]] = {COPY: _copy, SHOW: _show}
