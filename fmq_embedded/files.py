"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError

Array = npt.NDArray[np.generic]

# What NumPy and zipfile raise for files that are damaged or something else.
_NO_ARRAYS = (
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    AttributeError,
    SyntaxError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file: to a temporary one beside it, then rename; `mode` says who may read it.

    Raises:
        InputError: the folder is not there or cannot be written, or there is something else than
            a file under that name (a folder, a device); what was there is untouched.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path} cannot be written: it is not a file; give a file's name")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}; give a folder that is there "
            "and can be written"
        ) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there.

    Raises:
        InputError: it cannot be made, or a file has that name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {path} cannot be made: {error.strerror or error}; give another"
        ) from error


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
    except _NO_ARRAYS as error:
        raise InputError(
            f"{path} is no .npy or .npz file of plain arrays: {error or type(error).__name__}; "
            "save one with numpy.save"
        ) from error
