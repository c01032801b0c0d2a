"""A data set: raw items from wherever they come, prepared as a network's head takes them."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from fmq_embedded.data import arrays, pictures, sounds
from fmq_embedded.data.input_description import InputDescription, PictureInput, SoundInput
from fmq_embedded.data.photo_crops import PHOTOS, PhotoCrops
from fmq_embedded.errors import InputError
from fmq_embedded.runtimes.ports import Port

LEAST_PART: Final = 32
MOST_PART: Final = 256
"""Items that are worked on together, as a rule."""
PARTS: Final = 48
"""As many are enough for a few workers, unless they grow too large to be lost."""

Array = npt.NDArray[Any]


class Source(Protocol):
    """Where raw items come from."""

    @property
    def part_size(self) -> int:
        """Items that are read best together."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Iterator[tuple[str, Array]]:
        """The items start..stop − 1, each with its name."""

    def identity(self) -> Iterator[str]:
        """What tells the items from others, without reading them."""


@dataclass(frozen=True)
class DataSet:
    """Inputs of a head; none is in memory until it is read.

    Args:
        source: of raw items.
        port: the head's input.
        description: how it wants them; None where it takes arrays alone.
        data: what the user called it.
    """

    source: Source
    port: Port
    description: InputDescription | None
    data: str

    def __len__(self) -> int:
        return len(self.source)

    def __reduce__(self) -> tuple[Any, ...]:
        """A process that gets this opens the data itself, once, and needs no lists of files."""
        data = self.data if self.data == PHOTOS else str(Path(self.data).absolute())
        return _open_once, (data, self.port, self.description, len(self), self.fingerprint)

    def __iter__(self) -> Iterator[Array]:
        return self.read(0, len(self))

    def read(self, start: int, stop: int) -> Iterator[Array]:
        """The inputs start..stop − 1, of the port's shape and dtype.

        Raises:
            InputError: an item cannot be read, or is not what the head takes.
        """
        for name, raw in self.source.read(start, stop):
            yield self._prepared(name, raw)

    def parts(self) -> list[tuple[int, int]]:
        """Where to cut the work: (start, stop) of parts, the same each time."""
        wanted = min(max(LEAST_PART, -(-len(self) // PARTS)), MOST_PART)
        size = -(-wanted // self.source.part_size) * self.source.part_size
        return _parts(len(self), min(size, MOST_PART))

    @functools.cached_property
    def fingerprint(self) -> str:
        """A SHA-256 that changes with the data's names, sizes and times, and with their use."""
        digest = hashlib.sha256(repr((self.port, self.description)).encode())
        for word in self.source.identity():
            digest.update(word.encode() + b"\0")
        return digest.hexdigest()

    def _prepared(self, name: str, raw: Array) -> Array:
        port, description = self.port, self.description
        if isinstance(self.source, sounds.SoundFiles) and isinstance(description, SoundInput):
            return sounds.sound_input(raw, description, port)
        if raw.dtype == port.dtype and raw.size == math.prod(port.shape):
            if raw.dtype.kind == "f" and not np.isfinite(raw).all():
                raise InputError(
                    f"{name} has samples that are NaN or infinite; take it out of the data"
                )
            return raw.reshape(port.shape)
        is_picture = raw.dtype == np.uint8 and raw.ndim in (2, 3) and raw.size
        if isinstance(description, PictureInput) and is_picture:
            return pictures.picture_input(raw, description, port)
        raise InputError(
            f"{name} is {raw.dtype.name} {raw.shape}; the head takes {port.dtype.name} "
            f"{port.shape}; prepare the data so"
        )


@dataclass(frozen=True)
class GivenInputs:
    """Inputs that are in memory already, as a head takes them."""

    inputs: Sequence[Array | Mapping[str, Array]]

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, start: int, stop: int) -> Iterator[Array | Mapping[str, Array]]:
        """The inputs start..stop − 1."""
        return iter(self.inputs[start:stop])

    def parts(self) -> list[tuple[int, int]]:
        """Where to cut the work."""
        return _parts(len(self), LEAST_PART)

    @property
    def fingerprint(self) -> str:
        """Nothing tells them from others: work on them is not taken up again."""
        return ""


def _parts(count: int, size: int) -> list[tuple[int, int]]:
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def open_data(data: str, port: Port, description: InputDescription | None) -> DataSet:
    """The data set that a user names.

    Args:
        data: "photos"; a picture, WAV, .npy or .npz file; a folder of one kind of them, with
            folders in it; or a Zarr folder.
        port: the head's input.
        description: how the head wants pictures or sounds.

    Raises:
        InputError: there are no such data, several kinds, or the head does not take them.
        MissingToolError: the package that reads them is not installed.
    """
    return DataSet(_source(data, port, description), port, description, data)


@functools.lru_cache(maxsize=4)
def _open_once(
    data: str, port: Port, description: InputDescription | None, count: int, fingerprint: str
) -> DataSet:
    """The data set here; opened anew when the fingerprint says that it changed."""
    found = open_data(data, port, description)
    if len(found) != count:
        raise InputError(
            f"{data} holds {len(found)} inputs for this worker and {count} for who asks; let "
            "workers see the same files under the same names"
        )
    return found


def _source(data: str, port: Port, description: InputDescription | None) -> Source:
    path, item_size = Path(data), math.prod(port.shape)
    if data == PHOTOS:
        _check_kind(data, "picture", description)
        return PhotoCrops()
    if path.is_dir() and arrays.is_zarr(path):
        return arrays.JoinedArrays(arrays.array_items(path, item_size))
    kind, files = _files(path)
    _check_kind(data, kind, description)
    if kind == "picture":
        return pictures.PictureFiles(files)
    if isinstance(description, SoundInput) and kind == "sound":
        return sounds.SoundFiles.of(files, port, description)
    found = [one for file in files for one in arrays.array_items(file, item_size)]
    return arrays.JoinedArrays(found)


_KINDS: Final = {
    "picture": pictures.SUFFIXES,
    "sound": sounds.SUFFIXES,
    "array": arrays.SUFFIXES,
}


def _files(path: Path) -> tuple[str, list[Path]]:
    """The files of a folder, or the one file, and what they are."""
    if not path.is_dir():
        kinds = [kind for kind, suffixes in _KINDS.items() if path.suffix.lower() in suffixes]
        return (kinds or ["array"])[0], [path]
    every = sorted(file for file in path.rglob("*") if file.is_file())
    found = {
        kind: [file for file in every if file.suffix.lower() in suffixes]
        for kind, suffixes in _KINDS.items()
    }
    kinds = [kind for kind, files in found.items() if files]
    if len(kinds) != 1:
        got = ", ".join(f"{len(found[kind])} {kind} files" for kind in kinds) or "none"
        raise InputError(
            f"{path}: got {got}; expected files of one kind: pictures "
            f"({', '.join(pictures.SUFFIXES)}), .wav sounds, .npy or .npz arrays, or Zarr"
        )
    return kinds[0], found[kinds[0]]


def _check_kind(data: str, kind: str, description: InputDescription | None) -> None:
    """Refuse pictures for a head that wants sounds, and the like."""
    if kind == "array" or (description is not None and description.kind == kind):
        return
    wants = f"{description.kind}s" if description else "arrays, prepared"
    raise InputError(
        f"{data} are {kind}s, and the deployment's [input] says that the head takes {wants}; "
        f"give such data, or correct it with --input kind={kind}"
    )
