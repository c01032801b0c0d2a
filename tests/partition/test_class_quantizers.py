"""What classes are quantized by: steps, companding, vectors; and their joint levels."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.partition import OWN, Partition, Step
from fmq_embedded.partition.vectors import trained_codebook
from fmq_embedded.quantizers import Quantizer, reference
from fmq_embedded.quantizers.companding import Compander
from fmq_embedded.quantizers.densities import Laplace
from fmq_embedded.quantizers.fitting import lloyd_max
from fmq_embedded.quantizers.vector import VectorQuantizer

BASE = Quantizer.uniform(0, 8, 6)


def test_a_step_of_an_octave_is_exactly_twice_as_wide() -> None:
    for base in (BASE, Quantizer.laplace(3, 7, rounding="centre", rounding_offset=0.3)):
        assert Step(4).of(base).step_size == 2 * base.step_size
        assert Step(-8).of(base).step_size == base.step_size / 4
    assert Step(4).of(BASE).rounding_offset == 1.0
    centred = Quantizer.laplace(3, 7, rounding="centre", rounding_offset=0.3)
    assert Step(4).of(centred).rounding_offset == centred.rounding_offset
    assert OWN.of(BASE) is BASE


def test_a_quarter_octave_is_the_products_nearest_float32() -> None:
    base = Quantizer.uniform(0, 8, 6, step_size=1.1, rounding_offset=0.45)
    root = Fraction(float(np.float32(2**0.25)))
    stepped = Step(5).of(base)
    exact = Fraction(base.step_size) * root * 2
    for value in (stepped.step_size, Fraction(base.rounding_offset) * root * 2):
        assert float(np.float32(float(value))) in (stepped.step_size, stepped.rounding_offset)
    assert abs(Fraction(stepped.step_size) - exact) <= Fraction(stepped.step_size) / 2**24


def test_steps_round_in_their_middle() -> None:
    samples = np.linspace(0, 8, 4001, dtype=np.float32)
    for exponent in (0, 1, 2, 3, 4, 7):
        quantizer = Step(exponent).of(BASE)
        width = 8 / 63 * quantizer.step_size
        back = quantizer.dequantize(quantizer.quantize(samples))
        assert np.abs(back - samples).max() <= 0.5001 * width


def test_steps_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="65"):
        Step(65)
    with pytest.raises(InputError, match="explicit"):
        Step(1).of(Quantizer.explicit([0.5], [0, 1]))


@pytest.mark.parametrize(
    "compander",
    [
        Compander("mu_law", 4, 255, 0, 6),
        Compander("mu_law", 5, 50, -3, 2),
        Compander("power", 6, 0.5, 0, 1),
        Compander("power", 3, 2, -1, 7.5),
        Compander("mu_law", 1, 1, 2, 5),
    ],
)
def test_companding_tables_are_the_function_rounded_once(compander: Compander) -> None:
    top = (1 << compander.bit_depth) - 1
    reach = max(abs(compander.minimum), abs(compander.maximum))
    p = compander.parameter

    def forward(x: float) -> float:
        y = (
            math.log1p(p * abs(x)) / math.log1p(p)
            if compander.function == "mu_law"
            else abs(x) ** p
        )
        return math.copysign(y, x)

    def inverse(y: float) -> float:
        if compander.function == "mu_law":
            return math.copysign(math.expm1(abs(y) * math.log1p(p)) / p, y)
        return math.copysign(abs(y) ** (1 / p), y)

    low, high = forward(compander.minimum / reach), forward(compander.maximum / reach)
    quantizer = compander.quantizer
    assert quantizer.values is not None
    assert quantizer.thresholds is not None
    assert (quantizer.values[0], quantizer.values[-1]) == (compander.minimum, compander.maximum)
    for level in range(top + 1):
        expected = reach * inverse(low + (high - low) * level / top)
        assert quantizer.values[level] == pytest.approx(expected, rel=2**-23, abs=1e-7)
    for level in range(1, top + 1):
        expected = reach * inverse(low + (high - low) * (level - 0.5) / top)
        assert quantizer.thresholds[level - 1] == pytest.approx(expected, rel=2**-23, abs=1e-7)


def test_a_square_law_is_exact() -> None:
    # values R·(l/L)², thresholds R·((2l − 1)/(2L))²: rationals, which float64 rounds the same way
    quantizer = Compander("power", 4, 0.5, 0, 225).quantizer
    assert quantizer.values == tuple(float(level * level) for level in range(16))
    assert quantizer.thresholds == tuple((level - 0.5) ** 2 for level in range(1, 16))


def test_companders_that_cannot_be_are_refused() -> None:
    for arguments in [
        ("sine", 4, 1, 0, 1),
        ("mu_law", 0, 1, 0, 1),
        ("mu_law", 11, 1, 0, 1),
        ("mu_law", 4, 0, 0, 1),
        ("power", 4, 17, 0, 1),
        ("power", 4, 1, 1, 1),
        ("power", 4, 1, 0, math.inf),
        ("power", 4, math.nan, 0, 1),
    ]:
        with pytest.raises(InputError):
            Compander(*arguments)  # type: ignore[arg-type]


def test_companding_fitted_to_the_distribution_beats_a_uniform_class() -> None:
    samples = np.random.default_rng(0).laplace(0, 1, (16, 16, 8)).astype(np.float32)
    fitted = lloyd_max(Laplace(1.0), 4)
    reach = float(np.abs(samples).max())
    errors = []
    for chosen in (fitted, Compander("mu_law", 4, 20, -reach, reach),
                   Quantizer.uniform(-reach, reach, 4)):  # fmt: skip
        partition = Partition.of_channels(samples.shape, BASE, (chosen,), np.zeros(8, np.uint8))
        back = partition.dequantize(partition.quantize(samples))
        errors.append(float(((back - samples) ** 2).sum()))
    assert errors[0] < errors[1] < errors[2]


def test_the_nearest_codeword_with_ties_to_the_lowest_index() -> None:
    generator = np.random.default_rng(1)
    for dimension in (2, 3, 8):
        book = generator.integers(0, 9, (40, dimension))
        vectors = generator.integers(0, 9, (500, dimension))
        quantizer = VectorQuantizer(tuple(map(tuple, book.tolist())))
        distances = ((vectors[:, None].astype(int) - book) ** 2).sum(axis=2)
        np.testing.assert_array_equal(quantizer.nearest(vectors), distances.argmin(axis=1))
    far = VectorQuantizer(((0,) * 8, (65535,) * 8, (65534,) * 8))
    assert far.nearest(np.array([[65535] * 8, [65534] * 8, [1] * 8])).tolist() == [1, 2, 0]


def test_codebooks_that_cannot_be_are_refused() -> None:
    for codewords in [(), ((1,),), ((1,) * 9,), ((1, 2), (1, 2, 3)), ((-1, 0),), ((65536, 0),)]:
        with pytest.raises(InputError):
            VectorQuantizer(codewords)
    with pytest.raises(InputError, match="64"):
        Partition.of_channels(
            (2, 2, 4), BASE, (VectorQuantizer(((64, 0),)),), np.zeros(4, np.uint8)
        )
    with pytest.raises(InputError, match="at least one"):
        trained_codebook(np.zeros((0, 2), np.uint16), 4)


def test_vectors_are_consecutive_members_at_one_position() -> None:
    book = VectorQuantizer(((0, 0), (10, 20), (30, 0), (50, 50)))
    classes = (OWN, book)
    step = 8 / 63
    samples = np.array([[[10, 5, 20, 30]]], np.float32) * np.float32(step)
    samples = np.repeat(samples, 2, axis=1)  # 1 × 2 × 4
    partition = Partition.of_channels((1, 2, 4), BASE, classes, [1, 0, 1, 1])
    joint = partition.quantize(samples)
    # members 10, 20 | 30 and a filling of 0; the second member of each vector codes nothing
    assert joint[0, 0].tolist() == [1, 5, 0, 2]
    levels = BASE.quantize(partition.dequantize(joint))
    assert levels[0, 1].tolist() == [10, 5, 20, 30]
    wrong = joint.copy()
    wrong[0, 0, 2] = 1
    with pytest.raises(BitstreamError, match="of its own"):
        partition.dequantize(wrong)


def test_a_trained_codebook_fits_its_vectors() -> None:
    generator = np.random.default_rng(0)
    centres = np.array([[0, 0, 0, 0], [40, 10, 0, 5], [10, 60, 30, 0]])
    drawn = centres[generator.choice(3, 900, p=[0.7, 0.2, 0.1])]
    vectors = np.clip(drawn + generator.integers(-2, 3, drawn.shape), 0, 63)
    book = trained_codebook(vectors, 3)
    found = np.array(book.codewords)
    assert np.abs(found - np.clip(centres, 1, None)).max() <= 1
    assert len(trained_codebook(np.array([[1, 2], [1, 2], [3, 4]]), 8).codewords) == 2
    more = [
        ((vectors - trained_codebook(vectors, n).levels(trained_codebook(vectors, n).nearest(
            vectors)).astype(int)) ** 2).sum() for n in (3, 16, 64)
    ]  # fmt: skip
    assert more[0] > more[1] > more[2]


def test_joint_levels_share_a_centre_and_fit_their_depth() -> None:
    classes = (OWN, Step(4), Quantizer.uniform(-2, 6, 4), Quantizer.laplace(3, 5))
    base = Quantizer.laplace(4, 6)
    partition = Partition.of_channels((3, 3, 4), base, classes, [0, 1, 2, 3])
    zeros = partition.quantize(np.zeros((3, 3, 4), np.float32))
    assert set(zeros.reshape(-1).tolist()) == {partition.joint_centre}
    huge = partition.quantize(np.full((3, 3, 4), 1e30, np.float32))
    small = partition.quantize(np.full((3, 3, 4), -1e30, np.float32))
    assert int(huge.max()) < 1 << partition.bit_depth
    assert int(huge.max()) >= 1 << (partition.bit_depth - 1)
    assert int(small.min()) >= 0
    for index, chosen in enumerate(partition.quantizers):
        samples = np.random.default_rng(0).normal(0, 3, (3, 3, 4)).astype(np.float32)
        expected = reference.dequantize(chosen, reference.quantize(chosen, samples))
        back = partition.dequantize(partition.quantize(samples))
        np.testing.assert_array_equal(back[..., index], expected[..., index])


def test_the_centre_that_is_sent_is_every_classs_centre() -> None:
    base = Quantizer.uniform(-1, 3, 6)
    classes = (OWN, Step(6))
    partition = Partition.of_channels((2, 2, 2), base, classes, [0, 1], centre=40)
    value = base.dequantize(np.array([40]))[0]
    joint = partition.quantize(np.full((2, 2, 2), value, np.float32))
    assert set(joint.reshape(-1).tolist()) == {partition.joint_centre}


def test_a_level_that_a_class_lacks_is_an_error() -> None:
    partition = Partition.of_channels((1, 2, 2), BASE, (OWN, Quantizer.uniform(0, 8, 4)), [0, 1])
    joint = np.full((1, 2, 2), 40, np.uint16)  # the second class ends at 15
    with pytest.raises(BitstreamError, match="class 1"):
        partition.dequantize(joint)


def test_joint_levels_of_more_than_16_bits_are_refused() -> None:
    classes = (Quantizer.uniform(-1, 0, 16), Quantizer.uniform(0, 1, 16))
    with pytest.raises(InputError, match="17 bits"):
        Partition.of_channels((1, 2, 2), BASE, classes, [0, 1])
