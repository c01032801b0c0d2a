"""Work spread over processes or machines by Dask, or done here, one after the other."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

from fmq_embedded.errors import InputError, LinkTimeoutError, MissingToolError, NoPortError

CONNECT_SECONDS = 10
_IN_FLIGHT = 3
"""Tasks that wait at each worker, so that none is idle and none of the results pile up."""

_SETTINGS: Final = {
    # Nobody looks at what these measure all the time.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    # Dask has freed memory given back at once; to get it anew takes a quarter of calibration.
    "distributed.nanny.pre-spawn-environ": {
        "MALLOC_ARENA_MAX": 1,
        "MALLOC_MMAP_THRESHOLD_": 1 << 25,
        "MALLOC_TRIM_THRESHOLD_": 1 << 28,
        "OMP_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
    },
}
"""Of the processes that are started here; a scheduler's workers have their own."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Protocol):
    """Who does the work."""

    def results(
        self, work: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """`work` of each item, with the item, in the order in which they are done."""


class Here:
    """This process."""

    def results(
        self, work: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """`work` of each item, with the item."""
        for item in items:
            yield item, work(item)


class Dask:
    """The workers of a Dask scheduler; a task whose worker dies goes to another."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def results(
        self, work: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """`work` of each item, with the item, in the order in which they are done.

        Raises:
            MissingToolError: the workers died of it again and again.
        """
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        waiting = iter(items)
        running: dict[Any, Item] = {}
        limit = _IN_FLIGHT * max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))
        done = as_completed()

        def start() -> None:
            for item in waiting:
                future = self._client.submit(work, item, pure=False)
                running[future] = item
                done.add(future)
                return

        for _ in range(limit):
            start()
        for future in done:
            item = running.pop(future)
            start()
            try:
                yield item, future.result()
            except KilledWorker as error:
                raise MissingToolError(
                    f"the workers died of it again and again: {error}; look at their memory and "
                    "their logs"
                ) from error


@contextlib.contextmanager
def open_workers(scheduler: str = "", count: int = 0) -> Iterator[Workers]:
    """Who does the work: a scheduler's workers, as many processes here, or this process.

    Args:
        scheduler: the address of a Dask scheduler, such as tcp://10.0.0.1:8786, whose workers have
            this package and see the same files under the same names; "" for none.
        count: of processes on this machine; 0 or 1 for this one alone.

    Raises:
        InputError: both, or a count below 0.
        NoPortError: there is no scheduler at that address.
        LinkTimeoutError: it has no workers.
        MissingToolError: distributed is not installed.
    """
    if count < 0 or (scheduler and count):
        raise InputError(
            f"give --scheduler or --workers of at least 0, not both; got {scheduler!r} and {count}"
        )
    if not scheduler and count < 2:
        yield Here()
        return
    with _connected(scheduler) if scheduler else local_processes(count) as workers:
        yield workers


@contextlib.contextmanager
def local_processes(count: int) -> Iterator[Dask]:
    """So many processes on this machine, of one thread each.

    Raises:
        MissingToolError: distributed is not installed.
    """
    client_class, cluster_class, settings = _classes()
    with (
        settings(_SETTINGS),
        cluster_class(
            n_workers=count,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        client_class(cluster) as client,
    ):
        yield Dask(client)


@contextlib.contextmanager
def _connected(scheduler: str) -> Iterator[Dask]:
    client_class = _classes()[0]
    try:
        client = client_class(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise NoPortError(
            f"no Dask scheduler answers at {scheduler}: {error}; start one with `dask scheduler`, "
            "and workers with `dask worker ADDRESS`"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise LinkTimeoutError(
                f"the Dask scheduler at {scheduler} has no workers; start some with "
                f"`dask worker {scheduler}`"
            ) from error
        yield Dask(client)


def _classes() -> tuple[Any, Any, Any]:
    try:
        from dask.config import set as settings
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingToolError(
            "several processes or machines need the package distributed; install it with: "
            "python -m pip install 'fmq-embedded[dask]'"
        ) from error
    return Client, LocalCluster, settings
