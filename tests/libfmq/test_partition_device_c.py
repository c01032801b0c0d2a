"""Partitions on an emulated Cortex-M4: the same levels there, and their instructions counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources, write_c
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, toolchain
from firmware_tools.toolchains.compile import WARNINGS, Compiler, compile_objects
from firmware_tools.toolchains.cores import core
from fmq_embedded.deploy.c_tables import SOURCE
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import OWN, Partition, Step
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.vector import VectorQuantizer
from tests.libfmq.codec_device import CODE, INPUT, LINKER_SCRIPT, OUTPUT, SHAPE, Image, Machine

pytestmark = pytest.mark.emulator

SHAPE_OF_MAPS = (1, 8, 8, 32)
BASE = Quantizer.uniform(-4.0, 4.0, 6)
STEPS = (OWN, Step(4), Step(8))
CODEWORDS = tuple((a, b) for a in range(2, 64, 16) for b in range(2, 64, 16))
RNG = np.random.default_rng(8)
TREE = bytes([5, 0, 1, 3, 0, 0, 0, 2, 7, 0, 1, 5, 0, 0, 0, 1, 0, 2, 0, 1])


def plans() -> list[TensorPlan]:
    """One for each mode and type of samples."""
    of_channels = RNG.integers(3, size=32)
    of_regions = np.tile(np.arange(8) // 3, (8, 1))
    made = []
    for dtype in ("float32", "int8"):
        scale = 1.0 if dtype == "float32" else 0.05
        options = {
            "channel": Partition.of_channels(SHAPE_OF_MAPS, BASE, STEPS, of_channels),
            "region": Partition.of_regions(SHAPE_OF_MAPS, BASE, STEPS, of_regions),
            "block": Partition.of_blocks(SHAPE_OF_MAPS, BASE, STEPS, TREE),
            "vector": Partition.of_channels(
                SHAPE_OF_MAPS, BASE, (VectorQuantizer(CODEWORDS),), [0] * 32
            ),
            "none": None,
        }
        for name, partition in options.items():
            made.append(
                TensorPlan(
                    f"{name} {dtype}", SHAPE_OF_MAPS, dtype, scale, 0, BASE, partition=partition
                )
            )
    return made


DEPLOYMENT = Deployment("device", "", "", tuple(plans()))
LIMITS = {
    ("none", "float32"): 45,
    ("channel", "float32"): 52,
    ("region", "float32"): 52,
    ("block", "float32"): 52,
    ("vector", "float32"): 250,
    ("none", "int8"): 5,
    ("channel", "int8"): 10,
    ("region", "int8"): 9,
    ("block", "int8"): 9,
    ("vector", "int8"): 225,
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    from elftools.elf.elffile import ELFFile

    folder = tmp_path_factory.mktemp("device")
    tool = toolchain(DEFAULT_TOOLCHAIN)
    base = tool.compiler(core("cortex-m4"))
    write_c(DEPLOYMENT, folder)
    app = LIBFMQ_INCLUDE.parents[1] / "app"
    driver = Path(__file__).with_name("partition_on_device.c")
    flags = (*base.flags, "-O2", "-ffreestanding", *WARNINGS)
    objects = compile_objects(
        Compiler(base.command, flags, base.environment),
        [*library_sources(), driver, folder / SOURCE, app / "freestanding.c"],
        [LIBFMQ_INCLUDE, folder],
        {},
        folder,
    )
    (folder / "image.ld").write_text(LINKER_SCRIPT)
    names = [path.name for path in objects]
    tool.link(base, ["-Wl,-T,image.ld", "-Wl,-e,quantize", *names, "-o", "image.elf"], folder)
    with (folder / "image.elf").open("rb") as file:
        elf = ELFFile(file)
        text = elf.get_section_by_name(".text")
        assert text["sh_addr"] == CODE
        symbols = elf.get_section_by_name(".symtab").iter_symbols()
        entries = {s.name: s["st_value"] for s in symbols if s["st_info"]["type"] == "STT_FUNC"}
        return Machine(Image(text.data(), entries))


def feature_map(plan: TensorPlan) -> FeatureMap:
    values = np.random.default_rng(2).normal(0, 1.5, plan.shape)
    if plan.dtype == "int8":
        values = np.clip(np.rint(values / plan.scale), -128, 127)
    return FeatureMap(values.astype(plan.dtype), plan.scale, plan.zero_point, plan.name)


@pytest.mark.parametrize("index", range(len(DEPLOYMENT.tensors)))
def test_levels_and_instructions_per_element(machine: Machine, index: int) -> None:
    plan = DEPLOYMENT.tensors[index]
    item = feature_map(plan)
    memory = machine._machine
    memory.mem_write(INPUT, item.samples.tobytes())
    assert machine.call("quantize", index, INPUT, OUTPUT) == 0
    quantizing = machine.instructions / item.samples.size
    expected = (plan.partition or BASE).quantize(item)
    depth = plan.partition.bit_depth if plan.partition else BASE.bit_depth
    dtype = np.uint8 if depth <= 8 else np.uint16
    levels = bytes(memory.mem_read(OUTPUT, expected.size * np.dtype(dtype).itemsize))
    assert levels == expected.astype(dtype).tobytes()
    memory.mem_write(INPUT, levels)
    assert machine.call("dequantize", index, INPUT, OUTPUT) == 0
    back = bytes(memory.mem_read(OUTPUT, item.samples.nbytes))
    values = (plan.partition or BASE).dequantize(expected, plan.dtype, scale=plan.scale)
    assert back == values.tobytes()
    dequantizing = machine.instructions / item.samples.size
    print(f"{plan.name}: {quantizing:.2f} and back {dequantizing:.2f} instructions per element")
    name, sample_type = plan.name.split()
    assert quantizing <= LIMITS[name, sample_type]


@pytest.mark.parametrize("index", [0, 1, 5, 6])
def test_classes_found_on_the_device(machine: Machine, index: int) -> None:
    plan = DEPLOYMENT.tensors[index]
    partition = plan.partition
    assert partition is not None
    assert partition.kind != "block"
    item = feature_map(plan)
    centroids = ((0, 100, 100), (40, 140, 120), (-60, 160, 150))
    dynamic = DynamicClasses(partition.kind, BASE, STEPS, centroids)
    expected = dynamic.partition(item).class_of.reshape(-1)
    memory = machine._machine
    memory.mem_write(INPUT, item.samples.tobytes())
    memory.mem_write(SHAPE, np.array(centroids, "<i2").tobytes())
    assert machine.call("classify", index, INPUT, OUTPUT, SHAPE) == 0
    assert bytes(memory.mem_read(OUTPUT, expected.size)) == expected.tobytes()
    print(f"{plan.name}: {machine.instructions / item.samples.size:.1f} instructions per element")
