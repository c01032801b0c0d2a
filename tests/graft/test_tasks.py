"""split --lowering, calibrate, and verify --target as a user runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_tools.profiling.graft_benchmark import figures
from fmq_embedded.deploy.deployment_files import load
from fmq_embedded.deploy.grafted_files import HEAD_LEVELS, TAIL_LEVELS
from fmq_embedded.runtimes import open_model
from tests.deploy import tiny_deployment
from tests.tasks.running import Outcome, fmq

CUT = ",".join(tiny_deployment.CUT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grafting")
    (path / "tiny.tflite").write_bytes(tiny_deployment.model())
    np.save(path / "data.npy", tiny_deployment.inputs())
    return path


@pytest.fixture(scope="module")
def ran(folder: Path) -> dict[str, Outcome]:
    d = ("--deployment", "d")
    split = ("split", "--model", "tiny.tflite", "--at", CUT, "--lowering", "micro", "--out", "d")
    return {
        "split": fmq(folder, *split),
        "calibrate": fmq(folder, "calibrate", *d, "--data", "data.npy", "--bit-depths", "4,8"),
        "verify": fmq(folder, "verify", *d, "--target", "litert,micro", "--json"),
        "text": fmq(folder, "verify", *d, "--target", "micro"),
        "npu": fmq(folder, "verify", *d, "--target", "npu"),
    }


def test_the_wish_is_recorded_and_calibration_grafts(ran: dict[str, Outcome], folder: Path) -> None:
    assert ran["split"].status == 0, ran["split"].err
    assert "head_levels.tflite" in ran["split"].out
    assert ran["calibrate"].status == 0, ran["calibrate"].err
    deployment = load(folder / "d")
    assert deployment.lowering == "micro"
    head = open_model(folder / "d" / HEAD_LEVELS, "litert")
    tail = open_model(folder / "d" / TAIL_LEVELS, "litert")
    names = [f"{name}_levels" for name in tiny_deployment.CUT]
    assert [port.name for port in head.outputs] == names
    assert [port.name for port in tail.inputs] == names
    samples = tiny_deployment.inputs()[:1]
    levels = head.run(samples)
    maps = open_model(folder / "d" / "head.tflite", "litert").run(samples)
    for plan, port in zip(deployment.tensors, head.outputs, strict=True):
        own = levels[port.name].astype(np.int32) - port.zero_point
        np.testing.assert_array_equal(own, plan.chosen_quantizer.quantize(maps[plan.name]))


def test_the_lowering_does_not_change_the_coding(folder: Path, ran: dict[str, Outcome]) -> None:
    from dataclasses import replace

    made = load(folder / "d")
    assert made.crc32 == replace(made, lowering=None).crc32


def test_splitting_anew_removes_what_was_grafted(folder: Path, ran: dict[str, Outcome]) -> None:
    for _ in range(2):
        done = fmq(folder, "split", "--model", "tiny.tflite", "--at", CUT, "--out", "again")
        assert done.status == 0, done.err
        assert not (folder / "again" / HEAD_LEVELS).exists()
        (folder / "again" / HEAD_LEVELS).write_bytes(b"old")
    assert load(folder / "again").lowering is None


def test_verify_names_each_runtime_and_finds_nothing(ran: dict[str, Outcome]) -> None:
    assert ran["verify"].status == 0, ran["verify"].err
    rows = ran["verify"].json
    targets = {row["target"] for row in rows}
    assert len(targets) == 3
    assert any("reference kernels" in target for target in targets)
    assert any(target.startswith("tflite-micro") for target in targets)
    assert {row["stage"] for row in rows} >= {"levels", "samples", "network"}
    assert all(row["mismatches"] == 0 for row in rows)
    assert all(row["inputs_checked"] for row in rows)
    assert ran["text"].status == 0, ran["text"].err
    assert " 0 mismatches" in ran["text"].out


def test_an_npu_takes_no_float32_maps(ran: dict[str, Outcome], folder: Path) -> None:
    ran["npu"].assert_refused(2, "is float32", "--lowering micro")
    refused = fmq(folder, "split", "--model", "tiny.tflite", "--at", CUT, "--lowering", "npu",
                  "--out", "never")  # fmt: skip
    refused.assert_refused(2, "is float32", "--lowering micro")
    assert not (folder / "never").exists()
    unknown = fmq(folder, "split", "--model", "tiny.tflite", "--at", CUT, "--lowering", "mikro",
                  "--out", "never")  # fmt: skip
    unknown.assert_refused(2, "nearest are micro")


def test_the_benchmarks_figures() -> None:
    """The sizes and the memory of a large model are the same on every machine; times are not."""
    found = {figure.name: figure for figure in figures(quick=True)}
    assert all(figure.holds for name, figure in found.items() if name.startswith("8-bit")
               and "float32, micro" not in name)  # fmt: skip
    assert found["8-bit quantizer in a head, float32, micro"].value <= 2048 + 32
    (memory,) = (figure for name, figure in found.items() if name.endswith("memory"))
    assert 0 < memory.value <= 3.0
