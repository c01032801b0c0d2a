"""What the modes of partial quantization cost on a Cortex-M4, and what a profile says of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_tools.firmware import build_firmware
from firmware_tools.profiling import partition_benchmark
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.measure import profile_on_board, small_case
from firmware_tools.profiling.partition_benchmark import benchmark_deployment, benchmark_maps

pytestmark = pytest.mark.emulator

MODES = ("none", "channel", "region", "block", "channel vector", "dynamic channel")


@pytest.fixture(scope="module")
def found() -> dict[str, Figure]:
    return {each.name: each for each in partition_benchmark.figures(quick=True)}


@pytest.mark.parametrize(
    ("mode", "float32", "int8"),
    [
        ("none", 50, 5),
        ("channel", 56, 11),
        ("region", 56, 6),
        ("block", 56, 7),
        ("vector", 270, 230),
        ("dynamic channel", 340, 220),
        ("dynamic region", 430, 270),
    ],
)
def test_instructions_per_element(
    found: dict[str, Figure], mode: str, float32: float, int8: float
) -> None:
    for dtype, limit in (("float32", float32), ("int8", int8)):
        assert 1 < found[f"quantize, {mode}, {dtype}"].value <= limit
        assert 1 < found[f"dequantize, {mode}, {dtype}"].value <= 70


def test_only_maps_with_classes_of_their_own_take_ram(found: dict[str, Figure]) -> None:
    ram = {mode: found[f"tables, {mode}, RAM"].value for mode in (*MODES, "dynamic region")}
    assert ram == dict.fromkeys(MODES[:5], 0) | {"dynamic channel": 32, "dynamic region": 64}
    flash = {mode: found[f"tables, {mode}, flash"].value for mode in MODES}
    assert 0 < flash["none"] < flash["channel vector"] < flash["channel"]
    assert 1000 < found["code for partitions, flash, -Os"].value < 12 * 1024


def test_a_profile_names_what_each_mode_takes(tmp_path: Path) -> None:
    whole = benchmark_deployment(partition_benchmark.QUICK_SHAPE)
    chosen = tuple(p for p in whole.tensors if p.name in ("none, int8", "dynamic channel, int8"))
    deployment = replace(whole, tensors=chosen)
    build = build_firmware(deployment, tmp_path)
    profile = profile_on_board(deployment, build, benchmark_maps(deployment), runs=1)
    data = json.loads(json.dumps(profile.to_json()))
    assert [each["mode"] for each in data["partitions"]] == ["none", "dynamic channel"]
    assert [each["ram_bytes"] for each in data["partitions"]] == [0, 32]
    of_tensors = sum(each["flash_bytes"] for each in data["partitions"])
    assert of_tensors < data["tables_bytes"] < build.flash_bytes
    assert 0 < data["partition_code_bytes"] < build.flash_bytes
    assert "dynamic channel" in profile.table()
    assert f"{data['tables_bytes']:,} bytes are tables" in profile.table()


def test_a_profile_without_partitions_has_tables_only(tmp_path: Path) -> None:
    deployment, maps = small_case()
    profile = profile_on_board(deployment, build_firmware(deployment, tmp_path), maps, runs=1)
    assert profile.tables_bytes is not None and profile.tables_bytes > 0
    assert (profile.partitions, profile.partition_code_bytes) == ((), 0)
    assert "are tables" in profile.table()
    assert "partition" not in profile.table()
