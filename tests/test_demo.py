"""The main job from end to end, with every compiler and emulator that is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_tools.demo import STEPS, DemoResult, run_demo
from firmware_tools.emulators import EMULATORS
from firmware_tools.toolchains import TOOLCHAINS
from fmq_embedded.deploy.conformance import check_case
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load
from fmq_embedded.runtimes import open_model

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("demo")]

KEYS = (
    "model",
    "board",
    "tensors",
    "raw_bytes",
    "coded_bytes",
    "bits_per_element",
    "bit_exact",
    "box_iou",
    "score_full",
    "score_decoded",
    "instructions_per_element",
    "flash_bytes",
    "ram_bytes",
    "picture",
)
ELEMENTS = 16 * 16 * 88 + 8 * 8 * 96

# In CI all are there: a missing one is a failure.
OTHERS = [
    (tools, emulator)
    for tools, emulator in (("arm-none-eabi-gcc", "unicorn"), ("zig", "qemu"))
    if os.environ.get("CI") or (TOOLCHAINS[tools].installed() and EMULATORS[emulator].installed())
]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "new" / "folder"


@pytest.fixture(scope="module")
def steps() -> list[str]:
    return []


@pytest.fixture(scope="module")
def result(out: Path, steps: list[str]) -> DemoResult:
    return run_demo(out, step=steps.append)


def test_the_json_has_all_of_it(result: DemoResult) -> None:
    data = json.loads(json.dumps(result.to_json()))
    assert set(KEYS) <= set(data)
    assert [(t["name"], t["shape"]) for t in data["tensors"]] == [
        ("activation_11", [1, 16, 16, 88]),
        ("activation_16", [1, 8, 8, 96]),
    ]
    assert data["raw_bytes"] == 4 * ELEMENTS
    assert data["bits_per_element"] == pytest.approx(8 * data["coded_bytes"] / ELEMENTS)


def test_every_step_is_announced(result: DemoResult, steps: list[str]) -> None:
    assert result.board == "mps2-an386"
    assert len(steps) == len(set(steps)) == STEPS


def test_the_board_and_this_machine_agree(result: DemoResult) -> None:
    assert result.bit_exact
    assert result.split_exact


def test_the_face_is_found_where_the_whole_model_finds_it(result: DemoResult) -> None:
    assert result.box_iou >= 0.9
    assert abs(result.score_full - result.score_decoded) <= 0.05
    assert result.score_full > 0.5


def test_the_stream_is_far_smaller_than_the_maps(result: DemoResult) -> None:
    assert 0 < result.bits_per_element < 8
    assert 1 < result.instructions_per_element < 5000
    assert 0 < result.flash_bytes < 4 << 20
    assert 0 < result.ram_bytes < 4 << 20


def test_the_picture_is_a_picture(result: DemoResult) -> None:
    from PIL import Image

    path = Path(result.picture)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[0] > 512
    assert pixels.shape[1] > 2 * 512
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000


def test_the_deployment_folder_is_whole(result: DemoResult) -> None:
    folder = Path(result.deployment)
    deployment = load(folder)
    check_case(deployment, folder)
    names = {path.name for path in folder.iterdir()}
    assert {HEAD, TAIL, "deployment.toml", "tables.npz", "c", "conformance"} <= names
    assert [port.name for port in open_model(folder / HEAD).outputs] == [
        plan.name for plan in deployment.tensors
    ]


def test_the_summary_has_the_figures(result: DemoResult, out: Path) -> None:
    text = str(result)
    parts: tuple[Any, ...] = (f"{result.coded_bytes:,} coded", "yes, byte for byte", str(out))
    assert all(part in text for part in parts)
    assert "NO" not in text


@pytest.mark.parametrize(("tools", "emulator"), OTHERS)
def test_another_compiler_and_another_emulator_give_the_same(
    result: DemoResult, tmp_path: Path, tools: str, emulator: str
) -> None:
    other = run_demo(tmp_path, tools=tools, emulator_name=emulator)
    assert other.bit_exact
    same = ("coded_bytes", "box_iou", "score_full", "score_decoded", "tensors", "raw_bytes")
    assert all(getattr(other, name) == getattr(result, name) for name in same)
    for name in ("deployment.toml", "tables.npz", "c/fmq_tables.c", "conformance/stream.fmq"):
        first, second = (Path(r.deployment) / name for r in (result, other))
        assert first.read_bytes() == second.read_bytes()
    if tools == "zig":
        # Two emulators run the same image: the counts are the same but for the timer's ticks.
        near = pytest.approx(result.instructions_per_element, rel=0.01)
        assert other.instructions_per_element == near


def test_dense_coding_runs_on_the_board_too(result: DemoResult, tmp_path: Path) -> None:
    dense = run_demo(tmp_path, coding="dense")
    assert dense.bit_exact
    assert dense.coded_bytes < 0.8 * result.coded_bytes
    assert dense.box_iou >= 0.9
    assert all(tensor.bit_depth is None for tensor in dense.tensors)
