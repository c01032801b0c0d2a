"""What the library costs on a Cortex-M4: counted, so the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_tools.profiling import device_benchmark
from firmware_tools.profiling.figures import Figure
from fmq_embedded.entropy import Geometry, contexts, list_decisions

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def found() -> dict[str, Figure]:
    return {each.name: each for each in device_benchmark.figures(quick=True)}


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("quantize, int8 by table", 4),
        ("quantize, float32, floor", 45),
        ("quantize, float32, dead zone", 45),
        ("range encoder alone", 35),
        ("libfmq, flash, -Os", 12 * 1024),
        ("libfmq, RAM", 2 * 1024),
    ],
)
def test_promised_figures_hold(found: dict[str, Figure], name: str, limit: float) -> None:
    assert found[name].limit == limit
    assert found[name].value > 0
    assert found[name].holds, found[name].line()


def test_the_stages_are_reported_per_element(found: dict[str, Figure]) -> None:
    for name in ("encode", "decode", "dequantize"):
        assert found[name].unit == "instructions/element"
        assert found[name].value > 1
    alone, stage = found[device_benchmark.CODER], found[device_benchmark.STAGE]
    assert alone.value < stage.value


def test_the_dense_coder_is_reported(found: dict[str, Figure]) -> None:
    quick, searched = found["dense, encode, quick"], found["dense, encode, searched"]
    assert 0 < quick.value < searched.value
    assert found["dense, decode"].unit == "instructions/element"
    assert 0 < found["dense, flash, -Os"].value < 24 * 1024
    assert 0 < found["dense, RAM to encode 8×8"].value <= 8 * 1024


def test_the_whole_library_is_the_sum_of_its_parts(found: dict[str, Figure]) -> None:
    sizes = [each.value for name, each in found.items() if name.endswith("Cortex-M0")]
    assert min(sizes) > 1000
    assert sizes[0] == sum(sizes[1:]) > found["dense, flash, -Os"].value


def test_what_callers_keep_for_a_coder_is_read_from_the_header() -> None:
    assert 4 * contexts.CONTEXT_COUNT < device_benchmark.coder_state_bytes() < 4096


def test_decisions_of_levels_by_hand() -> None:
    # One column of levels about 0: a zero flag each; 3 also has its class (10) and a bit (1).
    levels = np.array([0, 3, 0], np.uint8)
    listed = list_decisions(levels, Geometry(1, 3, 1), 0, 2)
    assert (listed & 1).tolist() == [0, 1, 1, 1, 0]
    assert (listed >> 1)[0] == contexts.SILENT_CONTEXT
    assert contexts.CLASS_CONTEXTS <= (listed >> 1)[2] < contexts.MANTISSA_CONTEXTS
    assert contexts.MANTISSA_CONTEXTS <= (listed >> 1)[3] < contexts.CONTEXT_COUNT


def test_decisions_of_one_plain_bit_are_marked() -> None:
    listed = list_decisions(np.array([255], np.uint8), Geometry(1, 1, 1), 0, 8)
    plain = (listed >> 1) == contexts.CONTEXT_COUNT
    # 255: a flag, 7 ones of the class, 7 bits below the leading one, of which 2 are modelled
    assert listed.size == 1 + 7 + 7
    assert plain.tolist() == [False] * 10 + [True] * 5
    assert (listed & 1).all()


def test_the_maps_are_what_the_deployment_takes() -> None:
    deployment = device_benchmark.benchmark_deployment((4, 4, 8))
    maps = device_benchmark.benchmark_maps(deployment)
    for plan in deployment.tensors:
        assert maps[plan.name].shape == plan.shape
        assert maps[plan.name].dtype == plan.dtype
    assert len(device_benchmark.decisions_of(deployment, maps)) == len(deployment.tensors)
