"""Statistics over a data set: the same in any order, with any workers, and after a stop."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmq_embedded.calibration.collected import KEPT_INPUTS, Collected, input_digest
from fmq_embedded.data.data_set import GivenInputs
from fmq_embedded.deploy import collecting
from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.calibration_data import calibration_inputs
from fmq_embedded.deploy.collecting import CHECKPOINT, HeadRun, collect
from fmq_embedded.errors import InputError
from fmq_embedded.workers import Here, open_workers
from tests.deploy.tiny_deployment import SHAPE, inputs, split_deployment

COUNT = 200
ITEMS = inputs(COUNT, seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = split_deployment(tmp_path_factory.mktemp("collecting") / "tiny")
    np.save(folder.parent / "data.npy", ITEMS)
    return folder


@pytest.fixture(scope="module")
def known(folder: Path) -> Collected:
    return collect(folder, GivenInputs(ITEMS.reshape(-1, *SHAPE)))


def data_of(folder: Path) -> Any:
    return calibration_inputs(str(folder.parent / "data.npy"), folder)


def files_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_any_order_and_any_parts_give_the_same(folder: Path, known: Collected) -> None:
    """But for the places of the inputs that judge, which are those in that order."""
    dice = random.Random(3)
    for _ in range(3):
        order = dice.sample(range(COUNT), COUNT)
        given = GivenInputs(ITEMS[order].reshape(-1, *SHAPE))
        run = HeadRun(folder, _digest(folder), given)
        cuts = sorted({0, COUNT, *dice.sample(range(COUNT), 9)})
        parts = [run(part) for part in itertools.pairwise(cuts)]
        dice.shuffle(parts)
        merged = Collected()
        for part in parts:
            merged = merged.merged(part)
        assert merged.statistics == known.statistics
        assert list(merged.judges) == list(known.judges)
        assert [order[place] for place in merged.judges.values()] == list(known.judges.values())
        assert merged.count == COUNT


def _digest(folder: Path) -> str:
    import hashlib

    return hashlib.sha256((folder / collecting.HEAD).read_bytes()).hexdigest()


def test_those_with_the_smallest_hashes_judge(known: Collected) -> None:
    hashes = sorted(map(input_digest, ITEMS))
    assert list(known.judges) == hashes[:KEPT_INPUTS]
    assert all(input_digest(ITEMS[place]) == digest for digest, place in known.judges.items())


def test_no_more_are_kept_than_judge() -> None:
    many = [Collected(judges={f"{n:03x}": n}) for n in range(KEPT_INPUTS + 60)]
    found = Collected()
    for one in reversed(many):
        found = found.merged(one)
    assert list(found.judges.values()) == list(range(KEPT_INPUTS))


def test_an_input_that_is_there_twice_judges_once(folder: Path) -> None:
    twice = GivenInputs([*ITEMS[:5].reshape(-1, *SHAPE), *ITEMS[:5].reshape(-1, *SHAPE)])
    found = collect(folder, twice)
    assert sorted(found.judges.values()) == [0, 1, 2, 3, 4]
    assert found.count == 10


def test_json_keeps_it_exactly(known: Collected) -> None:
    again = Collected.from_json(known.to_json())
    assert again == known
    assert list(again.judges) == list(known.judges)


class Stopping(Here):
    """Workers that stop after some parts, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.ran = 0

    def results(
        self, work: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[Any, Any]]:
        for one in super().results(work, items):
            if self.ran == self.after:
                raise KeyboardInterrupt
            self.ran += 1
            yield one


def test_a_run_that_was_stopped_goes_on(
    folder: Path, known: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        collect(folder, data_of(folder), Stopping(4))
    rest, seen = Stopping(99), list[tuple[int, int]]()
    found = collect(folder, data_of(folder), rest, lambda *at: seen.append(at))
    assert found == known
    assert rest.ran == 3
    assert seen == [(128, COUNT), (160, COUNT), (192, COUNT), (COUNT, COUNT)]
    collecting.forget(folder)
    assert not (folder / CHECKPOINT).exists()


@pytest.mark.parametrize("change", ["data", "head", "options", "damage", "nonsense"])
def test_a_checkpoint_of_something_else_is_not_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(collecting, "CHECKPOINT_SECONDS", 0.0)
    own = split_deployment(tmp_path / "tiny")
    np.save(tmp_path / "data.npy", ITEMS)
    collect(own, data_of(own))
    path, options = own / CHECKPOINT, []
    if change == "data":
        os.utime(tmp_path / "data.npy", ns=(1, 1))
    elif change == "head":
        (own / collecting.HEAD).write_bytes((own / collecting.HEAD).read_bytes() + b"\0")
    elif change == "options":
        options = ["kind=picture"]
    elif change == "damage":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.write_text("[3]")
    again = Stopping(99)
    collect(own, calibration_inputs(str(tmp_path / "data.npy"), own, options), again)
    assert again.ran == 7


def test_what_takes_seconds_leaves_no_checkpoint(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        collect(folder, data_of(folder), Stopping(4))
    assert not (folder / CHECKPOINT).exists()


class Killing:
    """Two processes, one of which is killed when the first part is done."""

    def __init__(self, workers: Any) -> None:
        self._workers = workers
        self.killed = 0

    def results(
        self, work: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[Any, Any]]:
        for one in self._workers.results(work, items):
            if not self.killed:
                found = self._workers._client.scheduler_info(n_workers=-1)["workers"]
                self.killed = self._workers._client.run(os.getpid)[sorted(found)[0]]
                os.kill(self.killed, 9)
            yield one


def test_two_processes_one_killed_half_way_give_the_same_bytes(
    folder: Path, tmp_path: Path
) -> None:
    alone, spread = split_deployment(tmp_path / "alone"), split_deployment(tmp_path / "spread")
    np.save(tmp_path / "data.npy", ITEMS)
    calibrate(alone, data_of(alone), bit_depths=[6])
    with open_workers(count=2) as workers:
        killing = Killing(workers)
        calibrate(spread, data_of(spread), bit_depths=[6], workers=killing)
    assert killing.killed
    assert files_of(spread) == files_of(alone)


def test_workers_that_cannot_be(tmp_path: Path) -> None:
    for arguments in ({"count": -1}, {"scheduler": "tcp://127.0.0.1:1", "count": 2}):
        with pytest.raises(InputError, match="--workers"), open_workers(**arguments):  # type: ignore[arg-type]
            pass


def test_an_input_that_the_head_does_not_take_is_named_by_any_worker(folder: Path) -> None:
    np.save(folder.parent / "wrong.npy", np.zeros((3, 2, 2), np.float32))
    data = calibration_inputs(str(folder.parent / "wrong.npy"), folder)
    with pytest.raises(InputError, match=r"wrong\.npy\[0\] is float32 \(2, 2\)"):
        collect(folder, data)
