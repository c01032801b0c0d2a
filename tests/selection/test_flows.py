"""The flows are those of the figures, and the decoder's side always finds the same distribution."""

from __future__ import annotations

from itertools import product

import pytest

from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.selection import FLOWS, UniformFirst, mirror
from fmq_embedded.selection.flows import Question, follow, is_signalled
from fmq_embedded.structure import LayerType, StructureFeatures

ASKED = {
    "histogram": (Question.FOLLOWS_GAUSSIAN, Question.FOLLOWS_LAPLACE),
    "next_layer": (Question.BEFORE_SUMMATION,),
    "previous_layer": (Question.AFTER_BATCH_NORMALISATION, Question.BEFORE_SUMMATION),
    "uniform_first": (
        Question.UNIFORM_FIRST,
        Question.AFTER_BATCH_NORMALISATION,
        Question.BEFORE_SUMMATION,
    ),
}


def drawn(method: str, yes: dict[Question, bool]) -> str:
    """Fig. 7 to 10 as they are drawn."""
    if method == "histogram":  # Fig. 7
        if yes[Question.FOLLOWS_GAUSSIAN]:
            return "gaussian"
        return "laplace" if yes[Question.FOLLOWS_LAPLACE] else "uniform"
    if method == "uniform_first" and yes[Question.UNIFORM_FIRST]:  # Fig. 10
        return "uniform"
    if method in ("uniform_first", "previous_layer") and yes[Question.AFTER_BATCH_NORMALISATION]:
        return "gaussian"  # Fig. 9, 10
    return "laplace" if yes[Question.BEFORE_SUMMATION] else "gaussian"  # Fig. 8, 9, 10


def place(after_normalisation: bool, before_summation: bool, order: int = 3) -> StructureFeatures:
    made_by = LayerType.BATCH_NORMALISATION if after_normalisation else LayerType.CONVOLUTION
    read_by = LayerType.SUMMATION if before_summation else LayerType.ACTIVATION
    return StructureFeatures(
        previous_type=made_by,
        previous_kind=made_by.name.lower(),
        next_types=(LayerType.CONVOLUTION, read_by),
        layer_order=order,
        branch_index=0,
        position_in_branch=order,
        summation_kind="addition" if before_summation else None,
        summed_indices=(1, order) if before_summation else (),
        batch_normalisation=None,
    )


CASES = [
    (method, dict(zip(questions, answers, strict=True)))
    for method, questions in ASKED.items()
    for answers in product((False, True), repeat=len(questions))
]


def features_of(yes: dict[Question, bool]) -> StructureFeatures:
    return place(
        yes.get(Question.AFTER_BATCH_NORMALISATION, False),
        yes.get(Question.BEFORE_SUMMATION, False),
    )


def test_every_flow_is_drawn() -> None:
    assert set(FLOWS) == set(ASKED)


@pytest.mark.parametrize(("method", "yes"), CASES)
def test_flow_and_mirror(method: str, yes: dict[Question, bool]) -> None:
    distribution, asked = follow(method, lambda question: yes[question])
    assert distribution == drawn(method, yes)
    features = features_of(yes)
    for known in (features, None):
        flags = [
            answer for question, answer in asked if is_signalled(question, known is not None, None)
        ]
        assert mirror(method, flags, known) == distribution
        with pytest.raises(BitstreamError, match="flags"):
            mirror(method, [*flags, False], known)
        if flags:
            with pytest.raises(BitstreamError, match="flag"):
                mirror(method, flags[:-1], known)


@pytest.mark.parametrize(("method", "sent"), [("next_layer", 0), ("previous_layer", 0)])
def test_nothing_is_sent_that_the_structure_tells(method: str, sent: int) -> None:
    for before_summation in (False, True):
        features = place(False, before_summation)
        assert mirror(method, [], features) == ("laplace" if before_summation else "gaussian")


def test_uniform_first_by_agreement_and_by_layers_sends_nothing() -> None:
    features = place(True, False, order=7)
    for rule, expected in (
        (UniformFirst("agreement", used=True), "uniform"),
        (UniformFirst("agreement", used=False), "gaussian"),
        (UniformFirst("layers", layers=frozenset({7})), "uniform"),
        (UniformFirst("layers", layers=frozenset({6, 8})), "gaussian"),
    ):
        assert mirror("uniform_first", [], features, rule) == expected


def test_uniform_first_by_the_user_is_sent() -> None:
    features = place(False, True)
    for rule in (None, UniformFirst("user", used=True)):
        assert mirror("uniform_first", [True], features, rule) == "uniform"
        assert mirror("uniform_first", [False], features, rule) == "laplace"


def test_layers_without_structure_are_sent() -> None:
    rule = UniformFirst("layers", layers=frozenset({7}))
    assert mirror("uniform_first", [True], None, rule) == "uniform"
    with pytest.raises(InputError, match="structure"):
        rule.answer(None)


def test_unknown_names() -> None:
    with pytest.raises(InputError, match="next_layer"):
        mirror("next_layers", [])
    with pytest.raises(InputError, match="agreement"):
        UniformFirst("agreed")  # type: ignore[arg-type]
