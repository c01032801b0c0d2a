"""What a deployment costs on each board, in the board's own time and on its own line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware_tools.boards import load_board
from firmware_tools.firmware import emulators_of
from firmware_tools.profiling.measure import Maps, profile_boards
from firmware_tools.profiling.profile import Profile
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import InputError

BITS_PER_BYTE_ON_THE_LINE = 10
"""A start bit, eight of data, a stop bit."""


@dataclass(frozen=True)
class BoardCost:
    """A profile, in the units of the board.

    Attributes:
        clock_hz: of the board's core.
        baud: of its line.
    """

    profile: Profile
    clock_hz: int
    baud: int

    @property
    def instructions(self) -> int | None:
        """Of quantizing and encoding once; None where the emulator does not count."""
        stages = [stage for stage in self.profile.stages if stage.name in ("quantize", "encode")]
        if not all(stage.is_counted for stage in stages):
            return None
        return sum(stage.instructions for stage in stages)

    @property
    def compute_seconds(self) -> float | None:
        """At the board's clock and one instruction a cycle: a real core takes longer."""
        return None if self.instructions is None else self.instructions / self.clock_hz

    @property
    def link_seconds(self) -> float | None:
        """Of the bitstream's bytes on the line, without frames around them."""
        sent = self.profile.sent_bytes
        return None if sent is None else sent * BITS_PER_BYTE_ON_THE_LINE / self.baud


def board_costs(
    deployment: Deployment, maps: Maps, board_ids: Sequence[str], step: Callable[[str], None]
) -> tuple[list[BoardCost], dict[str, str]]:
    """Run the worked case on emulated boards.

    Returns:
        The costs in the order of the boards, and for each that has none the reason.

    Raises:
        InputError: no installed emulator runs one of the boards.
    """
    for board_id in board_ids:
        if not emulators_of(load_board(board_id)):
            raise InputError(
                f"no installed emulator runs {board_id}; inv boards lists what runs where"
            )
    profiles, reasons = profile_boards(deployment, maps, board_ids, step, runs=1)
    found = []
    for profile in profiles:
        board = load_board(profile.board)
        found.append(BoardCost(profile, board.clock_hz, board.uart.baud))
    return found, reasons
