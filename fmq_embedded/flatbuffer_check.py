"""A bounds check of a .tflite flatbuffer before anything else reads it.

The readers that the schema compiler generates trust every offset, and so do the runtimes, whose
crash would take the process with it. This walks the tables of the TFLite schema (schema.fbs,
version 3) as the flatbuffers verifier does: every table, virtual table, vector and string lies
inside the file. Work is bounded by the file's size, so that a small file whose offsets share one
table a million times is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from fmq_embedded.errors import InputError

_STRING: Final = "string"
_TABLE: Final = "table:"
_TABLES: Final = "tables:"
_OPAQUE: Final = "table:opaque"

# What each field that is not a scalar holds: the bytes of one element of a vector of scalars,
# a string, a table, or a vector of tables. Fields are numbered as in schema.fbs. The tables of
# unions are checked as far as their own bounds.
_FIELDS: Final[dict[str, dict[int, int | str]]] = {
    "Model": {
        1: "tables:OperatorCode",
        2: "tables:SubGraph",
        3: _STRING,
        4: "tables:Buffer",
        5: 4,
        6: "tables:Metadata",
        7: "tables:SignatureDef",
        8: "tables:ExternalBufferGroup",
        9: "tables:ExternalBuffer",
    },
    "OperatorCode": {1: _STRING},
    "SubGraph": {0: "tables:Tensor", 1: 4, 2: 4, 3: "tables:Operator", 4: _STRING},
    "Tensor": {
        0: 4,
        3: _STRING,
        4: "table:QuantizationParameters",
        6: "table:SparsityParameters",
        7: 4,
        9: "tables:VariantSubType",
    },
    "QuantizationParameters": {0: 4, 1: 4, 2: 4, 3: 8, 5: _OPAQUE},
    "SparsityParameters": {0: 4, 1: 4, 2: "tables:DimensionMetadata"},
    "DimensionMetadata": {3: _OPAQUE, 5: _OPAQUE},
    "VariantSubType": {0: 4},
    "Operator": {1: 4, 2: 4, 4: _OPAQUE, 5: 1, 7: 1, 8: 4, 12: _OPAQUE},
    "Buffer": {0: 1},
    "Metadata": {0: _STRING},
    "SignatureDef": {0: "tables:TensorMap", 1: "tables:TensorMap", 2: _STRING},
    "TensorMap": {0: _STRING},
    "ExternalBufferGroup": {0: _STRING},
    "ExternalBuffer": {4: _STRING},
    "opaque": {},
}


@dataclass
class _Walk:
    data: bytes
    todo: list[tuple[int, str]] = field(default_factory=list)
    bytes_left: int = 0

    def number(self, position: int, code: str) -> int:
        try:
            value: int = struct.unpack_from(code, self.data, position)[0]
        except struct.error:
            raise _corrupt(f"an offset leads to byte {position} of {len(self.data)}") from None
        return value

    def spend(self, size: int) -> None:
        """Take `size` bytes from the allowance that keeps the work near the file's size."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise _corrupt("its tables are shared so often that reading it would not end")


def check_flatbuffer(data: bytes) -> None:
    """Check that every table that a reader of `data` follows lies inside it.

    Raises:
        InputError: when it is not a TFLite flatbuffer, is truncated, or has an offset out of it.
    """
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise InputError(
            "this is not a .tflite model: bytes 4 to 7 must be 'TFL3'; "
            f"got {len(data)} bytes that start with {bytes(data[:8])!r}"
        )
    walk = _Walk(data, bytes_left=4 * len(data) + 4096)
    walk.todo.append((walk.number(0, "<I"), "Model"))
    while walk.todo:
        _check_table(walk, *walk.todo.pop())


def _check_table(walk: _Walk, position: int, name: str) -> None:
    """One table: its virtual table, its own bounds, and where its fields lead."""
    vtable = position - walk.number(position, "<i")
    if vtable < 0:
        raise _corrupt(f"the layout of a {name} lies {-vtable} bytes before the file")
    vtable_size, table_size = walk.number(vtable, "<H"), walk.number(vtable + 2, "<H")
    walk.spend(4)
    if vtable_size < 4 or vtable_size % 2 or vtable + vtable_size > len(walk.data):
        raise _corrupt(f"the layout of a {name} has {vtable_size} bytes")
    if table_size < 4 or position + table_size > len(walk.data):
        raise _corrupt(f"a {name} at byte {position} ends past the end of the file")
    kinds = _FIELDS[name]
    for index in range((vtable_size - 4) // 2):
        offset = walk.number(vtable + 4 + 2 * index, "<H")
        if offset == 0:
            continue
        kind = kinds.get(index)
        if offset < 4 or offset + (1 if kind is None else 4) > table_size:
            raise _corrupt(f"field {index} of a {name} lies outside of it")
        if kind is not None:
            _follow(walk, position + offset, kind)


def _follow(walk: _Walk, position: int, kind: int | str) -> None:
    """Follow one offset to a vector, a string, a table, or a vector of tables."""
    target = position + walk.number(position, "<I")
    if isinstance(kind, str) and kind.startswith(_TABLE):
        walk.todo.append((target, kind.removeprefix(_TABLE)))
        return
    length = walk.number(target, "<I")
    size = kind if isinstance(kind, int) else 1 if kind == _STRING else 4
    if target + 4 + length * size > len(walk.data):
        raise _corrupt(f"a vector of {length} elements at byte {target} ends past its end")
    walk.spend(length * size)
    if isinstance(kind, str) and kind.startswith(_TABLES):
        element = kind.removeprefix(_TABLES)
        for place in range(target + 4, target + 4 + 4 * length, 4):
            walk.todo.append((place + walk.number(place, "<I"), element))


def _corrupt(what: str) -> InputError:
    return InputError(f"this .tflite model is corrupt or truncated: {what}; get the file again")
