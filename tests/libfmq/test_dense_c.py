"""The dense coder in C gives what its twin in Python gives, to the bit."""

from __future__ import annotations

import ctypes
import zlib
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from firmware_tools.libfmq import dense_tables
from fmq_embedded.dense import default_prior
from fmq_embedded.dense.contexts import DEAD, SPATIAL, TILED, WHOLE
from fmq_embedded.dense.device_plan import QUICK
from fmq_embedded.dense.encoder import (
    PLAIN,
    RATE_DISTORTION,
    TRELLIS,
    encode_exactly,
    encode_map,
    prepare,
)
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.payload import encode_exact, encode_samples
from fmq_embedded.dense.reconstruction import fitted_points, restore_samples
from fmq_embedded.dense.search import LOSSLESS, Search
from fmq_embedded.dense.workspace import POINTS_SHAPE
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.transform import COSINE, LARGEST_SIZE, SINE, kernels, matrix_table
from tests.libfmq import dense_library as c
from tests.libfmq.dense_cases import SHAPES, random_planes
from tests.libfmq.hostile_runs import run_sanitized

OK, ARGUMENT, BUFFER, TRUNCATED, SYNTAX, LIMIT = 0, -1, -3, -4, -5, -8
ALONE = Search(predicts=False)
"""No channel is predicted from another."""
SEARCHES = (
    replace(PLAIN, predicts=False),
    replace(RATE_DISTORTION, predicts=False),
    replace(ALONE, allowed=(SPATIAL,)),
    replace(ALONE, search=0, allowed=(WHOLE,)),
    replace(ALONE, allowed=(SPATIAL, TILED), multiplier=200, stay=9, rounding=120),
)
OCTAVES = range(0, 256, 16)
LARGEST_HELD = 65535 - c.CENTRE


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
        ("is_sine", ctypes.c_bool),
    )


@pytest.mark.parametrize("largest", [4095, 2**31 - 1])
@pytest.mark.parametrize("kind", [COSINE, SINE])
@pytest.mark.parametrize("name", ["forward", "inverse"])
def test_transforms_of_every_size(name: str, kind: int, largest: int) -> None:
    """Also where sums leave 32 bits, as those of a hostile stream may."""
    rng = np.random.default_rng(1)
    table, scratch = matrix_table(kind), np.zeros((3, LARGEST_SIZE, LARGEST_SIZE), np.int32)
    for height in range(1, LARGEST_SIZE + 1):
        for width in {1, 7, 32, 33, height}:
            tile = rng.integers(-largest, largest + 1, (height, width)).astype(np.int32)
            if height % 2:
                tile = np.where(tile < 0, -largest, largest).astype(np.int32)
            expected = np.zeros_like(tile)
            getattr(kernels, name)(tile, 0, 0, height, width, table, scratch, expected)
            at = _Tile(tile.ctypes.data, width, 1, height, width, kind == SINE)
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
        points = np.zeros(POINTS_SHAPE, np.int64)
        if search.search:
            points = fitted_points(twin, layout, dependent=False, one_sided=one_sided)
        form = c.c_format(layout, step, one_sided=one_sided)
        coded = c.encode(planes, layout, form, c.c_search(search))
        assert (coded.status, coded.data) == (OK, twin.data)
        assert coded.points == points.tolist()
        got = c.decode(coded.data, layout, form)
        if np.abs(twin.levels).max() > LARGEST_HELD:
            assert got.status == LIMIT
            continue
        assert (got.status, got.used) == (OK, len(coded.data))
        assert (got.channels().modes == twin.channels.modes).all()
        assert (got.levels == layout.interleaved(twin.levels)).all()
        samples = restore_samples(
            twin.levels,
            twin.channels,
            layout,
            step,
            dependent=False,
            one_sided=one_sided,
            sine=False,
            points=points,
        )
        assert (c.restore(got, form) == _held(layout.interleaved(samples))).all()


@pytest.mark.parametrize("search", [TRELLIS, replace(TRELLIS, sine=True), Search()])
@pytest.mark.parametrize("one_sided", [True, False])
@pytest.mark.parametrize("shape", [(5, 7, 3), (33, 17, 5), (2, 9, 9, 9), (70, 6, 70)])
def test_what_is_not_chosen_on_a_device_is_decoded(
    shape: tuple[int, ...], one_sided: bool, search: Search
) -> None:
    """Dependent quantization, sines, channels predicted from others."""
    rng = np.random.default_rng(5)
    layout = Layout.of(shape)
    predicted = False
    for step in (75, 130, 170):
        planes = random_planes(rng, layout, one_sided=one_sided)
        for k in range(1, len(planes), 2):
            planes[k] = planes[k - 1] * 3 // 4 + planes[k] // 64
        values = layout.interleaved(planes).reshape(shape).astype(np.float32)
        source = replace(prepare(FeatureMap(values)), planes=planes, exponent=0)
        twin = encode_map(source, step, search)
        predicted |= twin.tensor.channels.are_predicted
        form = c.c_format(layout, dependent=search.dependent)
        got, exponent = c.read(twin.payload, layout, form)
        assert (got.status, got.used, exponent) == (OK, len(twin.payload), 0)
        assert (got.channels().parents == twin.tensor.channels.parents).all()
        samples = layout.interleaved(twin.tensor.fixed_point(layout))
        assert (got.levels == _held(samples)).all()
    assert predicted


def _held(samples: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """As a map of 16 bits has them."""
    return np.clip(samples, -c.CENTRE, LARGEST_HELD)


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
    assert (c.restore(got, form) == layout.interleaved(planes)).all()


def test_lossless_channels_of_a_few_ones_are_not_left_out() -> None:
    """They would cost less than their bits."""
    layout = Layout.of((16, 16, 6))
    planes = np.zeros((6, 16, 16), np.int32)
    planes[::2, 5, 7] = 1
    twin = encode_exact(planes, layout, True)
    form = c.c_format(layout, 32, one_sided=True, lossless=True)
    coded = c.encode(planes, layout, form, c.c_search(LOSSLESS))
    assert (coded.status, coded.data) == (OK, twin.data)
    assert (c.decode(coded.data, layout, form).levels == layout.interleaved(planes)).all()


@pytest.mark.parametrize("centre", [0, 37, -1, -32768])
def test_a_lossless_tensor_with_a_centre_of_its_own(centre: int) -> None:
    """What is behind the header, as the package writes it, which says nothing of the zero point."""
    rng = np.random.default_rng(14)
    codes = np.where(rng.random((6, 7, 3)) < 0.7, centre, centre + rng.integers(0, 9, (6, 7, 3)))
    item = FeatureMap(codes.astype(np.int16))
    twin = encode_exactly(item)
    layout = Layout.of(codes.shape)
    planes = layout.planar(codes.astype(np.int32) - centre)
    form = c.c_format(layout, 32, one_sided=True, lossless=True)
    coded = c.encode(planes, layout, form, c.c_search(LOSSLESS), exponent=centre)
    assert (coded.status, coded.data) == (OK, twin.payload)
    got, base = c.read(coded.data, layout, c.c_format(layout))
    assert (got.status, base) == (OK, centre)
    assert (got.levels.reshape(codes.shape) + base == codes).all()
    assert c.read(coded.data[:1], layout, c.c_format(layout))[0].status == TRUNCATED


@pytest.mark.parametrize("allowed", [(SPATIAL,), (WHOLE,), (SPATIAL, WHOLE, TILED)])
def test_a_quick_choice_is_that_of_the_twin(allowed: tuple[int, ...]) -> None:
    rng = np.random.default_rng(7)
    layout = Layout.of((12, 20, 9))
    for rounding in (128, 90):
        planes = random_planes(rng, layout, one_sided=False)
        search = replace(QUICK, allowed=allowed, rounding=rounding)
        twin = encode_samples(planes, layout, 120, False, search, default_prior())
        assert set(twin.channels.modes) <= {DEAD, *allowed}
        coded = c.encode(planes, layout, c.c_format(layout, 120), c.c_search(search))
        assert (coded.status, coded.data, coded.points) == (OK, twin.data, [[0, 0]] * 3)


@pytest.mark.parametrize("search", SEARCHES[:2])
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
    got = fmq.decode(body + zlib.crc32(body).to_bytes(4, "little"))
    alone = encode_map(source, source.step_of_depth(4), SEARCHES[0])
    expected = alone.tensor.samples(values.shape, "float32", 0)
    np.testing.assert_array_equal(got["map"], expected)  # type: ignore[call-overload]


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
        planes, layout, 32, False, replace(ALONE, search=0, allowed=(WHOLE,)), default_prior()
    )
    assert c.decode(whole.data, layout, c.c_format(layout, lossless=True)).status == SYNTAX


def test_a_fixed_stream() -> None:
    """The stream cannot drift unseen, in both twins at once."""
    layout = Layout.of((13, 10, 8))
    numbers = np.arange(layout.geometry.count, dtype=np.int64)
    planes = ((numbers * 2654435761 >> 20) % 997 * (numbers % 7) // 9).astype(np.int32)
    planes = planes.reshape(8, 13, 10)
    search = replace(ALONE, rounding=64, multiplier=20, biases=(0, 256, 256, 256, 256), stay=0)
    coded = c.encode(planes, layout, c.c_format(layout, 130), c.c_search(search))
    assert (len(coded.data), zlib.crc32(coded.data)) == (398, 0x0F8EF587)


def test_hostile_payloads_under_the_sanitizers() -> None:
    """Whatever the bytes: no access outside a buffer, nothing undefined, and an end."""
    assert run_sanitized("hostile_dense") > 2000
