"""What a task prints: results on stdout, progress and errors on stderr, data with --json."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from invoke.exceptions import Exit
from invoke.tasks import task

from firmware_tools.tasks.options import option_help
from fmq_embedded.errors import FmqError, InputError
from fmq_embedded.files import write_atomically

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EROFS)

Function = TypeVar("Function", bound=Callable[..., Any])


def fmq_task(**options: Any) -> Callable[[Function], Any]:
    """An invoke task whose expected errors end in one line and the right status.

    A parameter `json` becomes the option --json, alone or with a file's name. What all tasks
    say of an option, and its default, is added to the help; see `option_help`.
    """

    def wrap(function: Function) -> Any:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        if "json" in names:
            options.setdefault("optional", []).append("json")

        options["help"] = option_help(function, options.get("help", {}))
        needed = names[1 : len(names) - len(function.__defaults__ or ())]

        @functools.wraps(function)
        def run(*arguments: Any, **keywords: Any) -> Any:
            try:
                _check_given(needed, keywords)
                _check_json_target(keywords.get("json"))
                return function(*arguments, **keywords)
            except FmqError as error:
                raise Exit(f"error: {error}", error.exit_status) from error
            except OSError as error:
                raise Exit(f"error: {_os_error(error)}", 2) from error

        return task(run, auto_shortflags=False, **options)

    return wrap


def emit(text: str, data: Any, json_target: bool | str | None) -> None:
    """Print a result.

    Args:
        text: for people.
        data: the same for programs: what `json.dumps` takes.
        json_target: the option --json: None or False, True for stdout, or a file's name.
    """
    if json_target is True:
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
        return
    sys.stdout.write(text.rstrip("\n") + "\n")
    if json_target:
        write_atomically(Path(str(json_target)), (json.dumps(data, indent=2) + "\n").encode())


class Steps:
    """Progress on stderr that is no terminal: a line for each step, and for each tenth of it."""

    def __init__(self) -> None:
        self._began: tuple[float, int] | None = None
        self._tenths = 0

    def __call__(self, name: str) -> None:
        """A step begins."""
        self._began = None
        print(f"· {name}", file=sys.stderr, flush=True)

    def items(self, done: int, total: int) -> None:
        """So many items of the step are done; those of the first call were done before."""
        tenths = 10 * done // max(total, 1)
        if self._began is None:
            self._began, self._tenths = (time.monotonic(), done), tenths
        elif tenths > self._tenths:
            self._tenths = tenths
            start, before = self._began
            left = (time.monotonic() - start) * (total - done) / max(done - before, 1)
            text = f"·   {done:,} of {total:,}, {left:.0f} s left"
            print(text, file=sys.stderr, flush=True)


class TerminalSteps(Steps):
    """Progress on a terminal: a bar of the steps, and one of the step's items with a time left."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._bar = progress.add_task("", total=total)
        self._started = False
        self._items: TaskID | None = None

    def __call__(self, name: str) -> None:
        """A step begins."""
        if self._started:
            self._progress.advance(self._bar)
        self._started = True
        self._progress.update(self._bar, description=name)
        if self._items is not None:
            self._progress.remove_task(self._items)
            self._items = None

    def items(self, done: int, total: int) -> None:
        """So many items of the step are done; those of the first call were done before."""
        if self._items is None:
            self._items = self._progress.add_task("", total=total, completed=done)
        self._progress.update(self._items, completed=done)


@contextlib.contextmanager
def steps(total: int) -> Iterator[Steps]:
    """Progress on stderr: call what is yielded with the name of each step as it begins."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Steps()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield TerminalSteps(progress, total)


def portion(wanted: bool) -> Callable[[int, int], None] | None:
    """Progress by numbers, as a percentage on stderr; None where it is not wanted."""
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // max(total, 1)
        if percent != shown:
            shown = percent
            print(f"\r{percent} %", end="", file=sys.stderr, flush=True)

    return show if wanted else None


def _check_given(needed: Sequence[str], keywords: Mapping[str, Any]) -> None:
    """Beside options without a name, invoke lets those be left out that have no default."""
    missing = [f"--{name.replace('_', '-')}" for name in needed if keywords.get(name) is None]
    if missing:
        raise InputError(f"give {' and '.join(missing)} too; --help explains each option")


def _check_json_target(target: bool | str | None) -> None:
    """Find out before the work that its result could not be written."""
    if isinstance(target, str) and not Path(target).parent.is_dir():
        raise InputError(
            f"--json {target}: there is no folder {Path(target).parent}; make it first"
        )


def _os_error(error: OSError) -> str:
    where = f" {error.filename}" if error.filename else ""
    if not where and error.errno in _NO_ROOM:
        return f"{error.strerror}: an output or a cache cannot be written; free space for it"
    return f"{error.strerror or error}:{where}" if where else str(error)
