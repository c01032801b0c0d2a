"""The flows that choose a quantizer, as one table that the encoder and the decoder both follow.

A flow asks questions in order; the first yes names the distribution. Each question is answered
from the samples (only the encoder has them, so the answer is sent), from the network's structure
(each side that has it answers alone), or by an agreement. Source: Fig. 7–10 for the encoder, whose
mirrors are Fig. 15–18 for the decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from fmq_embedded.errors import BitstreamError, InputError, unknown_name
from fmq_embedded.quantizers.quantizer import Distribution
from fmq_embedded.structure import LayerType, StructureFeatures


class Question(Enum):
    """What a flow asks; the value is how an explanation words it."""

    UNIFORM_FIRST = "uniform first"
    FOLLOWS_GAUSSIAN = "the histogram follows the Gaussian"
    FOLLOWS_LAPLACE = "the histogram follows the Laplace"
    AFTER_BATCH_NORMALISATION = "the layer before is a batch normalisation"
    BEFORE_SUMMATION = "the next layer is a summation"


STRUCTURAL = frozenset({Question.AFTER_BATCH_NORMALISATION, Question.BEFORE_SUMMATION})


@dataclass(frozen=True)
class Flow:
    """Questions in order, each with the distribution that a yes leads to, and the one left."""

    steps: tuple[tuple[Question, Distribution], ...]
    otherwise: Distribution


_NEXT_LAYER: tuple[tuple[Question, Distribution], ...] = ((Question.BEFORE_SUMMATION, "laplace"),)
_PREVIOUS_LAYER: tuple[tuple[Question, Distribution], ...] = (
    (Question.AFTER_BATCH_NORMALISATION, "gaussian"),
    *_NEXT_LAYER,
)
FLOWS = {
    # Fig. 7, 15
    "histogram": Flow(
        ((Question.FOLLOWS_GAUSSIAN, "gaussian"), (Question.FOLLOWS_LAPLACE, "laplace")),
        "uniform",
    ),
    # Fig. 8, 16
    "next_layer": Flow(_NEXT_LAYER, "gaussian"),
    # Fig. 9, 17
    "previous_layer": Flow(_PREVIOUS_LAYER, "gaussian"),
    # Fig. 10, 18
    "uniform_first": Flow(((Question.UNIFORM_FIRST, "uniform"), *_PREVIOUS_LAYER), "gaussian"),
}


@dataclass(frozen=True)
class UniformFirst:
    """Who says that uniform quantization comes first (0125, 0170).

    Args:
        by: "user": the answer is sent; "agreement": both ends hold the same answer; "layers":
            both ends hold the same list of layers, and each looks up the layer's order there.
        used: the answer of the user or of the agreement.
        layers: for "layers", the orders of the layers whose maps are quantized uniformly.
    """

    by: Literal["user", "agreement", "layers"]
    used: bool = False
    layers: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.by not in ("user", "agreement", "layers"):
            raise unknown_name("uniform-first rule", self.by, ("user", "agreement", "layers"))

    def answer(self, features: StructureFeatures | None) -> bool:
        """Whether uniform comes first for the map that has these features."""
        if self.by != "layers":
            return self.used
        return _known(features, "uniform_first by layers").layer_order in self.layers


def follow(
    method: str, answer: Callable[[Question], bool]
) -> tuple[Distribution, tuple[tuple[Question, bool], ...]]:
    """Walk a flow.

    Args:
        method: a name of `FLOWS`.
        answer: answers a question; called only for those the flow comes to.

    Returns:
        The distribution, and what was asked with its answers, in order.

    Raises:
        InputError: for an unknown method.
    """
    if method not in FLOWS:
        raise unknown_name("method of choosing a quantizer", method, FLOWS)
    asked: list[tuple[Question, bool]] = []
    for question, distribution in FLOWS[method].steps:
        asked.append((question, answer(question)))
        if asked[-1][1]:
            return distribution, tuple(asked)
    return FLOWS[method].otherwise, tuple(asked)


def is_signalled(
    question: Question, structure_is_known: bool, uniform_first: UniformFirst | None
) -> bool:
    """Whether the answer is sent, because the decoder cannot find it by itself.

    Args:
        question: a question of a flow.
        structure_is_known: whether the decoder has the network's structure.
        uniform_first: the rule of both ends; None stands for the user's.
    """
    if question in STRUCTURAL:
        return not structure_is_known
    if question is Question.UNIFORM_FIRST and uniform_first is not None:
        return uniform_first.by == "user" or (
            uniform_first.by == "layers" and not structure_is_known
        )
    return True


def structural_answer(question: Question, features: StructureFeatures | None) -> bool:
    """A question of `STRUCTURAL`, answered from the features of the map.

    Raises:
        InputError: without features.
    """
    known = _known(features, question.value)
    if question is Question.AFTER_BATCH_NORMALISATION:
        return known.previous_type is LayerType.BATCH_NORMALISATION
    return known.feeds_summation


def mirror(
    method: str,
    flags: Sequence[bool],
    features: StructureFeatures | None = None,
    uniform_first: UniformFirst | None = None,
) -> Distribution:
    """The decoder's side: the distribution from what was sent and what it knows (Fig. 15–18).

    Args:
        method: a name of `FLOWS`.
        flags: `Decision.signalled`: by histogram one flag if the first says Gaussian, else two; by
            structure none where the decoder has it, else the answers in the flow's order.
        features: of the map, where the decoder has the structure.
        uniform_first: the rule, where both ends agreed on one; without it a flag is expected.

    Raises:
        BitstreamError: for too few flags or too many.
        InputError: for an unknown method.
    """
    left = list(flags)

    def answer(question: Question) -> bool:
        if is_signalled(question, features is not None, uniform_first):
            if not left:
                raise BitstreamError(
                    f"method {method!r} needs a flag for {question.value!r}; got {len(flags)} flags"
                )
            return left.pop(0)
        if question is Question.UNIFORM_FIRST and uniform_first is not None:
            return uniform_first.answer(features)
        return structural_answer(question, features)

    distribution, _ = follow(method, answer)
    if left:
        raise BitstreamError(
            f"method {method!r} ends after {len(flags) - len(left)} flags; got {len(flags)}"
        )
    return distribution


def _known(features: StructureFeatures | None, purpose: str) -> StructureFeatures:
    if features is None:
        raise InputError(
            f"{purpose!r} is told from the network's structure; give the map's features, or choose "
            'by "histogram"'
        )
    return features
