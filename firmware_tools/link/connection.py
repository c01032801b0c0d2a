"""Requests and answers over a port: sequence numbers, time-outs, retries, windows."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from firmware_tools.link.closing import Closing
from firmware_tools.link.frames import DELIMITER, Frame, FrameReader, pack
from firmware_tools.link.port import Port, PortLostError
from firmware_tools.link.protocol import ANSWER, MAX_BODY, OVERHEAD, PROBE, WINDOW, Command
from firmware_tools.link.statuses import check_status
from fmq_embedded.errors import LinkError, LinkTimeoutError

BITS_PER_BYTE = 10
"""On a UART line: a start bit, eight of data, a stop bit."""
_LARGEST_FRAME = MAX_BODY + OVERHEAD + 4
_BACK_OFF = 1.1
LONGEST_BACK_OFF = 5.0


class Connection(Closing):
    """A line to one board. Requests are sent again until they are answered.

    Args:
        port: an open port; the connection closes it.
        timeout: seconds without an intact answer after which a request fails.
        retry_interval: seconds beyond the time on the line after which a request is sent again.

    Attributes:
        window: requests that may be in flight together; the board names its own limit.
    """

    def __init__(self, port: Port, timeout: float = 5.0, retry_interval: float = 0.2) -> None:
        self.port = port
        self.timeout = timeout
        self.window = 1
        self._retry_interval = retry_interval
        self._reader = FrameReader()
        self._arrived: deque[Frame] = deque()
        self._sequence = 0
        self._bytes_received = 0
        self._is_in_doubt = False
        self._nonces: set[bytes] = set()

    @classmethod
    def open(
        cls, url: str, *, baud: int = 115200, timeout: float = 5.0, retry_interval: float = 0.2
    ) -> Self:
        """Opens a port's name or any pyserial URL. Raises LinkError if it cannot be opened."""
        return cls(Port(url, baud, write_timeout=timeout), timeout, retry_interval)

    def close(self) -> None:
        """Closes the port."""
        self.port.close()

    def start_session(self) -> bytes:
        """Starts anew: what is still on the line from before is ignored by both ends.

        Returns:
            The data of the answer to IDENTIFY, behind the nonce.

        Raises:
            LinkError: in a later session: the board has restarted, or answered someone else
                meanwhile, so that its buffers are no longer what they were.
        """
        nonce = secrets.token_bytes(4)
        known = frozenset(self._nonces)
        self._nonces.add(nonce)
        self._sequence = nonce[0]
        self._is_in_doubt = False
        self.port.write(DELIMITER)
        answer = self.request(
            Command.IDENTIFY, nonce, accept=lambda data: data[1:5] in (nonce, b"")
        )
        if known and answer[-4:] not in known:
            raise LinkError(
                f"{self.port.url}: the board has restarted, or another program has used it, since "
                "this one began; expected the session to go on; open the board and load anew"
            )
        return answer[4:]

    def come_back(self, error: PortLostError, until: float) -> None:
        """Goes on where the port broke, when its USB device is there again.

        Raises:
            PortLostError: it did not come back until then (of `time.monotonic`).
            LinkError: the board has lost what it held.
        """
        self._reopen(error, until)
        self.start_session()
        self._is_in_doubt = True

    def probe(self) -> tuple[bytes, bytes]:
        """What comes of PROBE: at the board, and here. A single try; noise may change it."""
        self.port.write(DELIMITER + PROBE + DELIMITER)
        self._reader.line_bytes = b""
        at_board = self.request(Command.LINE)
        return at_board, self._reader.line_bytes

    def drain(self) -> None:
        """Starts a new session amid a transfer: no answer to what was sent before comes later."""
        self.start_session()
        self._is_in_doubt = True

    @contextmanager
    def certain(self) -> Iterator[None]:
        """Within it requests are sent; if it is left unanswered, a new session comes first.

        Nobody knows then which sequence numbers the board has seen, and a number that comes
        round again must not meet the answer kept for its forerunner.
        """
        if self._is_in_doubt:
            self.start_session()
        self._is_in_doubt = True
        yield
        self._is_in_doubt = False

    def request(
        self,
        command: Command,
        body: bytes = b"",
        *,
        timeout: float | None = None,
        accept: Callable[[bytes], bool] = lambda _body: True,
    ) -> bytes:
        """Sends one request, again if need be, and gives the data of its answer.

        The board does the work once, however often the request reaches it.

        Args:
            command: what to ask for.
            body: the command's arguments, 0..508 bytes.
            timeout: seconds for a command that takes longer than the connection's time-out.
            accept: whether an answer's body is meant for this request; others are dropped.

        Raises:
            LinkTimeoutError: no intact answer came.
            LinkError: the board refuses the request, or the port broke and did not come back.
            InputError, BitstreamError: the board refuses what it was given to work on.
        """
        timeout = self.timeout if timeout is None else timeout
        with self.certain():
            answer = self._answer(command, body, timeout, accept)
        check_status(self.port.url, command, answer[0])
        return answer[1:]

    def send(self, command: Command, body: bytes, *, resynchronise: bool = False) -> int:
        """Sends a request once and gives its sequence number."""
        sequence = self._next_sequence()
        encoded = pack(Frame(command, sequence, body))
        self.port.write(DELIMITER + encoded if resynchronise else encoded)
        return sequence

    def receive(self, until: float) -> Frame | None:
        """The next intact frame, or None if none came until then (of `time.monotonic`)."""
        while not self._arrived:
            data = self.port.read(max(0.0, until - time.monotonic()))
            self._bytes_received += len(data)
            self._arrived.extend(self._reader.feed(data))
            if not self._arrived and time.monotonic() >= until:
                return None
        return self._arrived.popleft()

    def retry_interval(self, bytes_in_flight: int) -> float:
        """Seconds after which an answer is overdue: the time on the line, there and back."""
        on_line = (bytes_in_flight + _LARGEST_FRAME) * BITS_PER_BYTE / self.port.baud
        return self._retry_interval + on_line

    def no_answer(
        self, command: Command, timeout: float, tries: int, received: int
    ) -> LinkTimeoutError:
        """The error for a request that was not answered in time."""
        if received:
            seen = (
                f"{received} bytes came back, but no answer to it; the line is disturbed or its "
                f"speed is not the board's ({self.port.baud} baud)"
            )
        else:
            seen = (
                "nothing came back; check that the board has power, that its firmware is this "
                "one, and that no other program reads the port"
            )
        return LinkTimeoutError(
            f"{self.port.url}: expected an answer to {command.name} within {timeout:g} s; "
            f"sent {tries} requests, {seen}"
        )

    @property
    def bytes_received(self) -> int:
        """Bytes that came from the board so far, damaged ones included."""
        return self._bytes_received

    def _answer(
        self, command: Command, body: bytes, timeout: float, accept: Callable[[bytes], bool]
    ) -> bytes:
        """The body of the answer to a request, also if the port breaks and comes back."""
        until = time.monotonic() + timeout
        while True:
            try:
                return self._answer_here(command, body, timeout, until, accept)
            except PortLostError as error:
                if command is Command.IDENTIFY:
                    self._reopen(error, until)
                else:
                    self.come_back(error, until)

    def _reopen(self, error: PortLostError, until: float) -> None:
        self.port.reopen(error, until)
        self._reader = FrameReader()
        self._arrived.clear()

    def _answer_here(
        self,
        command: Command,
        body: bytes,
        timeout: float,
        until: float,
        accept: Callable[[bytes], bool],
    ) -> bytes:
        """The body of the answer to a request that is sent until it is answered."""
        sequence = self._next_sequence()
        encoded = pack(Frame(command, sequence, body))
        interval = self.retry_interval(len(encoded))
        longest = interval * LONGEST_BACK_OFF
        tries = 0
        received = self._bytes_received
        while time.monotonic() < until:
            # A delimiter in front: the line may hold a piece of a frame that lost its own.
            self.port.write(DELIMITER + encoded if tries else encoded)
            tries += 1
            again = min(time.monotonic() + interval, until)
            while (answer := self.receive(again)) is not None:
                is_ours = (answer.sequence, answer.command) == (sequence, command | ANSWER)
                if is_ours and answer.body and accept(answer.body):
                    return answer.body
            interval = min(interval * _BACK_OFF, longest)
        raise self.no_answer(command, timeout, tries, self._bytes_received - received)

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) & 0xFF
        return self._sequence


def agreed_window(board_window: int) -> int:
    """Requests in flight that both ends allow."""
    return max(1, min(WINDOW, board_window))
