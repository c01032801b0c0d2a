"""Decoding and the tail, for many devices: threads decode, one runs the tail and writes."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_tools.gateway.counters import Ledger
from firmware_tools.gateway.inboxes import Inboxes, Message
from firmware_tools.gateway.results import Result
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import TAIL, load
from fmq_embedded.errors import FmqError
from fmq_embedded.runtimes import open_model

MOST_THREADS: Final = 4
_WAIT_SECONDS: Final = 0.2
_HEADER_BYTES: Final = 1 << 16
"""More than any headers and class maps take."""

Array = npt.NDArray[Any]


class Gateway:
    """Bitstreams in, results out.

    Args:
        folder: of the deployment, which the devices' tables were made from.
        threads: that decode; by default one for each processor, 4 at most.

    Attributes:
        inboxes: where devices put their bitstreams.
        ledger: what became of them.
        stopping: set when it ends; threads that feed it end with it.
    """

    def __init__(self, folder: Path, threads: int = 0) -> None:
        self.deployment = load(folder)
        _ = self.deployment.headers  # refuses a deployment that is not calibrated
        self.inboxes = Inboxes()
        self.ledger = Ledger()
        self.stopping = threading.Event()
        self._tail = open_model(folder / TAIL)
        self._threads = threads or min(os.cpu_count() or 1, MOST_THREADS)

    @property
    def longest_stream(self) -> int:
        """Bytes: no bitstream of the deployment is longer."""
        return longest_stream(self.deployment)

    def results(
        self, every: Callable[[], None] = lambda: None, wait: float = _WAIT_SECONDS
    ) -> Iterator[tuple[Message, Result]]:
        """The results, each with its message, in the order in which these were taken.

        Runs until `stopping` is set. While a result is with the caller, no more than two messages
        for each thread are in work: what holds the caller up holds the devices up.

        Args:
            every: called again and again, also when nothing comes.
            wait: seconds between these calls at most.
        """
        in_work: deque[tuple[Message, Future[Mapping[str, Array] | str]]] = deque()
        with ThreadPoolExecutor(self._threads) as pool:
            try:
                while not self.stopping.is_set():
                    every()
                    self._take(pool, in_work, wait)
                    if in_work:
                        message, future = in_work.popleft()
                        yield message, self._result(message, future.result())
            finally:
                self.stopping.set()
                self.inboxes.close()

    def _take(self, pool: ThreadPoolExecutor, in_work: deque[Any], wait: float) -> None:
        """Begin with as many messages as are there; wait if nothing is in work."""
        while len(in_work) < 2 * self._threads:
            message = self.inboxes.take(0.0 if in_work else wait)
            if message is None:
                return
            in_work.append((message, pool.submit(self._decoded, message.stream)))

    def _decoded(self, stream: bytes) -> Mapping[str, Array] | str:
        """The maps, or why there are none."""
        try:
            return self.deployment.decode(stream)
        except FmqError as error:
            return str(error)

    def _result(self, message: Message, decoded: Mapping[str, Array] | str) -> Result:
        size, refused = len(message.stream), decoded if isinstance(decoded, str) else ""
        outputs: Mapping[str, Array] = {}
        if not isinstance(decoded, str):
            try:
                outputs = self._tail.run(decoded)
            except FmqError as error:
                refused = str(error)
        counts = {"refused": 1} if refused else {"maps": 1, "bytes": size}
        number = self.ledger.add(message.device, refused, **counts)
        return Result(message.device, number, size, outputs, refused)


def longest_stream(deployment: Deployment) -> int:
    """Bytes that no bitstream of a deployment exceeds: its levels packed, and headers."""
    samples = sum(int(np.prod(plan.shape)) for plan in deployment.tensors)
    return 2 * samples + _HEADER_BYTES
