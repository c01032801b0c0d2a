"""The peers of the suite "rate": what they are fed, what comes back, what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.profiling.rate_codec import (
    Coded,
    RateCodec,
    Setting,
    channels_first,
    channels_last,
    measure,
    real_values,
)
from firmware_tools.profiling.rate_curve import bits_at
from firmware_tools.profiling.rate_frames import from_frame, grid, to_frame
from firmware_tools.profiling.rate_nncodec_peer import nncodec
from firmware_tools.profiling.rate_ours import our_codecs
from firmware_tools.profiling.rate_picture_peers import lossless_sizes, picture_peers
from firmware_tools.profiling.rate_video_peer import decode_picture, encode_picture, x265
from firmware_tools.profiling.synthetic_maps import relu_map
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap

SHAPES = [(7,), (5, 3), (4, 6, 5), (2, 3, 5, 7), (1, 1, 33)]


@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_becomes_planes_and_comes_back(shape: tuple[int, ...]) -> None:
    samples = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    planes = channels_first(samples)
    assert planes.shape[0] == shape[-1]
    assert np.array_equal(channels_last(planes, shape), samples)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_frame_loses_half_a_code_at_most(shape: tuple[int, ...]) -> None:
    samples = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    frame = to_frame(samples)
    assert frame.picture.max() == 1023
    error = np.abs(from_frame(frame.picture, frame) - samples).max()
    assert error <= np.ptp(samples) / 1023 / 2 * 1.001


def test_a_frame_of_one_value() -> None:
    samples = np.full((4, 4, 3), 2.5, np.float32)
    frame = to_frame(samples)
    assert np.array_equal(from_frame(frame.picture, frame), samples)


def test_tiles_are_channels_in_order() -> None:
    samples = np.broadcast_to(np.arange(6, dtype=np.float32), (2, 2, 6))
    frame = to_frame(samples)
    assert frame.picture.shape == (4, 6)
    assert frame.picture[::2, ::2].ravel().tolist() == [0, 205, 409, 614, 818, 1023]


@pytest.mark.parametrize(
    ("channels", "rows", "columns"), [(64, 8, 8), (88, 8, 11), (512, 16, 32), (251, 16, 16)]
)
def test_grids_are_full_where_they_can_be(channels: int, rows: int, columns: int) -> None:
    assert grid(channels, 16, 16) == (rows, columns)


def test_real_values_of_codes() -> None:
    item = FeatureMap(np.array([-128, 0, 127], np.int8), 0.5, -128)
    assert real_values(item).tolist() == [0.0, 64.0, 127.5]


@pytest.mark.parametrize("shape", [(16, 16), (17, 19), (48, 40)])
def test_x265_codes_pictures_of_any_size(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(2)
    picture = generator.integers(0, 1024, shape).astype(np.uint16)
    streams = [encode_picture(picture, quality) for quality in (4, 30)]
    assert len(streams[0]) > len(streams[1])
    errors = [np.abs(decode_picture(one).astype(int) - picture).mean() for one in streams]
    assert decode_picture(streams[0]).shape == shape
    assert errors[0] < 3 < errors[1]


@pytest.mark.parametrize("codec", [x265(), *picture_peers(), *our_codecs()], ids=lambda c: c.name)
def test_more_bits_give_a_better_ratio(codec: RateCodec) -> None:
    item = FeatureMap(relu_map(16, 16, 12))
    points = measure(codec, item)
    low, high = (bits_at(points, ratio) for ratio in (22.0, 30.0))
    assert low is not None
    assert high is not None
    assert 0.05 < low < high < 12


def test_lossless_sizes_are_below_the_plain_codes() -> None:
    codes = np.repeat(np.arange(64, dtype=np.uint16), 64).reshape(64, 64)
    sizes = lossless_sizes(codes, 8)
    assert set(sizes) == {"JPEG-LS", "JPEG XL", "zstd -19"}
    assert all(0 < size < codes.size for size in sizes.values())


def test_a_missing_peer_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMQ_CACHE_DIR", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"pip install nncodec==") as caught:
        list(nncodec())
    assert str(tmp_path) in str(caught.value)


def test_points_are_kept_by_content_and_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMQ_CACHE_DIR", str(tmp_path))
    calls: list[Setting] = []

    def code(item: FeatureMap, setting: Setting) -> Coded:
        calls.append(setting)
        rounded: npt.NDArray[np.float32] = np.rint(item.samples).astype(np.float32)
        return Coded(item.samples.size, rounded)

    def codec(version: str) -> RateCodec:
        return RateCodec("rounding", version, lambda item: [(1.0,)], code)

    item = FeatureMap(np.array([1.25, 2.0], np.float32))
    first = measure(codec("1"), item)
    assert measure(codec("1"), item) == first
    assert len(calls) == 1
    measure(codec("2"), item)
    measure(codec("1"), FeatureMap(np.array([1.25, 3.0], np.float32)))
    assert len(calls) == 3
    assert first[0].bits == 8
