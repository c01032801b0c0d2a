"""Runs a command until it ends or the standard input does: `keeper COMMAND ARGUMENT…`.

The parent holds the other end of the standard input, so the command ends with the parent,
however the parent ends; on Linux also with this process, if that is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1  # of prctl(2)


def exit_with_input(before: subprocess.Popen[bytes] | None = None) -> None:
    """Start a thread that ends this process, and `before` first, at the end of the input."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        if before is not None:
            before.kill()
            before.wait()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def _end_with_this_process() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def main() -> int:
    """Run the command and return its exit status."""
    # Descriptors handed to this process are meant for the command; there is no thread yet.
    child = subprocess.Popen(
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=_end_with_this_process,  # noqa: PLW1509
    )
    exit_with_input(child)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
