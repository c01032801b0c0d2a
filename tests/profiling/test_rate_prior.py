"""How the dense coder's contexts begin: what is fitted, and what is written of it."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_tools.profiling.rate_maps import NETWORKS, PICTURES
from firmware_tools.profiling.rate_prior import fitted_states, packed, render
from firmware_tools.profiling.rate_training import NETWORKS as TRAINED
from firmware_tools.profiling.rate_training import TRAINING_PICTURES
from fmq_embedded.dense import contexts
from fmq_embedded.dense.prior import default_prior
from fmq_embedded.dense.prior_table import STATES


def states_of(shares: np.ndarray, counts: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return (np.rint(shares * 65536).astype(np.int32) << 8) | counts.astype(np.int32)


@pytest.mark.parametrize(("one", "zero"), [(1.0, 3.0), (4.0, 4.0), (0.4, 5.0)])
def test_a_beta_distribution_is_found_again(one: float, zero: float) -> None:
    generator = np.random.default_rng(1)
    true = generator.beta(one, zero, (2000, 4))
    shares = generator.binomial(60, true) / 60
    last = states_of(shares.clip(0.001, 0.999), np.full(shares.shape, 60))
    fitted = fitted_states(last, np.zeros(4, np.int32))
    assert (fitted >> 8) / 65536 == pytest.approx(np.full(4, one / (one + zero)), abs=0.02)
    assert (fitted & 255) == pytest.approx(np.full(4, one + zero - 0.6), abs=1.1)


def test_a_context_that_never_varies_is_trusted_most_and_one_never_used_keeps_its_state() -> None:
    last = states_of(np.full((500, 2), 0.25), np.array([[60, 0]] * 500))
    fitted = fitted_states(last, np.array([7, 9], np.int32))
    assert fitted[0] >> 8 == pytest.approx(0.25 * 65536, rel=0.01)
    assert fitted[0] & 255 == 15
    assert fitted[1] == 9


def test_words_hold_12_bits_of_probability_and_4_of_the_count() -> None:
    states = np.array([0x8000 << 8 | 15, 16 << 8, 65519 << 8 | 3], np.int32)
    assert packed(states) == bytes.fromhex("800f0010ffe3")
    namespace: dict[str, bytes] = {}
    exec(render(states), namespace)
    assert namespace["STATES"] == packed(states)


def test_the_table_is_of_the_contexts_that_there_are() -> None:
    assert len(STATES) == 2 * contexts.CONTEXT_COUNT
    states = default_prior().states
    assert states.shape == (contexts.CONTEXT_COUNT,)
    assert (states & 255).max() <= 15
    assert (states >> 8).min() > 0
    assert (states >> 8).max() < 65536


def test_nothing_is_trained_on_what_is_measured() -> None:
    assert not {one.model for one in TRAINED} & {one.model for one in NETWORKS}
    assert not set(TRAINING_PICTURES) & set(PICTURES)
