"""What the report says of each tensor that crosses the link: from the deployment's worked case."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.rate_codec import real_values
from firmware_tools.profiling.rate_curve import signal_to_noise
from fmq_embedded.bitstream.headers import TensorHeader
from fmq_embedded.calibration import TensorStatistics, tensor_statistics
from fmq_embedded.calibration.statistics import values_of_keys
from fmq_embedded.codec import DecodedStream, read_stream
from fmq_embedded.deploy.conformance import case_maps
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.partition import Partition
from fmq_embedded.quantizers.exact import decision_thresholds
from fmq_embedded.selection import gaussian_similarity, histogram, laplace_similarity

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TensorFacts:
    """One tensor of the worked case.

    Attributes:
        plan: of the deployment.
        samples: of the plan's shape and dtype, as the head gave them.
        decoded: the same as the tail gets them.
        partition: its classes, of this very map; None where it is quantized as a whole.
        coding: how the stream holds it, such as "entropy coded".
        coded_bytes: in the stream, its header included.
    """

    plan: TensorPlan
    samples: Array
    decoded: Array
    partition: Partition | None
    coding: str
    coded_bytes: int

    @property
    def shape_text(self) -> str:
        """Such as "1×16×16×88"."""
        return "×".join(map(str, self.plan.shape))

    @property
    def values(self) -> Floats:
        """The samples' real values."""
        return real_values(self.plan.item(self.samples)).astype(np.float64)

    @property
    def bits_per_element(self) -> float:
        """Of the stream's bytes."""
        return 8 * self.coded_bytes / self.samples.size

    @property
    def sqnr(self) -> float:
        """10·log10(Σf² / Σ(f − f̂)²) of the map, in dB."""
        return signal_to_noise(self.values, real_values(self.plan.item(self.decoded)))

    @functools.cached_property
    def statistics(self) -> TensorStatistics:
        """Of the map's samples."""
        return tensor_statistics(self.plan.item(self.samples))

    @functools.cached_property
    def similarities(self) -> dict[str, float]:
        """How much the map's histogram resembles each distribution, 0..1."""
        counted = histogram(self.plan.item(self.samples))
        found = {
            "Gaussian": gaussian_similarity(counted),
            "Laplace": laplace_similarity(counted),
        }
        return {name: similarity.value / 65536 for name, similarity in found.items()}

    @property
    def thresholds(self) -> Floats:
        """The real values at which the quantizer's level changes; those beyond float32 left out.

        There are none where the dense coder makes the levels: it rounds transformed samples too.
        """
        if self.plan.dense is not None or self.plan.chosen_quantizer.is_constant:
            return np.zeros(0)
        keys = decision_thresholds(self.plan.chosen_quantizer).astype(np.int64)
        values = values_of_keys(keys)
        finite: npt.NDArray[np.float64] = values[np.isfinite(values)]
        return finite


def tensor_facts(deployment: Deployment, folder: Path) -> list[TensorFacts]:
    """The facts of every tensor, in the deployment's order.

    Raises:
        InputError: the deployment is not calibrated.
    """
    maps = case_maps(deployment, folder)
    data = deployment.encode(maps)
    decoded = deployment.decode(data)
    stream = _stream(deployment, data)
    return [
        TensorFacts(
            plan,
            maps[plan.name],
            decoded[plan.name],
            plan.partition_of(plan.item(maps[plan.name])),
            tensor.coding,
            tensor.header_bytes + tensor.payload_bytes,
        )
        for plan, tensor in zip(deployment.tensors, stream.tensors, strict=True)
    ]


def worst_ratio(exact: Mapping[str, Array], approximate: Mapping[str, Array]) -> float:
    """The least signal-to-noise ratio, in dB, of several outputs by name."""
    return min(signal_to_noise(output, approximate[name]) for name, output in exact.items())


def ratio_text(ratio: float) -> str:
    """A signal-to-noise ratio in words; outputs that are all 0 have none."""
    if math.isnan(ratio):
        return "–"
    return "without loss" if math.isinf(ratio) else f"{ratio:.1f} dB"


def _stream(deployment: Deployment, data: bytes) -> DecodedStream:
    agreed: tuple[TensorHeader, ...] = deployment.headers if deployment.headers_agreed else ()
    return read_stream(data, agreed=agreed)
