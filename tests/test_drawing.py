"""Pictures of classes: each class's colour is where the class is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firmware_tools.drawing import Drawing, class_colours, draw_partitions, leaves
from fmq_embedded.errors import InputError
from fmq_embedded.partition import OWN, Partition, Step
from fmq_embedded.quantizers import Quantizer

SHAPE = (1, 6, 4, 3)
SAMPLES = np.random.default_rng(0).exponential(1, SHAPE)
BASE = Quantizer.uniform(0, 8)
CLASSES = (OWN, Step(4))
TREE = bytes([1, 0, 1, 7, 0, 1])  # halves along rows: a leaf of class 1, two triangles


def drawn(tmp_path: Path, *partitions: Partition) -> np.ndarray:
    path = tmp_path / "out.png"
    texts = tuple(f"class {index} ×" for index in range(2))
    draw_partitions(path, [Drawing("map", SAMPLES, one, texts) for one in partitions])
    return np.asarray(Image.open(path))


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((picture == np.array(colour, np.uint8)).all(axis=2).sum())


def test_channels_have_frames_of_their_classes_colours(tmp_path: Path) -> None:
    fine, coarse = class_colours(2)
    picture = drawn(tmp_path, Partition.of_channels(SHAPE, BASE, CLASSES, [0, 1, 1]))
    swatch = 15 * 15
    frames = [count(picture, colour) - swatch for colour in (fine, coarse)]
    assert frames[0] > 0 and frames[1] == 2 * frames[0]


def test_a_class_map_lies_over_the_map(tmp_path: Path) -> None:
    class_of = np.zeros((6, 4), np.uint8)
    one = drawn(tmp_path, Partition.of_regions(SHAPE, BASE, CLASSES, class_of))
    class_of[:3] = 1
    other = drawn(tmp_path, Partition.of_regions(SHAPE, BASE, CLASSES, class_of))
    changed = np.flatnonzero((one != other).any(axis=(0, 2)))
    rows = np.flatnonzero((one != other).any(axis=(1, 2)))
    assert changed[0] > one.shape[1] / 3  # the right of the two panels
    assert abs((rows[-1] - rows[0] + 1) - 3 * 70) <= 1


def test_a_tree_has_its_blocks(tmp_path: Path) -> None:
    partition = Partition.of_blocks(SHAPE, BASE, CLASSES, TREE)
    found = [(box.row, box.rows, symbol) for box, symbol in leaves(partition)]
    assert found == [(0, 3, 0), (3, 3, 7)]
    assert drawn(tmp_path, partition).shape[2] == 3


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (251,), (3, 500), (2, 5, 7, 3)])
def test_odd_shapes_are_drawn(tmp_path: Path, shape: tuple[int, ...]) -> None:
    class_of = np.zeros(shape[-1] if len(shape) > 2 and shape[1] > 1 else 1, np.uint8)
    partition = Partition.of_channels(shape, BASE, (OWN,), class_of)
    draw_partitions(tmp_path / "a.png", [Drawing("", np.zeros(shape), partition, ("one",))])
    assert (tmp_path / "a.png").stat().st_size > 100


def test_several_tensors_stand_under_each_other(tmp_path: Path) -> None:
    partition = Partition.of_channels(SHAPE, BASE, CLASSES, [0, 1, 1])
    assert len(drawn(tmp_path, partition, partition)) == 2 * len(drawn(tmp_path, partition))


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--partition"):
        draw_partitions(tmp_path / "a.png", [])


def test_classes_have_different_colours() -> None:
    assert len(set(class_colours(12))) == 12
    assert len(class_colours(1)) == 1
