"""The network for digits: its slopes are those of its loss, and it learns."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_tools.profiling import digit_network
from firmware_tools.profiling.digit_case import labelled_case
from firmware_tools.profiling.digit_network import DigitNetwork, Reals, train

SIDE = digit_network.SIDE


def loss(network: DigitNetwork, pictures: Reals, labels: list[int]) -> float:
    logits = network.tail(network.head(pictures)).astype(np.float64)
    wanted = logits[np.arange(len(labels)), labels]
    return float((np.log(np.exp(logits).sum(axis=1)) - wanted).mean())


def test_the_slopes_are_those_of_the_mean_cross_entropy() -> None:
    generator = np.random.default_rng(5)
    pictures = generator.random((3, SIDE, SIDE, 1), np.float32)
    labels = [3, 1, 7]
    network = DigitNetwork.random(2)
    slopes = network.slopes(pictures, np.array(labels))
    for parameter, slope in zip(network.parameters, slopes, strict=True):
        at = np.unravel_index(int(np.abs(slope).argmax()), slope.shape)
        before, change = parameter[at], np.float32(2e-3)
        parameter[at] = before + change
        above = loss(network, pictures, labels)
        parameter[at] = before - change
        below = loss(network, pictures, labels)
        parameter[at] = before
        assert (above - below) / (2 * change) == pytest.approx(slope[at], rel=0.03)


def test_it_learns_which_half_is_bright(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digit_network, "EPOCHS", 3)
    generator = np.random.default_rng(6)
    pictures = 0.3 * generator.random((200, SIDE, SIDE, 1), np.float32)
    labels = generator.integers(0, 2, 200)
    pictures[labels == 1, : SIDE // 2] += 0.5
    network = train(pictures, labels)
    logits = network.tail(network.head(pictures))
    assert (logits.argmax(axis=1) == labels).mean() > 0.97
    again = train(pictures, labels)
    assert np.array_equal(again.weight, network.weight)


def test_less_than_half_a_point_of_accuracy_may_be_lost() -> None:
    generator = np.random.default_rng(7)
    pictures = generator.random((400, SIDE, SIDE, 1), np.float32)
    network = DigitNetwork.random(1)
    answers = network.tail(network.head(pictures)).argmax(axis=1)
    labels = np.where(np.arange(400) < 8, (answers + 1) % 10, answers)
    case = labelled_case(network, pictures, labels)
    assert case.share == (400 - 8 - 1) / 400
    outputs = case.tail({"residual": case.tests[0]["residual"].samples})
    assert not case.agrees(case.truths[0], outputs)
