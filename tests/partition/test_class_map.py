"""Class maps: what is coded comes back, and nothing else is accepted."""

from __future__ import annotations

import numpy as np
import pytest

from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.partition import OWN, ClassMap, Partition, decode_class_map, encode_class_map
from fmq_embedded.partition.blocks import Box, first_triangle, parts_of
from fmq_embedded.partition.class_map import Kind, grown
from tests.partition.random_partitions import BASE, random_partition, random_tree

KINDS: tuple[Kind, ...] = ("channel", "region", "block")
SHAPES = [(1, 1, 1), (1, 9, 1), (9, 1, 2), (5, 7, 3), (25, 43, 4), (4, 3, 251)]


def read_back(kind: Kind, coded: bytes, geometry: Geometry, class_count: int) -> ClassMap:
    data = np.frombuffer(b"head" + coded + b"\xff" * 5, np.uint8)
    class_map, end = decode_class_map(kind, data, 4, geometry, class_count)
    assert end == 4 + len(coded)
    return class_map


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 17, 256])
def test_class_maps_come_back(kind: Kind, shape: tuple[int, ...], count: int) -> None:
    geometry = Geometry.of(shape)
    for seed in range(4):
        generator = np.random.default_rng(seed)
        partition = random_partition(generator, kind, shape, (OWN,) * count)
        coded = encode_class_map(kind, partition.class_map, geometry, count)
        back = read_back(kind, coded, geometry, count)
        np.testing.assert_array_equal(back.class_of, partition.class_of)
        if count > 1:
            assert back.tree == partition.class_map.tree
        else:
            assert coded == b""


def test_a_map_of_one_value_takes_a_few_bytes() -> None:
    geometry = Geometry(32, 32, 64)
    one = {"channel": np.full(64, 2), "region": np.full((32, 32), 2)}
    for kind in ("channel", "region"):
        class_map = ClassMap(one[kind].astype(np.uint8))
        assert len(encode_class_map(kind, class_map, geometry, 4)) <= 5
    class_map = ClassMap(np.full((32, 32, 64), 2, np.uint8), b"\0\2")
    assert len(encode_class_map("block", class_map, geometry, 4)) <= 3


def test_a_tree_grows_as_the_specification_says() -> None:
    geometry = Geometry(5, 7, 4)
    classes = grown(bytes([4, 0, 1, 0, 2, 0, 3]), geometry, 4)
    # three parts along the 7 columns: 2, 3, 2
    assert classes[0, :, 0].tolist() == [1, 1, 2, 2, 2, 3, 3]
    classes = grown(bytes([6, *[value for k in range(8) for value in (0, k)]]), geometry, 8)
    assert [classes[i, j, k] for i in (2, 3) for j in (3, 4) for k in (1, 2)] == list(range(8))
    classes = grown(bytes([7, 1, 2]), Geometry(4, 4, 1), 3)
    np.testing.assert_array_equal(classes[:, :, 0] == 1, np.tri(4, dtype=bool))
    classes = grown(bytes([8, 1, 2]), Geometry(4, 4, 1), 3)
    np.testing.assert_array_equal(classes[:, ::-1, 0] == 2, ~np.tri(4, dtype=bool).T[::-1, ::-1].T)


def test_the_search_and_the_decoder_cut_boxes_alike() -> None:
    generator = np.random.default_rng(5)

    def paint(tree: bytes, box: Box, classes: np.ndarray) -> bytes:
        symbol, rest = tree[0], tree[1:]
        place = tuple(slice(a, a + n) for a, n in zip(box[:3], box[3:], strict=True))
        if symbol in (0, 7, 8):
            classes[place] = rest[0]
            if symbol:
                first = first_triangle(box.rows, box.columns, symbol)
                classes[place] = np.where(first, rest[0], rest[1])[:, :, None]
            return rest[2 if symbol else 1 :]
        parts = parts_of(box, symbol)
        assert parts is not None
        for part in parts:
            rest = paint(rest, part, classes)
        return rest

    for shape in [(5, 7, 3), (16, 9, 8), (2, 3, 31), (6, 6, 1)]:
        for _ in range(30):
            box = Box(0, 0, 0, *shape)
            tree = random_tree(generator, box, 5)
            expected = np.zeros(shape, np.uint8)
            assert paint(tree, box, expected) == b""
            np.testing.assert_array_equal(grown(tree, Geometry(*shape), 5), expected)


@pytest.mark.parametrize(
    ("tree", "shape"),
    [
        (b"", (4, 4, 4)),
        (b"\0", (4, 4, 4)),
        (b"\0\3", (4, 4, 4)),  # class 3 of 3
        (b"\0\0\0", (4, 4, 4)),  # something follows
        (b"\1\0\0", (4, 4, 4)),  # one half is missing
        (b"\1\0\0\0\0", (1, 4, 4)),
        (b"\2\0\0\0\0", (4, 1, 4)),
        (b"\3\0\0\0\0", (4, 4, 1)),
        (b"\4\0\0\0\0\0\0", (2, 2, 4)),
        (b"\5" + 4 * b"\0\0", (4, 1, 4)),
        (b"\6" + 8 * b"\0\0", (4, 4, 1)),
        (b"\7\0\1", (1, 4, 4)),
        (b"\7\0", (4, 4, 4)),
        (b"\x09\0\0", (4, 4, 4)),
        (9 * b"\1" + 10 * b"\0\0", (1 << 10, 1, 1)),  # too deep
    ],
)
def test_wrong_trees_are_refused(tree: bytes, shape: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="coding tree"):
        grown(tree, Geometry(*shape), 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_class_map_is_refused(kind: Kind) -> None:
    geometry = Geometry(8, 9, 40)
    partition = random_partition(np.random.default_rng(2), kind, (8, 9, 40), (OWN,) * 200)
    coded = encode_class_map(kind, partition.class_map, geometry, 200)
    for size in range(0, len(coded), 7):
        with pytest.raises(BitstreamError):
            decode_class_map(kind, np.frombuffer(coded[:size], np.uint8), 0, geometry, 200)


@pytest.mark.parametrize("kind", KINDS)
def test_random_bytes_give_classes_that_are_there_or_an_error(kind: Kind) -> None:
    generator = np.random.default_rng(0)
    geometry = Geometry(6, 7, 9)
    errors = 0
    for _ in range(300):
        data = generator.integers(0, 256, 60).astype(np.uint8)
        try:
            class_map, _ = decode_class_map(kind, data, 0, geometry, 6)
        except BitstreamError:
            errors += 1
            continue
        assert class_map.class_of.max() < 6
        if kind == "block":
            expected = grown(class_map.tree, geometry, 6)
            np.testing.assert_array_equal(class_map.class_of, expected)
    assert errors


def test_partitions_that_cannot_be_are_refused() -> None:
    for class_of, classes, message in [
        ([0, 1], (OWN,) * 2, "shape"),
        ([0, 1, 2], (OWN,) * 2, "class 2"),
        ([0.0, 1.0, 1.0], (OWN,) * 2, "integers"),
        ([0, 1, -1], (OWN,) * 2, "classes lie"),
        ([0, 0, 0], (), "1..256"),
        ([0, 0, 0], (OWN,) * 257, "1..256"),
    ]:
        with pytest.raises(InputError, match=message):
            Partition.of_channels((2, 2, 3), BASE, classes, class_of)
