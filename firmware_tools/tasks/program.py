"""The program `fmq`: the same tasks as `inv` in a checkout, from anywhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from invoke.exceptions import Exit, ParseError
from invoke.parser.context import ParserContext
from invoke.program import Program

from firmware_tools.tasks.collection import namespace
from fmq_embedded.errors import unknown_name

WRONG_CALL = 2


class FmqProgram(Program):
    """An invoke program that ends with status 2 when the call itself is wrong."""

    def parse_core(self, argv: list[str] | None) -> None:
        """Parse the program's own options."""
        with _wrong_call():
            super().parse_core(_help_first(sys.argv if argv is None else argv))

    def parse_tasks(self) -> None:
        """Parse the tasks and their options."""
        with _wrong_call():
            super().parse_tasks()
        for context in self.tasks:
            _check_positionals(context)


def _help_first(argv: list[str]) -> list[str]:
    """`fmq encode --help` as `fmq --help encode`: invoke would take --help for a file's name."""
    if len(argv) > 2 and not argv[1].startswith("-") and {"--help", "-h"} & set(argv[2:]):
        return [argv[0], "--help", argv[1]]
    return argv


@contextlib.contextmanager
def _wrong_call() -> Iterator[None]:
    try:
        yield
    except ParseError as error:
        if error.context is not None:
            _check_positionals(error.context)
            _check_missing(error.context)
        raise Exit(f"error: {error} (`fmq --list` shows the tasks)", WRONG_CALL) from error
    except ValueError as error:  # what int and float say of an option's value
        raise Exit(f"error: an option that takes a number: {error}", WRONG_CALL) from error


def _check_positionals(context: ParserContext) -> None:
    """Refuse an option that the task does not have: invoke takes it for a file's name."""
    for argument in context.positional_args:
        if isinstance(argument.value, str) and argument.value.startswith("--"):
            options = [name for name in context.flags if name.startswith("--")]
            problem = unknown_name(f"option of {context.name}", argument.value, options)
            raise Exit(f"error: {problem}", WRONG_CALL)


def _check_missing(context: ParserContext) -> None:
    """Name the options that a task cannot do without as they are written."""
    missing = [str(argument.name) for argument in context.missing_positional_args]
    if missing:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise Exit(
            f"error: {context.name} needs {options}; `fmq {context.name} --help` explains "
            f"{'it' if len(missing) == 1 else 'them'}",
            WRONG_CALL,
        )


def _version() -> str:
    try:
        return version("fmq-embedded")
    except PackageNotFoundError:
        return "unknown"


program = FmqProgram(
    name="fmq", binary="fmq", binary_names=["fmq"], version=_version(), namespace=namespace
)


def main() -> None:
    """Run the program."""
    program.run()


if __name__ == "__main__":
    main()
