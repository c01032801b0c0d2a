"""How the contexts and the weights of the dense model begin."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense import contexts, probabilities
from fmq_embedded.dense.prior_table import STATES


@dataclass(frozen=True)
class Prior:
    """Where adaptation begins.

    Args:
        states: int32, `CONTEXT_COUNT`: probability · 256 + count of each context.
        weights: int32 (`WEIGHT_SETS`, `ZERO_MODELS`), in 1/16,384.
    """

    states: npt.NDArray[np.int32]
    weights: npt.NDArray[np.int32]

    @classmethod
    def blank(cls) -> Prior:
        """Nothing known: every decision even, but that a dead channel is rare."""
        states = np.full(contexts.CONTEXT_COUNT, 32768 << 8, np.int32)
        for mode in range(contexts.MODE_COUNT):
            states[contexts.MODES + mode * len(contexts.MODE_ORDER)] = 8192 << 8
        states[contexts.PARENTS :] = 8192 << 8
        weights = np.zeros((contexts.WEIGHT_SETS, contexts.ZERO_MODELS), np.int32)
        one = probabilities.WEIGHT_ONE
        sets = weights.reshape(2, contexts.MIXED_FLAGS, -1, contexts.ZERO_MODELS)
        sets[:, 0] = int(1.15 * one / contexts.ZERO_MODELS)
        sets[:, 1:] = int(1.15 * one / contexts.MORE_MODELS)
        return cls(states, weights)


@functools.cache
def default_prior() -> Prior:
    """What every stream begins with: a table fitted to maps of networks of several families."""
    words = np.frombuffer(STATES, ">u2").astype(np.int32)
    return Prior(((words >> 4) * 16 + 8) << 8 | (words & 15), Prior.blank().weights)
