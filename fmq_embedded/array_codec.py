"""One map to one bitstream and back: what the array stores' codecs share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.codec import decode, encode
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.settings import PartitionName, Settings

CODEC_ID = "fmq"
DTYPES = ("float32", "int8", "uint8", "int16")


@dataclass(frozen=True)
class ArrayCodec:
    """How the arrays of a store are coded; plain data, for the store keeps it as JSON.

    Attributes:
        bit_depth: bits of a level, 1..16.
        span: "fitted" or "literal".
        rounding: "floor" or "centre".
        partition: "none", "channel", "region", "block" or "auto".

    Raises:
        InputError: for values outside these.
    """

    bit_depth: int = 8
    span: Literal["fitted", "literal"] = "fitted"
    rounding: Literal["floor", "centre"] = "floor"
    partition: PartitionName = "none"

    def __post_init__(self) -> None:
        """Check the values. Raises InputError."""
        self._settings()

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> ArrayCodec:
        """The codec of what `configuration` gave; left out keys have their defaults.

        Raises:
            InputError: an unknown key.
        """
        known = [field.name for field in fields(cls)]
        for key in configuration:
            if key not in known:
                raise unknown_name("setting of the codec", key, known)
        return cls(**configuration)

    def configuration(self) -> dict[str, Any]:
        """All values, as JSON takes them."""
        return asdict(self)

    def stream_of(self, array: npt.NDArray[Any]) -> bytes:
        """The bitstream of an array.

        Raises:
            InputError: a dtype that does not come back as it was, NaN or infinity, or no values.
        """
        if array.dtype.name not in DTYPES:
            raise InputError(
                f"feature maps in an array store are {', '.join(DTYPES)}; got {array.dtype.name}: "
                "convert the array first"
            )
        return encode(np.ascontiguousarray(array), self._settings())

    @staticmethod
    def array_of(data: bytes) -> npt.NDArray[Any]:
        """The array of a bitstream: its shape and dtype are in there.

        Raises:
            BitstreamError: the stream is corrupt.
            InputError: it holds several maps.
        """
        found = decode(data)
        if isinstance(found, dict):
            raise InputError(f"the stream holds {len(found)} maps; expected one")
        return found

    def _settings(self) -> Settings:
        return Settings(**self.configuration())
