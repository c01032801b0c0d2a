"""Pictures of partitions: channel classes, class maps and coding trees over the map itself."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.files import write_atomically
from fmq_embedded.partition import Partition, Step
from fmq_embedded.partition.blocks import LEAF, MAIN_DIAGONAL, OTHER_DIAGONAL, Box, parts_of
from fmq_embedded.quantizers import Quantizer

BACKGROUND, INK, FAINT = (252, 252, 250), (28, 32, 38), (104, 110, 120)
MARGIN, TITLE, LEGEND_LINE, SWATCH = 20, 58, 24, 14
TILE, FRAME, GAP = 56, 3, 5
TILES_PER_ROW = 14
PANEL = 420
SLABS = 4
"""Ranges of channels that a coding tree is drawn for: as many as side by side can be read."""
TINT = 0.5
DARKEST = 150
"""How much darker than white the largest sample is."""

# Classes from fine to coarse: dark blue to yellow, evenly in lightness, so that they read in grey.
SCALE = np.array(
    [(44, 38, 128), (39, 92, 158), (33, 145, 140), (94, 186, 91), (203, 203, 60), (247, 167, 60)],
    np.float64,
)

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Drawing:
    """What is drawn of one tensor.

    Args:
        title: such as the tensor's name.
        samples: real values, of the partition's shape.
        partition: its classes.
        legend: a line for each class.
    """

    title: str
    samples: npt.NDArray[Any]
    partition: Partition
    legend: tuple[str, ...]


def drawing_of(title: str, samples: npt.NDArray[Any], partition: Partition) -> Drawing:
    """A drawing whose legend says of each class its share and how it is quantized."""
    return Drawing(title, np.asarray(samples), partition, tuple(class_texts(partition)))


def class_texts(partition: Partition) -> list[str]:
    """For each class: its number, its share of the samples, and how it is quantized."""
    shares = np.bincount(partition.class_of.ravel(), minlength=len(partition.classes))
    texts = []
    for index, (chosen, share) in enumerate(
        zip(partition.classes, shares / shares.sum(), strict=True)
    ):
        if isinstance(chosen, Step):
            how = f"step × {2.0 ** (chosen.exponent / 4):.3g}"
        elif isinstance(chosen, Quantizer):
            how = f"{chosen.distribution}, {chosen.bit_depth} bits"
        else:
            how = type(chosen).__name__
        texts.append(f"class {index}: {share:.1%}, {how}")
    return texts


def draw_partitions(path: Path, drawings: Iterable[Drawing]) -> None:
    """Write the pictures of all tensors as one PNG file; errors as `partitions_png`."""
    write_atomically(path, partitions_png(drawings))


def partitions_png(drawings: Iterable[Drawing]) -> bytes:
    """The pictures of all tensors, one under the other, as one PNG.

    Raises:
        InputError: there is none to draw.
        MissingToolError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingToolError(
            "drawing needs Pillow; install it with: python -m pip install pillow"
        ) from error
    panels = [_panel(drawing) for drawing in drawings]
    if not panels:
        raise InputError("no tensor here has classes; encode with --partition to have some drawn")
    width = max(panel.width for panel in panels)
    canvas = Image.new("RGB", (width, sum(panel.height for panel in panels)), BACKGROUND)
    top = 0
    for panel in panels:
        canvas.paste(panel, (0, top))
        top += panel.height
    out = io.BytesIO()
    canvas.save(out, "PNG", optimize=True)
    return out.getvalue()


def class_colours(count: int) -> list[Colour]:
    """A colour for each class, evenly along the scale."""
    places = np.linspace(0, len(SCALE) - 1, count) if count > 1 else np.zeros(1)
    low = np.minimum(places.astype(int), len(SCALE) - 2)
    part = (places - low)[:, None]
    mixed = np.rint(SCALE[low] * (1 - part) + SCALE[low + 1] * part).astype(int)
    return [(int(red), int(green), int(blue)) for red, green, blue in mixed]


def leaves(partition: Partition) -> Iterator[tuple[Box, int]]:
    """The blocks of a coding tree that are not cut further, with the symbol of each: 0, 7 or 8."""
    geometry, tree = partition.geometry, partition.class_map.tree
    waiting = [Box(0, 0, 0, geometry.rows, geometry.columns, geometry.channels)]
    node = 0
    while waiting:
        box, symbol = waiting.pop(), tree[node]
        if symbol in (LEAF, MAIN_DIAGONAL, OTHER_DIAGONAL):
            node += 2 if symbol == LEAF else 3
            yield box, symbol
        else:
            node += 1
            waiting += reversed(parts_of(box, symbol) or [])


def _panel(drawing: Drawing) -> Any:
    """One tensor: title, picture, legend."""
    from PIL import Image, ImageDraw, ImageFont

    partition = drawing.partition
    geometry = partition.geometry
    values = _brightness(drawing.samples).reshape(
        geometry.rows, geometry.columns, geometry.channels
    )
    colours = class_colours(len(partition.classes))
    make = {"channel": _channel_tiles, "region": _class_overlay, "block": _tree_slabs}
    picture = make[partition.kind](values, partition, colours)
    lines = max(1, picture.width // 300)
    legend_height = LEGEND_LINE * math.ceil(len(drawing.legend) / lines)
    width = max(picture.width, 640) + 2 * MARGIN
    canvas = Image.new(
        "RGB", (width, picture.height + TITLE + legend_height + 3 * MARGIN), BACKGROUND
    )
    pen = ImageDraw.Draw(canvas)
    size = " x ".join(map(str, partition.shape))  # Pillow's own font has no ×
    pen.text((MARGIN, MARGIN - 6), drawing.title, INK, ImageFont.load_default(20))
    note = f"{size}, {len(partition.classes)} classes by {partition.kind}"
    pen.text((MARGIN, MARGIN + 22), note, FAINT, ImageFont.load_default(14))
    canvas.paste(picture, (MARGIN, MARGIN + TITLE))
    _write_legend(pen, drawing.legend, colours, MARGIN + TITLE + picture.height + 12, lines)
    return canvas


def _write_legend(
    pen: Any, legend: tuple[str, ...], colours: list[Colour], top: int, per_line: int
) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(14)
    for index, (text, colour) in enumerate(zip(legend, colours, strict=True)):
        line, place = divmod(index, per_line)
        left, above = MARGIN + place * 300, top + line * LEGEND_LINE
        pen.rectangle((left, above + 2, left + SWATCH, above + 2 + SWATCH), fill=colour)
        pen.text((left + SWATCH + 8, above), text.replace("×", "x"), INK, font)


def _brightness(samples: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """0..1: the square root of the magnitude's share: most of a map is near 0."""
    magnitude = np.abs(samples.astype(np.float64))
    top = float(np.quantile(magnitude, 0.999)) or float(magnitude.max()) or 1.0
    return np.asarray(np.sqrt(np.clip(magnitude / top, 0, 1)), np.float64)


def _channel_tiles(
    values: npt.NDArray[np.float64], partition: Partition, colours: list[Colour]
) -> Any:
    """A tile for each channel in a frame of its class's colour, class by class."""
    from PIL import Image

    order = np.argsort(partition.class_of, kind="stable")
    across = min(TILES_PER_ROW, len(order))
    rows, columns = values.shape[:2]
    high = max(8, min(2 * TILE, round(TILE * rows / columns)))
    cell, tall = TILE + 2 * FRAME + GAP, high + 2 * FRAME + GAP
    canvas = Image.new(
        "RGB", (across * cell - GAP, math.ceil(len(order) / across) * tall - GAP), BACKGROUND
    )
    for place, channel in enumerate(order):
        down, along = divmod(place, across)
        colour = colours[int(partition.class_of[channel])]
        frame = Image.new("RGB", (TILE + 2 * FRAME, high + 2 * FRAME), colour)
        frame.paste(_grey(values[:, :, channel], (TILE, high)), (FRAME, FRAME))
        canvas.paste(frame, (along * cell, down * tall))
    return canvas


def _class_overlay(
    values: npt.NDArray[np.float64], partition: Partition, colours: list[Colour]
) -> Any:
    """The mean over the channels, and the same with the class map over it."""
    from PIL import Image

    mean = _stretched(values.mean(axis=2))
    size = _panel_size(*mean.shape)
    canvas = Image.new("RGB", (2 * size[0] + MARGIN, size[1]), BACKGROUND)
    canvas.paste(_grey(mean, size), (0, 0))
    canvas.paste(_tinted(mean, partition.class_of, colours, size), (size[0] + MARGIN, 0))
    return canvas


def _tree_slabs(
    values: npt.NDArray[np.float64], partition: Partition, colours: list[Colour]
) -> Any:
    """For a few channels, evenly apart: the classes over the channels beside them, and the cuts."""
    from PIL import Image, ImageDraw, ImageFont

    channels = values.shape[2]
    starts = sorted({channels * slab // SLABS for slab in range(SLABS)})
    size = _panel_size(*values.shape[:2])
    width = size[0] + MARGIN
    canvas = Image.new("RGB", (width * len(starts) - MARGIN, size[1] + LEGEND_LINE), BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    for index, (start, end) in enumerate(zip(starts, [*starts[1:], channels], strict=True)):
        middle, left = (start + end) // 2, index * width
        under = _stretched(values[:, :, start:end].mean(axis=2))
        shown = _tinted(under, partition.class_of[:, :, middle], colours, size)
        canvas.paste(shown, (left, LEGEND_LINE))
        pen.text((left, 0), f"channel {middle}", FAINT, ImageFont.load_default(14))
        for box, symbol in leaves(partition):
            if box.channel <= middle < box.channel + box.channels:
                _outline(pen, box, symbol, (left, LEGEND_LINE), size, values.shape[:2])
    return canvas


def _outline(
    pen: Any,
    box: Box,
    symbol: int,
    corner: tuple[int, int],
    size: tuple[int, int],
    shape: tuple[int, ...],
) -> None:
    """A block's edges, and its diagonal where it has triangles."""
    across, down = size[0] / shape[1], size[1] / shape[0]
    left, top = corner[0] + box.column * across, corner[1] + box.row * down
    right = min(left + box.columns * across, corner[0] + size[0] - 1)
    bottom = min(top + box.rows * down, corner[1] + size[1] - 1)
    pen.rectangle((left, top, right, bottom), outline=INK, width=1)
    if symbol == MAIN_DIAGONAL:
        pen.line((left, top, right, bottom), fill=INK)
    elif symbol == OTHER_DIAGONAL:
        pen.line((left, bottom, right, top), fill=INK)


def _panel_size(rows: int, columns: int) -> tuple[int, int]:
    """Whole pixels per sample, about PANEL across; a very long map is cut to a strip's height."""
    largest = max(rows, columns)
    pixels = max(1, PANEL // largest)
    return max(columns * pixels, 24), max(rows * pixels, 24)


def _stretched(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else values


def _grey(values: npt.NDArray[np.float64], size: tuple[int, int]) -> Any:
    """Values 0..1 as a light picture; 0 is white."""
    from PIL import Image

    shades = np.rint(255 - DARKEST * values).astype(np.uint8)
    image = Image.fromarray(shades).resize(size, Image.Resampling.NEAREST)
    return image.convert("RGB")


def _tinted(
    values: npt.NDArray[np.float64],
    class_of: npt.NDArray[np.uint8],
    colours: list[Colour],
    size: tuple[int, int],
) -> Any:
    """The map in grey under its classes' colours."""
    from PIL import Image

    shades = (255 - DARKEST * values)[:, :, None]
    mixed = shades * (1 - TINT) + np.array(colours, np.float64)[class_of] * TINT
    picture: Picture = np.rint(mixed).astype(np.uint8)
    return Image.fromarray(picture).resize(size, Image.Resampling.NEAREST)
