"""Static classes chosen at calibration: the tail keeps its ratio, and the streams get no longer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.calibrate_partition import PartitionReport
from fmq_embedded.deploy.conformance import check_case
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.errors import InputError
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.runtimes import open_model
from tests.tiny_models import TinyModel, schema

SHAPE = (1, 8, 8, 12)
GAINS = np.repeat(np.array([4.0, 0.5, 0.02], np.float32), 4)
SQNR = 25.0


def model() -> bytes:
    """input → relu "map" → × gains "result": channels that matter much, little, next to nothing."""
    tiny = TinyModel()
    source, middle, result = (tiny.tensor(name, SHAPE) for name in ("input", "map", "result"))
    gains = tiny.tensor("gains", (12,), data=GAINS)
    tiny.operator("RELU", [source], [middle])
    tiny.operator("MUL", [middle, gains], [result], schema().MulOptionsT())
    return tiny.finish([source], [result])


def inputs() -> list[np.ndarray]:
    generator = np.random.default_rng(4)
    return [generator.normal(0, 1, SHAPE).astype(np.float32) for _ in range(5)]


def calibrated(folder: Path, **options: object) -> PartitionReport:
    split_model(model(), ["map"], folder, model_file="gains.tflite")
    _, report = calibrate(folder, inputs(), tail_sqnr=SQNR, **options)  # type: ignore[arg-type]
    assert isinstance(report.partitioning, PartitionReport)
    assert str(report.partitioning) in str(report)
    return report.partitioning


def test_importance_saves_bytes_at_the_tails_ratio(tmp_path: Path) -> None:
    found = calibrated(tmp_path, partition="channel", importance=True)
    assert found.kind == "channel"
    assert found.coded_bytes["channel"] < 0.75 * found.coded_bytes["none"]
    assert {channel // 4 for channel in found.importances["channel"][0].ranking[:4]} == {0}
    assert {channel // 4 for channel in found.importances["channel"][0].ranking[-4:]} == {2}
    deployment = load(tmp_path)
    partition = deployment.tensors[0].partition
    assert partition is not None and partition.kind == "channel"
    head, tail = open_model(tmp_path / HEAD), open_model(tmp_path / TAIL)
    noise = signal = size = 0.0
    for sample in inputs():
        maps = head.run(sample)
        stream = deployment.encode(maps)
        exact, got = (tail.run(m)["result"] for m in (maps, deployment.decode(stream)))
        noise += float(((exact - got) ** 2).sum())
        signal += float((exact**2).sum())
        size += len(stream)
    assert 10 * np.log10(signal / noise) >= SQNR - 0.01
    assert size == found.coded_bytes["channel"]
    check_case(deployment, tmp_path)


def test_no_more_classes_than_asked(tmp_path: Path) -> None:
    calibrated(tmp_path, partition="channel", importance=True, classes=2)
    partition = load(tmp_path).tensors[0].partition
    assert partition is not None and len(partition.classes) == 2


@pytest.mark.parametrize("partition", ["none", "auto"])
def test_what_does_not_pay_is_left_out(tmp_path: Path, partition: str) -> None:
    found = calibrated(tmp_path, partition=partition, importance=True)
    assert "none" in found.coded_bytes
    assert found.coded_bytes[found.kind] == min(found.coded_bytes.values())
    assert found.change <= 10 ** (-SQNR / 10)


def test_without_importance_the_features_choose(tmp_path: Path) -> None:
    found = calibrated(tmp_path, partition="auto")
    assert set(found.coded_bytes) <= {"none", "channel", "region", "block"}
    assert not found.importances
    check_case(load(tmp_path), tmp_path)


def test_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        calibrated(tmp_path / name, partition="channel", importance=True)
    for file in ("deployment.toml", "tables.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_wrong_wishes_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="partition"):
        calibrated(tmp_path, partition="chanel")
    with pytest.raises(InputError, match="block"):
        calibrated(tmp_path, partition="block", importance=True)


def half_loud(kind: str) -> list[np.ndarray]:
    """Inputs of which half the channels, or half the rows, are loud."""
    sizes = np.where(np.arange(12) < 6, 1.0, 0.1)
    if kind == "region":
        sizes = np.where(np.arange(8) < 4, 1.0, 0.1)[:, None, None]
    return [
        (np.random.default_rng(seed).laplace(0, 1, SHAPE) * sizes).astype(np.float32)
        for seed in range(8)
    ]


@pytest.mark.parametrize("kind", ["channel", "region"])
def test_classes_found_in_each_map_keep_the_tails_ratio(kind: str, tmp_path: Path) -> None:
    split_model(model(), ["map"], tmp_path, model_file="gains.tflite")
    data = half_loud(kind)
    made, _ = calibrate(tmp_path, data, tail_sqnr=15.0, partition=kind, dynamic=True)
    deployment = load(tmp_path)
    assert deployment == made
    check_case(deployment, tmp_path)
    plan = deployment.tensors[0]
    assert isinstance(plan.partition, DynamicClasses)
    assert (plan.partition.kind, len(plan.partition.classes)) == (kind, 2)
    assert "each map's own" in plan.why
    head, tail = open_model(tmp_path / HEAD), open_model(tmp_path / TAIL)
    noise = signal = 0.0
    for sample in data:
        maps = head.run(sample)
        found = plan.partition_of(plan.item(maps["map"]))
        assert found is not None and set(found.class_of.reshape(-1).tolist()) == {0, 1}
        decoded = deployment.decode(deployment.encode(maps))
        exact, got = (tail.run(each)["result"] for each in (maps, decoded))
        noise += float(((exact - got) ** 2).sum())
        signal += float((exact**2).sum())
    assert 10 * np.log10(signal / noise) >= 15.0 - 0.01


def test_dynamic_classes_that_no_device_finds_are_refused(tmp_path: Path) -> None:
    for options in ({"partition": "block"}, {"partition": "none"}, {"partition": "auto"}):
        with pytest.raises(InputError, match="channel or region"):
            calibrated(tmp_path, dynamic=True, **options)
    with pytest.raises(InputError, match="importance"):
        calibrated(tmp_path, partition="channel", importance=True, dynamic=True)
