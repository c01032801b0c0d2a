"""Calibration that keeps a result, and the dense coding that takes the fewest bits at it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.coding_choice import CodingReport, chosen_coding
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load
from fmq_embedded.deploy.judging import Judge
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import open_model
from fmq_embedded.tflite_file import schema
from tests.tasks.running import fmq
from tests.tiny_models import TinyModel

SHAPE = (1, 4, 4, 3)
Array = npt.NDArray[Any]


def colour_classifier() -> bytes:
    """input → tanh "map" → average of each channel → · 30: which channel is the brightest."""
    tiny = TinyModel()
    source, inner = tiny.tensor("input", SHAPE), tiny.tensor("map", SHAPE)
    pooled, logits = tiny.tensor("pooled", (1, 1, 1, 3)), tiny.tensor("logits", (1, 1, 1, 3))
    gain = tiny.tensor("gain", data=np.array([30.0], np.float32))
    options: Any = schema().Pool2DOptionsT()
    options.filterHeight = options.filterWidth = options.strideH = options.strideW = 4
    options.padding = schema().Padding.VALID
    tiny.operator("TANH", [source], [inner])
    tiny.operator("AVERAGE_POOL_2D", [inner], [pooled], options)
    tiny.operator("MUL", [pooled, gain], [logits], schema().MulOptionsT())
    return tiny.finish([source], [logits])


def pictures(count: int, contrast: float = 0.3) -> list[Array]:
    """One channel of each is brighter."""
    generator = np.random.default_rng(8)
    made = generator.normal(0, 0.4, (count, *SHAPE)).astype(np.float32)
    for index, one in enumerate(made):
        one[..., index % 3] += contrast
    return list(made)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    split_model(colour_classifier(), ["map"], tmp_path / "d", model_file="colours.tflite")
    return tmp_path / "d"


def agreement(folder: Path, inputs: list[Array]) -> float:
    deployment = load(folder)
    head, tail = open_model(folder / HEAD), open_model(folder / TAIL)
    same = 0
    for one in inputs:
        maps = head.run(one)
        decoded = deployment.decode(deployment.encode(maps))
        exact, got = tail.run(maps)["logits"], tail.run(decoded)["logits"]
        same += int(exact.argmax()) == int(got.argmax())
    return same / len(inputs)


def test_the_class_stays_and_a_smaller_share_takes_fewer_bits(folder: Path) -> None:
    inputs = pictures(20, contrast=1.0)
    bits = []
    for share in (1.0, 0.7):
        _, report = calibrate(
            folder, inputs, profile="dense", rate_distortion="plain", result="class", agree=share
        )
        assert agreement(folder, inputs) >= share
        bits.append(float(str(report).split("bits/sample")[0].split()[-1]))
    assert bits[1] <= bits[0]
    _, ratio = calibrate(folder, inputs, profile="dense", rate_distortion="plain", tail_sqnr=30)
    assert bits[0] < float(str(ratio).split("bits/sample")[0].split()[-1])


def test_auto_takes_the_coding_with_the_fewest_bits_and_shows_its_evidence(folder: Path) -> None:
    made, report = calibrate(
        folder, pictures(15, 1.0), profile="dense", rate_distortion="auto", result="class"
    )
    assert isinstance(report, CodingReport)
    own_levels = {"quick", "plain", "dead zone", "rdo", "factors by importance"}
    own_levels.add("factors and transforms")
    assert set(report.tried) - {"means of channels"} == {*own_levels, "steps by importance"}
    fewest = min(report.tried.values(), key=lambda one: one.bits)
    assert report.tried[report.chosen] == fewest
    assert all(one.share is not None and one.share >= 0.99 for one in report.tried.values())
    assert f"coding: {report.chosen}" in str(report)
    assert "tail" in str(report)
    assert report.to_json()["chosen"] == report.chosen
    (plan,) = load(folder).tensors
    assert plan == made.tensors[0]
    assert (plan.dense is None) == (report.chosen == "steps by importance")


def test_the_task_prints_what_was_tried(folder: Path) -> None:
    np.save(folder.parent / "data.npy", np.concatenate(pictures(12, 1.0)))
    call = ("calibrate", "--deployment", folder.name, "--data", "data.npy", "--profile", "dense")
    told = fmq(folder.parent, *call, "--result", "class", "--agree", "95", "--json")
    assert told.status == 0, told.err
    coding = told.json["coding"]
    assert coding["tried"][coding["chosen"]]["share"] >= 0.95
    assert told.json["tensors"][0]["name"] == "map"
    fmq(folder.parent, *call, "--result", "box").assert_refused(2, "'box'", "class")


def test_near_ties_do_not_judge(folder: Path) -> None:
    with pytest.raises(InputError, match="of 12 inputs 0 have a sure result"):
        calibrate(folder, [one / 100 for one in pictures(12)], result="class", bit_depths=[8])
    with pytest.raises(InputError, match="above 0 and at most 1"):
        calibrate(folder, pictures(12, 1.0), result="class", agree=0.0)
    with pytest.raises(InputError, match="faces"):
        calibrate(folder, pictures(12, 1.0), result="clas")


class BrightestChannel:
    """A tail whose output is the mean of each channel."""

    outputs = ()

    def run(self, maps: Mapping[str, Array]) -> dict[str, Array]:
        return {"mean": maps["map"].mean(axis=(0, 1, 2))}


def plans(step: float) -> Deployment:
    quantizer = Quantizer.uniform(0.0, 7 * step, 3)
    deployment = Deployment("t", "t.tflite", "0" * 64, (TensorPlan("map", SHAPE, "float32"),))
    return deployment.with_quantizers({"map": quantizer}, {"map": None}, {"map": ""})


def ratio_judge() -> Judge:
    generator = np.random.default_rng(2)
    maps = [{"map": generator.random(SHAPE, np.float32)} for _ in range(5)]
    return Judge.by_ratio(BrightestChannel(), maps, 20.0)  # type: ignore[arg-type]


def test_evidence_is_of_streams_maps_and_tail() -> None:
    judge, deployment = ratio_judge(), plans(0.25)
    found = judge.evidence(deployment)
    size = sum(len(deployment.encode(maps)) for maps in judge.judged)
    assert found.bits == 8 * size / (5 * 48)
    exact = np.concatenate([maps["map"].ravel() for maps in judge.judged]).astype(np.float64)
    error = exact - np.rint(exact / 0.25) * 0.25
    assert found.map_ratio == pytest.approx(10 * np.log10((exact**2).sum() / (error**2).sum()))
    assert found.tail_ratio == pytest.approx(-10 * np.log10(judge.change(deployment)))
    assert found.tail_ratio > found.map_ratio  # means of rounding errors
    assert found.share is None


def test_a_coding_with_which_nothing_holds_is_left_out_and_named() -> None:
    judge = ratio_judge()

    def fails() -> tuple[Deployment, object]:
        raise MismatchError("too coarse")

    made = {
        "fine": lambda: (plans(0.15), "fine's report"),
        "bad": fails,
        "coarse": lambda: (plans(0.5), ""),
    }
    deployment, report = chosen_coding(made, judge)
    assert report.chosen == "coarse"
    assert deployment == plans(0.5)
    assert "bad: too coarse" in str(report)
    with pytest.raises(MismatchError, match="bad: too coarse"):
        chosen_coding({"bad": fails}, judge)
