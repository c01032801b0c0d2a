"""The dense coder in C gives what its twin in Python gives, to the bit."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from firmware_tools.libfmq import dense_tables
from firmware_tools.toolchains import sanitizer_environment
from fmq_embedded.dense import default_prior
from fmq_embedded.dense.contexts import DEAD, SPATIAL, TILED, WHOLE
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION, TRELLIS, encode_map, prepare
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.numbers import decoded, fixed_point
from fmq_embedded.dense.payload import (
    LOSSLESS,
    Search,
    decode_samples,
    encode_exact,
    encode_samples,
    fitted_offsets,
    restore_samples,
)
from fmq_embedded.dense.steps import scaling
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.transform import COSINE, LARGEST_SIZE, kernels, matrix_table
from tests.libfmq import dense_library as c
from tests.libfmq.codec_library import LIBFMQ
from tests.libfmq.dense_cases import SHAPES, random_planes

OK, ARGUMENT, BUFFER, TRUNCATED, SYNTAX, LIMIT = 0, -1, -3, -4, -5, -8
SEARCHES = (
    PLAIN,
    RATE_DISTORTION,
    Search(allowed=(SPATIAL,)),
    Search(search=0, allowed=(WHOLE,)),
    Search(allowed=(SPATIAL, TILED), multiplier=200, stay=9, rounding=120),
)
OCTAVES = range(0, 256, 16)


def test_tables_are_those_of_the_twin() -> None:
    for path, text in dense_tables.render().items():
        assert path.read_text(encoding="ascii") == text


class _Tile(ctypes.Structure):
    _fields_ = (
        ("samples", ctypes.c_void_p),
        ("row_stride", ctypes.c_uint32),
        ("column_stride", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
    )


@pytest.mark.parametrize("largest", [4095, 2**31 - 1])
@pytest.mark.parametrize("name", ["forward", "inverse"])
def test_transforms_of_every_size(name: str, largest: int) -> None:
    """Also where sums leave 32 bits, as those of a hostile stream may."""
    rng = np.random.default_rng(1)
    table, scratch = matrix_table(COSINE), np.zeros((LARGEST_SIZE, LARGEST_SIZE), np.int32)
    for height in range(1, LARGEST_SIZE + 1):
        for width in {1, 2, 7, 12, 31, 32, height}:
            tile = rng.integers(-largest, largest + 1, (height, width)).astype(np.int32)
            if height % 2:
                tile = np.where(tile < 0, -largest, largest).astype(np.int32)
            expected = np.zeros_like(tile)
            getattr(kernels, name)(tile, 0, 0, height, width, table, scratch, expected)
            at = _Tile(tile.ctypes.data, width, 1, height, width)
            getattr(c.library(), f"fmq_transform_{name}")(ctypes.byref(at))
            assert (tile == expected).all(), (height, width)


@pytest.mark.parametrize("one_sided", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_same_bytes_levels_and_samples(shape: tuple[int, ...], one_sided: bool) -> None:
    rng = np.random.default_rng(len(shape) + one_sided)
    layout = Layout.of(shape)
    for index, step in enumerate((*OCTAVES, 37, 101, 171, 255)):
        search = SEARCHES[index % len(SEARCHES)]
        planes = random_planes(rng, layout, one_sided=one_sided)
        twin = encode_samples(planes, layout, step, one_sided, search, default_prior())
        offsets = fitted_offsets(twin, layout, False) if search.search else np.zeros((2, 2), int)
        form = c.c_format(layout, step, one_sided=one_sided)
        coded = c.encode(planes, layout, form, c.c_search(search))
        assert (coded.status, coded.data) == (OK, twin.data)
        assert coded.points == offsets.reshape(-1).tolist()
        got = c.decode(coded.data, layout, form)
        assert (got.status, got.used) == (OK, len(coded.data))
        assert (got.modes == twin.modes).all()
        assert (got.levels == layout.interleaved(twin.levels)).all()
        samples = restore_samples(twin.levels, twin.modes, layout, step, False, offsets)
        assert (c.restore(got, form) == layout.interleaved(samples)).all()


@pytest.mark.parametrize("shape", [(5, 7, 3), (33, 17, 5), (2, 9, 9, 3)])
def test_dependent_quantization_is_decoded(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    layout = Layout.of(shape)
    for step in (20, 75, 130, 200):
        planes = random_planes(rng, layout, one_sided=False)
        twin = encode_samples(planes, layout, step, False, TRELLIS, default_prior())
        offsets = fitted_offsets(twin, layout, True)
        points = tuple(offsets.reshape(-1).tolist())
        form = c.c_format(layout, step, dependent=True, points=points)
        got = c.decode(twin.data, layout, form)
        assert (got.status, got.used) == (OK, len(twin.data))
        assert (got.levels == layout.interleaved(twin.levels)).all()
        samples = restore_samples(twin.levels, twin.modes, layout, step, True, offsets)
        assert (c.restore(got, form) == layout.interleaved(samples)).all()


@pytest.mark.parametrize("one_sided", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_lossless(shape: tuple[int, ...], one_sided: bool) -> None:
    rng = np.random.default_rng(6)
    layout = Layout.of(shape)
    walk = rng.laplace(0, 3, layout.planar(np.zeros(shape, np.int32)).shape).cumsum(-1).cumsum(-2)
    planes = np.clip(np.rint(walk), -255, 255).astype(np.int32)
    planes = np.abs(planes) if one_sided else planes
    twin = encode_exact(planes, layout, one_sided)
    form = c.c_format(layout, 32, one_sided=one_sided, lossless=True)
    coded = c.encode(planes, layout, form, c.c_search(LOSSLESS))
    assert (coded.status, coded.data) == (OK, twin.data)
    got = c.decode(coded.data, layout, form)
    assert (got.levels == layout.interleaved(planes)).all()
    assert (c.restore(got, form) == 4 * layout.interleaved(planes)).all()


@pytest.mark.parametrize("allowed", [(SPATIAL,), (WHOLE,), (SPATIAL, WHOLE, TILED)])
def test_a_quick_choice_rounds_and_decodes_everywhere(allowed: tuple[int, ...]) -> None:
    rng = np.random.default_rng(7)
    layout = Layout.of((12, 20, 9))
    planes = random_planes(rng, layout, one_sided=False)
    step = 120
    search = replace(PLAIN, allowed=allowed)
    coded = c.encode(planes, layout, c.c_format(layout, step), c.c_search(search, quick=True))
    data = np.frombuffer(coded.data, np.uint8)
    levels, modes, end = decode_samples(data, 0, layout, False, False, default_prior())
    assert (coded.status, end) == (OK, len(coded.data))
    assert set(modes) <= {DEAD, *allowed}
    for plane, mode, coded_levels in zip(planes, modes, levels, strict=True):
        expected = {each: _rounded(plane, layout, each, step) for each in allowed}
        if mode == DEAD:
            assert any(not each.any() for each in expected.values())
        else:
            assert (coded_levels == expected[int(mode)]).all()


def _rounded(
    plane: npt.NDArray[np.int32], layout: Layout, mode: int, step: int
) -> npt.NDArray[np.int32]:
    from fmq_embedded.dense.plane_kernels import scale_plane, transform_tiles

    edges, counts = layout.tile_edges()
    scaled = plane.copy()
    if mode != SPATIAL:
        rows, columns = (edges[mode, axis, : counts[mode, axis]] for axis in (0, 1))
        scratch = np.zeros((LARGEST_SIZE, LARGEST_SIZE), np.int32)
        transform_tiles(plane, rows, columns, matrix_table(COSINE), scratch, scaled)
    scale_plane(scaled, *scaling(step, False), scaled)
    return np.asarray(np.sign(scaled) * ((np.abs(scaled) + 128) >> 8))


@pytest.mark.parametrize("search", [PLAIN, RATE_DISTORTION])
def test_a_stream_of_the_package(search: Search) -> None:
    """What is behind the header is what fmq_dense_write writes, and fmq_dense_read reads."""
    rng = np.random.default_rng(8)
    values = np.abs(rng.normal(0, 3, (16, 12, 6))).astype(np.float32)
    source = prepare(FeatureMap(values))
    twin = encode_map(source, 150, search)
    form = c.c_format(source.layout, 150, one_sided=True)
    coded = c.encode(
        source.planes, source.layout, form, c.c_search(search), exponent=source.exponent
    )
    assert (coded.status, coded.data) == (OK, twin.payload)
    got, exponent = c.read(coded.data + b"more", source.layout, c.c_format(source.layout))
    assert (got.status, got.used) == (OK, len(coded.data))
    assert exponent == source.exponent
    assert (got.levels == source.layout.interleaved(twin.tensor.fixed_point(source.layout))).all()


def test_a_device_needs_only_the_header_before_it() -> None:
    """A stream put together from a header, fmq_dense_write and a CRC-32 is the package's own."""
    values = np.abs(np.random.default_rng(9).normal(0, 3, (8, 8, 4))).astype(np.float32)
    source = prepare(FeatureMap(values))
    settings = fmq.Settings(profile="dense", bit_depth=4, rate_distortion="plain")
    stream = fmq.encode({"map": values}, settings)
    payload = encode_map(source, source.step_of_depth(4), PLAIN).payload
    header = stream[: len(stream) - 4 - len(payload)]
    form = c.c_format(source.layout, source.step_of_depth(4), one_sided=True)
    coded = c.encode(
        source.planes, source.layout, form, c.c_search(PLAIN), exponent=source.exponent
    )
    body = header + coded.data
    assert body + zlib.crc32(body).to_bytes(4, "little") == stream


@pytest.mark.parametrize("scale", [1.0, 3.7e-3, 1e30, 2e-38, 1e-42, 0.0])
def test_fixed_point_of_float32(scale: float) -> None:
    rng = np.random.default_rng(10)
    values = np.concatenate([rng.normal(0, 1, 500), [0.0, -0.0, 0.5, 1.0, 4095.5 / 4096]])
    samples = (values * scale).astype(np.float32)
    expected, exponent = fixed_point(samples.astype(np.float64))
    got, power = np.zeros(samples.size, np.int16), ctypes.c_int16(99)
    status = c.library().fmq_dense_from_float32(
        _at(samples), ctypes.c_size_t(samples.size), _at(got), ctypes.byref(power)
    )
    assert (status, power.value) == (OK, exponent)
    assert (got == expected).all()
    restored = rng.integers(-20000, 20000, 500).astype(np.int32)
    for each in (exponent, -138, 117):
        result = np.zeros(restored.size, np.float32)
        c.library().fmq_dense_to_float32(
            _at(restored), ctypes.c_size_t(restored.size), each, _at(result)
        )
        twin = decoded(restored, each, "float32", 0).astype(np.float32)
        assert result.tobytes() == (twin + np.float32(0)).tobytes()


def test_what_is_not_finite_is_refused() -> None:
    for value in (np.nan, np.inf, -np.inf):
        samples = np.array([1, value], np.float32)
        got, power = np.zeros(2, np.int16), ctypes.c_int16(0)
        status = c.library().fmq_dense_from_float32(
            _at(samples), ctypes.c_size_t(2), _at(got), ctypes.byref(power)
        )
        assert status == -2


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_fixed_point_of_codes(zero_point: int) -> None:
    codes = np.arange(-128, 128).astype(np.int8)
    for part in (codes, codes[100:140], codes[[zero_point + 128]]):
        expected, exponent = fixed_point(part.astype(np.float64) - zero_point)
        got, power = np.zeros(part.size, np.int16), ctypes.c_int16(99)
        c.library().fmq_dense_from_int8(
            _at(part), ctypes.c_size_t(part.size), zero_point, _at(got), ctypes.byref(power)
        )
        assert power.value == exponent
        assert (got == expected).all()
    restored = np.random.default_rng(11).integers(-20000, 20000, 500).astype(np.int32)
    for exponent in (-4, -1, 0, 2, 117, -138):
        result = np.zeros(restored.size, np.int8)
        c.library().fmq_dense_to_int8(
            _at(restored), ctypes.c_size_t(restored.size), exponent, zero_point, _at(result)
        )
        assert (result == decoded(restored, exponent, "int8", zero_point)).all()


def test_what_contradicts_itself_is_refused() -> None:
    layout = Layout.of((4, 4, 2))
    planes = random_planes(np.random.default_rng(12), layout, one_sided=False)
    search = c.c_search(PLAIN)
    dependent = c.c_format(layout, 50, dependent=True)
    assert c.encode(planes, layout, dependent, search).status == ARGUMENT
    plain = c.c_format(layout, 50)
    assert c.encode(planes, layout, plain, search, less_work=1).status == BUFFER
    assert c.encode(planes, layout, plain, search, capacity=5).status == BUFFER
    data = c.encode(planes, layout, plain, search).data
    assert c.decode(data, layout, plain, less_work=1).status == BUFFER
    assert c.decode(data[:-1], layout, plain).status == TRUNCATED
    for field, value, status in (("map_rows", 3, ARGUMENT), ("channels", 1 << 30, LIMIT)):
        odd = c.c_format(layout, 50)
        setattr(odd, field, value)
        lib = c.library()
        pointer = ctypes.c_void_p(0)
        used = ctypes.c_size_t(0)
        size = ctypes.c_size_t(1 << 20)
        assert status == lib.fmq_dense_decode(
            ctypes.byref(odd), pointer, size, pointer, pointer, pointer, size, ctypes.byref(used)
        )


def test_a_mode_that_the_format_does_not_have_is_refused() -> None:
    layout = Layout.of((6, 6, 4))
    walk = np.random.default_rng(13).laplace(0, 3, (4, 6, 6)).cumsum(-1).cumsum(-2)
    planes = np.rint(walk).astype(np.int32)
    whole = encode_samples(
        planes, layout, 32, False, Search(search=0, allowed=(WHOLE,)), default_prior()
    )
    assert c.decode(whole.data, layout, c.c_format(layout, lossless=True)).status == SYNTAX


def test_a_fixed_stream() -> None:
    """The stream cannot drift unseen, in both twins at once."""
    layout = Layout.of((13, 10, 8))
    numbers = np.arange(layout.geometry.count, dtype=np.int64)
    planes = ((numbers * 2654435761 >> 20) % 997 * (numbers % 7) // 9).astype(np.int32)
    planes = planes.reshape(8, 13, 10)
    search = Search(rounding=64, multiplier=20, biases=(0, 256, 256, 256, 256), stay=0)
    coded = c.encode(planes, layout, c.c_format(layout, 130), c.c_search(search))
    assert (len(coded.data), zlib.crc32(coded.data)) == (398, 0x8C87E228)


def test_hostile_payloads_under_the_sanitizers() -> None:
    """Whatever the bytes: no access outside a buffer, nothing undefined, and an end."""
    environment = {
        **os.environ,
        **sanitizer_environment(),
        "FMQ_TEST_SANITIZE": "address",
        "PYTHONMALLOC": "malloc",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.libfmq.hostile_dense"],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 2000


@pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("cppcheck") is None,
    reason="cppcheck is not installed",
)
def test_cppcheck_finds_nothing() -> None:
    checks = "--enable=warning,style,performance,portability"
    done = subprocess.run(
        [
            "cppcheck",
            checks,
            "--std=c99",
            "-q",
            "--error-exitcode=1",
            "-Iinclude",
            *c.DENSE_SOURCES,
        ],
        cwd=LIBFMQ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _at(array: npt.NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
