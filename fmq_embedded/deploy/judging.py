"""What a deployment does to its network's result: measured on calibration inputs, by the tail."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration.collected import JUDGED_INPUTS, KEPT_INPUTS
from fmq_embedded.calibration.results import Result, result_kind
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import InputError
from fmq_embedded.runtimes import Model

FEWEST_SURE = 10
"""Inputs by which a share that agrees can be judged at all."""

Array = npt.NDArray[Any]
Maps = Mapping[str, Array]


@dataclass(frozen=True)
class Evidence:
    """What a deployment gives on the judged inputs.

    Args:
        bits: per sample, of whole streams.
        map_ratio: signal to noise of the maps, in dB; infinite where they come back exactly.
        tail_ratio: of the tail's worst output.
        share: of the inputs whose result stays; None where that is not asked.
        count: of the inputs.
    """

    bits: float
    map_ratio: float
    tail_ratio: float
    share: float | None
    count: int

    def __str__(self) -> str:
        agreed = "" if self.share is None else f", {self.share:.1%} of {self.count} results stay"
        return (
            f"{self.bits:.3f} bits/sample, map {self.map_ratio:.1f} dB, "
            f"tail {self.tail_ratio:.1f} dB{agreed}"
        )


@dataclass(frozen=True)
class Judge:
    """Inputs with what the tail makes of them, and a criterion.

    Args:
        tail: behind the link.
        judged: the head's maps of each input.
        references: what the tail gives for them as they are.
        limit: the largest change that is accepted.
        result: what has to stay; None: the change is the worst output's noise to signal.
    """

    tail: Model
    judged: Sequence[Maps]
    references: Sequence[Maps]
    limit: float
    result: Result | None = None

    @classmethod
    def by_ratio(cls, tail: Model, maps: Sequence[Maps], tail_sqnr: float) -> Judge:
        """The tail's outputs keep a ratio, in dB, over the first 24 inputs."""
        judged = maps[:JUDGED_INPUTS]
        references = [tail.run(one) for one in judged]
        return cls(tail, judged, references, math.pow(10, -tail_sqnr / 10))

    @classmethod
    def by_result(cls, tail: Model, maps: Sequence[Maps], result: str, agree: float) -> Judge:
        """A result stays for a share of the inputs, of those that are no near tie.

        Args:
            result: a key of `RESULTS`.
            agree: the least share, above 0 and at most 1.

        Raises:
            InputError: another result or share, or too few inputs that the network is sure about.
        """
        if not 0 < agree <= 1:
            raise InputError(f"a share of results that stay is above 0 and at most 1; got {agree}")
        kind = result_kind(result, tail.outputs)
        pairs = [(one, tail.run(one)) for one in maps]
        sure = [(one, outputs) for one, outputs in pairs if kind.is_sure(outputs)]
        if len(sure) < FEWEST_SURE:
            raise InputError(
                f"of {len(pairs)} inputs {len(sure)} have a sure result, and whether the "
                f"{result} stays is judged by at least {FEWEST_SURE}; give more data, up to "
                f"{KEPT_INPUTS} are taken"
            )
        judged, references = zip(*sure, strict=True)
        return cls(tail, judged, references, 1 - agree + 1e-9, kind)

    def change(self, deployment: Deployment) -> float:
        """What the deployment changes; to be compared with `limit`.

        The worst output's noise to signal; or the share of results that change, for which no more
        are asked once it is above the limit.
        """
        if self.result is None:
            return self._noise(deployment)
        changed = 0
        for maps, reference in zip(self.judged, self.references, strict=True):
            changed += not self.result.same(reference, self._behind(deployment, maps))
            if changed > self.limit * len(self.judged):
                break
        return changed / len(self.judged)

    def evidence(self, deployment: Deployment) -> Evidence:
        """Everything about the deployment on the judged inputs."""
        noise = signal = 0.0
        size = same = samples = 0
        for maps, reference in zip(self.judged, self.references, strict=True):
            size += len(deployment.encode(maps))
            decoded = through(deployment, maps)
            for plan in deployment.tensors:
                exact = maps[plan.name].astype(np.float64)
                noise += plan.scale**2 * float(((exact - decoded[plan.name]) ** 2).sum())
                signal += plan.scale**2 * float(((exact - plan.zero_point) ** 2).sum())
                samples += exact.size
            if self.result is not None:
                same += self.result.same(reference, self.tail.run(decoded))
        return Evidence(
            8 * size / samples,
            _decibels(noise / signal if signal else 0.0),
            _decibels(self._noise(deployment)),
            None if self.result is None else same / len(self.judged),
            len(self.judged),
        )

    def _behind(self, deployment: Deployment, maps: Maps) -> Maps:
        outputs: Maps = self.tail.run(through(deployment, maps))
        return outputs

    def _noise(self, deployment: Deployment) -> float:
        noise, signal = (
            dict.fromkeys(self.references[0], 0.0),
            dict.fromkeys(self.references[0], 0.0),
        )
        for maps, reference in zip(self.judged, self.references, strict=True):
            outputs = self._behind(deployment, maps)
            for name, exact in reference.items():
                wide = exact.astype(np.float64)
                noise[name] += float(((wide - outputs[name]) ** 2).sum())
                signal[name] += float((wide**2).sum())
        return max(noise[name] / signal[name] if signal[name] else 0.0 for name in noise)


def through(deployment: Deployment, maps: Maps) -> dict[str, Array]:
    """The maps as the tail gets them, quantized as planned."""
    levels, decoded = deployment.quantize(maps), {}
    for plan in deployment.tensors:
        if plan.dense is not None:
            _, numbers = plan.dense.through(levels[plan.name])
            decoded[plan.name] = plan.dequantize(numbers)
        else:
            partition = plan.partition_of(plan.item(maps[plan.name]))
            decoded[plan.name] = plan.dequantize(levels[plan.name], partition)
    return decoded


def _decibels(noise_to_signal: float) -> float:
    return -10 * math.log10(noise_to_signal) if noise_to_signal > 0 else math.inf
