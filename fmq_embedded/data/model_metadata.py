"""What a model's own metadata say of its input: normalisation, colours, sample rate.

The metadata are a flatbuffer in the buffer that the model calls TFLITE_METADATA; the tables are
those of metadata_schema.fbs (TensorFlow Lite Support, version 1.3). They are a stranger's: every
offset is checked, and metadata that cannot be read count as none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

ENTRY: Final = b"TFLITE_METADATA"

# Fields by their numbers in metadata_schema.fbs.
_SUBGRAPHS: Final = 3  # of ModelMetadata
_INPUTS: Final = 2  # of SubGraphMetadata
_CONTENT, _PROCESS_UNITS = 3, 4  # of TensorMetadata
_UNION_TYPE, _UNION = 0, 1  # of Content and ProcessUnit
_IMAGE, _AUDIO = 2, 4  # of the union ContentProperties
_NORMALISATION: Final = 1  # of the union ProcessUnitOptions
_GREY: Final = 2  # of ColorSpaceType
_MOST_ELEMENTS: Final = 4096


@dataclass(frozen=True)
class InputMetadata:
    """Of a model's first input.

    Args:
        mean, deviation: real = (value − mean) / deviation, one for all channels or one for each;
            empty where nothing is said.
        is_picture, is_grey, is_sound: what it is; all False where nothing is said.
        sample_rate: in Hz; 0 where nothing is said.
    """

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    is_picture: bool = False
    is_grey: bool = False
    is_sound: bool = False
    sample_rate: int = 0


def input_metadata(model: Any) -> InputMetadata | None:
    """The metadata of a model from `read_model`; None where it has none that can be read."""
    for entry in model.metadata or []:
        data = model.buffers[entry.buffer].data
        if entry.name == ENTRY and data is not None:
            try:
                return _read(bytes(np.asarray(data, np.uint8)))
            except (struct.error, IndexError, ValueError, OverflowError):
                return None
    return None


def _read(data: bytes) -> InputMetadata | None:
    root = _Table(data, struct.unpack_from("<I", data, 0)[0])
    subgraph = next(root.tables(_SUBGRAPHS), None)
    tensor = next(subgraph.tables(_INPUTS), None) if subgraph else None
    if tensor is None:
        return None
    content = tensor.table(_CONTENT)
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    kind = content.byte(_UNION_TYPE) if content else 0
    properties = content.table(_UNION) if content else None
    for unit in tensor.tables(_PROCESS_UNITS):
        options = unit.table(_UNION)
        if unit.byte(_UNION_TYPE) == _NORMALISATION and options:
            mean, deviation = options.floats(0), options.floats(1)
    if len(mean) != len(deviation) or not all(deviation):
        mean = deviation = ()
    return InputMetadata(
        mean,
        deviation,
        kind == _IMAGE,
        kind == _IMAGE and properties is not None and properties.byte(0) == _GREY,
        kind == _AUDIO,
        properties.number(0) if kind == _AUDIO and properties else 0,
    )


@dataclass(frozen=True)
class _Table:
    """A table of a flatbuffer; a field that is not there is None, 0 or empty."""

    data: bytes
    position: int

    def table(self, field: int) -> _Table | None:
        at = self._field(field)
        return None if at is None else self._target(at)

    def tables(self, field: int) -> Iterator[_Table]:
        at = self._field(field)
        start, count = self._vector(at) if at is not None else (0, 0)
        for place in range(start, start + 4 * count, 4):
            yield self._target(place)

    def floats(self, field: int) -> tuple[float, ...]:
        at = self._field(field)
        start, count = self._vector(at) if at is not None else (0, 0)
        return struct.unpack_from(f"<{count}f", self.data, start)

    def byte(self, field: int) -> int:
        at = self._field(field)
        return 0 if at is None else self.data[at]

    def number(self, field: int) -> int:
        at = self._field(field)
        return 0 if at is None else self._unsigned(at)

    def _field(self, field: int) -> int | None:
        virtual = self.position - struct.unpack_from("<i", self.data, self.position)[0]
        if virtual < 0:
            raise ValueError("a virtual table before the start")
        size = struct.unpack_from("<H", self.data, virtual)[0]
        place = 4 + 2 * field
        offset = struct.unpack_from("<H", self.data, virtual + place)[0] if place < size else 0
        return self.position + offset if offset else None

    def _target(self, at: int) -> _Table:
        return _Table(self.data, at + self._unsigned(at))

    def _vector(self, at: int) -> tuple[int, int]:
        start = at + self._unsigned(at)
        count = self._unsigned(start)
        if count > _MOST_ELEMENTS:
            raise ValueError("a vector without end")
        return start + 4, count

    def _unsigned(self, at: int) -> int:
        return int(struct.unpack_from("<I", self.data, at)[0])
