"""The lowering for Ethos-U: one convolution, proved against every way of rounding."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fmq_embedded.deploy import npu_report as npu_report_module
from fmq_embedded.deploy.graft import graft_head, quantizer_model
from fmq_embedded.deploy.lowering_npu import (
    level_convolutions,
    rounded_products,
    value_convolutions,
)
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.deploy.npu_report import npu_report
from fmq_embedded.deploy.split import split
from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.model_store import fetch
from fmq_embedded.quantizers import Quantizer, SampleType
from fmq_embedded.runtimes import open_model
from tests.graft.engines import channel_tables, operators, random_quantizer, tables
from tests.graft.test_networks import cut_of

UNEVEN = Quantizer.explicit([0.0, 0.3, 0.4, 2.0, 2.1, 2.2, 3.0], list(range(8)))


def test_the_ways_of_rounding_are_what_they_are_called() -> None:
    """¼ of 2 and −2 are ties; 0.3 is one where two roundings differ from one (PEERS' 25 %)."""
    sums = np.array([2, -2, 6, -6], np.int64)
    ways = {name: way.tolist() for name, way in rounded_products(sums, 0.25).items()}
    assert ways["half_even"] == [0, 0, 2, -2]
    assert ways["half_away"] == [1, -1, 2, -2]
    assert ways["single"] == [1, 0, 2, -1]
    codes = np.arange(-128, 128, dtype=np.int64)
    shares = {
        multiplier: np.mean(
            rounded_products(codes, multiplier)["single"]
            != rounded_products(codes, multiplier)["double"]
        )
        for multiplier in (0.3, 0.2, 0.7)
    }
    assert shares[0.7] <= 0.01
    assert shares[0.3] > shares[0.7]


def test_a_convolution_gives_its_table_in_every_way_of_rounding() -> None:
    generator = np.random.default_rng(7)
    found = 0
    for _ in range(60):
        quantizer = random_quantizer(generator)
        if quantizer.bit_depth > 8:
            continue
        ends = quantizer.dequantize([0, quantizer.maximum_level]).astype(np.float64)
        scale = float(max(np.ptp(ends), 1e-6)) / 200
        map_of = tables(quantizer, "int8", scale, int(generator.integers(-128, 128)))
        convolutions = level_convolutions(map_of)
        if convolutions is None:
            continue
        found += 1
        (one,) = convolutions
        codes = np.arange(-128, 128) - map_of.samples.zero_point
        for way in rounded_products(codes * one.weight + one.bias, one.multiplier).values():
            levels = np.clip(way, 0, map_of.maximum_level)
            np.testing.assert_array_equal(levels, map_of.level_tables[0])
    assert found >= 10


def test_uniform_quantizers_of_int8_maps_are_convolutions() -> None:
    for depth in range(2, 9):
        map_of = tables(Quantizer.uniform(0.0, 6.375, depth), "int8", 0.025, -128)
        assert level_convolutions(map_of) is not None, depth
    whole = tables(Quantizer.uniform(0.0, 6.375, 8), "int8", 0.025, -128)
    assert value_convolutions(whole) is not None


def test_where_no_line_gives_the_table_tables_are_taken() -> None:
    map_of = tables(UNEVEN, "int8", 0.025, -128)
    assert level_convolutions(map_of) is None
    assert operators(quantizer_model(map_of, (1, 2, 2, 4), "npu").model) == [
        "CAST",
        "ADD",
        "GATHER",
    ]
    mixed = channel_tables([Quantizer.laplace(1.0, 4), Quantizer.laplace(1.0, 6)], [0, 1], "int8",
                           0.02, 0)  # fmt: skip
    assert level_convolutions(mixed) is None
    flat = tables(Quantizer.uniform(0.0, 6.375, 8), "int8", 0.025, -128)
    assert operators(quantizer_model(flat, (1, 9), "npu").model) == ["CAST", "ADD", "GATHER"]


def _resnet_head(quantizer: Quantizer) -> bytes:
    model = fetch("resnet8").read_bytes()
    cut = cut_of(model, "middle")
    head, _ = split(model, cut)
    (port,) = open_model(head, "litert").outputs
    samples = SampleType("int8", port.scale, port.zero_point)
    return graft_head(head, [MapTables.of(cut[0], samples, quantizer)], "npu").model


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_the_compiler_puts_the_convolution_on_the_npu(accelerator: str) -> None:
    report = npu_report(_resnet_head(Quantizer.uniform(0.0, 14.0, 6)), accelerator)
    assert report.cpu_operators == ()
    assert "DepthwiseConv2D" in report.npu_operators
    assert 10_000 < report.cycles < 1_000_000
    assert report.memory_kib["sram"] > 16
    assert accelerator in report.line()
    assert report.to_json()["cycles"] == report.cycles


def test_the_compiler_leaves_tables_beside_the_npu() -> None:
    report = npu_report(_resnet_head(UNEVEN), "ethos-u55-128")
    assert "GATHER" in report.cpu_operators
    assert "GATHER" in report.line()


def test_what_the_compiler_refuses() -> None:
    with pytest.raises(InputError, match="cannot compile this model for ethos-u99"):
        npu_report(_resnet_head(UNEVEN), "ethos-u99")


def test_a_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npu_report_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match=r"fmq-embedded\[npu\]"):
        npu_report(b"")
    assert sys.executable
