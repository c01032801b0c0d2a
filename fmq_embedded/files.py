"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError

Array = npt.NDArray[np.generic]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file: to a temporary one beside it, then rename.

    Raises:
        OSError: the folder is not there or cannot be written; the old file is then untouched.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or Path())
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def read_bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check the name") from error


def read_array(path: Path) -> Array | dict[str, Array]:
    """The array of an .npy file, or the arrays of an .npz file by name.

    Raises:
        InputError: the file is not there or holds no plain arrays.
    """
    try:
        found = np.load(path, allow_pickle=False)
        return found if isinstance(found, np.ndarray) else dict(found)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise InputError(
            f"{path} is no .npy or .npz file of plain arrays: {error}; save one with numpy.save"
        ) from error
