"""The kit catches mistakes: some of them here, all in `inv conformance --self-test`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_tools.conformance.case_files import KeptCase
from firmware_tools.conformance.mutant import Mutant
from firmware_tools.conformance.mutants import MUTANTS
from firmware_tools.conformance.self_test import PACKAGE, mutated, self_test
from firmware_tools.firmware import library_sources
from fmq_embedded.errors import InputError, MismatchError

QUICK = [mutant for mutant in MUTANTS if mutant.is_quick]


def source_of(mutant: Mutant) -> Path:
    folder = library_sources()[0].parent if mutant.language == "c" else PACKAGE
    return folder / mutant.path


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.language}-{mutant.name}")
def test_each_mistake_is_a_change_of_a_line_that_is_there(mutant: Mutant) -> None:
    text = source_of(mutant).read_text()
    assert mutated(text, mutant) != text


def test_there_are_enough_of_both_languages() -> None:
    assert len(MUTANTS) >= 25
    assert len({(mutant.language, mutant.name) for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.language for mutant in QUICK} == {"c", "python"}


def test_mistakes_are_caught(kit: Path, kept: Sequence[KeptCase]) -> None:
    verdicts = self_test(QUICK, kept, kit)
    assert [verdict.mutant for verdict in verdicts if not verdict.is_caught] == []
    assert len(verdicts) == len(QUICK)
    assert all(verdict.by for verdict in verdicts)


def test_what_is_no_mistake_is_not_caught(kit: Path, kept: Sequence[KeptCase]) -> None:
    none = Mutant("none", "entropy/levels.py", "PIECE = 1 << 14", "PIECE = 1 << 13", "python")
    (verdict,) = self_test([none], kept, kit)
    assert (verdict.is_caught, verdict.by) == (False, "")


def test_a_line_that_is_gone_is_said_so() -> None:
    with pytest.raises(InputError, match=r"0 times in crc32\.c"):
        mutated("nothing", Mutant("gone", "crc32.c", "old", "new"))


def test_an_implementation_that_is_wrong_already_is_said_so(
    kit: Path, kept: Sequence[KeptCase]
) -> None:
    """Two cases whose tensors are exchanged: libfmq has another one than the kit."""
    first, second = kept[0], kept[1]
    swapped = [
        replace(first, case=replace(first.case, plan=second.case.plan)),
        replace(second, case=replace(second.case, plan=first.case.plan)),
    ]
    with pytest.raises(MismatchError, match="libfmq differs from the kit"):
        self_test([QUICK[0]], swapped, kit)
