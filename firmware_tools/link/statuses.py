"""What a board's status byte means to the caller."""

from __future__ import annotations

from firmware_tools.link.protocol import Command, Status
from fmq_embedded.errors import BitstreamError, FmqError, InputError, LinkError, MismatchError

_REBUILD = "build the firmware from this version and put it on the board again"
_MEANINGS: dict[Status, tuple[type[FmqError], str]] = {
    Status.UNKNOWN_COMMAND: (LinkError, f"the firmware does not know the command; {_REBUILD}"),
    Status.BAD_SIZE: (LinkError, f"the arguments are not as long as it expects; {_REBUILD}"),
    Status.BAD_TENSOR: (LinkError, "it has no tensor of that index; see the tensors it names"),
    Status.BAD_RANGE: (LinkError, "offset and size leave the buffer; see the sizes it names"),
    Status.STORAGE: (
        LinkError,
        "its memory for tables did not take what was written; the tables in use stay; try again",
    ),
    Status.BAD_TABLES: (
        LinkError,
        "the tables are damaged or for another firmware; those in use stay; build both from this "
        "version",
    ),
    Status.NO_STORAGE: (
        LinkError,
        "it keeps no tables beside the firmware's; flash the firmware with the new ones",
    ),
    Status.NOT_AUTHENTIC: (
        MismatchError,
        "its firmware has a key and takes only tables with that key's tag; those in use stay; give "
        "the key's file (--key-file)",
    ),
    Status.NOT_NEWER: (
        MismatchError,
        "it uses tables of this version or a newer one, and does not go back; give these a version "
        "above it",
    ),
    Status.ARGUMENT: (LinkError, f"the library refuses its arguments; {_REBUILD}"),
    Status.NONFINITE: (
        InputError,
        "a sample is NaN or infinite; expected finite samples; clean the feature map first",
    ),
    Status.BUFFER: (
        LinkError,
        "a buffer on the board is too small; generate the tables again and rebuild the firmware",
    ),
    Status.TRUNCATED: (BitstreamError, "the bitstream ends too early; send it whole"),
    Status.SYNTAX: (BitstreamError, "the bitstream breaks the syntax; it is damaged or no such"),
    Status.CHECKSUM: (BitstreamError, "the bitstream's checksum does not hold; it is damaged"),
    Status.UNSUPPORTED: (
        BitstreamError,
        "the bitstream needs what this firmware lacks; code it with the board's deployment",
    ),
    Status.LIMIT: (BitstreamError, "the bitstream asks for more than the board allows"),
}


def check_status(url: str, command: Command, status_byte: int) -> None:
    """Returns if the status byte (0..255) says done.

    Raises:
        InputError: the board refuses a sample.
        BitstreamError: the board refuses the bitstream.
        MismatchError: the board does not trust the tables.
        LinkError: the board refuses the request, or the status has no meaning.
    """
    if status_byte == Status.OK:
        return
    try:
        status = Status(status_byte if status_byte < 0x80 else status_byte - 0x100)
    except ValueError:
        raise LinkError(
            f"{url}: the board answered {command.name} with status {status_byte:#04x}; "
            f"expected one of {', '.join(known.name for known in Status)}; {_REBUILD}"
        ) from None
    error, meaning = _MEANINGS[status]
    raise error(f"{url}: the board answered {command.name} with {status.name}: {meaning}")
