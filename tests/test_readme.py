"""Every command of README.md works: they are run in its order, in a folder of their own.

A command is run as it stands. `INSTEAD` says what is run for those that need a board, stand for
several, or would take minutes; `ELSEWHERE` which ones `.ci/run` runs itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firmware_tools.emulators import emulator
from firmware_tools.firmware import LIBFMQ_INCLUDE, build_firmware
from firmware_tools.profiling.partial_cases import pasted_faces
from fmq_embedded.deploy.deployment_files import load
from tests.tasks.running import ROOT, fmq

README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNTIMES = "tflite,litert" if sys.version_info < (3, 12) else "litert"
RESNET_CUT = "'model/activation_2/Relu;model/add/add'"

ELSEWHERE = ("python3 tasks.py demo", "python3 tasks.py test", "fmq fuzz --seconds 60")
INSTEAD = {
    "fmq bench": ["fmq bench --quick --suite start"],
    "fmq calibrate --deployment face --data photos --profile dense": [
        "fmq calibrate --deployment face --data photos --profile dense --rate-distortion quick"
    ],
    "fmq calibrate --deployment face --data faces --profile dense --result faces --agree 95": [
        "fmq calibrate --deployment face --data faces --profile dense --rate-distortion quick "
        "--result faces --agree 75"
    ],
    "fmq verify --deployment face": ["fmq verify --deployment face --target c"],
    "fmq verify --deployment face --target tflite,litert": [
        f"fmq verify --deployment face --target {RUNTIMES}"
    ],
    "fmq verify --target boards": ["fmq verify --target c"],
    "fmq profile --all": ["fmq profile --deployment face --runs 1"],
    "fmq split --model resnet8 --at … --lowering micro --out tiny": [
        f"fmq split --model resnet8 --at {RESNET_CUT} --lowering micro --out tiny"
    ],
    "fmq flash --deployment face --board nucleo-f446re --dry-run": [
        "fmq flash --deployment face --board esp32-c3 --port /dev/ttyUSB0 --dry-run"
    ],
    "fmq update --deployment face --port P": ["fmq update --deployment face --port PORT"],
    "fmq ports, monitor, erase, size": [
        "fmq ports",
        "fmq monitor --help",
        "fmq erase --board esp32-c3 --port /dev/ttyUSB0 --dry-run",
        "fmq size",
    ],
    "fmq gateway --deployment face --port P": [
        "fmq gateway --deployment face --port PORT --poll 0.1 --count 1"
    ],
    "fmq conformance --out kit": ["fmq conformance --compact --out kit"],
    "fmq verify --all": ["fmq verify --all --only cases --report proof.md"],
}
# They say something that holds only where everything is installed and every figure is right.
MAY_NOT_HOLD = ("fmq bench",)


def commands() -> list[str]:
    """The lines of indented code that call something, without what explains them."""
    lines = re.findall(r"^    ((?:fmq|inv|python3) .*)$", README, re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines]


def blocks(language: str) -> list[str]:
    """The fenced code of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


class Tour:
    """A folder in which the commands are run in turn, and a board that runs the deployment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board = contextlib.ExitStack()

    def run(self, command: str) -> None:
        """Run what stands for a command; it must end well."""
        for line in INSTEAD.get(command, [command]):
            arguments = shlex.split(line)[1:]
            if "PORT" in arguments:
                arguments[arguments.index("PORT")] = self.start_board()
            done = fmq(self.folder, *arguments)
            assert done.status == 0 or (done.status == 1 and command in MAY_NOT_HOLD), (
                f"{line}: status {done.status}\n{done.out}{done.err}"
            )
            assert done.out, line

    def start_board(self) -> str:
        """The port of an emulated board with the firmware of the deployment `face`."""
        build = build_firmware(load(self.folder / "face"), self.folder / "firmware")
        running = self.board.enter_context(emulator().start(build.board, build.elf))
        return running.url


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """The folder has what the tour starts from: a map, a bitstream, and folders of pictures."""
    folder = tmp_path_factory.mktemp("tour")
    generator = np.random.default_rng(0)
    scales = np.repeat([0.05, 4.0], 8).astype(np.float32)
    sample = np.maximum(generator.normal(0, 1, (16, 16, 16)), 0).astype(np.float32) * scales
    np.save(folder / "map.npy", sample)
    (folder / "folder").mkdir()
    for number in range(26):
        noise = generator.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(noise).resize((96, 96)).save(folder / "folder" / f"{number}.png")
    (folder / "faces").mkdir()
    for number, crop in enumerate(pasted_faces(24)):
        Image.fromarray(crop).save(folder / "faces" / f"{number}.png")
    assert fmq(folder, "encode", "map.npy", "map.fmq", "--partition", "channel").status == 0
    made = Tour(folder)
    with made.board:
        yield made


def test_the_tour_is_found_and_every_exception_is_in_it() -> None:
    found = commands()
    assert len(found) > 20
    assert set(INSTEAD) | set(ELSEWHERE) <= set(found)


@pytest.mark.emulator
def test_every_command_of_the_readme_works_and_so_does_its_c(tour: Tour) -> None:
    for command in commands():
        if command not in ELSEWHERE:
            tour.run(command)
    check_c(tour.folder)


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (text,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def check_c(folder: Path) -> None:
    """The C of the README compiles with the tables of the deployment `face`."""
    (text,) = blocks("c")
    (folder / "readme.c").write_text(f"size_t send_map(const uint32_t *samples);\n{text}")
    subprocess.run(
        ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-include", "stddef.h",
         "-include", "stdint.h", f"-I{folder / 'face/c'}", f"-I{LIBFMQ_INCLUDE}", "readme.c"],
        cwd=folder, check=True,
    )  # fmt: skip
