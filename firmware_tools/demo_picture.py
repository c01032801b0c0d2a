"""The demo's picture: the face from the whole model beside the one from the decoded maps."""

from __future__ import annotations

import io
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


def draw(
    path: Path,
    photo: npt.NDArray[np.uint8],
    full: Face,
    decoded: Face,
    result: DemoResult,
) -> None:
    """Write the picture as PNG.

    Raises:
        MissingToolError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingToolError(
            "drawing needs Pillow; install it with: python -m pip install pillow"
        ) from error
    rows, columns = photo.shape[:2]
    canvas = Image.new("RGB", (2 * columns + 3 * MARGIN, rows + CAPTION + 2 * MARGIN), BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    title, text = ImageFont.load_default(20), ImageFont.load_default(15)
    panels = (
        (full, FULL_COLOUR, "whole model", f"float32 maps, {result.raw_bytes:,} bytes"),
        (
            decoded,
            DECODED_COLOUR,
            "from the board's bitstream",
            f"{result.coded_bytes:,} bytes, {result.bits_per_element:.2f} bits per element, "
            f"overlap {result.box_iou:.3f}",
        ),
    )
    for index, (face, colour, heading, note) in enumerate(panels):
        left = MARGIN + index * (columns + MARGIN)
        pen.text((left, MARGIN - 4), f"{heading}: face {face.score:.3f}", INK, title)
        pen.text((left, MARGIN + 24), note, FAINT, text)
        top = CAPTION + MARGIN
        canvas.paste(Image.fromarray(photo), (left, top))
        _mark(pen, face, colour, left, top)
    out = io.BytesIO()
    canvas.save(out, "PNG", optimize=True)
    write_atomically(path, out.getvalue())


def _mark(pen: Any, face: Face, colour: tuple[int, int, int], left: int, top: int) -> None:
    x0, y0, x1, y1 = face.box
    pen.rectangle((left + x0, top + y0, left + x1, top + y1), outline=colour, width=3)
    for x, y in face.keypoints:
        pen.ellipse((left + x - 4, top + y - 4, left + x + 4, top + y + 4), fill=colour)
