"""The feature maps of the suite "rate": of real networks, and synthetic ones of known statistics.

No picture here is one that anything of ours was trained or calibrated on (`TRAINING_PICTURES`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.partial_cases import (
    CALIBRATION_PICTURES,
    FACE_PICTURE,
    Picture,
    keyword_case,
    picture,
    random_crops,
    resized,
)
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import Model, expose, open_model

TRAINING_PICTURES: Final = CALIBRATION_PICTURES
PICTURES: Final = (FACE_PICTURE, "motorcycle", "coins")
QUICK_ROWS: Final = ("BlazeFace 16×16×88", "ResNet-8 8×8×64", "SSD 19×19×12")
SEEN_MAPS: Final = 24
SMALLEST_CROP: Final = 150
SYNTHETIC_SHAPE: Final = (56, 56, 64)
DEAD_CHANNELS: Final = 8
CORRELATION: Final = 0.95
RELU_CORRELATION: Final = 0.9

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RateMap:
    """A row of the tables.

    Args:
        name: network and shape.
        kind: what made it.
        items: the map for each picture.
        seen: maps of the same tensor for other pictures, to calibrate on; none for some rows.
    """

    name: str
    kind: str
    items: tuple[FeatureMap, ...]
    seen: tuple[FeatureMap, ...] = ()


@dataclass(frozen=True)
class Network:
    """A network, how a picture becomes its input, and the maps that are taken.

    Args:
        model: of the model store.
        prepare: from a square picture to the input.
        tensors: for each row its name, kind, and how the tensor's name begins.
    """

    model: str
    prepare: Callable[[Picture], Array]
    tensors: tuple[tuple[str, str, str], ...]


def signed(side: int) -> Callable[[Picture], Array]:
    """Float32 in −1..1."""
    return lambda whole: (resized(whole, side) / np.float32(127.5) - np.float32(1))[None]


def unit(side: int) -> Callable[[Picture], Array]:
    """Float32 in 0..1."""
    return lambda whole: (resized(whole, side) / np.float32(255))[None]


def centred(side: int) -> Callable[[Picture], Array]:
    """Int8, the pixel less 128."""
    return lambda whole: (resized(whole, side).astype(np.int16) - 128).astype(np.int8)[None]


NETWORKS: Final = (
    Network(
        "blazeface_short_range",
        signed(128),
        (
            ("BlazeFace 32×32×32", "addition", "add_2__"),
            ("BlazeFace 16×16×88", "ReLU", "activation_11"),
            ("BlazeFace 8×8×96", "ReLU", "activation_16"),
        ),
    ),
    Network(
        "blazeface_full_range",
        signed(192),
        (("BlazeFace 48×48×48", "ReLU", "activation_46"),),
    ),
    Network(
        "resnet8",
        centred(32),
        (
            ("ResNet-8 32×32×16", "addition, ReLU, int8", "model/activation_2/"),
            ("ResNet-8 16×16×32", "addition, ReLU, int8", "model/activation_4/"),
            ("ResNet-8 8×8×64", "addition, ReLU, int8", "model/activation_6/"),
        ),
    ),
    Network(
        "ssd_mobilenet_v2",
        signed(300),
        (
            ("SSD 38×38×32", "addition", "FeatureExtractor/MobilenetV2/expanded_conv_5/add"),
            ("SSD 19×19×64", "addition", "FeatureExtractor/MobilenetV2/expanded_conv_9/add"),
            ("SSD 19×19×12", "box head", "BoxPredictor_0/BoxEncodingPredictor/BiasAdd"),
            ("SSD 5×5×512", "ReLU6", "FeatureExtractor/MobilenetV2/layer_19_2_Conv2d_2_"),
        ),
    ),
    Network(
        "hand_landmark_lite",
        unit(224),
        (("hand 14×14×48", "addition", "model_1/model/add_4/add"),),
    ),
)


def real_maps(quick: bool) -> list[RateMap]:
    """The rows of the table of real maps; a few of them for a quick look.

    Raises:
        MissingToolError: scikit-image, or a package that a model comes in, is not to be had.
    """
    names = PICTURES[:1] if quick else PICTURES
    squares = [middle(picture(name)) for name in names]
    crops = random_crops(TRAINING_PICTURES, np.random.default_rng(11), SMALLEST_CROP)
    others = list(itertools.islice(crops, SEEN_MAPS))
    rows = [
        replace(row, items=row.items[: len(names)], seen=row.items[len(names) :])
        for network in NETWORKS
        for row in rows_of(network, [*squares, *others], quick)
    ]
    return rows if quick else [*rows, _keyword_row(len(names))]


def rows_of(network: Network, squares: Sequence[Picture], quick: bool = False) -> list[RateMap]:
    """A network's rows."""
    wanted = [one for one in network.tensors if not quick or one[0] in QUICK_ROWS]
    if not wanted:
        return []
    path = fetch(network.model)
    tensors = [_full_name(path, prefix) for _, _, prefix in wanted]
    model = open_model(expose(path, tensors))
    runs = [model.run(network.prepare(square)) for square in squares]
    return [
        RateMap(name, kind, tuple(_feature_map(model, tensor, run[tensor]) for run in runs))
        for (name, kind, _), tensor in zip(wanted, tensors, strict=True)
    ]


def synthetic_maps(quick: bool) -> list[RateMap]:
    """Sources of known statistics: iid Gauss and Laplace, AR(0.95) in two directions, and ReLU.

    The ReLU maps are Gaussian AR(0.9) with uneven channel gains, cut at 0; 8 channels are dead.
    """
    rows, columns, channels = SYNTHETIC_SHAPE
    generator = np.random.default_rng(1)
    shape = (rows, columns, channels // 4 if quick else channels)
    smooth = _autoregressive(generator, shape, CORRELATION)
    rectified = np.maximum(_autoregressive(generator, shape, RELU_CORRELATION), 0.0)
    gains = np.exp(generator.normal(0.0, 1.0, shape[2]))
    gains[:: shape[2] // DEAD_CHANNELS] = 0.0
    made = {
        "iid Gauss": generator.normal(size=shape),
        "iid Laplace": generator.laplace(0.0, np.sqrt(0.5), shape),
        "AR(.95)": smooth,
        "ReLU": rectified * gains,
    }
    return [
        RateMap(f"{name} {'×'.join(map(str, shape))}", "synthetic", (_float_map(samples),))
        for name, samples in made.items()
    ]


def middle(whole: Picture) -> Picture:
    """The largest square in the middle of a picture."""
    side = min(whole.shape[:2])
    top, left = (whole.shape[0] - side) // 2, (whole.shape[1] - side) // 2
    return whole[top : top + side, left : left + side]


def _autoregressive(
    generator: np.random.Generator, shape: tuple[int, ...], correlation: float
) -> Array:
    """Gaussian, unit variance, this correlation of neighbours in both directions, separable."""
    samples = generator.normal(size=shape)
    innovation = np.sqrt(1 - correlation**2)
    for axis in (0, 1):
        samples = np.moveaxis(samples, axis, 0)
        for at in range(1, len(samples)):
            samples[at] = correlation * samples[at - 1] + innovation * samples[at]
        samples = np.moveaxis(samples, 0, axis)
    return samples


def _float_map(samples: Array) -> FeatureMap:
    return FeatureMap(np.ascontiguousarray(samples, np.float32))


def _keyword_row(count: int) -> RateMap:
    tests = keyword_case(1, count).tests
    items = tuple(item for maps in tests for item in maps.values())
    shape = "×".join(map(str, items[0].samples.shape[1:]))
    return RateMap(f"keyword spotting {shape}", "addition, ReLU, int8", items)


def _feature_map(model: Model, tensor: str, samples: Array) -> FeatureMap:
    port = next(port for port in model.outputs if port.name == tensor)
    return FeatureMap(samples[0], port.scale, port.zero_point, tensor)


def _full_name(path: Any, prefix: str) -> str:
    """The tensor whose name begins so."""
    from fmq_embedded.structure import read_tflite

    return next(
        layer.tensor for layer in read_tflite(path).layers if layer.tensor.startswith(prefix)
    )
