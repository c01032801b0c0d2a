"""What another package brings by entry points is there as if it were this package's own."""

from __future__ import annotations

import shutil
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_tools.boards import CHECKOUT_BOARDS, board_folders, load_board
from firmware_tools.flashers.debug_probes import Pyocd
from firmware_tools.flashers.flasher import Flasher
from firmware_tools.flashers.flashing import make_job
from firmware_tools.report.coders import BIT_DEPTHS, available_coders
from firmware_tools.report.tensor_facts import tensor_facts
from fmq_embedded.deploy.deployment_files import TAIL, load
from fmq_embedded.errors import InputError
from fmq_embedded.plugins import made, plugins
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import open_model
from fmq_embedded.runtimes.adapter import RUNTIMES, default_runtime


class OtherFlasher(Pyocd):
    """A flasher of another package."""

    name = "other"


class Deflate:
    """A coder of another package."""

    def encode(self, levels: Any) -> bytes:
        return zlib.compress(np.ascontiguousarray(levels).tobytes(), 1)


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution on the path with an entry point in every group, and a broken one."""
    boards = tmp_path / "their_boards"
    shutil.copytree(CHECKOUT_BOARDS / "nucleo-f446re", boards / "their-board")
    description = boards / "their-board/board.toml"
    text = description.read_text().replace('id = "nucleo-f446re"', 'id = "their-board"')
    description.write_text(
        text.replace('method = "pyocd"', 'method = "other"\noptions = { probe = "theirs" }')
    )
    interpreter = RUNTIMES[default_runtime()][0]
    (tmp_path / "their_package.py").write_text(
        f"from pathlib import Path\nBOARDS = Path({str(boards)!r})\n"
        f"import {interpreter} as RUNTIME\n"
    )
    metadata = tmp_path / "their_package-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[fmq_embedded.boards]\ntheirs = their_package:BOARDS\nbroken = nowhere:BOARDS\n"
        f"[fmq_embedded.flashers]\nother = {__name__}:OtherFlasher\n"
        "[fmq_embedded.runtimes]\ntheirs = their_package:RUNTIME\n"
        f"[fmq_embedded.codecs]\ndeflate = {__name__}:Deflate\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("their_package", None)


@pytest.mark.filterwarnings("ignore:the boards called 'broken'")
def test_a_board_with_a_flasher_of_its_own(
    other_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "their-board" in board_folders()
    board = load_board("their-board")
    assert board.flash is not None
    assert board.flash.methods[0] == "other"
    assert board.flash.options == {"probe": "theirs"}
    monkeypatch.setattr(OtherFlasher, "find", lambda *arguments: None)
    flasher, job = make_job(board)
    assert isinstance(flasher, OtherFlasher)
    assert isinstance(flasher, Flasher)
    assert job.board_id == "their-board"


def test_a_broken_one_is_left_out_and_named(other_package: Path) -> None:
    with pytest.warns(UserWarning, match="'broken' of the package their-package cannot be loaded"):
        assert list(plugins("boards")) == ["theirs"]


def test_a_runtime_runs_models(other_package: Path, deployment: Path) -> None:
    tail = open_model(deployment / TAIL, "theirs")
    maps = {one.plan.name: one.samples for one in tensor_facts(load(deployment), deployment)}
    expected = open_model(deployment / TAIL).run(maps)
    assert all(np.array_equal(tail.run(maps)[name], expected[name]) for name in expected)
    with pytest.raises(InputError, match="no runtime is called 'their'; the nearest are theirs"):
        open_model(deployment / TAIL, "their")


def test_a_coder_stands_in_the_report(other_package: Path, deployment: Path) -> None:
    facts = tensor_facts(load(deployment), deployment)[0]
    ends = facts.statistics.moments
    coders = available_coders()["deflate"]
    for depth, coder in zip(BIT_DEPTHS, coders, strict=True):
        quantizer = Quantizer.uniform(ends.minimum, ends.maximum, depth)
        levels = quantizer.quantize(facts.plan.item(facts.samples))
        assert coder(facts).size == len(Deflate().encode(levels))


def test_nothing_is_there_without_such_a_package() -> None:
    assert plugins("boards") == {}
    assert made(Deflate) is not Deflate
    assert made(RUNTIMES) is RUNTIMES
