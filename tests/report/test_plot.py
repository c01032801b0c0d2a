"""Charts on demand, and the figures behind them."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import fmq_embedded
from firmware_tools.profiling.profile import Profile, Stage
from firmware_tools.profiling.rate_codec import Coded as PeerCoded
from firmware_tools.profiling.rate_codec import RateCodec
from firmware_tools.profiling.rate_curve import signal_to_noise
from firmware_tools.profiling.rate_picture_peers import picture_peers
from firmware_tools.report import coders
from firmware_tools.report.board_costs import BoardCost
from firmware_tools.report.charts import cost_chart
from firmware_tools.report.coders import BIT_DEPTHS
from firmware_tools.report.drawn import svg
from firmware_tools.report.page_tables import board_table, tensor_table
from firmware_tools.report.plotting import KINDS, plotted
from firmware_tools.report.rate_curves import rate_curves
from firmware_tools.report.tensor_facts import ratio_text, tensor_facts
from fmq_embedded.deploy.deployment_files import load
from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.feature_map import FeatureMap
from tests.deploy.tiny_deployment import calibrated_deployment
from tests.tasks.running import fmq

pytestmark = pytest.mark.xdist_group("report")

CHARTS = sorted(set(KINDS) - {"costs"})


@pytest.mark.parametrize("kind", CHARTS)
def test_a_chart_is_svg_with_text_and_the_same_each_time(plain: Path, kind: str) -> None:
    svg = plotted(kind, plain, ".svg")
    assert svg == plotted(kind, plain, ".svg")
    assert svg.startswith(b"<?xml")
    assert b"<text" in svg


def test_a_chart_is_png_too_and_the_same_each_time(plain: Path) -> None:
    picture = plotted("histogram", plain, ".png")
    assert picture == plotted("histogram", plain, ".png")
    assert picture.startswith(b"\x89PNG")


def cost(*stages: Stage) -> BoardCost:
    profile = Profile("mine", "cortex-m4", "zig", stages, 1000, 200, 100, sent_bytes=1152)
    return BoardCost(profile, clock_hz=16_000_000, baud=115_200)


def test_costs_are_in_the_boards_own_time() -> None:
    measured = cost(Stage("quantize", 4_000_000, 10), Stage("encode", 12_000_000, 10),
                    Stage("decode", 1, 10))  # fmt: skip
    assert measured.compute_seconds == 1.0
    assert measured.link_seconds == 0.1
    assert "1 s at 16 MHz" in board_table([measured]).rows[0]
    assert "100 ms at 115,200 baud" in board_table([measured]).rows[0]
    drawn = svg(cost_chart([measured]))
    assert "mine" in drawn
    assert "instructions per element" in drawn
    assert cost(Stage("encode", 1, 10, is_counted=False)).compute_seconds is None


def test_costs_need_a_board(plain: Path) -> None:
    with pytest.raises(InputError, match="no board to draw"):
        plotted("costs", plain, ".svg", boards="none")


def test_classes_are_drawn_where_there_are_some(plain: Path, classed: Path) -> None:
    from PIL import Image

    assert Image.open(io.BytesIO(plotted("classes", classed, ".png"))).width > 100
    with pytest.raises(InputError, match="has no classes"):
        plotted("classes", plain, ".png")
    with pytest.raises(InputError, match=r"ends in \.png"):
        plotted("classes", classed, ".svg")


def test_wrong_names_are_refused(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no kind of plot is called 'pie'"):
        plotted("pie", plain, ".svg")
    with pytest.raises(InputError, match="no tensor of the deployment is called 'waves'"):
        plotted("histogram", plain, ".svg", tensor="waves")
    fmq(tmp_path, "plot", "rate", "--deployment", plain, "--out", "a.pdf").assert_refused(
        2, ".svg or .png"
    )


def test_the_task_writes_a_file(plain: Path, tmp_path: Path) -> None:
    done = fmq(tmp_path, "plot", "histogram", "--deployment", plain, "--tensor", "side",
               "--out", "side.svg", "--json")  # fmt: skip
    assert done.json == {"file": "side.svg", "bytes": (tmp_path / "side.svg").stat().st_size}


def test_rates_are_real_streams_and_qualities_of_the_same_levels(plain: Path) -> None:
    facts = tensor_facts(load(plain), plain)
    curves = rate_curves(facts, plain, 100)
    assert curves.result.chosen.bits == 8 * 100 / sum(one.samples.size for one in facts)
    for one in facts:
        found = curves.tensors[one.plan.name]
        assert {"fmq standard", "zlib", "xz"} <= set(found.series)
        assert all(len(points) <= len(BIT_DEPTHS) for points in found.series.values())
        ends = one.statistics.moments
        quantizers = [
            fmq_embedded.Quantizer.uniform(ends.minimum, ends.maximum, depth)
            for depth in BIT_DEPTHS
        ]
        ratios = {signal_to_noise(one.samples, q.dequantize(q.quantize(one.samples)))
                  for q in quantizers}  # fmt: skip
        for name in ("fmq standard", "zlib", "xz"):
            assert {point.ratio for point in found.series[name]} <= ratios
        whole = found.series["fmq standard"][-1]
        quantizer = fmq_embedded.Quantizer.uniform(one.samples.min(), one.samples.max(), 8)
        stream = fmq_embedded.encode(one.samples, fmq_embedded.Settings(quantizer=quantizer))
        assert whole.bits == 8 * len(stream) / one.samples.size
        assert whole.ratio == signal_to_noise(one.samples, fmq_embedded.decode(stream))


def test_peers_stand_beside_each_tensor_and_the_result(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NNCodec is slow, and not everywhere: a stand-in of its two variants makes one curve."""

    def variant(scale: float) -> RateCodec:
        def code(item: FeatureMap, setting: tuple[float, ...]) -> PeerCoded:
            step = np.float32(scale * setting[0])
            return PeerCoded(100, np.round(item.samples / step) * step)

        return RateCodec(f"NNCodec, λ {scale:g}", "", lambda item: [(0.01,), (0.1,)], code)

    def pictures() -> Iterator[RateCodec]:
        return (peer for peer in picture_peers() if peer.name == "JPEG 2000")

    monkeypatch.setattr(coders, "_PEERS", (lambda: [variant(1), variant(2)], pictures, missing))
    found = rate_curves(tensor_facts(load(plain), plain), plain, 100, peers=True)
    for curves in (*found.tensors.values(), found.result):
        assert {"JPEG 2000", "NNCodec"} < set(curves.series)
        assert len(curves.series["NNCodec"]) == 1, "the best of points with the same bytes"
        ratios = [point.ratio for point in curves.series["JPEG 2000"]]
        assert ratios == sorted(ratios)
        assert len(ratios) > 2


def missing() -> list[RateCodec]:
    raise MissingToolError("it is not installed")


def test_a_dense_plan_has_a_step_and_no_thresholds(tmp_path: Path) -> None:
    folder = calibrated_deployment(tmp_path / "dense", profile="dense", rate_distortion="quick")
    plan = load(folder).tensors[0]
    assert plan.dense is not None
    (facts, _) = tensor_facts(load(folder), folder)
    rows = {row[0]: row[1] for row in tensor_table(facts).rows}
    assert rows["quantizer"] == f"the dense coder's own, step {plan.dense.step_size:.6g}"
    assert rows["bytes"].endswith("dense coded")
    assert facts.thresholds.size == 0
    assert b"decision thresholds" not in plotted("histogram", folder, ".svg")


def test_a_ratio_in_words() -> None:
    assert [ratio_text(value) for value in (20.04, math.inf, math.nan)] == [
        "20.0 dB", "without loss", "–",
    ]  # fmt: skip
