"""A board at the end of a line: one method for each thing that it does."""

from __future__ import annotations

import struct
from typing import Self

import numpy as np
import numpy.typing as npt

from firmware_tools.link.closing import Closing
from firmware_tools.link.connection import Connection, agreed_window
from firmware_tools.link.descriptions import (
    Counters,
    Identity,
    StackUse,
    TablesInUse,
    TensorDescription,
    parse_counters,
    parse_names,
    parse_session,
    parse_size,
    parse_stack,
    parse_tables,
    parse_tensor,
)
from firmware_tools.link.line import line_changes
from firmware_tools.link.protocol import ALL_TENSORS, MAX_BODY, Buffer, Command
from firmware_tools.link.transfer import Block, Progress, transfer
from fmq_embedded.errors import InputError

_STAGE_SECONDS = 120.0
"""A stage on a slow board or in an emulator may take this long."""
_LOAD_INPUT_PIECE = (MAX_BODY - 5) // 4 * 4
_LOAD_STREAM_PIECE = (MAX_BODY - 4) // 4 * 4
_READ_PIECE = (MAX_BODY - 1) // 4 * 4


class Device(Closing):
    """A board that runs the firmware.

    Args:
        connection: the line to it; the device closes it.
        stage_timeout: seconds that one stage may take.

    Attributes:
        identity: what the board says of itself.

    Raises:
        LinkError: nothing answers, or not as this version expects.
    """

    def __init__(self, connection: Connection, stage_timeout: float = _STAGE_SECONDS) -> None:
        self.connection = connection
        self._stage_timeout = stage_timeout
        self.identity = self._identify()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        baud: int = 115200,
        timeout: float = 5.0,
        retry_interval: float = 0.2,
        stage_timeout: float = _STAGE_SECONDS,
    ) -> Self:
        """Opens a port or pyserial URL and starts a session with the board behind it.

        Args:
            url: a port's name, socket://host:port, rfc2217://host:port, …
            baud: the line's speed in bits per second.
            timeout: seconds without an intact answer after which a request fails.
            retry_interval: seconds, beyond the time on the line, before a request is repeated.
            stage_timeout: seconds that one stage may take.
        """
        connection = Connection.open(url, baud=baud, timeout=timeout, retry_interval=retry_interval)
        try:
            return cls(connection, stage_timeout)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Closes the line; the board waits for the next session."""
        self.connection.close()

    def load_input(
        self, tensor: int, samples: npt.NDArray[np.generic], progress: Progress | None = None
    ) -> None:
        """Sends a whole feature map's samples, of the tensor's dtype and count, in C order."""
        description = self._tensor(tensor)
        if samples.dtype.name != description.input_dtype.name or samples.size != description.count:
            raise InputError(
                f"tensor {tensor} takes {description.count} samples of "
                f"{description.input_dtype.name}; got {samples.size} of {samples.dtype.name}; "
                "convert the feature map first"
            )
        data = np.ascontiguousarray(samples).astype(description.input_dtype, copy=False).tobytes()
        self._load(Command.LOAD_INPUT, struct.pack("<B", tensor), data, _LOAD_INPUT_PIECE, progress)

    def load_stream(self, data: bytes, progress: Progress | None = None) -> None:
        """Sends a bitstream, to be decoded with `decode(len(data))`."""
        capacity = self.identity.session.stream_bytes
        if len(data) > capacity:
            raise InputError(
                f"the board takes a bitstream of at most {capacity} bytes; got {len(data)}; "
                "use a board with more memory or a deployment with larger buffers"
            )
        self._load(Command.LOAD_STREAM, b"", data, _LOAD_STREAM_PIECE, progress)

    def quantize(self, tensor: int | None = None) -> None:
        """Quantizes one feature map, or all."""
        self._stage(Command.QUANTIZE, self._tensor_argument(tensor))

    def encode(self) -> int:
        """Codes the levels of all feature maps; gives the bitstream's size in bytes."""
        return parse_size(self._url, self._stage(Command.ENCODE))

    def decode(self, size: int) -> None:
        """Decodes the first `size` bytes of the bitstream's buffer into levels."""
        capacity = self.identity.session.stream_bytes
        if not 0 <= size <= capacity:
            raise InputError(
                f"a bitstream on the board has 0..{capacity} bytes; got {size}; "
                "give the size of what was loaded"
            )
        self._stage(Command.DECODE, struct.pack("<I", size))

    def dequantize(self, tensor: int | None = None) -> None:
        """Dequantizes one feature map, or all; the samples take the place of the input."""
        self._stage(Command.DEQUANTIZE, self._tensor_argument(tensor))

    def read_levels(self, tensor: int, progress: Progress | None = None) -> npt.NDArray[np.generic]:
        """The levels of a feature map: (rows, columns, channels), uint8 or uint16."""
        description = self._tensor(tensor)
        return self._read_array(
            Buffer.LEVELS, tensor, description.level_dtype, description, progress
        )

    def read_samples(
        self, tensor: int, progress: Progress | None = None
    ) -> npt.NDArray[np.generic]:
        """The dequantized samples: (rows, columns, channels), of the tensor's output dtype."""
        description = self._tensor(tensor)
        return self._read_array(
            Buffer.SAMPLES, tensor, description.output_dtype, description, progress
        )

    def read_stream(self, size: int, progress: Progress | None = None) -> bytes:
        """The first `size` bytes of the bitstream."""
        return self._read(Buffer.STREAM, 0, size, progress)

    def counters(self) -> Counters:
        """The ticks, calls and elements of each stage."""
        return parse_counters(self._url, self.connection.request(Command.COUNTERS))

    def reset_counters(self) -> None:
        """Sets the counters of all stages to 0."""
        self.connection.request(Command.RESET_COUNTERS)

    def stack(self) -> StackUse:
        """The most stack that was used since the board started."""
        return parse_stack(self._url, self.connection.request(Command.STACK))

    def line_changes(self) -> list[str]:
        """What the line does to line ends and flow control, in words; the link bears it all."""
        return line_changes(self.connection)

    def tables(self) -> TablesInUse:
        """Which tables the board uses, and where the next ones go."""
        return parse_tables(self._url, self.connection.request(Command.TABLES))

    def update_tables(
        self,
        slot: int,
        image: bytes,
        crc: int,
        progress: Progress | None = None,
        proof: bytes = b"",
    ) -> None:
        """Writes an image of tables into the slot that is not in use and switches to it.

        Whenever the board loses its power meanwhile, it starts with the old tables or the new.
        A board whose firmware has a key wants a proof: the generation, u32, and the tag.
        """
        self._stage(Command.TABLES_ERASE, struct.pack("<B", slot))
        self._load(Command.TABLES_LOAD, struct.pack("<B", slot), image, _LOAD_INPUT_PIECE, progress)
        offer = struct.pack("<BII", slot, len(image), crc) + proof
        self._stage(Command.TABLES_COMMIT, offer)
        self.identity = self._identify()

    def revert_tables(self) -> None:
        """Goes back to the tables of the firmware."""
        self._stage(Command.TABLES_REVERT)
        self.identity = self._identify()

    @property
    def _url(self) -> str:
        return self.connection.port.url

    def _identify(self) -> Identity:
        session = parse_session(self._url, self.connection.start_session())
        self.connection.window = agreed_window(session.window)
        board, deployment = parse_names(self._url, self.connection.request(Command.NAMES))
        tensors = tuple(
            parse_tensor(
                self._url, self.connection.request(Command.DESCRIBE, struct.pack("<B", index))
            )
            for index in range(session.tensor_count)
        )
        return Identity(board, deployment, session, tensors)

    def _tensor(self, tensor: int) -> TensorDescription:
        count = len(self.identity.tensors)
        if not 0 <= tensor < count:
            raise InputError(
                f"the deployment on the board has tensors 0..{count - 1}; got {tensor}; "
                "use an index of `identity.tensors`"
            )
        return self.identity.tensors[tensor]

    def _tensor_argument(self, tensor: int | None) -> bytes:
        if tensor is None:
            return struct.pack("<B", ALL_TENSORS)
        self._tensor(tensor)
        return struct.pack("<B", tensor)

    def _stage(self, command: Command, body: bytes = b"") -> bytes:
        return self.connection.request(command, body, timeout=self._stage_timeout)

    def _load(
        self, command: Command, prefix: bytes, data: bytes, piece: int, progress: Progress | None
    ) -> None:
        block = Block(
            command,
            len(data),
            piece,
            lambda offset, size: prefix + struct.pack("<I", offset) + data[offset : offset + size],
            lambda _offset, _size, answer: not answer,
        )
        transfer(self.connection, block, progress=progress)

    def _read(self, buffer: Buffer, tensor: int, total: int, progress: Progress | None) -> bytes:
        out = bytearray(total)

        def take(offset: int, size: int, answer: bytes) -> bool:
            out[offset : offset + size] = answer
            return len(answer) == size

        block = Block(
            Command.READ,
            total,
            _READ_PIECE,
            lambda offset, size: struct.pack("<BBIH", buffer, tensor, offset, size),
            take,
        )
        transfer(self.connection, block, progress=progress)
        return bytes(out)

    def _read_array(
        self,
        buffer: Buffer,
        tensor: int,
        dtype: np.dtype[np.generic],
        description: TensorDescription,
        progress: Progress | None,
    ) -> npt.NDArray[np.generic]:
        data = self._read(buffer, tensor, description.count * dtype.itemsize, progress)
        return np.frombuffer(data, dtype).reshape(description.shape)
