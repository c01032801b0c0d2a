"""Choosing a quantizer per tensor: the fewest estimated bits whose effect stays within a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from fmq_embedded.calibration.candidates import Candidate, candidates, rated
from fmq_embedded.calibration.statistics import TensorStatistics
from fmq_embedded.errors import MismatchError
from fmq_embedded.quantizers.quantizer import Quantizer

Evaluate = Callable[[Mapping[str, Quantizer]], float]


@dataclass(frozen=True)
class TensorChoice:
    """What one tensor was given.

    Args:
        tensor: its name.
        statistics: of its samples.
        chosen: the quantizer, with its estimates.
        rejected: cheaper ones that changed the result too much, cheapest first.
    """

    tensor: str
    statistics: TensorStatistics
    chosen: Candidate
    rejected: tuple[Candidate, ...]

    def __str__(self) -> str:
        tried = f"; {len(self.rejected)} cheaper ones were rejected" if self.rejected else ""
        return f"{self.tensor}: {self.chosen}{tried}\n  {self.statistics}"


@dataclass(frozen=True)
class CalibrationReport:
    """The quantizers of all tensors.

    Args:
        choices: one per tensor, in the order of the statistics.
        change: what `evaluate` gave for them together.
        limit: what it was allowed to give.
        partitioning: what classes of quantizers gave beyond; its text ends the report.
    """

    choices: tuple[TensorChoice, ...]
    change: float
    limit: float
    partitioning: object = None

    @property
    def quantizers(self) -> dict[str, Quantizer]:
        """The quantizers by tensor."""
        return {choice.tensor: choice.chosen.quantizer for choice in self.choices}

    @property
    def bits_per_sample(self) -> float:
        """Estimated bits per sample over all tensors."""
        sizes = [choice.statistics.moments.count for choice in self.choices]
        bits = [choice.chosen.bits for choice in self.choices]
        return sum(n * b for n, b in zip(sizes, bits, strict=True)) / max(sum(sizes), 1)

    def __str__(self) -> str:
        head = (
            f"change {self.change:.6g} of at most {self.limit:.6g}, "
            f"{self.bits_per_sample:.3f} bits/sample estimated"
        )
        ending = [] if self.partitioning is None else [self.partitioning]
        return "\n".join([head, *map(str, [*self.choices, *ending])])


def choose_quantizers(
    statistics: Mapping[str, TensorStatistics],
    bit_depths: Iterable[int],
    limit: float,
    evaluate: Evaluate | None = None,
    *,
    clip: bool = True,
) -> CalibrationReport:
    """Choose each tensor's quantizer by the fewest estimated bits within a limit.

    All tensors start with their most accurate candidate. Then, the largest tensor first, each
    takes the cheapest candidate with which the whole still stays within its part of the limit;
    the parts grow with the share of samples settled, and the last is the whole limit. Only
    candidates that no other beats in both bits and error are tried. Ties go to the first made,
    so the same input gives the same choice.

    Args:
        statistics: by tensor, in any order; each of at least one sample.
        bit_depths: those to try, 1..16.
        limit: the largest change of the result that is accepted, ≥ 0.
        evaluate: the change of the result when the tensors are quantized so: such as a loss on
            calibration data through the tail. Without it: the worst relative error of a tensor,
            as estimated from the statistics.
        clip: False to leave out candidates that clip the range that was seen. What a detector
            finds lies in rare large values: clipping them costs little error and much result.

    Raises:
        MismatchError: where the most accurate candidates together exceed the limit.
        InputError: for a bit depth outside 1..16, or a tensor without samples.
    """
    judge = evaluate or relative_error(statistics)
    depths = sorted(set(bit_depths))
    fronts = {}
    for name, known in statistics.items():
        made = candidates(known, depths)
        fronts[name] = _undominated([one for one in made if clip or not clips(one, known)])
    picked = {name: front[-1] for name, front in fronts.items()}
    change = judge(_quantizers(picked))
    if not change <= limit:
        raise MismatchError(
            f"the most accurate candidates change the result by {change:.6g}, and the limit is "
            f"{limit:.6g}; allow more bits than {max(depths, default=0)} or a larger change"
        )
    settled, total = 0, sum(known.moments.count for known in statistics.values())
    for name in sorted(statistics, key=lambda name: (-statistics[name].moments.count, name)):
        settled += statistics[name].moments.count
        allowed = limit if settled == total else limit * settled / total
        for candidate in fronts[name][:-1]:
            trial = picked | {name: candidate}
            trial_change = judge(_quantizers(trial))
            if trial_change <= allowed:
                picked, change = trial, trial_change
                break
    choices = (
        TensorChoice(name, known, picked[name], tuple(_cheaper(fronts[name], picked[name])))
        for name, known in statistics.items()
    )
    return CalibrationReport(tuple(choices), change, limit)


def clips(candidate: Candidate, known: TensorStatistics) -> bool:
    """Whether the ends of the range seen come back farther off than half the step there."""
    ends = np.array([known.moments.minimum, known.moments.maximum], np.float32)
    quantizer = candidate.quantizer
    levels = quantizer.quantize(ends).astype(np.int64)
    inward = np.clip(levels + np.array([1, -1]), 0, quantizer.maximum_level).astype(
        quantizer.level_dtype
    )
    back = quantizer.dequantize(levels.astype(quantizer.level_dtype)).astype(np.float64)
    step = np.abs(back - quantizer.dequantize(inward))
    return bool((np.abs(back - ends) > 0.5001 * step).any())


def relative_error(statistics: Mapping[str, TensorStatistics]) -> Evaluate:
    """A criterion without a model: the largest Σ(f − f̂)² / Σf² of a tensor, as estimated."""

    def worst(quantizers: Mapping[str, Quantizer]) -> float:
        return max(
            (rated(statistics[name], "", q).relative_error for name, q in quantizers.items()),
            default=0.0,
        )

    return worst


def _quantizers(picked: Mapping[str, Candidate]) -> dict[str, Quantizer]:
    return {name: candidate.quantizer for name, candidate in picked.items()}


def _cheaper(front: list[Candidate], chosen: Candidate) -> list[Candidate]:
    return [candidate for candidate in front if candidate.bits < chosen.bits]


def _undominated(made: list[Candidate]) -> list[Candidate]:
    """Rising in bits and falling in error: what no other candidate beats in both."""
    front: list[Candidate] = []
    for candidate in sorted(made, key=lambda made: (made.bits, made.relative_error)):
        if not front or candidate.relative_error < front[-1].relative_error:
            front.append(candidate)
    return front
