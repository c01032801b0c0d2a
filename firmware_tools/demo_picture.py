"""The demo's pictures: the face from the whole model beside the one from the decoded maps."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.blazeface import Face
from fmq_embedded.errors import MissingToolError
from fmq_embedded.files import write_atomically

if TYPE_CHECKING:
    from firmware_tools.demo import DemoResult

MARGIN, CAPTION = 16, 64
BACKGROUND, INK, FAINT = (252, 252, 250), (28, 32, 38), (104, 110, 120)
FULL_COLOUR, DECODED_COLOUR = (23, 92, 211), (200, 60, 20)
TILES_PER_ROW = 11
TILE = 48

# Dark to bright, evenly in lightness, so that it reads in grey as well.
COLOURS = np.array(
    [(20, 11, 52), (60, 22, 101), (120, 28, 109), (177, 50, 90), (229, 92, 48), (252, 165, 10),
     (246, 215, 70), (252, 255, 164)], np.float64,
)  # fmt: skip


Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Side:
    """One side of a picture: the feature map, the face found from it, and its words."""

    samples: npt.NDArray[Any]
    face: Face
    heading: str
    note: str


def sides_of(
    result: DemoResult,
    samples: npt.NDArray[Any],
    decoded: npt.NDArray[Any],
    full: Face,
    found: Face,
) -> tuple[Side, Side]:
    """What stands left and right."""
    return (
        Side(
            samples,
            full,
            f"whole model: face {full.score:.3f}",
            f"float32 feature maps, {result.raw_bytes:,} bytes",
        ),
        Side(
            decoded,
            found,
            f"from the board's bitstream: face {found.score:.3f}",
            f"{result.coded_bytes:,} bytes, {result.bits_per_element:.2f} bits per element, "
            f"overlap {result.box_iou:.3f}",
        ),
    )


def draw_photo(path: Path, photo: npt.NDArray[np.uint8], sides: tuple[Side, Side]) -> None:
    """Write the photo twice, each with its face, as PNG.

    Raises:
        MissingToolError: Pillow is not installed.
    """
    pictures = [photo, photo]
    _draw(path, pictures, sides, (FULL_COLOUR, DECODED_COLOUR))


def draw_maps(path: Path, sides: tuple[Side, Side]) -> None:
    """Write what crosses the link, before and after: a tile for each channel, on one scale."""
    reach = float(max(side.samples.max() for side in sides)) or 1.0
    pictures = [_mosaic(side.samples[0] / reach) for side in sides]
    _draw(path, pictures, sides, None)


def _mosaic(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    channels = values.shape[2]
    rows = []
    for start in range(0, channels, TILES_PER_ROW):
        tiles = [
            _tile(values[:, :, channel]) if channel < channels else np.zeros((TILE, TILE))
            for channel in range(start, start + TILES_PER_ROW)
        ]
        rows.append(np.concatenate(tiles, axis=1))
    return _coloured(np.concatenate(rows, axis=0))


def _tile(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A channel in TILE × TILE pixels, its square root, for most of it is near 0."""
    places = np.arange(TILE) * values.shape[0] // TILE
    tile = np.sqrt(np.clip(values[np.ix_(places, places)], 0, 1))
    tile[:, -2:] = tile[-2:, :] = 0
    return np.asarray(tile, np.float64)


def _coloured(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    places = np.clip(values, 0, 1) * (len(COLOURS) - 1)
    low = np.minimum(places.astype(int), len(COLOURS) - 2)
    part = (places - low)[..., None]
    mixed = COLOURS[low] * (1 - part) + COLOURS[low + 1] * part
    return np.asarray(np.rint(mixed), np.uint8)


def _draw(
    path: Path,
    pictures: list[npt.NDArray[np.uint8]],
    sides: tuple[Side, Side],
    colours: tuple[Colour, Colour] | None,
) -> None:
    """Two pictures side by side under their words; with colours, each with its face marked."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingToolError(
            "drawing needs Pillow; install it with: python -m pip install pillow"
        ) from error
    rows, columns = pictures[0].shape[:2]
    canvas = Image.new("RGB", (2 * columns + 3 * MARGIN, rows + CAPTION + 2 * MARGIN), BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    title, text = ImageFont.load_default(20), ImageFont.load_default(15)
    for index, (picture, side) in enumerate(zip(pictures, sides, strict=True)):
        left, top = MARGIN + index * (columns + MARGIN), CAPTION + MARGIN
        pen.text((left, MARGIN - 4), side.heading, INK, title)
        pen.text((left, MARGIN + 24), side.note, FAINT, text)
        canvas.paste(Image.fromarray(picture), (left, top))
        if colours is not None:
            _mark(pen, side.face, colours[index], left, top)
    out = io.BytesIO()
    canvas.save(out, "PNG", optimize=True)
    write_atomically(path, out.getvalue())


def _mark(pen: Any, face: Face, colour: Colour, left: int, top: int) -> None:
    x0, y0, x1, y1 = face.box
    pen.rectangle((left + x0, top + y0, left + x1, top + y1), outline=colour, width=3)
    for x, y in face.keypoints:
        pen.ellipse((left + x - 4, top + y - 4, left + x + 4, top + y + 4), fill=colour)
