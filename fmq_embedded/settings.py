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
Profile = Literal["fast", "standard", "dense"]
PROFILES: tuple[Profile, ...] = ("fast", "standard", "dense")
RateDistortion = Literal["auto", "plain", "rdo", "trellis"]
RATE_DISTORTIONS: tuple[RateDistortion, ...] = ("auto", "plain", "rdo", "trellis")
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
        profile: what levels are coded with: "standard", contexts that learn; or "fast", static
            tables: about an eighth of the time, and some per cent more bits; or "dense": the fewest
            bits, by transforms and mixed contexts. Dense makes its own levels, with the step that
            `bit_depth` bits over the map's range have; where a quantizer or partition is given it
            codes their levels.
        target_bits, target_bytes: what the whole stream may have at most; it comes within 3 %
            below. Where even the coarsest step needs more: the smallest stream, and a
            `TargetWarning`.
        target_sqnr: 10·log10(Σf² / Σ(f − f̂)²) in dB that each map reaches, with the fewest bits.
        lossless: dense only: integer maps come back exactly.
        rate_distortion: how dense decides. "plain" rounds; "rdo" weighs error against bits;
            "trellis" does so with dependent quantization. "auto": for a target_sqnr whichever takes
            the fewest bits; else plain where no sample is negative, for there a smaller error of
            the map can be a worse result of the network, and trellis where some are.
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
    profile: Profile = "standard"
    target_bits: int | None = None
    target_bytes: int | None = None
    target_sqnr: float | None = None
    lossless: bool = False
    rate_distortion: RateDistortion = "auto"
    nonfinite: Literal["error", "saturate"] = "error"
    nan_level: int | None = None
    partition: PartitionChoice | Mapping[str, PartitionChoice] = "none"
    classes: int | None = None
    function: str | None = None
    partition_features: Callable[[npt.NDArray[np.int64]], npt.ArrayLike] | None = None

    def __post_init__(self) -> None:
        if self.method not in FLOWS:
            raise unknown_name("method of choosing a quantizer", self.method, FLOWS)
        if self.profile not in PROFILES:
            raise unknown_name("profile", self.profile, PROFILES)
        self._check_targets()
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

    @property
    def byte_limit(self) -> int | None:
        """What target_bytes or target_bits allow; None without such a target."""
        if self.target_bits is not None:
            return self.target_bits // 8
        return self.target_bytes

    def _check_targets(self) -> None:
        if self.rate_distortion not in RATE_DISTORTIONS:
            raise unknown_name("rate_distortion", self.rate_distortion, RATE_DISTORTIONS)
        wanted = [self.target_bits, self.target_bytes, self.target_sqnr, self.lossless or None]
        if sum(target is not None for target in wanted) > 1:
            raise InputError(
                "target_bits, target_bytes, target_sqnr and lossless exclude each other; give one"
            )
        if any(target is not None and target < 1 for target in wanted[:2]):
            raise InputError(f"a target is at least 1 bit or byte; got {wanted[0] or wanted[1]}")
        if self.target_sqnr is not None and not 0 < self.target_sqnr <= 200:
            raise InputError(f"target_sqnr is above 0 dB and at most 200; got {self.target_sqnr}")
        if self.lossless and self.profile != "dense":
            raise InputError('lossless belongs to the profile "dense"; give profile="dense"')
