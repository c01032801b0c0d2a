"""Moving a block of bytes in pieces, several of them in flight.

Each piece names its own offset, so pieces may be lost, repeated or come out of order. Answers
come in the order of the requests: an answer that overtakes another shows at once that the other
is lost. After a loss the pieces shrink, since a short frame survives a disturbed line where a
long one does not; while all goes well they grow again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from firmware_tools.link.connection import LONGEST_BACK_OFF, Connection
from firmware_tools.link.port import PortLostError
from firmware_tools.link.protocol import ANSWER, OVERHEAD, Command
from firmware_tools.link.statuses import check_status
from fmq_embedded.errors import LinkError

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""

_SMALLEST_PIECE = 16
_GROWTH = 16
_BACK_OFF = 1.5
_ROUND_TRIPS = 3.0
_MAX_UNANSWERED = 192
"""Below 256 less a window: a late answer must not meet a number that came round."""


@dataclass(frozen=True)
class Block:
    """What is moved.

    Attributes:
        command: the request that moves a piece.
        total: bytes in all.
        largest_piece: bytes that fit into one frame.
        body: the request's body for the piece at an offset, of a size.
        take: called with offset, size and the answer's data; whether the answer is right.
    """

    command: Command
    total: int
    largest_piece: int
    body: Callable[[int, int], bytes]
    take: Callable[[int, int, bytes], bool]


@dataclass(frozen=True)
class _Piece:
    offset: int
    size: int
    sent: float
    line_bytes: int


class _Transfer:
    def __init__(self, connection: Connection, block: Block, timeout: float) -> None:
        self.connection = connection
        self.block = block
        self.timeout = timeout
        self.to_send = deque([(0, block.total)] if block.total else [])
        self.in_flight: dict[int, _Piece] = {}  # in the order of sending
        self.piece_size = block.largest_piece
        self.done = 0
        self.tries = 0
        self.tries_at_drain = 0
        self.patience = 0.0
        self.has_lost = False

    def run(self, progress: Progress | None) -> None:
        last_progress = time.monotonic()
        received = self.connection.bytes_received
        while self.to_send or self.in_flight:
            try:
                self._fill_window()
                is_done = self._step(last_progress + self.timeout)
            except PortLostError as error:
                self._lose(list(self.in_flight))
                self.connection.come_back(error, last_progress + self.timeout)
                is_done = False
            if is_done:
                last_progress = time.monotonic()
                received = self.connection.bytes_received
                if progress is not None:
                    progress(self.done, self.block.total)
            elif time.monotonic() - last_progress > self.timeout:
                raise self.connection.no_answer(
                    self.block.command,
                    self.timeout,
                    self.tries,
                    self.connection.bytes_received - received,
                )

    def _fill_window(self) -> None:
        while self.to_send and len(self.in_flight) < self.connection.window:
            offset, length = self.to_send.popleft()
            size = min(length, self.piece_size)
            if length > size:
                self.to_send.appendleft((offset + size, length - size))
            body = self.block.body(offset, size)
            try:
                sequence = self.connection.send(
                    self.block.command, body, resynchronise=self.has_lost
                )
            except PortLostError:
                self.to_send.appendleft((offset, size))
                raise
            self.has_lost = False
            self.tries += 1
            self.in_flight[sequence] = _Piece(offset, size, time.monotonic(), len(body) + OVERHEAD)

    def _step(self, deadline: float) -> bool:
        """Waits for one answer; whether a piece was finished."""
        oldest = next(iter(self.in_flight.values()))
        on_line = sum(piece.line_bytes for piece in self.in_flight.values())
        interval = self.connection.retry_interval(on_line)
        overdue = max(interval, self.patience)
        answer = self.connection.receive(min(oldest.sent + overdue, deadline))
        if answer is None:
            longest = max(overdue, LONGEST_BACK_OFF * interval)
            self.patience = min(_BACK_OFF * overdue, longest)
            self._lose(list(self.in_flight))
            self._drain()
            return False
        piece = self.in_flight.get(answer.sequence)
        if piece is None or answer.command != self.block.command | ANSWER or not answer.body:
            return False
        check_status(self.connection.port.url, self.block.command, answer.body[0])
        if not self.block.take(piece.offset, piece.size, answer.body[1:]):
            raise LinkError(
                f"{self.connection.port.url}: the board answered {self.block.command.name} of "
                f"{piece.size} bytes with {len(answer.body) - 1}; expected what was asked for; "
                "build the firmware from this version and put it on the board again"
            )
        self._finish(answer.sequence, piece)
        return True

    def _drain(self) -> None:
        if self.tries - self.tries_at_drain > _MAX_UNANSWERED:
            started = time.monotonic()
            self.connection.drain()
            self.patience = max(self.patience, _BACK_OFF * (time.monotonic() - started))
            self.tries_at_drain = self.tries

    def _finish(self, sequence: int, piece: _Piece) -> None:
        self.tries_at_drain = self.tries
        sent = list(self.in_flight)
        self._lose(sent[: sent.index(sequence)])
        del self.in_flight[sequence]
        self.done += piece.size
        self.patience = _ROUND_TRIPS * (time.monotonic() - piece.sent)
        self.piece_size = min(self.piece_size + _GROWTH, self.block.largest_piece)

    def _lose(self, sequences: list[int]) -> None:
        """Takes pieces out of the window; they are sent again, smaller, as new requests."""
        if not sequences:
            return
        for sequence in reversed(sequences):
            piece = self.in_flight.pop(sequence)
            self.to_send.appendleft((piece.offset, piece.size))
        self.piece_size = max(self.piece_size // 2, min(_SMALLEST_PIECE, self.block.largest_piece))
        self.has_lost = True


def transfer(
    connection: Connection,
    block: Block,
    *,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> None:
    """Moves a block.

    Args:
        connection: the line; its window says how many pieces are in flight.
        block: what to move.
        timeout: seconds without a finished piece after which it fails; None: the connection's.
        progress: called after each finished piece.

    Raises:
        LinkError: no piece was finished in time, or the board refuses one.
    """
    limit = connection.timeout if timeout is None else timeout
    with connection.certain():
        _Transfer(connection, block, limit).run(progress)
