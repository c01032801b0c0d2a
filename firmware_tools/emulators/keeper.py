"""Runs a command until it ends or the standard input does: `keeper COMMAND ARGUMENT…`.

The parent holds the other end of the standard input, so the command ends with the parent,
however the parent ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading


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


def main() -> int:
    """Run the command and return its exit status."""
    # Descriptors handed to this process are meant for the command.
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, close_fds=False)
    exit_with_input(child)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
