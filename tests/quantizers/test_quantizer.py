"""What a quantizer takes, gives and refuses."""

import pickle

import numpy as np
import pytest

from fmq_embedded import FeatureMap, InputError
from fmq_embedded.quantizers import Quantizer, reference
from fmq_embedded.quantizers.prepared import prepared
from fmq_embedded.quantizers.samples import SampleType

NORMAL = np.random.default_rng(5).normal(size=(6, 7, 8)).astype(np.float32)
ALL = [
    Quantizer.uniform(-2, 2),
    Quantizer.uniform(-2, 2, 1),
    Quantizer.uniform(-2, 2, 12, step_size=3.0, rounding_offset=0.0),
    Quantizer.gaussian(0.5, 1.5),
    Quantizer.gaussian(0.5, 1.5, 16, span=3.0, rounding="centre"),
    Quantizer.laplace(2.0, 5),
    Quantizer.laplace(2.0, 2, rounding="centre", rounding_offset=0.0),
    Quantizer.explicit([-1.0, 0.0, 0.0], [-2.0, -0.5, 0.25, 1.0]),
]


@pytest.mark.parametrize("bit_depth", range(1, 17))
def test_every_bit_depth(bit_depth):
    quantizer = Quantizer.uniform(-1, 1, bit_depth)
    samples = np.float32([-5, -1, 1, 5])
    top = 2**bit_depth - 1
    levels = quantizer.quantize(samples)
    assert levels.tolist() == [0, 0, top, top]
    assert levels.dtype == (np.uint8 if bit_depth <= 8 else np.uint16)
    assert quantizer.dequantize(levels).tolist() == [-1, -1, 1, 1]


@pytest.mark.parametrize("quantizer", ALL, ids=range(len(ALL)))
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "int8", "uint8", "int16"])
def test_any_layout_gives_the_same_levels(quantizer, dtype):
    meaning = {} if dtype.startswith("float") else {"scale": 0.03, "zero_point": 3}
    samples = (NORMAL * (1 if not meaning else 30)).astype(dtype)
    expected = reference.quantize(quantizer, samples, **meaning)
    for layout in (
        samples,
        np.asfortranarray(samples),
        np.repeat(samples, 2, axis=1)[:, ::2],
        samples[::-1, :, ::-1][::-1, :, ::-1],
        samples.astype(samples.dtype.newbyteorder(">")),
        np.frombuffer(b"\0" + samples.tobytes(), np.uint8)[1:].view(dtype).reshape(samples.shape),
    ):
        levels = quantizer.quantize(layout, **meaning)
        assert levels.flags.c_contiguous and levels.shape == samples.shape
        np.testing.assert_array_equal(levels, expected)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1, 1), (5, 0, 2), (33,)])
def test_shapes_are_kept(shape):
    quantizer = Quantizer.uniform(0, 1, rounding_offset=0.0)
    levels = quantizer.quantize(np.full(shape, 0.5, np.float32))
    assert levels.shape == shape and np.all(levels == 127)
    assert quantizer.dequantize(levels).shape == shape


@pytest.mark.parametrize("count", [1, 31, 32, 33, 255, 256, 257, 1000])
def test_every_length_around_the_kernels_blocks(count):
    samples = np.random.default_rng(count).normal(size=count).astype(np.float32)
    for quantizer in ALL:
        np.testing.assert_array_equal(
            quantizer.quantize(samples), reference.quantize(quantizer, samples)
        )


@pytest.mark.parametrize("quantizer", ALL, ids=range(len(ALL)))
def test_samples_on_ties_and_far_outside(quantizer):
    """Blocks that the fast kernel cannot settle: all on boundaries, or beyond its range."""
    ties = np.arange(-600, 600, dtype=np.float32) / np.float32(64)
    large = np.float32([3.4e38, -3.4e38, 1e20, -1e20, 9.0, -9.0, 1e-45, -1e-45])
    samples = np.concatenate((ties, np.tile(large, 70)))
    np.testing.assert_array_equal(
        quantizer.quantize(samples), reference.quantize(quantizer, samples)
    )


def test_feature_maps_bring_their_scale():
    quantizer = Quantizer.uniform(-1, 1)
    codes = np.arange(-128, 128).astype(np.int8)
    by_map = quantizer.quantize(FeatureMap(codes, 1 / 64, -3))
    np.testing.assert_array_equal(by_map, quantizer.quantize(codes, scale=1 / 64, zero_point=-3))
    with pytest.raises(InputError, match="brings its own"):
        quantizer.quantize(FeatureMap(codes, 1 / 64, -3), scale=2.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("quantizer", ALL, ids=range(len(ALL)))
def test_nonfinite_is_an_error_that_says_where(quantizer, dtype):
    samples = NORMAL.astype(dtype)
    samples[2, 3, 4] = np.nan
    samples[3, 0, 0] = -np.inf
    for quantize in (quantizer.quantize, lambda *given: reference.quantize(quantizer, *given)):
        with pytest.raises(InputError, match=r"2 of 336 samples .* index \(2, 3, 4\)"):
            quantize(samples)


@pytest.mark.parametrize("quantizer", [*ALL, Quantizer.uniform(2, 2)])
def test_nonfinite_saturates_when_asked(quantizer):
    samples = NORMAL.copy()
    samples.reshape(-1)[[1, 40, 335]] = [np.inf, -np.inf, np.nan]
    levels = quantizer.quantize(samples, nonfinite="saturate", nan_level=1).reshape(-1)
    top = 0 if quantizer.is_constant else quantizer.maximum_level
    assert levels[[1, 40, 335]].tolist() == [top, 0, 1]
    expected = reference.quantize(quantizer, samples, nonfinite="saturate", nan_level=1)
    np.testing.assert_array_equal(levels, expected.reshape(-1))
    with pytest.raises(InputError, match="nan_level=0"):
        quantizer.quantize(samples, nonfinite="saturate")
    with pytest.raises(InputError, match=r"0\.\."):
        quantizer.quantize(samples, nonfinite="saturate", nan_level=1 << 16)
    with pytest.raises(InputError, match="saturate"):
        quantizer.quantize(samples, nonfinite="saturated")


@pytest.mark.parametrize(
    "quantizer, constant",
    [
        (Quantizer.uniform(0.1, 0.1), 0.1),
        (Quantizer.gaussian(-3.3, 0.0), -3.3),
        (Quantizer.gaussian(1e-40, 5.0, span=0.0), 1e-40),
        (Quantizer.laplace(0.0), 0.0),
    ],
)
def test_zero_width_gives_level_0_and_the_constant_back(quantizer, constant):
    samples = np.float32([constant, -1e30, 1e30, 0])
    assert quantizer.quantize(samples).tolist() == [0, 0, 0, 0]
    assert quantizer.dequantize(np.arange(256)).tolist() == [float(np.float32(constant))] * 256
    assert quantizer.quantize(np.int8([-128, 127])).tolist() == [0, 0]
    assert quantizer.quantize(np.float64([1e300])).tolist() == [0]


def test_out_is_written_and_checked():
    quantizer = Quantizer.uniform(-2, 2)
    out = np.empty(NORMAL.shape, np.uint8)
    assert quantizer.quantize(NORMAL, out=out) is out
    np.testing.assert_array_equal(out, quantizer.quantize(NORMAL))
    samples = np.empty(NORMAL.shape, np.float32)
    assert quantizer.dequantize(out, out=samples) is samples
    read_only = np.empty(NORMAL.shape, np.uint8)
    read_only.flags.writeable = False
    for bad in (out[0], out.astype(np.uint16), np.asfortranarray(out), read_only):
        with pytest.raises(InputError, match="out must be"):
            quantizer.quantize(NORMAL, out=bad)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16, np.complex64, bool, object])
def test_other_sample_dtypes_are_refused(dtype):
    with pytest.raises(InputError, match="samples are float32"):
        ALL[0].quantize(np.zeros(3, dtype))


def test_levels_are_checked():
    quantizer = Quantizer.uniform(0, 1, 3)
    with pytest.raises(InputError, match=r"0\.\.7; got 8 at index \(1, 0\)"):
        quantizer.dequantize(np.array([[7], [8]]))
    with pytest.raises(InputError, match="got -1"):
        quantizer.dequantize(np.array([-1]))
    with pytest.raises(InputError, match="integers"):
        quantizer.dequantize(np.array([1.0]))
    with pytest.raises(InputError, match="int32"):
        quantizer.dequantize(np.array([1]), np.int32)
    for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int64, ">u2"):
        assert quantizer.dequantize(np.arange(8).astype(dtype)[::-1])[0] == 1


@pytest.mark.parametrize("quantizer", ALL, ids=range(len(ALL)))
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16"])
def test_dequantize_equals_the_reference(quantizer, dtype):
    levels = np.arange(quantizer.maximum_level + 1)
    meaning = {} if dtype == "float32" else {"scale": 0.05, "zero_point": 9}
    got = quantizer.dequantize(levels, dtype, **meaning)
    assert got.dtype == dtype
    assert got.tobytes() == reference.dequantize(quantizer, levels, dtype, **meaning).tobytes()


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: Quantizer.uniform(0, 1, 0), "bit_depth"),
        (lambda: Quantizer.uniform(0, 1, 17), "bit_depth"),
        (lambda: Quantizer.uniform(0, 1, 8.0), "bit_depth"),
        (lambda: Quantizer.gaussian(0, 1, 1), r"2\.\.16"),
        (lambda: Quantizer.laplace(1, 1), r"2\.\.16"),
        (lambda: Quantizer.uniform(1, 0), "minimum"),
        (lambda: Quantizer.uniform(0, np.nan), "maximum"),
        (lambda: Quantizer.uniform(0, 1e39), "maximum"),
        (lambda: Quantizer.uniform(0, "a"), "number"),
        (lambda: Quantizer.gaussian(0, -1), "variance"),
        (lambda: Quantizer.gaussian(0, 1, span=-1), "span"),
        (lambda: Quantizer.laplace(-1), "scale"),
        (lambda: Quantizer.laplace(3.4e38), "beyond float32"),
        (lambda: Quantizer.uniform(0, 1, step_size=0), "step_size"),
        (lambda: Quantizer.uniform(0, 1, step_size=1e-50), "step_size"),
        (lambda: Quantizer.uniform(0, 1, rounding_offset=1e6), "rounding_offset"),
        (lambda: Quantizer.laplace(1, rounding="centre", rounding_offset=1.0), "below 1"),
        (lambda: Quantizer.laplace(1, rounding="centre", rounding_offset=1 - 1e-9), "below 1"),
        (lambda: Quantizer.laplace(1, rounding="nearest"), "rounding"),
        (lambda: Quantizer.explicit([1, 0, 2], [0, 1, 2, 3]), "decrease"),
        (lambda: Quantizer.explicit([0, 1], [0, 1, 2]), "2\\^b"),
        (lambda: Quantizer.explicit([0, np.inf, np.inf], [0, 1, 2, 3]), "finite"),
        (lambda: Quantizer.explicit([], []), "bit_depth"),
        (lambda: Quantizer.explicit([0.0], [0, 1], "cauchy"), "distribution"),
    ],
)
def test_bad_parameters_are_refused(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_parameters_are_rounded_to_float32_once():
    quantizer = Quantizer.uniform(0.1, 0.7, step_size=1.1, rounding_offset=0.3)
    assert quantizer.parameters == (float(np.float32(0.1)), float(np.float32(0.7)))
    assert quantizer.step_size == float(np.float32(1.1))
    assert quantizer == Quantizer.uniform(
        np.float32(0.1), np.float32(0.7), step_size=np.float32(1.1), rounding_offset=0.3
    )
    assert hash(quantizer) == hash(pickle.loads(pickle.dumps(quantizer)))


def test_the_span_takes_the_place_of_the_variance():
    fitted = Quantizer.gaussian(1.0, 0.25, span=2.0)
    assert fitted.parameters == (1.0, 2.0) and fitted.span_is_fitted
    literal = Quantizer.gaussian(1.0, 2.0)
    assert not literal.span_is_fitted and literal != fitted
    np.testing.assert_array_equal(fitted.quantize(NORMAL), literal.quantize(NORMAL))


def test_explicit_levels_count_the_thresholds():
    quantizer = Quantizer.explicit([-1, 0, 0], [-2, -0.5, 0.25, 1])
    samples = np.float32([-1.0000001, -1, -0.0, 0.0, -1e-45, 5])
    assert quantizer.quantize(samples).tolist() == [0, 1, 3, 3, 1, 3]
    assert quantizer.dequantize(np.arange(4)).tolist() == [-2, -0.5, 0.25, 1]
    assert quantizer.quantize(np.int8([-2, -1, 0]), scale=0.75).tolist() == [0, 1, 3]


def test_equal_quantizers_share_what_was_made_of_one() -> None:
    made = []

    def make(quantizer: Quantizer, samples: SampleType) -> int:
        made.append(quantizer)
        return len(made)

    first, second = (Quantizer.gaussian(0.25, 0.0, 6, span=3.5) for _ in range(2))
    other = Quantizer.gaussian(0.25, 0.0, 6, span=3.25)
    float32 = SampleType("float32")
    assert [prepared(one, make, float32) for one in (first, second, first)] == [1, 1, 1]
    assert prepared(other, make, float32) == 2
    assert prepared(first, make, SampleType("int8", 0.5)) == 3
