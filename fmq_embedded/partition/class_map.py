"""Class maps to bytes and back: the class of each channel, of each position, or a coding tree (P7).

They are range-coded like levels, with contexts of their own; a decoder that knows the geometry and
the number of classes finds their end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import Geometry
from fmq_embedded.entropy.decisions import decoder_at, decoder_end, encode_decisions, fresh_states
from fmq_embedded.errors import BitstreamError, InputError

Kind = Literal["channel", "region", "block"]
KINDS: tuple[Kind, ...] = ("channel", "region", "block")

Classes = npt.NDArray[np.uint8]

_LARGEST_LEAVES = 8**8


@dataclass(frozen=True)
class ClassMap:
    """Which class each part of a map has.

    Args:
        class_of: uint8: for channels one each; for regions rows × columns; for blocks rows ×
            columns × channels.
        tree: for blocks, the coding tree in depth-first order: a leaf is 0 and its class, two
            triangles 7 or 8 and both classes, another split 1..6, followed by its parts.
    """

    class_of: Classes
    tree: bytes = b""


def map_shape(kind: Kind, geometry: Geometry) -> tuple[int, ...]:
    """The shape of `ClassMap.class_of`."""
    if kind == "channel":
        return (geometry.channels,)
    if kind == "region":
        return (geometry.rows, geometry.columns)
    return (geometry.rows, geometry.columns, geometry.channels)


def grown(tree: bytes, geometry: Geometry, class_count: int) -> Classes:
    """The classes that a coding tree gives, rows × columns × channels.

    Raises:
        InputError: the tree is none of this geometry: it ends too early or too late, has a class
            that is not there, or a split that a box cannot have.
    """
    return _tree_decisions(tree, geometry, class_count)[1]


def encode_class_map(kind: Kind, map_: ClassMap, geometry: Geometry, class_count: int) -> bytes:
    """The bytes of a class map; none for one class.

    Raises:
        InputError: the map does not fit the geometry or has a class that is not there.
    """
    if class_count == 1:
        return b""
    if kind == "block":
        return encode_decisions(_tree_decisions(map_.tree, geometry, class_count)[0])
    from fmq_embedded.partition import kernels

    classes = np.ascontiguousarray(map_.class_of).reshape(-1)
    bits = (class_count - (2 if kind == "channel" else 1)).bit_length()
    coder, states, data = _coder(), np.empty(0, np.int64), np.empty(0, np.uint8)
    decisions = np.empty(classes.size * (2 + bits), np.uint16)
    if kind == "channel":
        kernels.code_channels(classes, class_count, bits, coder, data, states, decisions)
    else:
        columns = geometry.columns
        kernels.code_regions(classes, columns, class_count, bits, coder, data, states, decisions)
    return encode_decisions(decisions[: coder[kernels.COUNT]])


def decode_class_map(
    kind: Kind, data: npt.NDArray[np.uint8], start: int, geometry: Geometry, class_count: int
) -> tuple[ClassMap, int]:
    """The class map that begins at `start`, and the position behind it.

    Raises:
        BitstreamError: it runs past the end of `data`, or holds a class or a split that cannot be.
    """
    classes = np.zeros(map_shape(kind, geometry), np.uint8)
    if class_count == 1:
        return ClassMap(classes, b"\0\0" if kind == "block" else b""), start
    from fmq_embedded.partition import kernels

    data = data if data.flags.writeable else data.copy()
    states = fresh_states()
    coder = _coder()
    coder[: kernels.COUNT] = decoder_at(data, start)
    flat, none = classes.reshape(-1), np.empty(0, np.uint16)
    bits = (class_count - (2 if kind == "channel" else 1)).bit_length()
    tree = b""
    if kind == "channel":
        is_possible = kernels.code_channels(flat, class_count, bits, coder, data, states, none)
    elif kind == "region":
        is_possible = kernels.code_regions(
            flat, geometry.columns, class_count, bits, coder, data, states, none
        )
    else:
        nodes = np.zeros(3 * min(flat.size, _LARGEST_LEAVES) + 3, np.uint8)
        count = _code_tree(nodes, flat, geometry, class_count, coder, data, states, none)
        is_possible, tree = count >= 0, nodes[: max(count, 0)].tobytes()
    end = decoder_end(coder)
    if end > data.size:
        raise BitstreamError(
            f"the stream ends inside the class map that begins at byte {start}: it is truncated"
        )
    if not is_possible:
        raise BitstreamError(f"the class map at byte {start} holds a class or split that cannot be")
    return ClassMap(classes, tree), end


def _tree_decisions(
    tree: bytes, geometry: Geometry, class_count: int
) -> tuple[npt.NDArray[np.uint16], Classes]:
    from fmq_embedded.partition import kernels

    nodes = np.frombuffer(tree, np.uint8).copy()
    classes = np.zeros(map_shape("block", geometry), np.uint8)
    coder, states, data = _coder(), np.empty(0, np.int64), np.empty(0, np.uint8)
    decisions = np.empty(max(len(tree), 1) * 13, np.uint16)
    count = _code_tree(
        nodes, classes.reshape(-1), geometry, class_count, coder, data, states, decisions
    )
    if count != len(tree):
        raise InputError(
            f"these {len(tree)} symbols are no coding tree of {geometry.rows}×{geometry.columns}×"
            f"{geometry.channels} with {class_count} classes: it ends too early or too late, or "
            "has a class or a split that cannot be"
        )
    return decisions[: coder[kernels.COUNT]], classes


def _code_tree(
    nodes: Classes,
    classes: Classes,
    geometry: Geometry,
    class_count: int,
    *state: npt.NDArray[Any],
) -> int:
    from fmq_embedded.partition import kernels

    stack = np.zeros((kernels.STACK_BOXES, kernels.BOX_WORDS), np.int64)
    return int(
        kernels.code_tree(
            nodes,
            classes,
            geometry.rows,
            geometry.columns,
            geometry.channels,
            class_count,
            (class_count - 1).bit_length(),
            stack,
            *state,
        )
    )


def _coder() -> npt.NDArray[np.int64]:
    from fmq_embedded.partition import kernels

    return np.zeros(kernels.CODER_WORDS, np.int64)
