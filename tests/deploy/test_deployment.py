"""A deployment's folder: what is written is read back; what is damaged is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from firmware_tools.host_codec import HostCodec
from firmware_tools.verifying import standard_deployment
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import DESCRIPTION, TABLES, load, save
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.quantizers import Quantizer

Maps = dict[str, npt.NDArray[np.generic]]


def maps_of(deployment: Deployment, seed: int = 0) -> Maps:
    generator = np.random.default_rng(seed)
    maps: Maps = {}
    for plan in deployment.tensors:
        drawn = generator.laplace(0, 1, plan.shape)
        if plan.dtype == "float32":
            maps[plan.name] = drawn.astype(np.float32)
        else:
            codes = np.rint(drawn / plan.scale) + plan.zero_point
            info = np.iinfo(plan.dtype)
            maps[plan.name] = np.clip(codes, info.min, info.max).astype(plan.dtype)
    return maps


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save(standard_deployment(), tmp_path)
    return tmp_path


def test_what_is_saved_is_loaded_equal(tmp_path: Path) -> None:
    first = standard_deployment()
    marked = replace(first.tensors[0], centre=3, why='because "so"\n')
    deployment = replace(first, model="m.tflite", tensors=(marked, *first.tensors[1:]))
    save(deployment, tmp_path)
    assert load(tmp_path) == deployment
    assert load(tmp_path).crc32 == deployment.crc32


def test_an_uncalibrated_deployment_is_loaded_equal(tmp_path: Path) -> None:
    first = standard_deployment()
    bare = (replace(plan, quantizer=None, partition=None) for plan in first.tensors)
    plain = replace(first, tensors=tuple(bare))
    save(plain, tmp_path)
    assert load(tmp_path) == plain


def test_bytes_are_the_same_on_a_second_save(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    save(load(saved), other)
    for name in (DESCRIPTION, TABLES):
        assert (other / name).read_bytes() == (saved / name).read_bytes()


def test_a_scale_is_the_float32_that_a_stream_carries() -> None:
    plan = TensorPlan("t", (1, 4), "int8", 0.1, 3, Quantizer.uniform(-1, 1, 4))
    assert plan.scale == float(np.float32(0.1)) != 0.1
    deployment = Deployment("d", "", "", (plan,))
    maps = {"t": np.array([[-7, 3, 5, 9]], np.int8)}
    np.testing.assert_array_equal(deployment.decode(deployment.encode(maps))["t"], [[-7, 4, 5, 9]])


@pytest.mark.parametrize(
    ("shape", "dtype", "scale", "zero_point", "message"),
    [
        ((1, 0), "float32", 1.0, 0, "whole numbers above 0"),
        ((1,), "float64", 1.0, 0, "nearest are float32"),
        ((1,), "int8", 0.0, 0, "scale must be finite and above 0"),
        ((1,), "int8", 1.0, 128, "zero_point must be a code of int8"),
        ((1,), "float32", 2.0, 0, "belong to integer samples"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(
    shape: tuple[int, ...], dtype: str, scale: float, zero_point: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        TensorPlan("t", shape, dtype, scale, zero_point)


def test_the_checksum_tells_deployments_apart() -> None:
    deployment = standard_deployment()
    first = replace(deployment.tensors[0], quantizer=Quantizer.uniform(0, 6.75))
    changed = replace(deployment, tensors=(first, *deployment.tensors[1:]))
    assert changed.crc32 != deployment.crc32


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        ("format = 1", "format = 9", "format 9"),
        ("format = 1", "", "lacks 'format'"),
        ("format = 1", "format 1", "cannot be read"),
        ('dtype = "float32"', "", "lacks 'dtype'"),
        ('dtype = "float32"', 'dtype = "float23"', "nearest are .*float32"),
        ('dtype = "float32"', "dtype = 7", "no dtype of a feature map is called '7'"),
        ("bit_depth = 8", "bit_depth = 99", "bit_depth"),
        ("bit_depth = 8", 'bit_depth = "8"', "bit_depth"),
        ("parameters = ", "parameters_ = ", "lacks 'parameters'"),
        ("    6.5,\n", "    nan,\n", "cannot be read"),
        (r"shape = \[", "shape = 5\nx = [", "cannot be read"),
        (r"shape = \[", "shape = [-1, ", "whole numbers above 0"),
        (r"\[model\]\n", "model = 3\n[other]\n", "cannot be read"),
        (r"\[\[tensor\]\]", "[tensor]", "cannot be read"),
        ("name = ", "\x00", "cannot be read"),
    ],
)
def test_a_damaged_description_is_refused(
    saved: Path, pattern: str, replacement: str, message: str
) -> None:
    path = saved / DESCRIPTION
    damaged = re.sub(pattern, replacement, path.read_text(), count=1)
    assert damaged != path.read_text()
    path.write_text(damaged)
    with pytest.raises(InputError, match=message):
        load(saved)


@pytest.mark.parametrize("size", [0, 10, 300])
def test_truncated_tables_are_refused(saved: Path, size: int) -> None:
    path = saved / TABLES
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=r"tables\.npz is no"):
        load(saved)


def test_no_single_bit_of_the_tables_can_flip_unseen(saved: Path) -> None:
    """It is an error, or a flip in what a zip does not use and the deployment stays equal."""
    path, whole = saved / TABLES, load(saved)
    data = path.read_bytes()
    refused = 0
    for position in range(0, len(data), 3):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            assert load(saved) == whole
        except InputError:
            refused += 1
    assert refused > len(data) // 12


def test_tables_that_are_not_there_are_named(saved: Path) -> None:
    (saved / TABLES).unlink()
    with pytest.raises(InputError, match=r"tables\.npz cannot be read"):
        load(saved)


def test_tables_of_other_names_are_refused(saved: Path) -> None:
    np.savez(saved / TABLES, other=np.zeros(3))
    with pytest.raises(InputError, match="lacks 'tensor5_threshold_bits'"):
        load(saved)


def test_an_array_in_place_of_the_tables_is_refused(saved: Path) -> None:
    with (saved / TABLES).open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="no named arrays"):
        load(saved)


def test_text_of_another_encoding_is_refused(saved: Path) -> None:
    (saved / DESCRIPTION).write_bytes(b'name = "\xff"')
    with pytest.raises(InputError, match="cannot be read"):
        load(saved)


def test_a_folder_without_a_deployment_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no deployment\.toml; make a deployment"):
        load(tmp_path / "nowhere")


def test_encoding_is_the_c_librarys(saved: Path) -> None:
    deployment = load(saved)
    codec = HostCodec(deployment)
    for seed in range(3):
        maps = maps_of(deployment, seed)
        stream = deployment.encode(maps)
        levels = {
            plan.name: codec.quantize_map(index, maps[plan.name])
            for index, plan in enumerate(deployment.tensors)
        }
        assert codec.encode(levels) == stream
        for name, back in codec.decode(stream).items():
            np.testing.assert_array_equal(back, levels[name])


def test_what_is_decoded_is_what_was_dequantized(saved: Path) -> None:
    deployment = load(saved)
    maps = maps_of(deployment)
    levels, back = deployment.quantize(maps), deployment.decode(deployment.encode(maps))
    for plan in deployment.tensors:
        if plan.partition is not None:
            continue  # see test_partition_plans.py
        expected = fmq.reference.dequantize(
            plan.chosen_quantizer,
            levels[plan.name],
            np.dtype(plan.dtype),
            scale=plan.scale,
            zero_point=plan.zero_point,
        )
        np.testing.assert_array_equal(back[plan.name], expected)
        assert back[plan.name].dtype == plan.dtype


def test_a_foreign_stream_is_refused() -> None:
    deployment = standard_deployment()
    maps = maps_of(deployment)
    other = replace(deployment.tensors[0], quantizer=Quantizer.uniform(0, 6.75))
    foreign = replace(deployment, tensors=(other, *deployment.tensors[1:])).encode(maps)
    with pytest.raises(InputError, match="not of deployment 'standard'"):
        deployment.decode(foreign)
    with pytest.raises(InputError, match="not of deployment 'standard'"):
        deployment.decode(fmq.encode(maps["float32_0"]))


def test_a_damaged_stream_is_refused() -> None:
    deployment = standard_deployment()
    stream = bytearray(deployment.encode(maps_of(deployment)))
    stream[len(stream) // 2] ^= 16
    with pytest.raises(BitstreamError):
        deployment.decode(bytes(stream))


def test_maps_that_do_not_fit_are_refused() -> None:
    deployment = standard_deployment()
    maps = maps_of(deployment)
    with pytest.raises(InputError, match=r"'float32_0' is float32 \(1, 8, 16, 8\); got float64"):
        deployment.quantize({**maps, "float32_0": maps["float32_0"].astype(np.float64)})
    with pytest.raises(InputError, match="got float32"):
        deployment.quantize({**maps, "float32_0": maps["float32_0"][0]})
    del maps["float32_0"]
    with pytest.raises(InputError, match="'float32_0'; the nearest are float32_"):
        deployment.quantize(maps)


def test_without_quantizers_the_next_step_is_named() -> None:
    deployment = standard_deployment()
    plain = replace(deployment.tensors[0], quantizer=None)
    with pytest.raises(InputError, match="run `inv calibrate`"):
        replace(deployment, tensors=(plain,)).quantize(maps_of(deployment))


def test_a_header_with_another_zero_is_another_deployment_s() -> None:
    """A device compares bytes."""
    zero, negative = (
        Deployment(
            "z",
            "m.tflite",
            "0" * 64,
            (TensorPlan("m", (1, 2, 2, 1), "float32", quantizer=Quantizer.uniform(low, 4.0, 5)),),
        )
        for low in (0.0, -0.0)
    )
    data = negative.encode({"m": np.ones((1, 2, 2, 1), np.float32)})
    assert zero.headers == negative.headers
    with pytest.raises(InputError, match="not of deployment"):
        zero.decode(data)
    np.testing.assert_array_equal(negative.decode(data)["m"].shape, (1, 2, 2, 1))
