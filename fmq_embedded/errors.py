"""The errors of the package: one root, and the exit status that a task ends with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FmqError(Exception):
    """The root of every error that this package raises on purpose.

    The text says what was got, what was expected and what to do next. `exit_status` is the
    status a task ends with: 1, something was checked and does not hold, or a flasher failed; 2,
    the call or its input is wrong; 3, there is no such port or board; 4, no answer came in time;
    5, a tool or package is missing.
    """

    exit_status = 2


class InputError(FmqError, ValueError):
    """The caller's data or parameters are not what the call takes."""


class BitstreamError(FmqError, ValueError):
    """A bitstream is truncated, corrupt, or asks for more than is allowed."""


class MissingToolError(FmqError):
    """A tool or package that the call needs is not installed."""

    exit_status = 5


class LinkError(FmqError):
    """A port cannot be opened, or the board at its end does not answer as it should."""


class NoPortError(LinkError):
    """There is no such port, no board is plugged in, or it cannot be told which one is meant."""

    exit_status = 3


class LinkTimeoutError(LinkError):
    """The board did not answer in time."""

    exit_status = 4


class FlashError(FmqError):
    """A flasher failed, or what it wrote is not there; the text has what the flasher said."""

    exit_status = 1


class MismatchError(FmqError):
    """Something was checked and does not hold."""

    exit_status = 1


class TargetWarning(UserWarning):
    """A target cannot be met: the nearest that can be done was done."""


def unknown_name(what: str, got: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not among `known`, with the nearest ones."""
    names = sorted(set(known))
    near = difflib.get_close_matches(got, names, n=3, cutoff=0.4) or names[:5]
    hint = f"the nearest are {', '.join(near)}" if near else "there is none to choose from"
    return InputError(f"no {what} is called {got!r}; {hint}")
