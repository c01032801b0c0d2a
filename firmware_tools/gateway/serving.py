"""Running a gateway until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from firmware_tools.gateway.gateway import Gateway
from firmware_tools.gateway.inboxes import Message
from firmware_tools.gateway.results import Result

Take = Callable[[Message, Result], None]


def serve(
    gateway: Gateway,
    take: Take,
    *,
    count: int = 0,
    seconds: float = 0.0,
    every: float = 10.0,
    notice: Callable[[str], None] = lambda text: None,
) -> None:
    """Hand over results until SIGINT or SIGTERM comes, or an end that was set.

    Args:
        gateway: that devices feed.
        take: gets each message with its result.
        count: of results, after which it ends; 0 for no such end.
        seconds: after which it ends; 0 for no such end.
        every: seconds between notices of the counters.
        notice: gets these.
    """
    clock = _Clock(gateway, seconds, every, notice)
    with _stopped_by_signals(gateway):
        for number, (message, result) in enumerate(gateway.results(clock.look), 1):
            take(message, result)
            if number == count:
                gateway.stopping.set()
    notice(str(gateway.ledger))


@dataclass
class _Clock:
    gateway: Gateway
    seconds: float
    every: float
    notice: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    told: int = 0

    def look(self) -> None:
        """Stop when the time is over; tell the counters when it is time to."""
        passed = time.monotonic() - self.began
        if self.seconds and passed >= self.seconds:
            self.gateway.stopping.set()
        if passed >= (self.told + 1) * self.every:
            self.told = int(passed / self.every)
            rate = self.gateway.ledger.total().maps / passed
            self.notice(f"{self.gateway.ledger}; {rate:.1f} maps per second")


@contextlib.contextmanager
def _stopped_by_signals(gateway: Gateway) -> Iterator[None]:
    """End in order where the default would end at once; in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(name, lambda *_: gateway.stopping.set()) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)
