"""Runs a task again and again, each time ended or failing at another operation on files.

    python -m tests.faults.cut_short HOW FOLDER KEPT TASK ARGUMENTS…

FOLDER is made a copy of KEPT before each run. HOW is what happens at the operation: `killed` ends
the process there and then; anything else is the name of an error, such as ENOSPC. Prints what each
run left, one line of JSON each: its status, what it said, and the folder's files as sums.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fmq_embedded.written_together import STAGED, read_together

KILLED = 9
NOT_CUT = "not cut"
EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree")


class Cut:
    """Counts operations on the files below a folder, and acts at one of them."""

    def __init__(self, folder: Path, at: int, how: str) -> None:
        self.folder, self.left, self.how = str(folder), at, how

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in EVENTS or not str(arguments[0]).startswith(self.folder):
            return
        if event == "open" and not _writes(arguments):
            return
        if self.left == 0:
            self.left = -1
            if self.how == "killed":
                os._exit(KILLED)
            number = getattr(errno, self.how)
            raise OSError(number, os.strerror(number), str(arguments[0]))
        self.left -= 1


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def sums(folder: Path) -> dict[str, str]:
    """The files below a folder, as who reads it next finds them; hidden ones do not count."""
    for staged in sorted(folder.rglob(STAGED)):
        with read_together(staged.parent):
            pass
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


def in_child(run: Callable[[], int]) -> tuple[int, str]:
    """Runs in a forked process; its status and what it wrote on stderr."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(writing, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 70
        with contextlib.suppress(BaseException):
            status = run()
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as said:
        text = said.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def task(arguments: list[str]) -> int:
    """The status that `fmq` with these arguments ends with."""
    from firmware_tools.tasks.program import program

    try:
        program.run(["fmq", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.stderr.flush()
    return 0


def repeatable(arguments: list[str]) -> Callable[[], int]:
    """Runs a task once, and gives what does it again in a fork, where nothing is compiled anew.

    A runtime of models does not survive a fork: of calibrate only the writing is done again.
    """
    if arguments[0] != "calibrate":
        task(arguments)
        return lambda: task(arguments)
    from fmq_embedded.deploy import calibrate
    from fmq_embedded.errors import FmqError

    written: list[tuple[Any, ...]] = []
    save = calibrate.save
    calibrate.save = lambda *given: written.append(given)  # type: ignore[assignment]
    task(arguments)

    def run() -> int:
        try:
            save(*written[0])
        except FmqError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            return error.exit_status
        return 0

    return run


def main(how: str, folder: Path, kept: Path, arguments: list[str]) -> None:
    _copy(kept, folder)
    with contextlib.redirect_stdout(io.StringIO()):
        again = repeatable(arguments)
    for at in range(1000):
        _copy(kept, folder)
        cut = Cut(folder, at, how)

        def run(cut: Cut = cut) -> int:
            sys.addaudithook(cut)
            status = again()
            if cut.left >= 0:
                print(NOT_CUT, file=sys.stderr)
            return status

        status, said = in_child(run)
        line = {"at": at, "status": status, "said": said, "files": sums(folder)}
        print(json.dumps(line), flush=True)
        if NOT_CUT in said:
            return
    raise SystemExit("the task has more operations than this looks at")


def _copy(kept: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
