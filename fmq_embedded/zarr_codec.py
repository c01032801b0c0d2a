"""The codec "fmq" of Zarr's third format.

    zarr.create_array(store, data=maps, chunks=(1, 16, 16, 88),
                      serializer=fmq_embedded.zarr_codec.FmqCodec(bit_depth=6))

It is a serializer: it takes the array, with its shape, to bytes. It is lossy as `Fmq` is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec
from zarr.core.common import parse_named_configuration

from fmq_embedded.array_codec import CODEC_ID, ArrayCodec


@dataclass(frozen=True)
class FmqCodec(ArrayCodec, ArrayBytesCodec):  # type: ignore[misc]
    """Quantizes and codes a chunk of float32, int8, uint8 or int16; see `ArrayCodec`."""

    is_fixed_size = False

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FmqCodec:
        """The codec of an array's metadata. Raises InputError for unknown settings."""
        _, configuration = parse_named_configuration(data, CODEC_ID, require_configuration=False)
        made = ArrayCodec.from_configuration(configuration or {})
        return cls(**made.configuration())

    def to_dict(self) -> dict[str, Any]:
        """What the array's metadata keep."""
        return {"name": CODEC_ID, "configuration": self.configuration()}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        """Not known beforehand."""
        raise NotImplementedError

    async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
        array = chunk_array.as_numpy_array()
        data = await asyncio.to_thread(self.stream_of, array)
        return chunk_spec.prototype.buffer.from_bytes(data)

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        array = await asyncio.to_thread(self.array_of, chunk_bytes.to_bytes())
        made = np.asarray(array).reshape(chunk_spec.shape)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(made)
