"""How feature maps are to be encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.quantizers.quantizer import Quantizer, Rounding
from fmq_embedded.selection import FLOWS, UniformFirst
from fmq_embedded.structure import Network, NetworkGraph

if TYPE_CHECKING:
    from fmq_embedded.partition import Partition
    from fmq_embedded.partition.dynamic import DynamicClasses

PartitionName = Literal["none", "channel", "region", "block", "auto"]
PARTITIONS: tuple[PartitionName, ...] = ("none", "channel", "region", "block", "auto")
FUNCTIONS = ("classification", "detection", "segmentation", "tracking")
PartitionChoice: TypeAlias = "PartitionName | Partition | DynamicClasses"


@dataclass(frozen=True)
class Settings:
    """The encoder's settings; each stage may be left out (Fig. 6).

    Args:
        bit_depth: bits of a level, 1..16; 2..16 unless uniform.
        method: how a distribution is chosen: "histogram" (Fig. 7), "next_layer" (Fig. 8),
            "previous_layer" (Fig. 9) or "uniform_first" (Fig. 10).
        quantizer: one for every map, or one for each name; then nothing is chosen.
        span: "fitted" to the bit depth and the samples, or "literal", as the equations stand.
        rounding: "floor", or "centre" for a dead zone about the centre.
        uniform_first: for that method: True, False or a rule.
        network: the structure that the maps come from; needed by the methods by structure.
        layers: the layer of the (joined) network that makes each map; by default looked up by
            the map's name.
        send_structure: True to put the structure into the stream; False when the decoder has
            it: then only its checksum is sent.
        entropy_coding: False to pack levels only.
        nonfinite: "error", or "saturate": infinities take the end levels and NaN `nan_level`.
        nan_level: the level of NaN.
        partition: "none"; "channel", "region" or "block": classes of those; "auto": whichever
            takes the fewest bits at the same distortion, or none; or a `Partition`, then nothing
            is chosen, or `DynamicClasses`; or one of these for each name.
        classes: how many clusters, 1..256, the classes are made of; those that end with the
            same quantizer are one. None for as many as pay.
        function: what the network is for: "classification", "detection", "segmentation" or
            "tracking"; with "auto" it says which kinds are tried. By default it is read from the
            network's outputs, where there is a network and they tell.
        partition_features: what channels or positions are clustered by: a function of the
            residuals, int64, rows × columns × channels, that gives a row of integers for each. By
            default mean, variance and structural complexity.

    Raises:
        InputError: for values outside these.
    """

    bit_depth: int = 8
    method: str = "histogram"
    quantizer: Quantizer | Mapping[str, Quantizer] | None = None
    span: Literal["fitted", "literal"] = "fitted"
    rounding: Rounding = "floor"
    uniform_first: bool | UniformFirst | None = None
    network: Network | NetworkGraph | None = None
    layers: Mapping[str, int] | None = None
    send_structure: bool = True
    entropy_coding: bool = True
    nonfinite: Literal["error", "saturate"] = "error"
    nan_level: int | None = None
    partition: PartitionChoice | Mapping[str, PartitionChoice] = "none"
    classes: int | None = None
    function: str | None = None
    partition_features: Callable[[npt.NDArray[np.int64]], npt.ArrayLike] | None = None

    def __post_init__(self) -> None:
        if self.method not in FLOWS:
            raise unknown_name("method of choosing a quantizer", self.method, FLOWS)
        if not 1 <= self.bit_depth <= 16:
            raise InputError(f"bit_depth is 1..16; got {self.bit_depth}")
        wanted = self.partition
        for choice in wanted.values() if isinstance(wanted, Mapping) else (wanted,):
            if isinstance(choice, str) and choice not in PARTITIONS:
                raise unknown_name("partition", choice, PARTITIONS)
        if self.classes is not None and not 1 <= self.classes <= 256:
            raise InputError(f"classes is 1..256; got {self.classes}")
        if self.function is not None and self.function not in FUNCTIONS:
            raise unknown_name("function of a network", self.function, FUNCTIONS)
        if self.method != "histogram" and self.quantizer is None and self.network is None:
            raise InputError(
                f"method {self.method!r} needs the structure of the network; give network=, "
                'for example fmq.read_tflite("model.tflite")'
            )
