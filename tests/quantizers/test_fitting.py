"""Fitted quantizers are as good as theory says they are, and keep what they promise of 0."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.densities import (
    Density,
    Gaussian,
    Histogram,
    Laplace,
    OneSidedLaplace,
    rate_and_distortion,
)
from fmq_embedded.quantizers.fitting import (
    entropy_constrained,
    fitted_offset,
    lagrangian_of_step,
    lloyd_max,
    loading_factor,
)

UNIT_LAPLACE = Laplace(math.sqrt(0.5))  # variance 1


def judged(density: Density, quantizer: Quantizer) -> tuple[float, float]:
    assert quantizer.thresholds is not None and quantizer.values is not None
    return rate_and_distortion(density, quantizer.thresholds, quantizer.values)


def grid_error(density: Density, span: float, bit_depth: int) -> float:
    """The squared error of Eq. 4–16 with step 1 and offset 1/2, written out independently."""
    centre, top = 2 ** (bit_depth - 1) - 1, 2**bit_depth - 1
    values = (np.arange(top + 1) - centre) / centre * span
    thresholds = (np.arange(1, top + 1) - 0.5 - centre) / centre * span
    return rate_and_distortion(density, thresholds, values)[1]


@pytest.mark.parametrize("bit_depth", [*range(2, 11), 13, 16])
@pytest.mark.parametrize(("name", "density"), [("gaussian", Gaussian()), ("laplace", Laplace())])
def test_loading_factors_give_the_least_error(name: str, density: Density, bit_depth: int) -> None:
    factor = loading_factor(name, bit_depth)
    least = grid_error(density, factor, bit_depth)
    for other in (factor * 0.99, factor * 1.01):
        assert least < grid_error(density, other, bit_depth)


@pytest.mark.parametrize(("name", "bit_depth"), [("uniform", 8), ("gaussian", 1), ("laplace", 17)])
def test_no_loading_factor(name: str, bit_depth: int) -> None:
    with pytest.raises(InputError):
        loading_factor(name, bit_depth)


@pytest.mark.parametrize(
    ("density", "bit_depth", "error"),
    [
        # Max 1960, table I, and Jayant and Noll, table 4.4
        (Gaussian(), 1, 0.3634),
        (Gaussian(), 2, 0.1175),
        (Gaussian(), 3, 0.03454),
        (Gaussian(), 4, 0.009497),
        (UNIT_LAPLACE, 1, 0.5000),
        (UNIT_LAPLACE, 2, 0.1762),
        (UNIT_LAPLACE, 3, 0.0545),
        (UNIT_LAPLACE, 4, 0.0154),
    ],
)
def test_lloyd_max_reaches_the_published_error(
    density: Density, bit_depth: int, error: float
) -> None:
    assert judged(density, lloyd_max(density, bit_depth))[1] == pytest.approx(error, rel=2e-3)


def test_lloyd_max_gives_the_published_quantizer() -> None:
    quantizer = lloyd_max(Gaussian(3.0, 4.0), 2)
    assert quantizer.thresholds == pytest.approx((3 - 2 * 0.9816, 3, 3 + 2 * 0.9816), abs=2e-3)
    assert quantizer.values == pytest.approx((-0.0208, 2.0944, 3.9056, 6.0208), abs=2e-3)
    assert quantizer.distribution == "gaussian"


def test_lloyd_max_at_high_rate_follows_panter_and_dite() -> None:
    error = judged(Gaussian(), lloyd_max(Gaussian(), 10))[1]
    assert error == pytest.approx(math.sqrt(3) * math.pi / 2 / 4**10, rel=0.02)


@pytest.mark.parametrize("density", [Gaussian(), UNIT_LAPLACE, OneSidedLaplace(1.0, 0.4)])
@pytest.mark.parametrize("step", [0.25, 1.0])
def test_entropy_constrained_beats_uniform_and_lloyd_max(density: Density, step: float) -> None:
    price = lagrangian_of_step(step)

    def cost(bits: float, error: float) -> float:
        return error + price * bits

    grid = step * np.arange(-40, 41)
    uniform = rate_and_distortion(density, grid[1:] - step / 2, grid)
    chosen = entropy_constrained(density, 8, price)
    assert cost(*judged(density, chosen)) < cost(*uniform)
    for bit_depth in (2, 4):
        assert cost(*judged(density, chosen)) < cost(
            *judged(density, lloyd_max(density, bit_depth))
        )


def test_entropy_constrained_at_high_rate_is_a_quarter_bit_from_the_bound() -> None:
    bits, error = judged(Gaussian(), entropy_constrained(Gaussian(), 10, lagrangian_of_step(0.1)))
    assert bits - 0.5 * math.log2(1 / error) == pytest.approx(0.2546, abs=0.005)


def test_more_levels_than_needed_are_never_reached() -> None:
    quantizer = entropy_constrained(Gaussian(), 6, lagrangian_of_step(1.0))
    samples = np.random.default_rng(1).normal(size=10000).astype(np.float32)
    used = np.unique(quantizer.quantize(samples))
    assert quantizer.bit_depth == 6
    assert used.size < 20
    assert used.max() < 20  # low levels are the ones in use


def test_estimates_are_what_samples_give() -> None:
    density = OneSidedLaplace(2.0, 0.5)
    quantizer = entropy_constrained(density, 4, lagrangian_of_step(1.0))
    rng = np.random.default_rng(2)
    samples = np.where(rng.random(200000) < 0.5, 0, rng.exponential(2.0, 200000)).astype(np.float32)
    levels = quantizer.quantize(samples)
    shares = np.bincount(levels) / levels.size
    shares = shares[shares > 0]
    bits, error = judged(density, quantizer)
    assert -np.sum(shares * np.log2(shares)) == pytest.approx(bits, rel=0.01)
    measured = np.mean((quantizer.dequantize(levels).astype(float) - samples) ** 2)
    assert measured == pytest.approx(error, rel=0.02)


@pytest.mark.parametrize("bit_depth", [1, 2, 6])
@pytest.mark.parametrize("step", [0.0, 0.5, 3.0])
@pytest.mark.parametrize(
    ("density", "keep_zero"),
    [
        (OneSidedLaplace(1.0, 0.5), None),
        (OneSidedLaplace(1.0, 0.0), None),
        (Gaussian(0.3, 1.0), True),
        (Laplace(2.0), True),
        (Gaussian(50.0, 1.0), True),
    ],
)
def test_zero_comes_back_as_zero(
    density: Density, keep_zero: bool | None, step: float, bit_depth: int
) -> None:
    quantizer = entropy_constrained(
        density, bit_depth, lagrangian_of_step(step), keep_zero=keep_zero
    )
    zeros = np.array([0.0, -0.0], np.float32)
    back = quantizer.dequantize(quantizer.quantize(zeros))
    assert back.view(np.uint32).tolist() == [0, 0]


def test_zero_is_not_kept_unasked_where_the_density_does_not_start_there() -> None:
    for density in (Gaussian(), Histogram([5.0, 6.0, 7.0], [1, 1])):
        values = lloyd_max(density, 2).values
        assert values is not None and 0.0 not in values


def test_a_histogram_of_samples_fits_as_their_model_does() -> None:
    samples = np.random.default_rng(3).laplace(0, UNIT_LAPLACE.scale, 100000)
    counts, edges = np.histogram(samples, 2000)
    for bit_depth in (2, 4):
        fitted = lloyd_max(Histogram(edges, counts), bit_depth)
        model = judged(UNIT_LAPLACE, lloyd_max(UNIT_LAPLACE, bit_depth))[1]
        assert judged(UNIT_LAPLACE, fitted)[1] == pytest.approx(model, rel=0.01)


@pytest.mark.parametrize(
    ("histogram", "width"),
    [(Histogram([0.0, 1.0], [0], zeros=9), 0.0), (Histogram([2.0, 2.5], [7]), 0.5)],
)
def test_a_histogram_in_one_place(histogram: Histogram, width: float) -> None:
    for bit_depth in (1, 8):
        error = judged(histogram, lloyd_max(histogram, bit_depth))[1]
        assert error == pytest.approx(width**2 / 12 / 4**bit_depth, rel=1e-3, abs=1e-12)


def test_histogram_moments_are_the_integrals() -> None:
    mass, first, second = Histogram([0.0, 1.0, 3.0], [1, 2], zeros=1).below(
        np.array([-1.0, 0.5, 2.0, math.inf])
    )
    assert mass == pytest.approx([0, 1 / 8, 1 / 2, 3 / 4])
    assert first == pytest.approx([0, 1 / 32, 1 / 8 + 3 / 8, 1 / 8 + 1])
    assert second == pytest.approx([0, 1 / 96, 1 / 12 + 7 / 12, 1 / 12 + 26 / 12])


@pytest.mark.parametrize("step", [0.5, 1.0, 2.0])
def test_a_fitted_offset_is_a_dead_zone_that_pays(step: float) -> None:
    price = lagrangian_of_step(step)
    offset = fitted_offset(UNIT_LAPLACE, step, price)
    assert 0 < offset < 0.5

    def cost(offset: float) -> float:
        outward = step * (np.arange(1, 60) - offset)
        thresholds = np.concatenate([-outward[::-1], outward])
        bits, error = rate_and_distortion(UNIT_LAPLACE, thresholds, step * np.arange(-59, 60))
        return error + price * bits

    assert cost(offset) < cost(0.5)
    assert cost(offset) <= min(cost(offset - 1 / 64), cost(offset + 1 / 64))


@pytest.mark.parametrize(
    ("bit_depth", "price"), [(0, 0.1), (17, 0.1), (8, -1.0), (8, math.nan), (8, math.inf)]
)
def test_bad_parameters(bit_depth: int, price: float) -> None:
    with pytest.raises(InputError):
        entropy_constrained(Gaussian(), bit_depth, price)


def test_bad_densities() -> None:
    for make in (
        lambda: Gaussian(0.0, 0.0),
        lambda: Laplace(-1.0),
        lambda: OneSidedLaplace(1.0, 1.0),
        lambda: Histogram([0.0, 1.0], [0]),
        lambda: Histogram([0.0, 1.0], [1, 2]),
        lambda: Histogram([1.0, 0.0], [1]),
        lambda: Histogram([0.0, 1.0, 2.0], [3, -1]),
    ):
        with pytest.raises(InputError):
            make()
