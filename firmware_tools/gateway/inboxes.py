"""Bounded boxes of bitstreams, one for each device, emptied in turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from firmware_tools.gateway.counters import MOST_DEVICES

BOX_SIZE: Final = 16
_LOOK_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Message:
    """A bitstream.

    Args:
        device: where it came from.
        stream: its bytes.
        answer_to: the topic that its result is published under; "" where it came without a topic.
    """

    device: str
    stream: bytes
    answer_to: str = ""


class Inboxes:
    """Takes bitstreams from many threads; a device that floods fills its own box alone.

    Args:
        size: bitstreams that each box holds.
    """

    def __init__(self, size: int = BOX_SIZE) -> None:
        self._size = size
        self._boxes: dict[str, deque[Message]] = {}
        self._turns: deque[str] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def put(self, message: Message, *, wait: bool) -> bool:
        """Take a message.

        Args:
            message: of a device; of 1024 at most that have anything in their boxes.
            wait: until there is room, so that the line holds back what comes next.

        Returns:
            Whether it was taken.
        """
        with self._changed:
            while not self._is_closed and not self._has_room(message.device):
                if not wait:
                    return False
                self._changed.wait(_LOOK_AGAIN_SECONDS)
            if self._is_closed:
                return False
            box = self._boxes.setdefault(message.device, deque())
            if not box:
                self._turns.append(message.device)
            box.append(message)
            self._changed.notify_all()
            return True

    def take(self, wait: float) -> Message | None:
        """The next message, of each device in turn; None if none comes within so many seconds."""
        until = time.monotonic() + wait
        with self._changed:
            while not self._turns:
                left = until - time.monotonic()
                if left <= 0 or self._is_closed:
                    return None
                self._changed.wait(left)
            device = self._turns.popleft()
            box = self._boxes[device]
            message = box.popleft()
            if box:
                self._turns.append(device)
            else:
                del self._boxes[device]
            self._changed.notify_all()
            return message

    def close(self) -> None:
        """Nothing more is taken; those that wait go on."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _has_room(self, device: str) -> bool:
        box = self._boxes.get(device)
        return len(self._boxes) < MOST_DEVICES if box is None else len(box) < self._size
