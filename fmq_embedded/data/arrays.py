"""Arrays: .npy and .npz files, and Zarr, a few items in memory at a time."""

from __future__ import annotations

import functools
import itertools
import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.data.files import file_identity
from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.files import read_array

SUFFIXES: Final = (".npy", ".npz")
ZARR_MARKS: Final = ("zarr.json", ".zarray", ".zgroup")
_READ_BYTES: Final = 1 << 26
"""At once, but for a Zarr chunk or an .npz member that is larger."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ArrayItems:
    """The inputs in one array: all of it, if it has as many samples as an input; else its first
    axis counts them.

    Args:
        path: an .npy or .npz file, or a Zarr folder.
        member: of an .npz file or a Zarr group; "" for the array itself.
        shape: of the array.
        item_size: samples of an input.
        part_size: items that are read best together.
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    item_size: int
    part_size: int = 1

    @property
    def is_single(self) -> bool:
        """Whether the array is one input."""
        return math.prod(self.shape) == self.item_size

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def __len__(self) -> int:
        return 1 if self.is_single else self.shape[0]

    def read(self, start: int, stop: int) -> Iterator[tuple[str, Array]]:
        """The items start..stop − 1, each with its name."""
        if start >= stop:
            return
        found = _open_array(self.path, self.member)
        if self.is_single:
            yield self.name, np.array(found[...])
            return
        item_bytes = math.prod(self.shape[1:]) * np.dtype(found.dtype).itemsize
        step = max(self.part_size, _READ_BYTES // max(item_bytes, 1))
        for begin in range(start, stop, step):
            if begin > start and isinstance(found, np.memmap):
                # The pages of a mapped file count as memory until it is closed.
                found = _open_array(self.path, self.member)
            items = np.array(found[begin : min(begin + step, stop)])
            for index, item in enumerate(items, begin):
                yield f"{self.name}[{index}]", item

    def identity(self) -> Iterator[str]:
        """What tells this array from others."""
        yield self.member
        files = [self.path] if self.path.is_file() else sorted(_files_of(self.path))
        yield from map(file_identity, files)


@dataclass(frozen=True)
class JoinedArrays:
    """The items of several arrays, one after the other."""

    arrays: Sequence[ArrayItems]

    @property
    def part_size(self) -> int:
        """Items that are read best together."""
        return max((one.part_size for one in self.arrays), default=1)

    def __len__(self) -> int:
        return sum(map(len, self.arrays))

    def read(self, start: int, stop: int) -> Iterator[tuple[str, Array]]:
        """The items start..stop − 1, each with its name."""
        begin = 0
        for one in self.arrays:
            yield from one.read(max(start - begin, 0), min(stop - begin, len(one)))
            begin += len(one)

    def identity(self) -> Iterator[str]:
        """What tells these arrays from others."""
        return itertools.chain.from_iterable(one.identity() for one in self.arrays)


def array_items(path: Path, item_size: int) -> list[ArrayItems]:
    """The arrays of a file or a Zarr folder, by name.

    Raises:
        InputError: it holds no arrays, or one that counts no inputs.
        MissingToolError: zarr is not installed.
    """
    found = []
    for name in _members(path):
        array = _open_array(path, name)
        if array.ndim == 0:
            raise InputError(f"{path} is not one array of inputs, but a number; give an array")
        part = getattr(array, "chunks", (1,))[0]
        found.append(ArrayItems(path, name, tuple(array.shape), item_size, part))
    if not found:
        raise InputError(f"{path} holds no arrays; give one whose first axis counts the inputs")
    return found


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((path / mark).is_file() for mark in ZARR_MARKS)


def _members(path: Path) -> list[str]:
    """The names of the arrays of a group or an .npz file; "" for an array itself."""
    if path.is_dir():
        opened = _open_zarr(path)
        return sorted(name for name, _ in opened.arrays()) if hasattr(opened, "arrays") else [""]
    if path.suffix.lower() != ".npz":
        return [""]
    try:
        with np.load(path, allow_pickle=False) as archive:
            return sorted(archive.files)
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile):
        return sorted(read_array(path))  # which says what is wrong


def _open_array(path: Path, member: str) -> Any:
    """An array, which stays where it is but for one of an .npz file."""
    if path.is_dir():
        opened = _open_zarr(path)
        return opened[member] if member else opened
    if path.suffix.lower() == ".npz":
        return _unpacked(path, member, file_identity(path))
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        found = read_array(path)  # which is empty, or says what is wrong
    if not isinstance(found, np.ndarray):
        raise InputError(f"{path} holds several arrays; call it .npz")
    return found


@functools.lru_cache(maxsize=1)
def _unpacked(path: Path, member: str, identity: str) -> Array:
    """An array of an .npz file, in memory until another is asked for."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[member])
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: {member} cannot be read: {error}; check the data") from error


def _open_zarr(path: Path) -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingToolError(
            f"{path} is Zarr, which needs the package zarr; install it with: "
            "python -m pip install 'fmq-embedded[data]'"
        ) from error
    try:
        return zarr.open(str(path), mode="r")
    except Exception as error:  # zarr raises many kinds
        raise InputError(f"{path} cannot be read as Zarr: {error}; check the data") from error


def _files_of(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where) / name for name in names)
