"""The choice is the cheapest that a criterion allows, and its estimates are what samples give."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.calibration import (
    candidates,
    choose_quantizers,
    collect,
    rated,
    relative_error,
    tensor_statistics,
)
from fmq_embedded.calibration.choice import clips
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.quantizers import Quantizer

RNG = np.random.default_rng(0)
Floats = npt.NDArray[np.float32]
MAPS: dict[str, Floats] = {
    "relu": np.maximum(RNG.laplace(0.1, 0.5, 12000), 0).astype(np.float32),
    "linear": RNG.laplace(0, 1, 4000).astype(np.float32),
}
STATISTICS = collect([MAPS])


def measured(samples: Floats, quantizer: Quantizer) -> tuple[float, float]:
    """Entropy of the levels and relative error, from the samples themselves."""
    levels = quantizer.quantize(samples)
    shares = np.bincount(levels.astype(np.int64)) / levels.size
    shares = shares[shares > 0]
    noise = quantizer.dequantize(levels).astype(float) - samples
    return -float(np.sum(shares * np.log2(shares))), float(
        np.sum(noise**2) / np.sum(samples.astype(float) ** 2)
    )


@pytest.mark.parametrize("name", MAPS)
def test_estimates_are_what_samples_give(name: str) -> None:
    for candidate in candidates(STATISTICS[name], (1, 2, 5, 8)):
        bits, error = measured(MAPS[name], candidate.quantizer)
        assert candidate.bits == pytest.approx(bits, abs=0.01), str(candidate)
        assert candidate.relative_error == pytest.approx(error, rel=0.03), str(candidate)


def test_every_kind_is_among_the_candidates() -> None:
    made = candidates(STATISTICS["linear"], (4,))
    assert [candidate.kind.split(" for ")[0] for candidate in made] == [
        "uniform",
        "uniform, 99.99% kept",
        "uniform, 99.90% kept",
        "uniform, 99.00% kept",
        "gaussian",
        "laplace",
        "entropy-constrained",
        "entropy-constrained",
    ]
    assert all(candidate.quantizer.bit_depth == 4 for candidate in made)
    assert {c.quantizer.distribution for c in candidates(STATISTICS["linear"], (1,))} == {"uniform"}


def test_a_clipped_range_keeps_its_share_and_the_end_at_zero() -> None:
    for name, low in (("relu", 0.0), ("linear", None)):
        clipped = next(c for c in candidates(STATISTICS[name], (8,)) if "99.00" in c.kind)
        minimum, maximum = clipped.quantizer.parameters
        samples = MAPS[name]
        kept = np.mean((samples >= minimum) & (samples <= maximum))
        assert kept == pytest.approx(0.99, abs=0.002)
        assert low is None or minimum == low


@pytest.mark.parametrize("value", [0.0, -2.5])
def test_a_constant_tensor_costs_nothing(value: float) -> None:
    known = tensor_statistics(np.full(50, value, np.float32))
    report = choose_quantizers({"t": known}, (4, 8), 1e-6)
    chosen = report.choices[0].chosen
    assert chosen.bits == 0
    back = chosen.quantizer.dequantize(chosen.quantizer.quantize(np.array([value], np.float32)))
    assert back[0] == pytest.approx(value, rel=1e-6)


def test_one_tensor_gets_the_cheapest_that_passes() -> None:
    known = {"linear": STATISTICS["linear"]}
    made = candidates(known["linear"], range(1, 6))
    for limit in (0.3, 0.01):
        report = choose_quantizers(known, range(1, 6), limit)
        passing = [candidate for candidate in made if candidate.relative_error <= limit]
        assert report.choices[0].chosen.bits == min(c.bits for c in passing)
        assert report.change == report.choices[0].chosen.relative_error <= limit


def test_a_task_criterion_decides() -> None:
    """A tail that only looks at the ReLU map: the linear one is given the least."""
    calls: list[Mapping[str, Quantizer]] = []

    def evaluate(quantizers: Mapping[str, Quantizer]) -> float:
        calls.append(quantizers)
        samples = MAPS["relu"]
        quantizer = quantizers["relu"]
        change = quantizer.dequantize(quantizer.quantize(samples)).mean() - samples.mean()
        return abs(float(change))

    report = choose_quantizers(STATISTICS, range(1, 6), 0.004, evaluate)
    assert report.change == evaluate(report.quantizers) <= 0.004
    by_name = {choice.tensor: choice for choice in report.choices}
    assert list(by_name) == ["relu", "linear"]
    cheapest = min(candidates(STATISTICS["linear"], range(1, 6)), key=lambda c: c.bits)
    assert by_name["linear"].chosen.bits == cheapest.bits
    assert by_name["linear"].rejected == ()
    assert all(set(call) == {"relu", "linear"} for call in calls)
    # Every cheaper one that was tried on the larger tensor does break its part of the limit.
    for candidate in by_name["relu"].rejected:
        trial = {"relu": candidate.quantizer, "linear": report.quantizers["linear"]}
        assert evaluate(trial) > 0.004 * 12000 / 16000


def test_a_small_tensor_is_left_its_part_of_the_limit() -> None:
    """The change adds up over tensors: the larger one, first, may not spend it all."""

    def evaluate(quantizers: Mapping[str, Quantizer]) -> float:
        return sum(measured(MAPS[name], q)[1] for name, q in quantizers.items())

    report = choose_quantizers(STATISTICS, range(3, 7), 0.02, evaluate)
    relu = measured(MAPS["relu"], report.quantizers["relu"])[1]
    linear = measured(MAPS["linear"], report.quantizers["linear"])[1]
    assert relu <= 0.015
    assert relu + linear == pytest.approx(report.change)
    assert linear > 0.0025
    assert report.change <= 0.02


def test_the_same_input_gives_the_same_choice() -> None:
    first = choose_quantizers(STATISTICS, (3, 5), 0.02)
    again = choose_quantizers(dict(reversed(STATISTICS.items())), (5, 3, 3), 0.02)
    assert first.quantizers == again.quantizers
    assert str(first) == str(choose_quantizers(STATISTICS, (3, 5), 0.02))


def test_a_limit_that_cannot_be_met() -> None:
    with pytest.raises(MismatchError, match=r"allow more bits than 3"):
        choose_quantizers(STATISTICS, (1, 2, 3), 1e-4)
    with pytest.raises(MismatchError):
        choose_quantizers(STATISTICS, (8,), 1.0, lambda quantizers: float("nan"))


def test_bad_bit_depths_and_no_samples() -> None:
    with pytest.raises(InputError, match="bit_depth"):
        choose_quantizers(STATISTICS, (8, 17), 0.1)
    with pytest.raises(InputError, match="no samples"):
        choose_quantizers({"t": tensor_statistics(np.zeros(0, np.float32))}, (8,), 0.1)


def test_the_error_criterion_is_the_worst_tensor() -> None:
    quantizers = {name: Quantizer.uniform(-4, 4, 3) for name in STATISTICS}
    each = [rated(STATISTICS[name], "", q).relative_error for name, q in quantizers.items()]
    assert relative_error(STATISTICS)(quantizers) == max(each) > min(each)


def test_it_reads() -> None:
    report = choose_quantizers(STATISTICS, (3, 5), 0.02)
    text = str(report)
    sizes, bits = (12000, 4000), [choice.chosen.bits for choice in report.choices]
    mean = sum(n * b for n, b in zip(sizes, bits, strict=True)) / 16000
    assert f"of at most 0.02, {mean:.3f} bits/sample estimated" in text
    assert "relu: " in text and "linear: " in text
    assert " dB; " in text and "cheaper ones were rejected" in text


def test_without_clipping_the_ends_of_the_range_come_back() -> None:
    report = choose_quantizers(STATISTICS, (3, 4, 5, 6), 1e-2, clip=False)
    for choice in report.choices:
        known = choice.statistics.moments
        quantizer = choice.chosen.quantizer
        for end in (known.minimum, known.maximum):
            back = quantizer.dequantize(quantizer.quantize(np.float32([end])))
            finer = np.diff(np.unique(quantizer.dequantize(np.arange(quantizer.maximum_level + 1))))
            assert abs(float(back[0]) - end) <= 0.51 * float(finer.max())
    clipped = next(c for c in candidates(STATISTICS["relu"], (6,)) if "99.00" in c.kind)
    whole = next(c for c in candidates(STATISTICS["relu"], (6,)) if c.kind == "uniform")
    assert clips(clipped, STATISTICS["relu"])
    assert not clips(whole, STATISTICS["relu"])
