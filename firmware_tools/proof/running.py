"""Runs the proof part by part: a part that stops loses neither its rows nor the other parts."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from firmware_tools.proof.parts import PARTS
from firmware_tools.proof.section import Kits, Part, Row, Section, Step
from fmq_embedded.errors import unknown_name


def chosen_parts(names: Sequence[str]) -> list[str]:
    """The names of parts to run: the given ones, or all.

    Raises:
        InputError: there is no such part.
    """
    for name in names:
        if name not in PARTS:
            raise unknown_name("part of the proof", name, PARTS)
    return list(names or PARTS)


def missing_parts(sections: Sequence[Section]) -> list[str]:
    """The titles of the parts of the whole proof that are not among the sections."""
    titles = {section.title for section in sections}
    return [part.title for part in PARTS.values() if part.title not in titles]


def proof(names: Sequence[str], step: Step = lambda name: None) -> Iterator[Section]:
    """Run parts of the proof; each section comes as soon as its part has ended.

    Args:
        names: of `PARTS`.
        step: called with the name of each thing as it begins.
    """
    with tempfile.TemporaryDirectory() as folder:
        kits = Kits(Path(folder))
        for name in names:
            part = PARTS[name]
            began = time.monotonic()
            rows = tuple(_rows(part, kits, step))
            seconds = time.monotonic() - began
            yield Section(part.title, part.claim, part.unit, part.in_ci, rows, seconds)


def _rows(part: Part, kits: Kits, step: Step) -> Iterator[Row]:
    try:
        yield from part.rows(kits, step)
    except Exception as error:  # whatever stops a part: the page says so, the others go on
        yield Row("the part stopped here", 1, 1, f"{type(error).__name__}: {error}")
