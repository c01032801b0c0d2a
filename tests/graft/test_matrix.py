"""Quantizers inside models are exact in every engine, on every input that decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_tools import verifying_runtimes
from firmware_tools.stock_quantize import StockCheck
from firmware_tools.verifying import check_targets, standard_deployment, targets_of
from firmware_tools.verifying_runtimes import _levels_check, _samples_check
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.grafted_files import map_tables
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.partition.classes import Step
from fmq_embedded.partition.partition import Partition
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.vector import VectorQuantizer
from fmq_embedded.runtimes import ENGINES
from tests.graft.engines import PAIRS, TFLITE_ENGINES, channel_tables, random_quantizer, tables

EDGE_QUANTIZERS = {
    "constant": Quantizer.uniform(2.0, 2.0, 4),
    "beyond float32": Quantizer.uniform(-3e38, 3e38, 8, step_size=2.0),
    "subnormal": Quantizer.uniform(0.0, 1e-42, 8),
    "far from zero": Quantizer.uniform(1e6, 1e6 + 1, 8),
    "one bit": Quantizer.uniform(-1.0, 1.0, 1),
    "sixteen bits": Quantizer.gaussian(0.0, 1.0, 16, 4.0),
    "all levels but one unused": Quantizer.explicit([0.5, 0.5, 0.5], [0, 1, 2, 3]),
    "no dead zone": Quantizer.laplace(1.0, 8, rounding="centre", rounding_offset=0.0),
}


def _assert_exact(map_of: MapTables, engine: str, lowering: str) -> None:
    for check in (
        _levels_check(map_of, engine, lowering, ENGINES[engine].label),
        _samples_check(map_of, engine, lowering, ENGINES[engine].label),
    ):
        assert check.inputs_checked > 0
        assert check.mismatches == 0, f"{check.target}: {check.first_difference}"


@pytest.mark.parametrize("target", ["litert", "micro", "npu"])
def test_the_standard_quantizers(target: str) -> None:
    checks = check_targets(standard_deployment(), [target])
    exact = [check for check in checks if check.stage in ("levels", "samples")]
    assert {check.tensor for check in exact} >= {"int8_0", "int8_1"}
    assert all(check.inputs_checked and not check.mismatches for check in exact)
    plain = {f"{kind}_{number}" for kind in ("float32", "int16") for number in range(6)}
    refused = {c.tensor.split(":")[0] for c in checks if c.stage == "refused"}
    if target != "npu":
        assert not refused & plain
        assert ("uint8_2" in refused) == (target == "micro")
        assert sum(check.inputs_checked >= 65536 for check in exact) >= 2


@pytest.mark.parametrize(("engine", "lowering"), [p for p in PAIRS if p[1] != "npu"])
@pytest.mark.parametrize("name", EDGE_QUANTIZERS)
def test_float32_edges(engine: str, lowering: str, name: str) -> None:
    _assert_exact(tables(EDGE_QUANTIZERS[name]), engine, lowering)


@pytest.mark.parametrize(("engine", "lowering"), PAIRS)
def test_random_quantizers(engine: str, lowering: str) -> None:
    generator = np.random.default_rng(5)
    for _ in range(12):
        quantizer = random_quantizer(generator)
        width = quantizer.dequantize([0, quantizer.maximum_level]).astype(np.float64)
        scale = float(max(np.ptp(width), abs(width).max(), 1e-9)) / 200
        zero_point = int(generator.integers(-128, 128))
        if lowering == "npu":
            quantizer = replace(quantizer) if quantizer.bit_depth <= 8 else Quantizer.uniform(0, 1)
        else:
            _assert_exact(tables(quantizer), engine, lowering)
        _assert_exact(tables(quantizer, "int8", scale, zero_point), engine, lowering)


@pytest.mark.parametrize(("engine", "lowering"), [p for p in PAIRS if p[1] != "npu"])
@pytest.mark.parametrize("depth", [3, 16])
def test_int16_in_both_forms(engine: str, lowering: str, depth: int) -> None:
    _assert_exact(
        tables(Quantizer.uniform(-30.0, 30.0, depth), "int16", 0.001, 0), engine, lowering
    )


@pytest.mark.parametrize("engine", TFLITE_ENGINES)
def test_uint8(engine: str) -> None:
    _assert_exact(tables(Quantizer.laplace(1.0, 5), "uint8", 0.02, 128), engine, "tflite")


CLASSES: list[list[Quantizer]] = [
    [Quantizer.uniform(0.0, 6.0, 8), Quantizer.uniform(-1.0, 3.0, 5), Quantizer.laplace(2.0, 4)],
    [
        Quantizer.explicit([-1.0, 0.25, 0.5], [-2.0, 0.0, 0.3, 1.0]),
        Quantizer.laplace(1.5, 4, rounding="centre"),
        Quantizer.uniform(0.5, 0.5, 3),
    ],
    [Quantizer.uniform(0.0, 6.0, 6), Quantizer.uniform(0.0, 3.0, 6)],
]


@pytest.mark.parametrize(("engine", "lowering"), PAIRS)
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("meaning", [("float32",), ("int8", 0.04, -3)])
def test_channel_classes(
    engine: str, lowering: str, classes: list[Quantizer], meaning: tuple[Any, ...]
) -> None:
    if lowering == "npu" and meaning[0] == "float32":
        meaning = ("int8", 0.04, -128)
    class_of = list(range(len(classes)))
    _assert_exact(channel_tables(classes, class_of, *meaning), engine, lowering)


def _partitioned(partition: Partition) -> TensorPlan:
    plan = TensorPlan("map", partition.shape, "float32", quantizer=partition.base)
    return replace(plan, partition=partition)


def test_a_partition_by_channel_gives_its_joint_levels() -> None:
    base = Quantizer.laplace(2.0, 6)
    classes = (Step(0), Step(8), Quantizer.uniform(0.0, 3.0, 4))
    shape = (1, 4, 4, 5)
    partition = Partition.of_channels(shape, base, classes, [0, 2, 1, 1, 0])
    found = map_tables(_partitioned(partition))
    samples = np.random.default_rng(1).normal(0, 2, shape).astype(np.float32)
    from fmq_embedded.deploy.graft import dequantizer_model, quantizer_model
    from fmq_embedded.runtimes import open_engine

    grafted = quantizer_model(found, shape)
    levels = grafted.levels_of(open_engine(grafted.model, "litert").run(samples))["map"]
    np.testing.assert_array_equal(levels, partition.quantize(samples))
    back = dequantizer_model(found, shape)
    (got,) = open_engine(back.model, "litert").run(back.codes_of({"map": levels})).values()
    np.testing.assert_array_equal(got, partition.dequantize(partition.quantize(samples)))
    checks = check_targets(Deployment("d", "", "", (_partitioned(partition),)), ["litert", "micro"])
    assert not any(check.mismatches for check in checks)


def test_partitions_that_no_table_gives_are_refused() -> None:
    base, shape = Quantizer.laplace(2.0, 6), (1, 2, 2, 2)
    region = Partition.of_regions(shape, base, (Step(0), Step(4)), [[0, 1], [1, 0]])
    with pytest.raises(InputError, match=r"classes by region.*--lowering"):
        map_tables(_partitioned(region))
    vectors = VectorQuantizer(((1, 2), (3, 4)))
    channel = Partition.of_channels(shape, base, (Step(0), vectors), [0, 1])
    with pytest.raises(InputError, match="vector quantizers"):
        map_tables(_partitioned(channel))


def test_where_a_stock_quantize_differs_is_said_and_fails_nothing() -> None:
    checks = check_targets(standard_deployment(), ["litert"])
    stock = [check for check in checks if isinstance(check, StockCheck)]
    fast = {c.tensor: c for c in stock if "default" in c.target}
    plain = {c.tensor: c for c in stock if "reference" in c.target}
    assert fast["float32_0"].rounding == "half to even"
    assert plain["float32_0"].rounding == "half away from zero"
    assert plain["int8_1"].rounding == "double rounding"
    assert fast["float32_0"].differences > 0
    assert "QUANTIZE" in str(fast["float32_0"].example)
    assert fast["int8_0"].differences == 0
    assert all(check.mismatches == 0 for check in stock)
    assert "differs on" in fast["float32_0"].line(10)


def test_a_wrong_table_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = verifying_runtimes.quantizer_model

    def wrong(tables: MapTables, shape: Any, lowering: str) -> Any:
        other = Quantizer.uniform(0.0, 1.0000001, 8)
        return made(replace(tables, quantizers=(other,)), shape, lowering)

    monkeypatch.setattr(verifying_runtimes, "quantizer_model", wrong)
    check = _levels_check(tables(Quantizer.uniform(0.0, 1.0, 8)), "litert", "tflite", "x")
    assert check.mismatches > 0
    assert "the reference" in str(check.first_difference)


def test_targets_by_name(tmp_path: Path) -> None:
    assert targets_of(["tflite", "litert", "micro"]) == ["tflite", "litert", "micro"]
    assert "litert" in targets_of(["all"])
    with pytest.raises(InputError, match="nearest are"):
        targets_of(["litter"])
