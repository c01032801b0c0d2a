"""Metadata of a model, written with the flatbuffers package field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flatbuffers import Builder

from fmq_embedded.tflite_file import read_model, schema, write_model


def metadata(
    mean: Sequence[float] = (),
    deviation: Sequence[float] = (),
    content: int = 0,
    properties: tuple[int, ...] = (),
) -> bytes:
    """ModelMetadata with one subgraph of one input.

    Args:
        mean, deviation: of NormalizationOptions; none of it where `mean` is empty.
        content: 2 for ImageProperties, 4 for AudioProperties; 0 for none.
        properties: the fields of these.
    """
    builder = Builder(256)
    units = [_unit(builder, mean, deviation)] if mean else []
    described = _content(builder, content, properties) if content else None
    process_units = _vector(builder, units)
    builder.StartObject(7)
    if described is not None:
        builder.PrependUOffsetTRelativeSlot(3, described, 0)
    builder.PrependUOffsetTRelativeSlot(4, process_units, 0)
    inputs = _vector(builder, [builder.EndObject()])
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(2, inputs, 0)
    subgraphs = _vector(builder, [builder.EndObject()])
    builder.StartObject(8)
    builder.PrependUOffsetTRelativeSlot(3, subgraphs, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"M001")
    return bytes(builder.Output())


def with_metadata(model: bytes, data: bytes) -> bytes:
    """A model with these metadata."""
    table, opened = schema(), read_model(model)
    buffer, entry = table.BufferT(), table.MetadataT()
    buffer.data = np.frombuffer(data, np.uint8)
    opened.buffers.append(buffer)
    entry.name, entry.buffer = b"TFLITE_METADATA", len(opened.buffers) - 1
    opened.metadata = [*(opened.metadata or []), entry]
    return write_model(opened)


def _unit(builder: Any, mean: Sequence[float], deviation: Sequence[float]) -> int:
    vectors = [builder.CreateNumpyVector(np.array(v, np.float32)) for v in (mean, deviation)]
    builder.StartObject(2)
    for field, vector in enumerate(vectors):
        builder.PrependUOffsetTRelativeSlot(field, vector, 0)
    options = builder.EndObject()
    builder.StartObject(2)
    builder.PrependUint8Slot(0, 1, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    return int(builder.EndObject())


def _content(builder: Any, kind: int, properties: tuple[int, ...]) -> int:
    builder.StartObject(2)
    for field, value in enumerate(properties):
        (builder.PrependUint8Slot if kind == 2 else builder.PrependUint32Slot)(field, value, 0)
    options = builder.EndObject()
    builder.StartObject(3)
    builder.PrependUint8Slot(0, kind, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    return int(builder.EndObject())


def _vector(builder: Any, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
