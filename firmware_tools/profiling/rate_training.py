"""Maps to train default tables on: of networks, and of pictures, that no table of results has.

MobileNetV1 in int8, MobileNetV3-like blocks with hard swish and squeeze-and-excite, and a network
of sound with leaky ReLU. None of these families is in `rate_maps.NETWORKS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.partial_cases import Picture, random_crops, resized
from firmware_tools.profiling.rate_maps import (
    SMALLEST_CROP,
    TRAINING_PICTURES,
    Network,
    RateMap,
    rows_of,
    unit,
)


def whole_range(side: int) -> Any:
    """Float32 in 0..255."""
    return lambda whole: resized(whole, side).astype(np.float32)[None]


def as_spectrogram(whole: Picture) -> npt.NDArray[np.float32]:
    """A grey picture as 76 spectra of 32 bands, in the range of the network's own input."""
    grey = resized(whole, 76)[:, :32].mean(axis=2) / 32 - 2
    return np.ascontiguousarray(grey[None, :, :, None], np.float32)


NETWORKS: Final = (
    Network(
        "visual_wake_words",
        whole_range(96),
        (
            ("VWW 24×24×32", "ReLU, int8", "model/activation_6/"),
            ("VWW 12×12×64", "ReLU, int8", "model/activation_9/"),
            ("VWW 6×6×128", "ReLU, int8", "model/activation_16/"),
            ("VWW 3×3×256", "ReLU, int8", "model/activation_24/"),
        ),
    ),
    Network(
        "selfie_segmentation",
        unit(256),
        (
            ("selfie 64×64×16", "addition", "add_8__"),
            ("selfie 32×32×88", "ReLU", "re_lu_6"),
            ("selfie 16×16×128", "hard swish", "h_swish_4"),
            ("selfie 16×16×32", "linear", "conv2d_16"),
            ("selfie 16×16×32", "linear", "conv2d_24"),
            ("selfie 16×16×128", "ReLU", "re_lu_12"),
            ("selfie 32×32×24", "ReLU", "re_lu_14"),
        ),
    ),
    Network(
        "wakeword_embedding",
        as_spectrogram,
        (
            ("wake word 34×16×48", "leaky ReLU", "model/tf.math.maximum_5/"),
            ("wake word 30×8×72", "linear", "model/batch_normalization_9/"),
            ("wake word 12×4×96", "leaky ReLU", "model/tf.math.maximum_13/"),
        ),
    ),
)


def training_maps(count: int, seed: int = 4) -> Iterator[RateMap]:
    """Each map of these networks for `count` crops of the training pictures."""
    generator = np.random.default_rng(seed)
    crops = random_crops(TRAINING_PICTURES, generator, SMALLEST_CROP)
    squares = [next(crops) for _ in range(count)]
    for network in NETWORKS:
        yield from rows_of(network, squares)
