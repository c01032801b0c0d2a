"""Running a data set through a head: in parts, by any workers, taken up again after a stop."""

from __future__ import annotations

import functools
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration import tensor_statistics
from fmq_embedded.calibration.collected import Collected, input_digest
from fmq_embedded.deploy.deployment_files import HEAD, load
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.files import read_bytes, write_atomically
from fmq_embedded.runtimes import Model, open_model
from fmq_embedded.workers import Here, Workers

CHECKPOINT: Final = "calibration.checkpoint"
CHECKPOINT_SECONDS: Final = 5.0
GATHERED_BYTES: Final = 1 << 24

Array = npt.NDArray[Any]
Sample = Array | Mapping[str, Array]
Part = tuple[int, int]
Progress = Callable[[int, int], None]


class Inputs(Protocol):
    """Inputs of a head, by their places; see `fmq_embedded.data.data_set`."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Iterator[Sample]:
        """The inputs start..stop − 1."""

    def parts(self) -> list[Part]:
        """Where to cut the work."""

    @property
    def fingerprint(self) -> str:
        """Tells them from others; "" if nothing does."""


@dataclass(frozen=True)
class HeadRun:
    """What a worker needs to run parts of the data.

    Args:
        folder: of the deployment, which workers on other machines see under the same name.
        head_sha256: of its head, so that a process that has another one open does not use it.
        inputs: of the head.
    """

    folder: Path
    head_sha256: str
    inputs: Inputs

    def __call__(self, part: Part) -> Collected:
        """What the inputs of a part give.

        Raises:
            InputError: an input cannot be read, the head does not take it, or its maps are not
                finite.
        """
        thread = threading.get_ident()  # an interpreter belongs to one thread
        head = _open_head(self.folder, self.head_sha256, thread)
        gathered = _Gathered(load(self.folder).tensors)
        for place, sample in enumerate(self.inputs.read(*part), part[0]):
            gathered.add(head.run(sample), input_digest(sample), place)
        return gathered.collected()


def collect(
    folder: Path,
    inputs: Inputs,
    workers: Workers | None = None,
    progress: Progress = lambda done, total: None,
) -> Collected:
    """Run all inputs through a deployment's head.

    What was done is kept in `calibration.checkpoint` in the folder, every few seconds; a run that
    was stopped goes on there if head and data are the same. The result is the same
    with any workers whose runtimes compute the same.

    Args:
        folder: of the deployment.
        inputs: of its head.
        workers: who runs them; by default this process.
        progress: called with the number of inputs done and of all.

    Raises:
        InputError: there are none, or see `HeadRun`.
    """
    if not len(inputs):
        raise InputError("calibration needs at least one input; the data hold none")
    digest = hashlib.sha256(read_bytes(folder / HEAD)).hexdigest()
    kept = _Checkpoint.open(folder / CHECKPOINT, digest, inputs.fingerprint)
    progress(kept.known.count, len(inputs))
    left = [part for part in inputs.parts() if part not in kept.done]
    run = HeadRun(folder.resolve(), digest, inputs)
    try:
        for part, found in (workers or Here()).results(run, left):
            kept.add(part, found)
            progress(kept.known.count, len(inputs))
    finally:
        kept.write_if_due()
    return kept.known


def forget(folder: Path) -> None:
    """Take the checkpoint away: the calibration is whole."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


@dataclass
class _Gathered:
    """Maps of some inputs: their statistics taken together are the same, and taken sooner."""

    plans: tuple[TensorPlan, ...]
    known: Collected = field(default_factory=Collected)
    maps: list[Mapping[str, Array]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def add(self, maps: Mapping[str, Array], digest: str, place: int) -> None:
        self.maps.append(maps)
        self.places.setdefault(digest, place)
        self.size += sum(array.nbytes for array in maps.values())
        if self.size >= GATHERED_BYTES:
            self._take()

    def collected(self) -> Collected:
        self._take()
        return self.known

    def _take(self) -> None:
        if self.maps:
            statistics = {
                plan.name: tensor_statistics(
                    plan.item(np.concatenate([maps[plan.name] for maps in self.maps]))
                )
                for plan in self.plans
            }
            found = Collected(statistics, self.places, len(self.maps))
            self.known = self.known.merged(found)
        self.maps, self.places, self.size = [], {}, 0


@functools.lru_cache(maxsize=16)
def _open_head(folder: Path, sha256: str, thread: int) -> Model:
    content = read_bytes(folder / HEAD)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(
            f"{folder / HEAD} is not the head that is being calibrated; let workers see the same "
            "folder, and do not change it meanwhile"
        )
    return open_model(content)


@dataclass
class _Checkpoint:
    path: Path
    key: str
    known: Collected = field(default_factory=Collected)
    done: set[Part] = field(default_factory=set)
    written: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, path: Path, head: str, data: str) -> _Checkpoint:
        """What was done of this; nothing where the file is of something else, or damaged."""
        fresh = cls(path, f"{head} {data}" if data else "")
        try:
            kept = json.loads(path.read_bytes())
            if kept["key"] != fresh.key or not data:
                return fresh
            done = {(int(start), int(stop)) for start, stop in kept["done"]}
            return cls(path, fresh.key, Collected.from_json(kept["known"]), done)
        except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError):
            return fresh

    def add(self, part: Part, found: Collected) -> None:
        self.known = self.known.merged(found)
        self.done.add(part)
        self.write_if_due()

    def write_if_due(self) -> None:
        """What a few seconds do again is not worth a file."""
        if self.key and time.monotonic() - self.written >= CHECKPOINT_SECONDS:
            content = {
                "key": self.key,
                "done": sorted(self.done),
                "known": self.known.to_json(),
            }
            write_atomically(self.path, json.dumps(content).encode())
            self.written = time.monotonic()
