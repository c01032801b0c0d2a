"""Trains how the contexts of the dense coder begin, and writes fmq_embedded/dense/prior_table.py.

Run as `python -m firmware_tools.profiling.rate_prior`. The maps are those of `rate_training`: no
network or picture of them is in a table of results. What is written depends on the runtime of the
networks in its last digits; every stream depends on it, so it is part of the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.rate_training import training_maps
from fmq_embedded.dense import contexts
from fmq_embedded.dense import prior as prior_module
from fmq_embedded.dense.encoder import RATE_DISTORTION, TRELLIS, DenseMap, prepare
from fmq_embedded.dense.payload import encode_samples
from fmq_embedded.dense.prior import Prior
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import nearest_step
from fmq_embedded.files import write_atomically

PATH = Path(prior_module.__file__).with_name("prior_table.py")
CROPS: Final = 8
NOISE: Final = (8.0, 12.0, 16.0, 20.0, 26.0)
"""In dB below the map: that of the steps that are trained at."""
ROUNDS: Final = 2
COUNT_BITS, PROBABILITY_BITS = 4, 12
LARGEST_COUNT: Final = (1 << COUNT_BITS) - 1
TRUSTED: Final = 30.0
"""Decisions from which on a context's spread is believed."""
LEAST_SPREAD, MOST_SPREAD = 1 / 64, 0.7

_HEADER = '''"""How each context of the dense coder begins.

Written by firmware_tools/profiling/rate_prior.py: do not edit. For each context there is a
big-endian word: the probability of a 1 in 1/4,096 (the upper 12 bits), and how many decisions it is
worth (the lower 4).
"""

STATES = bytes.fromhex(
'''

States = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Job:
    """A map, a step and a way of deciding."""

    source: DenseMap
    step: int
    search: Search


def jobs(crops: int) -> Iterator[Job]:
    """Every training map at every step, with and without dependent quantization."""
    for row in training_maps(crops):
        for item in row.items:
            source = prepare(item)
            power = source.energy / source.values.size
            for noise in NOISE:
                size = float(np.sqrt(12 * power * 10 ** (-noise / 10)))
                size = float(np.ldexp(size, -source.exponent))
                for search in (RATE_DISTORTION, TRELLIS):
                    yield Job(source, nearest_step(size), search)


def train(many: Iterable[Job], rounds: int = ROUNDS) -> States:
    """The states that maps like these best begin with.

    Each map is coded from states whose first decision replaces what they hold, so that a map's
    last states are its own statistics. A beta distribution over the maps is fitted to each
    context, by moments: its mean is the probability to begin with, its spread the count.
    """
    many = list(many)
    blank = Prior.blank()
    states = blank.states
    for _ in range(rounds):
        forgetful = Prior(states & ~np.int32(255), blank.weights)
        last = np.array([_last_states(job, forgetful) for job in many])
        states = fitted_states(last, blank.states)
    return states


def fitted_states(last: States, unused: States) -> States:
    """A state for each context from those that maps ended with.

    Args:
        last: maps × contexts.
        unused: what contexts keep that no map used.

    Source: J. C. Kleinman, "Proportions with extraneous variance", JASA 68 (1973).
    """
    shares, counts = (last >> 8) / 65536, (last & 255).astype(np.float64)
    total = counts.sum(axis=0)
    mean = ((counts * shares).sum(axis=0) + 0.5) / (total + 1)
    weights = counts / np.maximum(total, 1)
    variance = mean * (1 - mean)
    sampling = (weights * (1 - weights) / np.maximum(counts, 1)).sum(axis=0)
    between = (weights * (shares - mean) ** 2).sum(axis=0) - variance * sampling
    scale = variance * ((weights * (1 - weights)).sum(axis=0) - sampling)
    spread = np.where(scale > 1e-9, between / np.maximum(scale, 1e-9), MOST_SPREAD)
    worth = 1 / spread.clip(LEAST_SPREAD, MOST_SPREAD) - 1
    # A context moves by 1/(count + 1.6); the mean of a beta distribution by 1/(worth + 1).
    count = np.rint(worth * np.minimum(1, total / TRUSTED) - 0.6).clip(0, LARGEST_COUNT)
    probability = np.rint(mean * 65536).clip(16, 65519)
    fitted = probability.astype(np.int32) << 8 | count.astype(np.int32)
    return np.where(total > 0, fitted, unused).astype(np.int32)


def packed(states: States) -> bytes:
    """A word for each state: 12 bits of probability, 4 of the count."""
    probability = ((states >> 8) >> (16 - PROBABILITY_BITS)).clip(1, (1 << PROBABILITY_BITS) - 2)
    return (probability << COUNT_BITS | (states & 255)).astype(">u2").tobytes()


def render(states: States) -> str:
    """The text of the module."""
    text, width = packed(states).hex(), 88
    lines = [f'    "{text[at : at + width]}"\n' for at in range(0, len(text), width)]
    return _HEADER + "".join(lines) + ")\n"


def _last_states(job: Job, prior: Prior) -> States:
    source = job.source
    coded = encode_samples(
        source.planes, source.layout, job.step, source.one_sided, job.search, prior
    )
    return coded.states


def main() -> None:
    """Train and write."""
    write_atomically(PATH, render(train(jobs(CROPS))).encode())
    print(f"{PATH}: {contexts.CONTEXT_COUNT} contexts")


if __name__ == "__main__":
    main()
