"""What calibration knows of the data that were run so far: it merges exactly, in any order.

Beside the statistics it names the inputs by which candidates are judged: those with the smallest
hashes of their contents. Which ones these are depends on the data alone, neither on their order
nor on who ran them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration.statistics import GRID_BINS, TensorStatistics
from fmq_embedded.selection import Moments

JUDGED_INPUTS: Final = 24
"""By which the ratio of the tail's outputs is judged."""
KEPT_INPUTS: Final = 240
"""By which it is judged whether the result stays: a share of inputs needs more of them."""
_DIGEST_BYTES: Final = 16

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Collected:
    """Statistics of a head's outputs over some inputs, and which of these inputs judge.

    Args:
        statistics: by tensor.
        judges: hash of the contents → the smallest place in the data set that has them; of at most
            240 inputs, those with the smallest hashes, in their order.
        count: inputs that were run.
    """

    statistics: Mapping[str, TensorStatistics] = field(default_factory=dict)
    judges: Mapping[str, int] = field(default_factory=dict)
    count: int = 0

    def merged(self, other: Collected) -> Collected:
        """What is known of both sets of inputs."""
        statistics = dict(self.statistics)
        for name, found in other.statistics.items():
            known = statistics.get(name)
            statistics[name] = known.merged(found) if known else found
        places = dict(self.judges)
        for digest, place in other.judges.items():
            places[digest] = min(place, places.get(digest, place))
        first = sorted(places)[:KEPT_INPUTS]
        judges = {digest: places[digest] for digest in first}
        return Collected(statistics, judges, self.count + other.count)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module, exact."""
        return {
            "statistics": {name: _plain(one) for name, one in self.statistics.items()},
            "judges": dict(self.judges),
            "count": self.count,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Collected:
        """What `to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        statistics = {name: _from_plain(one) for name, one in data["statistics"].items()}
        judges = {str(digest): int(place) for digest, place in data["judges"].items()}
        return cls(statistics, judges, int(data["count"]))


def input_digest(sample: Array | Mapping[str, Array]) -> str:
    """The hash of an input's contents, hexadecimal."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    named = sample if isinstance(sample, Mapping) else {"": sample}
    for name, array in sorted(named.items()):
        digest.update(name.encode() + b"\0")
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _plain(known: TensorStatistics) -> dict[str, Any]:
    moments, bins = known.moments, np.flatnonzero(known.counts)
    return {
        "count": moments.count,
        "zeros": moments.zeros,
        "ends": [moments.minimum.hex(), moments.maximum.hex()],
        "total": f"{moments.total:x}",
        "total_of_squares": f"{moments.total_of_squares:x}",
        "bins": bins.tolist(),
        "counts": known.counts[bins].tolist(),
    }


def _from_plain(data: Mapping[str, Any]) -> TensorStatistics:
    counts = np.zeros(GRID_BINS, np.int64)
    counts[np.array(data["bins"], np.int64)] = data["counts"]
    minimum, maximum = map(float.fromhex, data["ends"])
    moments = Moments(
        int(data["count"]),
        int(data["zeros"]),
        minimum,
        maximum,
        int(data["total"], 16),
        int(data["total_of_squares"], 16),
    )
    return TensorStatistics(moments, counts)
