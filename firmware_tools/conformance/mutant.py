"""A mistake that an implementation could have, as a change of a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["c", "python"]


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Args:
        name: what is wrong.
        path: of the file, below libfmq/src for "c" and below fmq_embedded for "python".
        old: what stands there once.
        new: what the mistake makes of it.
        language: of the implementation.
        is_quick: whether it is in the subset of every test run.
    """

    name: str
    path: str
    old: str
    new: str
    language: Language = "c"
    is_quick: bool = False


def in_python(name: str, path: str, old: str, new: str, *, is_quick: bool = False) -> Mutant:
    return Mutant(name, path, old, new, "python", is_quick)
