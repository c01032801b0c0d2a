"""The dense profile through encode and decode: exactness, every shape, few bits."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import fmq_embedded as fmq
from fmq_embedded import entropy
from fmq_embedded.dense.layout import Layout


def smooth_map(shape: tuple[int, ...] = (12, 10, 6), *, signed: bool, seed: int = 0) -> np.ndarray:
    """Correlated along rows and columns; with `signed`, about 0, else a ReLU's."""
    drawn = np.random.default_rng(seed).normal(0, 1, shape)
    for axis in range(max(len(shape) - 3, 0), len(shape) - 1):
        drawn = drawn + np.roll(drawn, 1, axis) + 0.5 * np.roll(drawn, 2, axis)
    return (drawn if signed else np.maximum(drawn, 0)).astype(np.float32)


def sqnr(samples: np.ndarray, back: np.ndarray) -> float:
    samples, back = samples.astype(np.float64), back.astype(np.float64)
    return float(10 * np.log10(np.square(samples).sum() / np.square(samples - back).sum()))


SHAPES = [(), (1,), (7,), (3, 4), (5, 7, 3), (2, 9, 4, 5), (1, 1, 1, 1, 6), (1, 1, 64), (25, 43, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
def test_every_shape_reaches_its_sqnr(shape: tuple[int, ...], dtype: str) -> None:
    array = np.random.default_rng(1).normal(20, 9, shape).astype(dtype)
    back = fmq.decode(fmq.encode(array, fmq.Settings(profile="dense", target_sqnr=20.0)))
    assert isinstance(back, np.ndarray)
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    with np.errstate(divide="ignore"):
        assert sqnr(array, back) >= 20


@pytest.mark.parametrize("rate_distortion", ["plain", "rdo", "trellis"])
@pytest.mark.parametrize("signed", [False, True])
def test_decoded_samples_are_what_the_integers_say(rate_distortion: str, signed: bool) -> None:
    """Float output is y · 2^(e − 2), exact: the same bits everywhere."""
    array = smooth_map(signed=signed)
    settings = fmq.Settings(profile="dense", bit_depth=5, rate_distortion=rate_distortion)  # type: ignore[arg-type]
    data = fmq.encode(array, settings)
    (tensor,) = fmq.read_stream(data).tensors
    assert tensor.dense is not None and tensor.coding == "dense coded"
    layout = Layout.of(array.shape)
    fixed = layout.interleaved(tensor.dense.fixed_point(layout)).reshape(array.shape)
    back = fmq.decode(data)
    assert isinstance(back, np.ndarray)
    np.testing.assert_array_equal(back, np.ldexp(fixed.astype(float), tensor.dense.exponent - 2))
    assert np.abs(back - array).max() < np.ptp(array) / 8


@pytest.mark.parametrize("shape", [(16, 16, 12), (9, 30, 4), (2, 20, 20, 3)])
def test_dense_takes_fewer_bytes_than_standard_at_the_same_sqnr(shape: tuple[int, ...]) -> None:
    for signed in (False, True):
        array = smooth_map(shape, signed=signed)
        sizes = [
            len(fmq.encode(array, fmq.Settings(profile=profile, target_sqnr=16.0)))
            for profile in ("dense", "standard")
        ]
        assert sizes[0] < 0.95 * sizes[1]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("shape", [(), (9,), (5, 7, 3), (2, 8, 6, 4)])
def test_lossless_gives_every_code_back(dtype: str, shape: tuple[int, ...]) -> None:
    limits = np.iinfo(dtype)
    generator = np.random.default_rng(3)
    wild = generator.integers(limits.min, limits.max, shape, endpoint=True).astype(dtype)
    tame = np.clip(generator.normal(3, 5, shape), 0, 100).astype(dtype)
    for array in (wild, tame, np.full(shape, limits.min, dtype)):
        for zero_point in (0, 3):
            item = fmq.FeatureMap(array, 0.5, zero_point)
            data = fmq.encode(item, fmq.Settings(profile="dense", lossless=True))
            back = fmq.decode(data)
            assert isinstance(back, np.ndarray)
            assert back.dtype == dtype
            np.testing.assert_array_equal(back, array)


def test_lossless_takes_fewer_bytes_than_the_standard_profile_does() -> None:
    array = (4 * smooth_map((16, 16, 12), signed=False)).astype(np.int8)
    exact = fmq.encode(array, fmq.Settings(profile="dense", lossless=True))
    plain = fmq.Quantizer.uniform(-128, 127, 8)
    assert len(exact) < 0.97 * len(fmq.encode(array, fmq.Settings(quantizer=plain)))


def test_float_maps_cannot_be_lossless() -> None:
    with pytest.raises(fmq.InputError, match="quantize it first"):
        fmq.encode(np.ones(3, np.float32) * [1, 2, 3], fmq.Settings(profile="dense", lossless=True))


def test_a_given_quantizer_stays_and_its_levels_are_coded_densely() -> None:
    array = smooth_map(signed=True)
    quantizer = fmq.Quantizer.gaussian(0.0, 1.0, 6, span=float(np.abs(array).max()))
    data = fmq.encode(array, fmq.Settings(profile="dense", quantizer=quantizer))
    (tensor,) = fmq.read_stream(data).tensors
    assert tensor.coding == "dense coded"
    assert tensor.levels is not None
    np.testing.assert_array_equal(tensor.levels, fmq.reference.quantize(quantizer, array))


def test_a_small_map_has_a_small_header() -> None:
    """Magic, type, three dimensions, coding, exponent, step and checksum: 12 bytes."""
    array = np.zeros((5, 7, 3), np.float32)
    array[2, 3, 1] = 1
    data = fmq.encode(array, fmq.Settings(profile="dense", bit_depth=1))
    assert data[0] == 0x66
    assert len(data) <= 12 + 8


def test_nonfinite_samples_are_refused_or_saturate() -> None:
    array = smooth_map(signed=True)
    array[1, 2, 3], array[2, 2, 2] = np.nan, np.inf
    with pytest.raises(fmq.InputError, match="2 samples are NaN"):
        fmq.encode(array, fmq.Settings(profile="dense"))
    back = fmq.decode(fmq.encode(array, fmq.Settings(profile="dense", nonfinite="saturate")))
    assert isinstance(back, np.ndarray)
    largest = np.abs(array[np.isfinite(array)]).max()
    assert abs(back[1, 2, 3]) < 0.1
    assert back[2, 2, 2] == pytest.approx(largest, rel=0.05)


@pytest.mark.parametrize("scale", [1e-42, 1e-38, 1.0, 1e30])
def test_any_scale_of_samples(scale: float) -> None:
    array = (smooth_map(signed=True).astype(np.float64) * scale).astype(np.float32)
    back = fmq.decode(fmq.encode(array, fmq.Settings(profile="dense")))
    assert isinstance(back, np.ndarray)
    assert sqnr(array, back) > 30


def streams() -> list[bytes]:
    relu, linear = smooth_map(signed=False), smooth_map(signed=True)
    codes = (9 * linear).astype(np.int8)
    return [
        fmq.encode(relu, fmq.Settings(profile="dense", bit_depth=4)),
        fmq.encode(linear, fmq.Settings(profile="dense", bit_depth=4)),
        fmq.encode(codes, fmq.Settings(profile="dense", lossless=True)),
        fmq.encode({"a": relu, "b": codes}, fmq.Settings(profile="dense", target_sqnr=12.0)),
    ]


def test_every_prefix_is_refused() -> None:
    for data in streams():
        for size in range(0, len(data), 7):
            with pytest.raises(fmq.BitstreamError):
                fmq.decode(data[:size])


def test_any_bytes_decode_or_are_refused() -> None:
    """With the checksum made right again, so that the payload itself meets what was changed."""
    generator = np.random.default_rng(7)
    for data in streams():
        for _ in range(60):
            body = bytearray(data[:-4])
            for place in generator.integers(1, len(body), 3):
                body[place] = generator.integers(256)
            changed = bytes(body) + zlib.crc32(body).to_bytes(4, "little")
            try:
                back = fmq.decode(changed, max_elements=1 << 16)
            except fmq.BitstreamError:
                continue
            for array in back.values() if isinstance(back, dict) else [back]:
                assert np.isfinite(array.astype(np.float64)).all()


def test_payloads_stand_one_behind_the_other() -> None:
    """A payload has no length: the decoder finds its end to the byte."""
    maps = {str(i): smooth_map((4, 4, i + 1), signed=bool(i % 2), seed=i) for i in range(9)}
    back = fmq.decode(fmq.encode(maps, fmq.Settings(profile="dense", target_sqnr=15.0)))
    assert isinstance(back, dict)
    for name, array in maps.items():
        assert sqnr(array, back[name]) >= 15


def test_levels_of_every_depth_come_back() -> None:
    geometry = entropy.Geometry(5, 6, 3)
    from fmq_embedded.dense import decode_dense, encode_dense

    for depth in range(1, 17):
        levels = np.random.default_rng(depth).integers(0, 1 << depth, 90).astype(np.uint16)
        for centre in (0, (1 << depth) // 2, (1 << depth) - 1):
            data = np.frombuffer(encode_dense(levels, geometry, centre, depth) + b"xyz", np.uint8)
            back, end = decode_dense(data, 0, geometry, centre, depth)
            np.testing.assert_array_equal(back, levels)
            assert end == data.size - 3


def test_many_dead_channels_in_a_row_come_back() -> None:
    """They have no level after which waiting decisions would be written."""
    array = np.zeros((2, 2, 5000), np.float32)
    array[..., 0] = [[1, 2], [3, 4]]
    back = fmq.decode(fmq.encode(array, fmq.Settings(profile="dense", bit_depth=6)))
    assert isinstance(back, np.ndarray)
    assert np.abs(back - array).max() < 0.05
