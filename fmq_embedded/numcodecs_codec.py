"""The codec "fmq" of numcodecs: what Zarr's second format, kerchunk and others store maps with.

    zarr.create_array(store, data=maps, chunks=(1, 16, 16, 88), zarr_format=2,
                      compressors=fmq_embedded.numcodecs_codec.Fmq(bit_depth=6))

It is lossy: what comes back are the dequantized samples, of the same shape and dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_bytes, ndarray_copy

from fmq_embedded.array_codec import CODEC_ID, ArrayCodec


class Fmq(Codec):  # type: ignore[misc]
    """Quantizes and codes an array of float32, int8, uint8 or int16.

    Args:
        settings: of `ArrayCodec`, by name: bit_depth, span, rounding, partition.

    Raises:
        InputError: for others.
    """

    codec_id = CODEC_ID

    def __init__(self, **settings: Any) -> None:
        self._codec = ArrayCodec.from_configuration(settings)

    def encode(self, buf: Any) -> bytes:
        """The bitstream of an array, whose shape goes with it."""
        return self._codec.stream_of(np.asarray(buf))

    def decode(self, buf: Any, out: Any = None) -> Any:
        """The array of a bitstream, copied into `out` where that is given."""
        return ndarray_copy(self._codec.array_of(ensure_bytes(buf)), out)

    def get_config(self) -> dict[str, Any]:
        """The settings, as JSON takes them."""
        return {"id": self.codec_id, **self._codec.configuration()}

    def __repr__(self) -> str:
        """As it is made."""
        settings = ", ".join(f"{k}={v!r}" for k, v in self._codec.configuration().items())
        return f"Fmq({settings})"
