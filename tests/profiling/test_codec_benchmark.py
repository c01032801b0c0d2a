"""The benchmarks of the codec and of the start: their shape; and what does not depend on time."""

from __future__ import annotations

import numpy as np

from firmware_tools.profiling import host_codec_benchmark, start_benchmark
from firmware_tools.profiling.synthetic_maps import HIGHEST, relu_map


def test_each_map_has_encode_decode_and_bits() -> None:
    found = host_codec_benchmark.figures(quick=True)
    names = [each.name for each in found]
    assert names == [
        "encode, ReLU 8×8×96",
        "decode, ReLU 8×8×96",
        "bits, ReLU 8×8×96",
        "encode, 100,000 elements",
    ]
    assert all(each.value > 0 and each.peer for each in found)
    assert [each.limit for each in found] == [None, None, 1.0, 1.5]


def test_fewer_bits_than_zlib_on_every_map() -> None:
    for name, shape in host_codec_benchmark.SHAPES.items():
        bits = host_codec_benchmark.map_figures(name, relu_map(*shape), 1)[-1]
        assert bits.unit == "bit/element"
        assert bits.holds, bits.line()


def test_a_relu_map_has_zeros_dead_channels_and_a_seed() -> None:
    samples = relu_map(16, 20, 24, seed=3)
    assert samples.shape == (16, 20, 24)
    assert samples.dtype == np.float32
    assert samples.min() == 0
    assert 0 < samples.max() <= HIGHEST
    dead = [channel for channel in range(24) if not samples[:, :, channel].any()]
    assert {7, 15, 23} <= set(dead)
    np.testing.assert_array_equal(samples, relu_map(16, 20, 24, seed=3))
    assert (samples != relu_map(16, 20, 24, seed=4)).any()


def test_the_start_of_a_process_is_measured() -> None:
    found = {each.name: each for each in start_benchmark.figures(quick=True)}
    limits = {name: each.limit for name, each in found.items() if each.limit is not None}
    assert limits == {
        "import fmq_embedded": 0.3,
        "first encode, nothing compiled": 3.0,
        "second encode": 0.05,
    }
    assert all(each.value > 0 and each.unit == "s" for each in found.values())
    # compiling is what the two differ by: without it the first would take as long as the second
    assert found["first encode, nothing compiled"].value > found["second encode"].value
