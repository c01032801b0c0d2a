"""Streams are spoilt on a board: what is refused or safe passes, what is unsafe is found."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from firmware_tools.conformance import spoilt_on_board
from firmware_tools.conformance.case_files import KeptCase
from firmware_tools.conformance.spoilt_on_board import spoil_on_board
from fmq_embedded.errors import MissingToolError

pytestmark = pytest.mark.emulator

NAMES = ("float32-uniform-8", "fast-0-laplace", "dense-plan-nothing")


def some(kept: Sequence[KeptCase]) -> list[KeptCase]:
    return [one for one in kept if one.case.name in NAMES]


def test_every_spoilt_stream_is_refused_or_safe(kept: Sequence[KeptCase]) -> None:
    begun: list[str] = []
    result = spoil_on_board(some(kept), step=begun.append)
    assert result.findings == ()
    assert result.cases == len(NAMES) and len(begun) == len(NAMES)
    streams = [one.results.stream for one in some(kept)]
    streams += [one.host.stream for one in some(kept) if one.host]
    # every prefix and bit; but for the last four bytes again with a right checksum
    assert result.checks == sum(9 * (2 * len(stream) - 4) for stream in streams)


def test_a_level_beyond_its_depth_is_found(
    kept: Sequence[KeptCase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spoilt_on_board, "bit_depth_of", lambda plan: 3)
    one = [one for one in some(kept) if one.case.name == NAMES[0]]
    (finding,) = spoil_on_board(one).findings
    assert (finding.case, finding.stage) == (NAMES[0], "a spoilt stream")


def test_a_board_that_no_emulator_runs_is_named(kept: Sequence[KeptCase]) -> None:
    with pytest.raises(MissingToolError, match="no emulator of nucleo"):
        spoil_on_board(some(kept), "nucleo-f446re")
