"""Who may change what runs on a board: HMAC-SHA-256 with a key that the board's firmware holds.

The key is 32 random bytes in a file that only its owner may read. It goes into the firmware when
that is built, and nowhere else: not into a deployment, a log or a result.
"""

from __future__ import annotations

import hmac
import os
import stat
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.files import read_bytes, write_atomically

KEY_BYTES = 32
TAG_BYTES = 32
KEY_HEADER = "fmq_key.h"
DEFINE = "FMQ_AUTHENTICATED"
"""The macro that a firmware with a key is built with."""
TABLES_DOMAIN = "fmq tables 1"
IMAGE_DOMAIN = "fmq firmware 1"
TAG_ENDING = ".tag"
_HOW = "make one: (umask 077; head -c 32 /dev/urandom > key)"


@dataclass(frozen=True)
class Key:
    """A key; `secret` is 32 bytes and is never printed."""

    secret: bytes = field(repr=False)

    def tag(self, *parts: bytes) -> bytes:
        """The HMAC-SHA-256 (RFC 2104) of the parts, one behind the other: 32 bytes."""
        return hmac.digest(self.secret, b"".join(parts), sha256)


def read_key(path: Path) -> Key:
    """The key of a file.

    Raises:
        InputError: it is not there, has not 32 bytes, or others may read it.
    """
    data = read_bytes(path)
    if len(data) != KEY_BYTES:
        raise InputError(
            f"the key file {path} has {len(data)} bytes; expected {KEY_BYTES} random ones; {_HOW}"
        )
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InputError(
            f"others than its owner may use the key file {path}; expected mode 600: "
            f"chmod 600 {path}; make a new key if it was not yours alone"
        )
    return Key(data)


def write_key_header(key: Key, folder: Path) -> Path:
    """Write the key as the C header that a firmware is built with; only its owner may read it."""
    values = ", ".join(f"0x{byte:02X}u" for byte in key.secret)
    path = folder / KEY_HEADER
    text = (
        f"/* The key of this firmware: keep this file to yourself. */\n#define FMQ_KEY {values}\n"
    )
    write_atomically(path, text.encode(), mode=0o600)
    return path


def table_tag(key: Key, board: str, generation: int, image: bytes) -> bytes:
    """The tag of an image of tables, as firmware_tools/app/authentication.h says.

    Args:
        board: the id of the board that it is for.
        generation: what the board is to count it as, 1..2^32 - 1.
        image: of `build_image`.
    """
    texts = TABLES_DOMAIN.encode() + b"\0" + board.encode() + b"\0"
    return key.tag(texts, struct.pack("<II", generation, len(image)), image)


def sign_image(key: Key, path: Path) -> Path:
    """Write the tag of a firmware's image beside it; returns the tag's file."""
    target = _tag_file(path)
    write_atomically(target, (_image_tag(key, read_bytes(path)).hex() + "\n").encode())
    return target


def check_image(key: Key, path: Path, image: bytes) -> None:
    """Check that who has the key made the tag beside a firmware's image.

    Args:
        path: the image's file.
        image: its bytes.

    Raises:
        InputError: there is no tag.
        MismatchError: it is not that of this image and key.
    """
    found = read_bytes(_tag_file(path)).strip()
    if not hmac.compare_digest(found, _image_tag(key, image).hex().encode()):
        raise MismatchError(
            f"{_tag_file(path)} is not the tag of {path} by this key: the image was changed or "
            "signed with another key; do not flash it; get both files anew"
        )


def _image_tag(key: Key, image: bytes) -> bytes:
    return key.tag(IMAGE_DOMAIN.encode() + b"\0", image)


def _tag_file(path: Path) -> Path:
    return path.with_name(path.name + TAG_ENDING)
