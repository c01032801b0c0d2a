"""Choosing a quantizer for a feature map, with the reasons in words and numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.fitting import loading_factor
from fmq_embedded.quantizers.quantizer import Distribution, Quantizer, Rounding
from fmq_embedded.quantizers.rounding import nearest_float32
from fmq_embedded.selection.flows import (
    STRUCTURAL,
    Question,
    UniformFirst,
    follow,
    is_signalled,
    structural_answer,
)
from fmq_embedded.selection.histogram import Histogram, histogram
from fmq_embedded.selection.moments import Moments, moments
from fmq_embedded.selection.similarity import (
    WHOLE,
    Similarity,
    gaussian_similarity,
    laplace_similarity,
)
from fmq_embedded.structure import BatchNormalisation, StructureFeatures

Span = Literal["fitted", "literal"]

# In parts per 65536. Large samples of a uniform distribution reach 0.81 against the Gaussian and
# 0.70 against the Laplace; of a Laplace, 0.86 against the Gaussian; ReLU maps 0.47 to 0.60 against
# both; real sums that are more peaked than a Laplace, 0.80 to 0.88 against it.
GAUSSIAN_THRESHOLD = 57344  # 0.875
LAPLACE_THRESHOLD = 52429  # 0.8


@dataclass(frozen=True)
class Decision:
    """What was chosen, why, and what of it the decoder must be sent.

    Args:
        method: "histogram", "next_layer", "previous_layer" or "uniform_first".
        distribution: "uniform", "gaussian" or "laplace".
        why: the reason in one or two sentences, with the numbers.
        signalled: the flags to send, in order; `mirror` reads them back.
        parameters_signalled: whether the quantizer's parameters must be sent; not so where the
            decoder takes them from a batch normalisation of the structure that it has.
        features: the structure features that were given: with the kind of the summation that
            comes next and the indices of the layers it sums (0200).
        histogram: of the samples, where the method looked at it.
    """

    method: str
    distribution: Distribution
    why: str
    signalled: tuple[bool, ...]
    parameters_signalled: bool
    features: StructureFeatures | None = None
    histogram: Histogram | None = None

    def __str__(self) -> str:
        sent = "".join("1" if flag else "0" for flag in self.signalled) or "none"
        kept = "" if self.parameters_signalled else "; no parameters, the structure has them"
        lines = [
            f"{self.distribution}, by {self.method}: {self.why}",
            f"flags sent: {sent}{kept}",
        ]
        return "\n".join(lines + ([str(self.histogram)] if self.histogram else []))


def choose(
    samples: npt.NDArray[np.generic] | FeatureMap,
    *,
    method: str,
    features: StructureFeatures | None = None,
    uniform_first: bool | UniformFirst | None = None,
    bit_depth: int = 8,
    span: Span = "fitted",
    rounding: Rounding = "floor",
    decoder_has_structure: bool = True,
) -> tuple[Decision, Quantizer]:
    """Choose the quantizer of a feature map (Fig. 7–10).

    A one-sided map (behind a ReLU) given a Gaussian or a Laplace by its structure spends half of
    the levels below the centre, where it has no sample. With entropy coding that costs no bits:
    levels that never occur have no code length. It does cost about one bit of bit depth, for the
    step is twice as wide; choose one more, or choose by histogram, which finds that such a map
    resembles neither and gives it the uniform quantizer from its minimum to its maximum.

    Args:
        samples: any shape and dtype of a feature map; finite.
        method: "histogram"; "next_layer": a summation next → Laplace, else Gaussian;
            "previous_layer": a batch normalisation before → Gaussian, else as next_layer;
            "uniform_first": uniform where `uniform_first` says so, else as previous_layer.
        features: of the map's place in the network; needed unless the method is "histogram".
        uniform_first: for the method of that name: the user's answer, or a rule.
        bit_depth: 2..16; 1 where uniform comes first.
        span: "fitted": Gaussian ± min(k·σ, farthest sample from the mean), Laplace ± min(k·scale,
            largest magnitude), k the loading factor of the bit depth; "literal": ± the variance,
            ± the scale, as the equations are printed. The scale is √((mean² + variance)/2).
        rounding: of a Gaussian or Laplace quantizer.
        decoder_has_structure: whether the decoder knows `features`; what it does not know is sent.

    Returns:
        The decision and the quantizer. Behind a batch normalisation a Gaussian has its mean and
        variance and not the samples' (0199); fitted, ± k·σ.

    Raises:
        InputError: for NaN or infinite samples, an unknown method or span, missing features.
    """
    if span not in ("fitted", "literal"):
        raise unknown_name("span", span, ("fitted", "literal"))
    rule = _rule(method, uniform_first)
    if bit_depth < 2 and not (rule and rule.answer(features)):
        raise InputError(
            f"bit_depth must be 2..16 to choose among distributions; got {bit_depth}; with 1, "
            'choose by "uniform_first"'
        )
    evidence = _Evidence(samples, features, rule)
    distribution, asked = follow(method, evidence.answer)
    known_to_decoder = decoder_has_structure and features is not None
    from_structure = distribution == "gaussian" and _normalised(features) is not None
    if features is not None and from_structure:
        quantizer = batch_normalisation_quantizer(features, bit_depth, span, rounding)
        parameters = "its parameters are the batch normalisation's"
    else:
        quantizer = quantizer_of_moments(
            distribution, evidence.moments(), bit_depth, span, rounding
        )
        parameters = "its parameters are taken from the samples"
    decision = Decision(
        method=method,
        distribution=distribution,
        why="; ".join([*evidence.reasons, parameters]),
        signalled=tuple(
            yes for question, yes in asked if is_signalled(question, known_to_decoder, rule)
        ),
        parameters_signalled=not (known_to_decoder and from_structure),
        features=features,
        histogram=evidence.histogram,
    )
    return decision, quantizer


def batch_normalisation_quantizer(
    features: StructureFeatures, bit_depth: int, span: Span = "fitted", rounding: Rounding = "floor"
) -> Quantizer:
    """The Gaussian quantizer of a batch normalisation's own parameters, for either side (0199).

    The map's mean and variance are those of all channels together: the mean of the means, and the
    mean of the variances plus the variance of the means; each in exact arithmetic, rounded once to
    float32.

    Raises:
        InputError: where the features have no parameters of batch normalisation.
    """
    normalised = _normalised(features)
    if normalised is None:
        raise InputError(
            "the features have no batch normalisation parameters; send the quantizer's instead"
        )
    channels = len(normalised.mean)
    means = [Fraction(mean) for mean in normalised.mean]
    mean = sum(means, Fraction(0)) / channels
    squares = sum((value * value for value in means), Fraction(0))
    second = sum(map(Fraction, normalised.variance), squares)
    variance = nearest_float32(second / channels - mean * mean)
    width = loading_factor("gaussian", bit_depth) * math.sqrt(variance)
    return Quantizer.gaussian(
        nearest_float32(mean),
        variance,
        bit_depth,
        span=width if span == "fitted" else None,
        rounding=rounding,
    )


def quantizer_of_moments(
    distribution: Distribution,
    known: Moments,
    bit_depth: int,
    span: Span = "fitted",
    rounding: Rounding = "floor",
) -> Quantizer:
    """The quantizer of a distribution for samples of these moments; see `choose` for the span.

    Raises:
        InputError: for a bit depth that the distribution does not have, or, with the literal span,
            a variance beyond float32.
    """
    if distribution == "uniform":
        return Quantizer.uniform(known.minimum, known.maximum, bit_depth)
    fitted = span == "fitted"
    if distribution == "gaussian":
        factor = loading_factor("gaussian", bit_depth) if fitted else 0.0
        width = min(factor * known.deviation, known.reach)
        variance = 0.0 if fitted else known.variance
        return Quantizer.gaussian(
            known.mean, variance, bit_depth, span=width if fitted else None, rounding=rounding
        )
    scale = known.root_mean_square * math.sqrt(0.5)
    largest = max(abs(known.minimum), abs(known.maximum))
    if fitted:
        scale = min(loading_factor("laplace", bit_depth) * scale, largest)
    return Quantizer.laplace(scale, bit_depth, rounding=rounding)


def _normalised(features: StructureFeatures | None) -> BatchNormalisation | None:
    """The batch normalisation behind the map, where its parameters are known."""
    known = features.batch_normalisation if features else None
    return known if known and known.mean else None


def _rule(method: str, uniform_first: bool | UniformFirst | None) -> UniformFirst | None:
    """The uniform-first rule; a plain bool is the user's word."""
    if (uniform_first is not None) != (method == "uniform_first"):
        raise InputError(
            "uniform_first goes with the method of that name, and that method needs it; "
            f"got method {method!r} with uniform_first={uniform_first!r}"
        )
    return UniformFirst("user", uniform_first) if isinstance(uniform_first, bool) else uniform_first


class _Evidence:
    """Answers the encoder's questions, each from what it needs and no more, and says why."""

    def __init__(
        self,
        samples: npt.NDArray[np.generic] | FeatureMap,
        features: StructureFeatures | None,
        rule: UniformFirst | None,
    ) -> None:
        self.samples = samples
        self.features = features
        self.rule = rule
        self.histogram: Histogram | None = None
        self.reasons: list[str] = []

    def moments(self) -> Moments:
        """The samples' moments."""
        return self.histogram.moments if self.histogram else moments(self.samples)

    def answer(self, question: Question) -> bool:
        """The answer to a question; the reason is appended to `reasons`."""
        if question in STRUCTURAL:
            return self._structure(question)
        if question is Question.UNIFORM_FIRST and self.rule is not None:
            yes = self.rule.answer(self.features)
            self.reasons.append(f"uniform first: {'yes' if yes else 'no'}, by {self.rule.by}")
            return yes
        return self._resemblance(question)

    def _structure(self, question: Question) -> bool:
        yes = structural_answer(question, self.features)
        assert self.features is not None  # structural_answer raises without them
        if question is Question.AFTER_BATCH_NORMALISATION:
            made_by = self.features.previous_kind
            self.reasons.append(f"made by layer {self.features.layer_order}, {made_by}")
        elif yes:
            layers = ", ".join(map(str, self.features.summed_indices))
            kind = self.features.summation_kind
            self.reasons.append(f"the next layer is a summation: {kind} of layers {layers}")
        else:
            self.reasons.append("the next layer is no summation")
        return yes

    @cached_property
    def _similarities(self) -> tuple[Similarity, Similarity]:
        """With the Gaussian and with the Laplace."""
        assert self.histogram is not None
        return gaussian_similarity(self.histogram), laplace_similarity(self.histogram)

    def _resemblance(self, question: Question) -> bool:
        if self.histogram is None:
            self.histogram = histogram(self.samples)
        if not self.histogram.edges:
            self.reasons = ["the samples are none or all the same"]
            return False
        gaussian, laplace = self._similarities
        if question is Question.FOLLOWS_GAUSSIAN:
            enough = gaussian.reaches(GAUSSIAN_THRESHOLD)
            better = gaussian.value >= laplace.value or not laplace.reaches(LAPLACE_THRESHOLD)
            self.reasons.append(
                f"similarity with the Gaussian {gaussian}, of {GAUSSIAN_THRESHOLD / WHOLE:.3f} "
                f"needed; with the Laplace {laplace}, of {LAPLACE_THRESHOLD / WHOLE:.3f} needed"
            )
            return enough and better
        return laplace.reaches(LAPLACE_THRESHOLD)
