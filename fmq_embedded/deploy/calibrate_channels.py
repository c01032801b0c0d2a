"""Which channel transforms are worth a trial for a tensor's dense plan.

The orthonormal one needs the calibration maps alone. Where a tail decides, others weigh what they
code by what it matters to the tail, measured as the importance of channels is: the map's own
channels before a Karhunen–Loève transform of the weighted maps, or the components behind one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration.importance import (
    QUARTERS,
    Change,
    Tail,
    measure_importance,
    step_exponents,
)
from fmq_embedded.dense import real_values
from fmq_embedded.dense.channel_transform import (
    LARGEST_CHANNELS,
    ChannelTransform,
    principal_basis,
)
from fmq_embedded.dense.device_plan import device_exponent
from fmq_embedded.deploy.tensor_plan import Array, TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap

NOISE_STEP = 0.5
"""Of the noise that importance is measured by, in root mean squares of the samples."""
MEASURED_MAPS = 16
"""By which importance is measured: a tail runs once for each and each channel."""

Reals = npt.NDArray[np.float64]
Maps = Mapping[str, Array]


@dataclass(frozen=True)
class TailSensitivity:
    """What tells how much a tensor's channels matter.

    Args:
        tail: runs the tail on the samples of all tensors.
        judged: the maps that it is asked about, by name.
        moved: how far outputs move the result; None: all outputs alike matter.
    """

    tail: Tail
    judged: Sequence[Maps]
    moved: Change | None = None

    def weights(self, tensor: TensorPlan, basis: Reals) -> Reals:
        """How much finer each component is to be quantized than all are on average.

        Args:
            basis: float64 (C, C), orthonormal: components in rows.
        """
        name, shape = tensor.name, tensor.shape
        values = [real_values(tensor.item(maps[name])) for maps in self.judged[:MEASURED_MAPS]]
        unit = NOISE_STEP * float(np.sqrt(np.mean(np.square(values)))) or 1.0

        def behind(turned: Mapping[str, Array]) -> Mapping[str, Array]:
            own = turned[name].astype(np.float64).reshape(shape) @ basis
            return self.tail({**turned, name: _as_samples(tensor, own)})

        items = [
            {
                **{other: FeatureMap(samples) for other, samples in maps.items()},
                name: FeatureMap((one @ basis.T).astype(np.float32).reshape(shape)),
            }
            for maps, one in zip(self.judged, values, strict=False)
        ]
        found = measure_importance(behind, items, {name: unit}, change=self.moved)
        exponents = step_exponents(list(found.values()))[name]
        finer: Reals = 2.0 ** (-exponents / QUARTERS)
        return finer


def can_have_transform(tensor: TensorPlan, judged: Sequence[Maps]) -> bool:
    """Whether the tensor has few enough channels, and negative samples: what a ReLU leaves is not
    linear."""
    count = tensor.shape[-1] if tensor.shape else 0
    return 2 <= count <= LARGEST_CHANNELS and any(
        float(real_values(tensor.item(maps[tensor.name])).min(initial=0)) < 0 for maps in judged
    )


def fitted_transform(maps: Sequence[Reals]) -> tuple[ChannelTransform, int]:
    """The orthonormal transform of maps like these, and the exponent for what comes out of it.

    Args:
        maps: each (samples, channels), of 2 to 64 channels.
    """
    transform = ChannelTransform.fitted(_covariance(maps))
    largest = _largest(maps, transform.matrix.values)
    return transform, device_exponent(-largest, largest, is_integer=False)


def weighted_transforms(
    tensor: TensorPlan, maps: Sequence[Reals], sensitivity: TailSensitivity
) -> dict[str, ChannelTransform]:
    """Transforms whose numbers all want the same step, and are as large as the orthonormal one's.

    Args:
        maps: the tensor's own, each (samples, channels).
    """
    covariance = _covariance(maps)
    basis = principal_basis(covariance)
    channel_weights = sensitivity.weights(tensor, np.eye(len(basis)))
    component_weights = sensitivity.weights(tensor, basis)
    weighted = covariance * np.outer(channel_weights, channel_weights)
    tried = {
        "weighted channels": np.diag(channel_weights),
        "weighted components": component_weights[:, None] * basis,
        "components of weighted channels": principal_basis(weighted) * channel_weights,
    }
    found = {}
    for name, forward in tried.items():
        scale = _largest(maps, basis) / _largest(maps, forward)
        with contextlib.suppress(InputError):  # weights too far apart for 16 bits
            found[name] = ChannelTransform.weighted(scale * forward)
    return found


def _covariance(maps: Sequence[Reals]) -> Reals:
    return np.asarray(sum(values.T @ values for values in maps))


def _largest(maps: Sequence[Reals], forward: Reals) -> float:
    return max(float(np.abs(values @ forward.T).max()) for values in maps)


def _as_samples(tensor: TensorPlan, values: Reals) -> Array:
    """Real numbers, in codes where the samples are, as the tail takes them."""
    if tensor.dtype == "float32":
        return values.astype(np.float32)
    limits = np.iinfo(tensor.dtype)
    codes = np.rint(values) + tensor.zero_point
    samples: Array = codes.clip(limits.min, limits.max).astype(tensor.dtype)
    return samples
