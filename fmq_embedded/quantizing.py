"""From a feature map to its levels: which quantizer, and what the header says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fmq_embedded.bitstream.headers import TensorHeader
from fmq_embedded.errors import unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.payloads import best_centre
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.selection import Decision, choose
from fmq_embedded.settings import Settings
from fmq_embedded.structure import Network, NetworkGraph, StructureFeatures, features

if TYPE_CHECKING:
    from fmq_embedded.partition import Partition

Array = npt.NDArray[np.generic]


def choose_quantizer(item: FeatureMap, settings: Settings) -> tuple[Decision | None, Quantizer]:
    """The quantizer of a map under these settings, and why; no reason where it was given.

    Raises:
        InputError: see `encode`.
    """
    if isinstance(settings.quantizer, Quantizer):
        return None, settings.quantizer
    if settings.quantizer is not None:
        if item.name not in settings.quantizer:
            raise unknown_name("tensor with a quantizer", item.name, settings.quantizer)
        return None, settings.quantizer[item.name]
    samples = item
    if settings.nonfinite == "saturate" and not item.is_integer:
        finite = item.samples[np.isfinite(item.samples.astype(np.float64))]
        samples = FeatureMap(finite if finite.size else np.zeros(1, np.float32))
    return choose(
        samples,
        method=settings.method,
        features=map_features(item, settings),
        uniform_first=settings.uniform_first,
        bit_depth=settings.bit_depth,
        span=settings.span,
        rounding=settings.rounding,
    )


def map_features(item: FeatureMap, settings: Settings) -> StructureFeatures | None:
    """The structure features of a map; None where the settings have no network."""
    if settings.network is None:
        return None
    return features(joined(settings.network), _layer(item, settings))


def quantized(item: FeatureMap, settings: Settings) -> tuple[TensorHeader, Array | None]:
    """The header of a map and its levels; no levels of an empty one.

    Raises:
        InputError: see `fmq_embedded.encode`.
    """
    plain = plain_header(item)
    if item.samples.size == 0:
        return plain, None
    if settings.partition != "none":
        from fmq_embedded.partition.choosing import given_partition

        given = given_partition(item, settings)
        if given is not None:
            header = replace(plain, quantizer=given.base, centre=given.centre, partition=given)
            return header, _joint_levels(item, given, settings)
    decision, quantizer = choose_quantizer(item, settings)
    levels = quantizer.quantize(item, nonfinite=settings.nonfinite, nan_level=settings.nan_level)
    header = replace(
        plain,
        method=decision.method if decision else "fixed",
        layer=_layer(item, settings) if decision and settings.network else 0,
        quantizer=quantizer,
        parameters_sent=decision.parameters_signalled if decision else True,
        centre=best_centre(levels, quantizer),
    )
    if settings.partition == "none":
        return header, levels
    from fmq_embedded.partition.choosing import choose_partition

    partition = choose_partition(item, quantizer, settings, centre=header.centre)
    if partition is None:
        return header, levels
    return replace(header, partition=partition), _joint_levels(item, partition, settings)


def _joint_levels(item: FeatureMap, partition: Partition, settings: Settings) -> Array:
    return partition.quantize(item, nonfinite=settings.nonfinite, nan_level=settings.nan_level)


def _layer(item: FeatureMap, settings: Settings) -> int:
    if settings.layers is not None and item.name in settings.layers:
        return settings.layers[item.name]
    assert settings.network is not None
    return joined(settings.network).layer_of(item.name)


def plain_header(item: FeatureMap) -> TensorHeader:
    """What a header says of the samples alone."""
    dtype = item.samples.dtype.name if item.is_integer else "float32"
    return TensorHeader(item.shape, dtype, item.scale, item.zero_point, item.name)


def joined(network: Network | NetworkGraph) -> Network:
    """The layers of a graph of networks, as of one network."""
    return network.joined() if isinstance(network, NetworkGraph) else network
