"""Pictures: from files, fitted into a network's input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.data.files import file_identity
from fmq_embedded.data.input_description import PictureInput
from fmq_embedded.data.quantized import as_port
from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.runtimes.ports import Port

if TYPE_CHECKING:
    from types import ModuleType

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")

Array = npt.NDArray[Any]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in a network's input: input = picture × scale + (left, top), in pixels.

    Of a stretched one the scale is that of its columns.
    """

    scale: float
    left: int
    top: int


@dataclass(frozen=True)
class PictureFiles:
    """A picture in each file."""

    paths: Sequence[Path]
    part_size: int = 1

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, start: int, stop: int) -> Iterator[tuple[str, Picture]]:
        """The pictures start..stop − 1, (rows, columns, 3), each with its file's name."""
        for path in self.paths[start:stop]:
            yield str(path), read_picture(path)

    def identity(self) -> Iterator[str]:
        """What tells these files from others."""
        return map(file_identity, self.paths)


def read_picture(path: Path) -> Picture:
    """A picture file, upright, as (rows, columns, 3), RGB.

    Raises:
        InputError: it is none that Pillow reads.
        MissingToolError: Pillow is not installed.
    """
    image = pillow()
    from PIL import ImageOps

    try:
        with image.open(path) as opened:
            return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, ValueError, SyntaxError, image.DecompressionBombError) as error:
        raise InputError(
            f"{path} cannot be read as a picture: {error}; take it out of the data"
        ) from error


def fitted(
    picture: Picture, width: int, height: int, fit: str = "letterbox"
) -> tuple[Picture, Placement]:
    """A picture of another size.

    Args:
        picture: (rows, columns) or (rows, columns, 3).
        width, height: of the result.
        fit: see `PictureInput`.

    Returns:
        (height, width) or (height, width, 3), black where the picture is not, and where it lies.
    """
    image = pillow()
    rows, columns = picture.shape[:2]
    scale, size = width / columns, (width, height)
    if fit != "stretch":
        scale = (min if fit == "letterbox" else max)(width / columns, height / rows)
        size = max(1, round(columns * scale)), max(1, round(rows * scale))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    small = image.fromarray(picture).resize(size, image.Resampling.BILINEAR)
    canvas = image.new(small.mode, (width, height))
    canvas.paste(small, (left, top))
    return np.asarray(canvas), Placement(scale, left, top)


def picture_input(picture: Picture, description: PictureInput, port: Port) -> Array:
    """A picture as a network takes it.

    Args:
        picture: (rows, columns), or (rows, columns, 1, 3 or 4) with the fourth ignored.
        description: how it wants pictures.
        port: its input.

    Raises:
        InputError: the input is no picture of such channels.
    """
    channels, height, width = _sides(port, description)
    placed, _ = fitted(_coloured(picture, description.colour), width, height, description.fit)
    pixels = placed.reshape(height, width, -1)
    if pixels.shape[2] != channels or len(description.low) not in (1, channels):
        raise InputError(
            f"the head takes pictures of {channels} channels, {port.shape}; the deployment's "
            f"[input] says {description.colour} with {len(description.low)} ranges; correct it "
            "with --input colour=… or range=…"
        )
    planes = []
    for channel in range(channels):
        low, high = (ends[channel % len(ends)] for ends in (description.low, description.high))
        values = as_port(low + np.arange(256, dtype=np.float64) * ((high - low) / 255), port)
        planes.append(values[pixels[:, :, channel]])
    axis = 0 if description.layout == "channels first" else 2
    stacked: npt.NDArray[Any] = np.stack(planes, axis).reshape(port.shape)
    return stacked


def pillow() -> ModuleType:
    """Pillow's module Image.

    Raises:
        MissingToolError: it is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingToolError(
            "pictures need Pillow; install it with: python -m pip install 'fmq-embedded[data]'"
        ) from error
    return Image


def _sides(port: Port, description: PictureInput) -> tuple[int, int, int]:
    """Channels, height and width of an input."""
    shape = port.shape[-3:] if len(port.shape) > 2 else ()
    if not shape:
        raise InputError(f"the head takes {port.shape}, which is no picture; give arrays instead")
    if description.layout == "channels first":
        return shape[0], shape[1], shape[2]
    return shape[2], shape[0], shape[1]


def _coloured(picture: Picture, colour: str) -> Picture:
    """A picture of the colours that a network wants."""
    image = pillow()
    is_plane = picture.ndim == 2 or picture.shape[2] == 1
    plain = picture.reshape(picture.shape[:2]) if is_plane else picture[..., :3]
    opened = image.fromarray(np.ascontiguousarray(plain))
    found = np.asarray(opened.convert("L" if colour == "grey" else "RGB"))
    return found[..., ::-1].copy() if colour == "bgr" else found
