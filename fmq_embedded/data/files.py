"""Files of a data set."""

from __future__ import annotations

from pathlib import Path

from fmq_embedded.errors import InputError


def file_identity(path: Path) -> str:
    """What changes when a file is changed: its name, size and time.

    Raises:
        InputError: it is not there any more.
    """
    try:
        known = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check the data") from error
    return f"{path} {known.st_size} {known.st_mtime_ns}"
