"""What a board says of itself, and how it is written in its answers."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from firmware_tools.link.protocol import ALL_TENSORS, PROTOCOL, Stage
from fmq_embedded.errors import LinkError

SAMPLE_DTYPES: dict[int, np.dtype[np.generic]] = {
    0: np.dtype("i1"),
    1: np.dtype("u1"),
    2: np.dtype("<i2"),
    3: np.dtype("<f4"),
}
"""The sample types of the C library (FMQ_INPUT_* and FMQ_OUTPUT_*), little-endian."""

_SESSION = struct.Struct("<BBBBIIIIIII")
_TENSOR = struct.Struct("<IIIIHBBB")
_REBUILD = "build the firmware from this version and put it on the board again"


@dataclass(frozen=True)
class Session:
    """The board's answer to the start of a session.

    Attributes:
        library_version: major and minor version of the C library on the board.
        window: requests that the board lets be in flight together.
        deployment_crc32: the CRC-32 of the deployment's tables, which identifies them.
        tensor_count: feature maps in the deployment.
        sample_bytes, level_bytes, stream_bytes, work_bytes: sizes of the board's buffers.
        nonce_before: of the session before this one; 0: there was none since the board started.
    """

    library_version: tuple[int, int]
    window: int
    deployment_crc32: int
    tensor_count: int
    sample_bytes: int
    level_bytes: int
    stream_bytes: int
    work_bytes: int
    nonce_before: int


@dataclass(frozen=True)
class TensorDescription:
    """One feature map of the deployment on the board.

    Attributes:
        shape: rows, columns, channels.
        count: elements.
        centre: the level of the real value 0.
        bit_depth: of the levels, 1..16.
        input_dtype: of the samples before quantizing.
        output_dtype: of the samples after dequantizing.
    """

    shape: tuple[int, int, int]
    count: int
    centre: int
    bit_depth: int
    input_dtype: np.dtype[np.generic]
    output_dtype: np.dtype[np.generic]

    @property
    def level_dtype(self) -> np.dtype[np.generic]:
        """uint8 for bit depths up to 8, else uint16, little-endian."""
        return np.dtype("u1" if self.bit_depth <= 8 else "<u2")


@dataclass(frozen=True)
class Identity:
    """The board, its library and its deployment."""

    board: str
    deployment: str
    session: Session
    tensors: tuple[TensorDescription, ...]


@dataclass(frozen=True)
class StageCounter:
    """Sums of one stage since the counters were reset.

    Attributes:
        name: "quantize", "encode", "decode" or "dequantize".
        ticks: of the board's counter, overhead included.
        calls: how often the stage was timed.
        elements: processed, modulo 2^32.
    """

    name: str
    ticks: int
    calls: int
    elements: int


@dataclass(frozen=True)
class Counters:
    """The stages' sums; `overhead` is the ticks that timing itself adds to each call."""

    overhead: int
    stages: tuple[StageCounter, ...]


@dataclass(frozen=True)
class StackUse:
    """The stack's high-water mark and its size, in bytes."""

    used: int
    size: int


@dataclass(frozen=True)
class TablesInUse:
    """Which tables the board uses, and where the next ones go.

    Attributes:
        slot: of the tables in use; None: those of the firmware.
        generation: counts up with each update; 0 for those of the firmware.
        layout: tells firmwares apart that do not read the same tables.
        capacity: bytes of an image that fit into a slot; 0: the board keeps none.
        next_slot, address: the slot that is not in use, and where it lies.
        tag_bytes: of the tag that tables need; 0: the firmware has no key.
    """

    slot: int | None
    generation: int
    layout: int
    capacity: int
    next_slot: int
    address: int
    tag_bytes: int = 0


def parse_session(url: str, data: bytes) -> Session:
    """Reads the answer to IDENTIFY. Raises LinkError for another protocol version."""
    if not data or data[0] != PROTOCOL:
        got = data[0] if data else "none"
        raise LinkError(
            f"{url}: the board speaks protocol version {got}; expected {PROTOCOL}; {_REBUILD}"
        )
    _, major, minor, window, *rest = _unpack(url, _SESSION, data)
    session = Session((major, minor), window, *rest)
    if session.tensor_count >= ALL_TENSORS:
        raise LinkError(
            f"{url}: the board names {session.tensor_count} tensors; "
            f"expected fewer than {ALL_TENSORS}; {_REBUILD}"
        )
    return session


def parse_names(url: str, data: bytes) -> tuple[str, str]:
    """The board's and the deployment's names."""
    names = []
    for _ in range(2):
        if not data or len(data) < 1 + data[0]:
            raise LinkError(f"{url}: the board's names end too early; {_REBUILD}")
        names.append(data[1 : 1 + data[0]].decode("utf-8", errors="replace"))
        data = data[1 + data[0] :]
    return names[0], names[1]


def parse_tensor(url: str, data: bytes) -> TensorDescription:
    """Reads the answer to DESCRIBE."""
    rows, columns, channels, count, centre, bit_depth, source, target = _unpack(url, _TENSOR, data)
    if rows * columns * channels != count:
        raise LinkError(
            f"{url}: a tensor of {rows}×{columns}×{channels} is said to have {count} elements; "
            f"expected their product; generate the tables again and {_REBUILD}"
        )
    return TensorDescription(
        (rows, columns, channels),
        count,
        centre,
        bit_depth,
        _dtype(url, source),
        _dtype(url, target),
    )


def parse_counters(url: str, data: bytes) -> Counters:
    """Reads the answer to COUNTERS."""
    layout = struct.Struct("<I" + "QII" * len(Stage))
    overhead, *sums = _unpack(url, layout, data)
    stages = [StageCounter(stage.name.lower(), *sums[3 * stage : 3 * stage + 3]) for stage in Stage]
    return Counters(overhead, tuple(stages))


def parse_stack(url: str, data: bytes) -> StackUse:
    """Reads the answer to STACK."""
    return StackUse(*_unpack(url, struct.Struct("<II"), data))


def parse_tables(url: str, data: bytes) -> TablesInUse:
    """Reads the answer to TABLES."""
    slot, *rest = _unpack(url, struct.Struct("<BIIIBQB"), data)
    return TablesInUse(None if slot == 0xFF else slot, *rest)


def parse_size(url: str, data: bytes) -> int:
    """Reads a size in bytes."""
    return _unpack(url, struct.Struct("<I"), data)[0]


def _unpack(url: str, layout: struct.Struct, data: bytes) -> tuple[int, ...]:
    if len(data) != layout.size:
        raise LinkError(
            f"{url}: an answer has {len(data)} bytes; expected {layout.size}; {_REBUILD}"
        )
    return layout.unpack(data)


def _dtype(url: str, sample_type: int) -> np.dtype[np.generic]:
    try:
        return SAMPLE_DTYPES[sample_type]
    except KeyError:
        raise LinkError(
            f"{url}: the board names sample type {sample_type}; "
            f"expected one of {sorted(SAMPLE_DTYPES)}; {_REBUILD}"
        ) from None
