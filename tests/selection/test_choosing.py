"""The encoder's choice: the distribution, the parameters, what is sent, and the reasons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.fitting import loading_factor
from fmq_embedded.selection import (
    UniformFirst,
    batch_normalisation_quantizer,
    choose,
    mirror,
    quantizer_of_moments,
)
from fmq_embedded.selection.moments import Moments
from fmq_embedded.structure import BatchNormalisation, Layer, LayerType, Network, features

NORMALISATION = BatchNormalisation((0.0, 2.0), (1.0, 3.0))  # together: mean 1, variance 3
NETWORK = Network(
    layers=(
        Layer(LayerType.INPUT),
        Layer(LayerType.CONVOLUTION, inputs=(0,)),
        Layer(LayerType.BATCH_NORMALISATION, inputs=(1,), batch_normalisation=NORMALISATION),
        Layer(LayerType.ACTIVATION, "relu", inputs=(2,)),
        Layer(LayerType.CONVOLUTION, inputs=(3,)),
        Layer(LayerType.SUMMATION, "concatenation", inputs=(0, 4)),
        Layer(LayerType.BATCH_NORMALISATION, inputs=(5,)),
        Layer(LayerType.ACTIVATION, inputs=(6,)),
    ),
    outputs=(7,),
)
RNG = np.random.default_rng(0)
SAMPLES = {
    "gaussian": RNG.normal(1.5, 2, (20, 20, 20)).astype(np.float32),
    "laplace": RNG.laplace(0, 2, (20, 20, 20)).astype(np.float32),
    "uniform": RNG.uniform(-1, 3, (20, 20, 20)).astype(np.float32),
}
RELU = np.maximum(SAMPLES["gaussian"] - 2, 0)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("count", [1000, 8000])
def test_by_histogram(name: str, count: int) -> None:
    decision, quantizer = choose(SAMPLES[name].ravel()[:count], method="histogram")
    assert decision.distribution == quantizer.distribution == name
    assert (
        decision.signalled
        == {
            "gaussian": (True,),
            "laplace": (False, True),
            "uniform": (False, False),
        }[name]
    )
    assert mirror("histogram", decision.signalled) == name
    assert decision.parameters_signalled
    assert decision.histogram is not None and decision.histogram.moments.count == count
    assert "similarity with the Gaussian 0." in decision.why
    assert str(decision.histogram) in str(decision)


def test_by_histogram_on_codes() -> None:
    codes = np.clip(np.round(SAMPLES["laplace"] / 0.25), -128, 127).astype(np.int8)
    decision, quantizer = choose(FeatureMap(codes, 0.25), method="histogram")
    assert decision.distribution == "laplace"
    expected = choose(codes.astype(np.float32) * np.float32(0.25), method="histogram")[1]
    assert quantizer == expected


def test_a_relu_map_is_uniform_by_histogram() -> None:
    decision, quantizer = choose(RELU, method="histogram")
    assert quantizer == Quantizer.uniform(0.0, float(RELU.max()))
    assert decision.distribution == "uniform"


@pytest.mark.parametrize("value", [0.0, -3.1, 1e-40])
@pytest.mark.parametrize("method", ["histogram", "next_layer", "summed"])
def test_a_constant_map_comes_back(value: float, method: str) -> None:
    samples = np.full((4, 4), value, np.float32)
    place: dict[str, Any] = {"method": method}
    if method != "histogram":
        place = {
            "method": "next_layer",
            "features": features(NETWORK, 4 if method == "summed" else 1),
        }
    quantizer = choose(samples, **place)[1]
    assert np.array_equal(quantizer.dequantize(quantizer.quantize(samples)), samples)


def test_an_empty_map() -> None:
    decision, quantizer = choose(np.zeros((0, 3), np.float32), method="histogram")
    assert decision.distribution == "uniform"
    assert quantizer.quantize(np.zeros((0, 3), np.float32)).shape == (0, 3)


@pytest.mark.parametrize(
    ("method", "layer", "distribution"),
    [
        ("next_layer", 1, "gaussian"),
        ("next_layer", 2, "gaussian"),
        ("next_layer", 4, "laplace"),
        ("previous_layer", 2, "gaussian"),
        ("previous_layer", 3, "gaussian"),
        ("previous_layer", 4, "laplace"),
        ("previous_layer", 0, "laplace"),
    ],
)
def test_by_structure(method: str, layer: int, distribution: str) -> None:
    place = features(NETWORK, layer)
    decision, quantizer = choose(SAMPLES["uniform"], method=method, features=place)
    assert decision.distribution == quantizer.distribution == distribution
    assert decision.signalled == ()
    assert mirror(method, decision.signalled, place) == distribution
    blind, same = choose(
        SAMPLES["uniform"], method=method, features=place, decoder_has_structure=False
    )
    assert same == quantizer
    assert blind.parameters_signalled
    assert mirror(method, blind.signalled) == distribution


def test_a_summation_is_explained() -> None:
    decision, _ = choose(RELU, method="previous_layer", features=features(NETWORK, 4))
    assert "concatenation of layers 0, 4" in decision.why
    assert decision.features is not None
    assert decision.features.summation_kind == "concatenation"
    assert decision.features.summed_indices == (0, 4)


@pytest.mark.parametrize("span", ["fitted", "literal"])
def test_batch_normalisation_gives_the_parameters(span: Any) -> None:
    place = features(NETWORK, 2)
    decision, quantizer = choose(
        SAMPLES["uniform"], method="previous_layer", features=place, bit_depth=6, span=span
    )
    assert not decision.parameters_signalled
    assert quantizer == batch_normalisation_quantizer(place, 6, span)
    width = loading_factor("gaussian", 6) * math.sqrt(3) if span == "fitted" else None
    assert quantizer == Quantizer.gaussian(1.0, 3.0, 6, span=width)
    # No statistics are needed, so other samples give the same quantizer.
    assert quantizer == choose(RELU, method="next_layer", features=place, bit_depth=6, span=span)[1]


def test_batch_normalisation_of_unknown_parameters_is_measured_and_sent() -> None:
    place = features(NETWORK, 6)
    decision, quantizer = choose(SAMPLES["gaussian"], method="previous_layer", features=place)
    assert decision.parameters_signalled
    assert quantizer.origin == pytest.approx(1.5, abs=0.1)
    with pytest.raises(InputError, match="parameters"):
        batch_normalisation_quantizer(place, 8)


@pytest.mark.parametrize("used", [False, True])
def test_uniform_first(used: bool) -> None:
    place = features(NETWORK, 4)
    expected = "uniform" if used else "laplace"
    for rule, sent in (
        (used, (used,)),
        (UniformFirst("user", used), (used,)),
        (UniformFirst("agreement", used), ()),
        (UniformFirst("layers", layers=frozenset({4} if used else {5})), ()),
    ):
        decision, quantizer = choose(
            RELU, method="uniform_first", features=place, uniform_first=rule
        )
        assert decision.distribution == quantizer.distribution == expected
        assert decision.signalled == sent
        agreed = rule if isinstance(rule, UniformFirst) else None
        assert mirror("uniform_first", sent, place, agreed) == expected


def test_one_bit_and_no_structure_when_uniform_comes_first() -> None:
    decision, quantizer = choose(RELU, method="uniform_first", uniform_first=True, bit_depth=1)
    assert quantizer.bit_depth == 1
    assert decision.signalled == (True,)


def test_spans() -> None:
    gaussian, laplace = SAMPLES["gaussian"], SAMPLES["laplace"]
    at = features(NETWORK, 1), features(NETWORK, 4)

    def widths(bit_depth: int, span: Any) -> tuple[float, float]:
        quantizers = [
            choose(samples, method="next_layer", features=place, bit_depth=bit_depth, span=span)[1]
            for samples, place in zip((gaussian, laplace), at, strict=True)
        ]
        return quantizers[0].parameters[-1], quantizers[1].parameters[-1]

    mean, deviation = gaussian.mean(dtype=float), gaussian.std(dtype=float)
    scale = math.sqrt(np.mean(laplace.astype(float) ** 2) / 2)
    assert widths(8, "literal") == pytest.approx((deviation**2, scale), rel=1e-6)
    # At 3 bits the loading factor decides, at 16 the farthest sample does.
    assert widths(3, "fitted") == pytest.approx((1.8055 * deviation, 3.2348 * scale), rel=1e-5)
    farthest = float(np.abs(gaussian - mean).max()), float(np.abs(laplace).max())
    assert widths(16, "fitted") == pytest.approx(farthest, rel=1e-6)


@pytest.mark.parametrize("bit_depth", [3, 5, 8])
def test_fitted_spans_beat_the_literal_ones(bit_depth: int) -> None:
    for layer, name in ((1, "gaussian"), (4, "laplace")):
        samples, place = SAMPLES[name], features(NETWORK, layer)
        errors = {}
        for span in ("fitted", "literal"):
            quantizer = choose(
                samples, method="next_layer", features=place, bit_depth=bit_depth, span=span
            )[1]
            back = quantizer.dequantize(quantizer.quantize(samples))
            errors[span] = float(np.mean((back - samples) ** 2))
        assert errors["fitted"] < errors["literal"]


def test_rounding_reaches_the_quantizer() -> None:
    for layer in (1, 2, 4):
        place = features(NETWORK, layer)
        quantizer = choose(RELU, method="next_layer", features=place, rounding="centre")[1]
        assert quantizer.rounding == "centre"


def test_huge_samples_keep_a_fitted_span() -> None:
    known = Moments(2, 0, -1e30, 1e30, 0, 2 * int(1e30) ** 2 << 298)
    assert quantizer_of_moments("gaussian", known, 8).parameters == pytest.approx((0, 1e30))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "histograms"}, "histogram"),
        ({"method": "next_layer"}, "features"),
        ({"method": "histogram", "uniform_first": True}, "uniform_first"),
        ({"method": "uniform_first"}, "uniform_first"),
        ({"method": "histogram", "bit_depth": 1}, "bit_depth"),
        ({"method": "histogram", "span": "wide"}, "fitted"),
    ],
)
def test_bad_calls(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose(RELU, **arguments)


def test_nonfinite_samples() -> None:
    for method in ("histogram", "next_layer"):
        with pytest.raises(InputError, match="NaN"):
            choose(np.array([1, np.nan], np.float32), method=method, features=features(NETWORK, 1))
