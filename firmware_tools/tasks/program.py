"""The program `fmq`: the same tasks as `inv` in a checkout, from anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from firmware_tools.tasks.collection import namespace

WRONG_CALL = 2


class FmqProgram(Program):
    """An invoke program that ends with status 2 when the call itself is wrong."""

    def parse_core(self, argv: list[str] | None) -> None:
        """Parse the program's own options."""
        with _wrong_call():
            super().parse_core(argv)

    def parse_tasks(self) -> None:
        """Parse the tasks and their options."""
        with _wrong_call():
            super().parse_tasks()


@contextlib.contextmanager
def _wrong_call() -> Iterator[None]:
    try:
        yield
    except ParseError as error:
        raise Exit(f"error: {error} (`fmq --list` shows the tasks)", WRONG_CALL) from error


def _version() -> str:
    try:
        return version("fmq-embedded")
    except PackageNotFoundError:
        return "unknown"


program = FmqProgram(name="fmq", binary="fmq", version=_version(), namespace=namespace)


def main() -> None:
    """Run the program."""
    program.run()


if __name__ == "__main__":
    main()
