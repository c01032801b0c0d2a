"""The page of the proof: what it says, and of what does not hold."""

from __future__ import annotations

import pytest

from firmware_tools.proof import PARTS, Row, Section, proof, versions
from firmware_tools.proof_page import proof_page
from fmq_embedded.errors import InputError

HOLDS = Section("A part", "It holds.", (Row("one | two", 1200), Row("three", 34)), 5.2)
BROKEN = Section("Another", "It does not.", (Row("four", 7, 2, "first: <here>"),), 1.0)
ABSENT = Section("A third", "Not here.", (Row("five", absent="no gcc"),), 0.0)


def test_what_holds_is_said_in_a_line() -> None:
    page = proof_page([HOLDS], {"Python": "3.12"})
    assert "Everything that was checked holds. 1,234 inputs were checked." in page
    assert "| A part | 1,234 | 0 | 5 |" in page
    assert "| one \\| two | 1,200 | 0 |  |" in page
    assert "| Python | 3.12 |" in page


def test_what_does_not_hold_is_said_first() -> None:
    page = proof_page([HOLDS, BROKEN], {})
    assert page.splitlines()[2].startswith("**2 do not hold.**")
    assert "| four | 7 | 2 | first: &lt;here> |" in page


def test_what_was_not_checked_is_named() -> None:
    page = proof_page([ABSENT], {})
    assert "1 checks could not be made here" in page
    assert "| five | not checked |  | no gcc |" in page


def test_a_part_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="no part of the proof is called 'kit'"):
        proof(["kit"])


def test_what_it_ran_on_is_told() -> None:
    assert {"machine", "Python", "numpy", "numba"} <= set(versions())


def test_each_part_says_what_it_claims() -> None:
    assert all(part.claim.endswith(".") and part.title for part in PARTS.values())
