"""Encoder and decoder together: exactness, structure in the stream, hostile bytes."""

from __future__ import annotations

import zlib

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fmq_embedded as fmq
from fmq_embedded.payloads import best_centre, fitted_centre
from fmq_embedded.structure import BatchNormalisation, Layer, LayerType, Network, NetworkGraph
from fmq_embedded.structure.network import Joint


def relu_map(shape: tuple[int, ...] = (6, 5, 8), seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(0, 1, shape)
    return np.maximum(drawn, 0).astype(np.float32)


def with_checksum(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


@pytest.mark.parametrize(
    "dtype", ["float32", "float16", "bfloat16", "float64", "int8", "uint8", "int16"]
)
@pytest.mark.parametrize(
    "shape", [(), (1,), (7,), (3, 4), (5, 7, 3), (2, 3, 4, 5), (1, 1, 1, 1, 6)]
)
def test_every_dtype_and_rank(dtype: str, shape: tuple[int, ...]) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    array = (np.random.default_rng(1).normal(20, 9, shape)).astype(kind)
    back = fmq.decode(fmq.encode(array))
    expected = dtype if dtype in ("int8", "uint8", "int16") else "float32"
    assert isinstance(back, np.ndarray)
    assert (back.dtype.name, back.shape) == (expected, shape)
    stream = fmq.read_stream(fmq.encode(array))
    quantizer = stream.tensors[0].header.quantizer
    assert quantizer is not None
    levels = fmq.reference.quantize(quantizer, array)
    np.testing.assert_array_equal(stream.tensors[0].levels, levels)
    np.testing.assert_array_equal(back, fmq.reference.dequantize(quantizer, levels, back.dtype))


def test_strides_do_not_change_the_bytes() -> None:
    array = relu_map((8, 10, 6))
    expected = fmq.encode(array)
    assert fmq.encode(np.asfortranarray(array)) == expected
    wide = np.zeros((8, 20, 6), np.float32)
    wide[:, ::2] = array
    assert fmq.encode(wide[:, ::2]) == expected
    assert fmq.encode(array[::-1, ::-1][::-1, ::-1]) == expected
    read_only = array.copy()
    read_only.flags.writeable = False
    assert fmq.encode(read_only) == expected


@pytest.mark.parametrize("shape", [(0,), (0, 3), (4, 0, 2), (3, 0)])
def test_an_empty_map_encodes_to_itself(shape: tuple[int, ...]) -> None:
    for dtype in (np.float32, np.int8):
        back = fmq.decode(fmq.encode(np.zeros(shape, dtype)))
        assert isinstance(back, np.ndarray)
        assert (back.shape, back.dtype) == (shape, dtype)


@pytest.mark.parametrize("value", [0.0, -0.0, 7.25, -1e-40, 3.0e38, -123.456])
def test_a_constant_map_comes_back_exactly_and_costs_nothing(value: float) -> None:
    array = np.full((9, 9, 3), value, np.float32)
    data = fmq.encode(array)
    np.testing.assert_array_equal(fmq.decode(data), array)
    assert len(data) == 5 + 4 + 2 + 8 + 1 + 1 + 4


def test_several_maps_of_different_sizes_keep_their_own_scaling() -> None:
    maps = {"a": relu_map((8, 8, 4)), "b": 100 * relu_map((4, 4, 6), 1), "c": np.int8([[1, -2]])}
    data = fmq.encode(maps, fmq.Settings(bit_depth=6))
    back = fmq.decode(data)
    assert isinstance(back, dict)
    assert list(back) == ["a", "b", "c"]
    for name, array in maps.items():
        reach = float(np.ptp(array)) / 63
        assert np.abs(back[name].astype(float) - array).max() <= 0.51 * reach
    parameters = [tensor.header.quantizer for tensor in fmq.read_stream(data).tensors]
    assert len({q.parameters for q in parameters if q}) == 3


def test_integer_maps_with_scale_and_zero_point() -> None:
    codes = np.random.default_rng(3).integers(-128, 128, (6, 6, 4)).astype(np.int8)
    item = fmq.FeatureMap(codes, scale=0.05, zero_point=-128)
    # 8 bits over 256 codes: every code is its own level, so nothing is lost.
    every_code = fmq.Quantizer.uniform(0, 255 * item.scale)
    data = fmq.encode(item, fmq.Settings(quantizer=every_code))
    header = fmq.read_stream(data).tensors[0].header
    assert header.scale == float(np.float32(0.05))
    assert header.zero_point == -128
    np.testing.assert_array_equal(fmq.decode(data), codes)


def test_output_never_exceeds_packed_levels_by_more_than_the_header() -> None:
    noise = np.random.default_rng(5).uniform(-1, 1, (40, 40, 3)).astype(np.float32)
    for depth in (1, 3, 8, 11, 16):
        quantizer = fmq.Quantizer.uniform(-1, 1, depth)
        data = fmq.encode(noise, fmq.Settings(quantizer=quantizer))
        assert len(data) <= -(-noise.size * depth // 8) + 40


@pytest.mark.parametrize("zeros", [0, 99, 100, 101, 300])
def test_the_centre_is_sent_where_another_level_is_more_than_twice_as_frequent(zeros: int) -> None:
    quantizer = fmq.Quantizer.uniform(0.0, 7.0, 3)
    levels = np.repeat(np.array([0, 5, 6], np.uint8), [zeros, 201, 3])
    counts = np.bincount(levels, minlength=8)
    assert best_centre(levels, quantizer) == fitted_centre(counts, quantizer)
    assert (best_centre(levels, quantizer) == 5) == (zeros <= 100)


def test_without_entropy_coding_levels_are_packed() -> None:
    data = fmq.encode(relu_map(), fmq.Settings(entropy_coding=False))
    assert fmq.read_stream(data).tensors[0].coding == "packed"
    np.testing.assert_array_equal(fmq.decode(data), fmq.decode(fmq.encode(relu_map())))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(bad: float) -> None:
    array = relu_map()
    array[2, 3, 1] = bad
    with pytest.raises(fmq.InputError, match=r"1 .*2, 3, 1"):
        fmq.encode(array)
    saturated = fmq.Settings(nonfinite="saturate", nan_level=0)
    back = fmq.decode(fmq.encode(array, saturated))
    assert isinstance(back, np.ndarray)
    assert np.isfinite(back).all()


def network_after(layer: LayerType, following: LayerType) -> Network:
    """input → convolution → `layer` → `following`, with a second branch for a summation."""
    normalisation = BatchNormalisation((0.5, -0.5), (1.0, 4.0))
    made = Layer(
        layer,
        inputs=(1,),
        tensor="map",
        batch_normalisation=normalisation if layer is LayerType.BATCH_NORMALISATION else None,
    )
    after = Layer(following, inputs=(2, 1) if following is LayerType.SUMMATION else (2,))
    return Network(
        (Layer(LayerType.INPUT), Layer(LayerType.CONVOLUTION, inputs=(0,)), made, after), (3,)
    )


@pytest.mark.parametrize(
    ("layer", "following", "method", "distribution"),
    [
        (LayerType.ACTIVATION, LayerType.SUMMATION, "next_layer", "laplace"),
        (LayerType.ACTIVATION, LayerType.POOLING, "next_layer", "gaussian"),
        (LayerType.BATCH_NORMALISATION, LayerType.SUMMATION, "next_layer", "laplace"),
        (LayerType.BATCH_NORMALISATION, LayerType.SUMMATION, "previous_layer", "gaussian"),
        (LayerType.ACTIVATION, LayerType.SUMMATION, "previous_layer", "laplace"),
        (LayerType.ACTIVATION, LayerType.POOLING, "previous_layer", "gaussian"),
        (LayerType.BATCH_NORMALISATION, LayerType.POOLING, "uniform_first", "gaussian"),
        (LayerType.ACTIVATION, LayerType.SUMMATION, "uniform_first", "laplace"),
    ],
)
def test_the_decoder_derives_what_the_structure_tells(
    layer: LayerType, following: LayerType, method: str, distribution: str
) -> None:
    network = network_after(layer, following)
    array = np.random.default_rng(2).normal(0.5, 2, (6, 6, 2)).astype(np.float32)
    uniform_first = False if method == "uniform_first" else None
    options = fmq.Settings(method=method, network=network, uniform_first=uniform_first)
    data = fmq.encode({"map": array}, options)
    stream = fmq.read_stream(data)
    header = stream.tensors[0].header
    assert header.quantizer is not None
    assert (header.method, header.quantizer.distribution) == (method, distribution)
    assert stream.structure == network
    from_normalisation = layer is LayerType.BATCH_NORMALISATION and distribution == "gaussian"
    assert header.parameters_sent != from_normalisation
    agreed = fmq.Settings(
        method=method, network=network, uniform_first=uniform_first, send_structure=False
    )
    shorter = fmq.encode({"map": array}, agreed)
    assert len(shorter) < len(data)
    np.testing.assert_array_equal(
        fmq.decode(shorter, network=network)["map"], fmq.decode(data)["map"]
    )
    with pytest.raises(fmq.BitstreamError, match="network="):
        fmq.decode(shorter)
    with pytest.raises(fmq.BitstreamError, match="not the one"):
        fmq.decode(shorter, network=network_after(LayerType.POOLING, LayerType.POOLING))


def test_uniform_first_is_signalled() -> None:
    network = network_after(LayerType.BATCH_NORMALISATION, LayerType.POOLING)
    options = fmq.Settings(method="uniform_first", network=network, uniform_first=True)
    header = fmq.read_stream(fmq.encode({"map": relu_map()}, options)).tensors[0].header
    assert header.quantizer is not None
    assert header.quantizer.distribution == "uniform"


def test_a_graph_of_networks_travels_in_the_stream() -> None:
    first = network_after(LayerType.ACTIVATION, LayerType.ACTIVATION)
    second = Network((Layer(LayerType.INPUT), Layer(LayerType.SUMMATION, inputs=(0, 0))), (1,))
    graph = NetworkGraph((first, second, second), (Joint(0, 0, 1, 0), Joint(0, 0, 2, 0)))
    options = fmq.Settings(method="next_layer", network=graph, layers={"joint": 3})
    stream = fmq.read_stream(fmq.encode({"joint": relu_map()}, options))
    assert stream.structure == graph
    assert stream.tensors[0].header.quantizer is not None
    assert stream.tensors[0].header.quantizer.distribution == "laplace"


def test_unknown_names_are_answered_with_the_nearest() -> None:
    network = network_after(LayerType.ACTIVATION, LayerType.POOLING)
    with pytest.raises(fmq.InputError, match="map"):
        fmq.encode({"mapp": relu_map()}, fmq.Settings(method="next_layer", network=network))
    with pytest.raises(fmq.InputError, match="left"):
        fmq.encode(
            {"lefft": relu_map()}, fmq.Settings(quantizer={"left": fmq.Quantizer.laplace(1)})
        )
    with pytest.raises(fmq.InputError, match="histogram"):
        fmq.Settings(method="histogramm")
    with pytest.raises(fmq.InputError, match="structure of the network"):
        fmq.Settings(method="next_layer")


def test_wrong_input_is_refused() -> None:
    for bad, message in [
        (np.zeros(3, np.int64), "int64"),
        (np.array(["a"]), "str"),
        (np.zeros(3, complex), "complex"),
        ({}, "at least one"),
        (np.zeros((1,) * 9, np.float32), "8 axes"),
    ]:
        with pytest.raises(fmq.InputError, match=message) as error:
            fmq.encode(bad)
        assert error.value.exit_status == 2
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.int8), (1 << 29,), (0,))
    with pytest.raises(fmq.InputError, match="split it"):
        fmq.encode(huge)


def test_every_prefix_and_every_flipped_bit_is_refused() -> None:
    data = fmq.encode({"x": relu_map((3, 3, 2)), "y": np.int8([1, 2, 3])})
    for size in range(len(data)):
        with pytest.raises(fmq.BitstreamError):
            fmq.decode(data[:size])
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(fmq.BitstreamError):
            fmq.decode(bytes(flipped))
    with pytest.raises(fmq.BitstreamError):
        fmq.decode(data + b"\0")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_hostile_streams_with_a_right_checksum_end_in_an_error_or_a_map(
    data: st.DataObject,
) -> None:
    source = fmq.encode({"x": relu_map((3, 3, 2)), "y": np.int8([1, 2, 3])})[:-4]
    body = bytearray(source)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(2, len(body) - 1))] = data.draw(st.integers(0, 255))
    body = body[: data.draw(st.integers(4, len(body)))]
    try:
        fmq.decode(with_checksum(bytes(body)), max_elements=1 << 16)
    except fmq.BitstreamError as error:
        assert error.exit_status == 2


def test_memory_is_bounded_by_what_the_caller_allows() -> None:
    data = fmq.encode({"a": relu_map((10, 10)), "b": relu_map((10, 10))})
    with pytest.raises(fmq.BitstreamError, match="max_elements"):
        fmq.decode(data, max_elements=199)
    assert len(fmq.decode(data, max_elements=200)) == 2


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=5),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    ),
    st.integers(2, 16),
    st.sampled_from(["floor", "centre"]),
)
def test_any_map_decodes_to_the_reference(array: np.ndarray, depth: int, rounding: str) -> None:
    data = fmq.encode(array, fmq.Settings(bit_depth=depth, rounding=rounding))
    assert fmq.encode(array, fmq.Settings(bit_depth=depth, rounding=rounding)) == data
    quantizer = fmq.read_stream(data).tensors[0].header.quantizer
    assert quantizer is not None
    expected = fmq.reference.dequantize(quantizer, fmq.reference.quantize(quantizer, array))
    np.testing.assert_array_equal(fmq.decode(data), expected)
