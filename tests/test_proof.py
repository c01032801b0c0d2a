"""The proof: its page, what it says of what does not hold, and that no part is lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_tools.proof import parts, promises
from firmware_tools.proof.interpreters import prepared
from firmware_tools.proof.page import proof_page
from firmware_tools.proof.parts import PARTS
from firmware_tools.proof.promises import PROMISES, check_promises
from firmware_tools.proof.running import chosen_parts, missing_parts, proof
from firmware_tools.proof.section import Kits, Part, Row, Section, Step
from firmware_tools.proof.versions import CHECKOUT, versions
from firmware_tools.static_checks.findings import StaticResult
from fmq_embedded.errors import InputError, MissingToolError


def section(title: str, claim: str, *rows: Row) -> Section:
    return Section(title, claim, "inputs", "all of it.", rows, 5.2)


HOLDS = section("A part", "It holds.", Row("one | two", 1200), Row("three", 34))
BROKEN = section("Another", "It does not.", Row("four", 7, 2, "first: <here>"))
ABSENT = section("A third", "Not here.", Row("five", absent="no gcc"))


def test_what_holds_is_said_in_a_line() -> None:
    page = proof_page([HOLDS], {"Python": "3.12"})
    assert "Everything that was checked holds." in page
    assert "| A part | 1,234 | inputs | 0 | 5 | all of it. |" in page
    assert "It holds. Counted are inputs." in page
    assert "| one \\| two | 1,200 | 0 |  |" in page
    assert "| Python | 3.12 |" in page


def test_what_does_not_hold_is_said_first() -> None:
    lines = proof_page([HOLDS, BROKEN], {}).splitlines()
    assert lines[2:4] == ["**2 do not hold:**", "- Another: four: first: &lt;here>"]
    assert "| four | 7 | 2 | first: &lt;here> |" in lines


def test_what_was_not_checked_is_named() -> None:
    page = proof_page([ABSENT], {})
    assert "1 checks could not be made here" in page
    assert "| five | not checked |  | no gcc |" in page


def test_parts_that_did_not_run_are_named() -> None:
    part = section(PARTS["targets"].title, "It holds.", Row("one", 1))
    left_out = missing_parts([part])
    assert len(left_out) == len(PARTS) - 1 and "Fuzzing" in left_out
    page = proof_page([part], {}, left_out)
    assert "not here: Conformance kit, in Python; " in page
    assert "are not here" not in proof_page([part], {})


def test_lists_stand_below_their_table() -> None:
    result = StaticResult("stack", 2, notes=("fmq_encode: 8 bytes", "fmq_decode: 4 bytes"))
    page = proof_page([section("Static", "Bounded.", parts._static_row(result))], {})
    assert page.index("| stack | 2 | 0 |  |") < page.index(
        "stack:\n\n- fmq_encode: 8 bytes\n- fmq_d"
    )


def test_a_part_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="no part of the proof is called 'kit'"):
        chosen_parts(["kit"])


def test_all_parts_run_unless_some_are_chosen() -> None:
    assert chosen_parts([]) == list(PARTS)
    assert chosen_parts(["every-float32"]) == ["every-float32"]


def test_a_part_that_stops_keeps_its_rows_and_the_other_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stops(kits: Kits, step: Step) -> Iterator[Row]:
        yield Row("before", 3)
        raise OSError("no room")

    def holds(kits: Kits, step: Step) -> Iterator[Row]:
        yield Row("after", 4)

    own = {
        "stops": Part("Stops", "It stops.", "inputs", stops, "nothing."),
        "holds": Part("Holds", "It holds.", "inputs", holds, "nothing."),
    }
    monkeypatch.setattr("firmware_tools.proof.running.PARTS", own)
    first, second = proof(["stops", "holds"])
    assert first.rows == (
        Row("before", 3),
        Row("the part stopped here", 1, 1, "OSError: no room"),
    )
    assert second.rows == (Row("after", 4),)


def test_what_it_ran_on_is_told() -> None:
    assert {"commit", "date", "machine", "Python", "numpy", "numba"} <= set(versions())


def test_each_part_says_what_it_claims_and_what_ci_does() -> None:
    for part in PARTS.values():
        assert part.title and part.unit
        assert part.claim.endswith(".") and part.in_ci.endswith(".")


def test_the_tests_of_each_promise_are_there() -> None:
    assert all((CHECKOUT / path).exists() for paths in PROMISES.values() for path in paths)


def test_promises_are_counted_by_their_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_some.py").write_text(
        "import pytest\n"
        "def test_holds(): pass\n"
        "def test_does_not(): assert False\n"
        "@pytest.mark.skip\ndef test_left_out(): pass\n"
    )
    monkeypatch.setattr(promises, "CHECKOUT", tmp_path)
    kept = {"some": ("tests/test_some.py",), "none": ("tests/test_none.py",)}
    monkeypatch.setattr(promises, "PROMISES", kept)
    some, none = check_promises(Kits(tmp_path), lambda name: None)
    assert (some.inputs, some.mismatches, some.detail) == (
        2,
        1,
        "tests.test_some: test_does_not",
    )
    assert none.mismatches == 1


def test_promises_without_pytest_are_said_to_be_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promises.importlib.util, "find_spec", lambda name: None)
    rows = list(check_promises(Kits(tmp_path), lambda name: None))
    assert len(rows) == len(PROMISES) and all("fmq-embedded[test]" in row.absent for row in rows)


def test_an_interpreter_with_the_packages_is_taken_as_it_is(tmp_path: Path) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    python, said = prepared(version, tmp_path / "environment")
    assert said.startswith(f"Python {version}.") and "Numba" in said
    assert not (tmp_path / "environment").exists() or python.is_relative_to(tmp_path)


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match=r"Python 2\.0 is not installed"):
        prepared("2.0", tmp_path)
