"""Where calibration inputs come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.deployment import HEAD
from fmq_embedded.errors import InputError
from fmq_embedded.files import read_array
from fmq_embedded.photos import crops
from fmq_embedded.runtimes import open_model

PHOTOS = "photos"
PHOTO_CROPS = 40

Array = npt.NDArray[Any]


def calibration_inputs(data: str, deployment: Path) -> Iterator[Array]:
    """Inputs for the head of a deployment.

    Args:
        data: an .npy file whose first axis counts the inputs (without the batch axis), a folder
            of .npy files with one input each, or "photos": crops of scikit-image's photos,
            prepared as BlazeFace takes them.
        deployment: its folder.

    Yields:
        Arrays of the head's input shape and dtype.

    Raises:
        InputError: there are no such data, or they do not fit the head.
    """
    from fmq_embedded import blazeface

    if data == PHOTOS:
        for crop in crops(PHOTO_CROPS):
            yield blazeface.prepare(crop)[0]
        return
    port = open_model(deployment / HEAD).inputs[0]
    for name, array in _arrays(Path(data)):
        if array.dtype != port.dtype or array.size != int(np.prod(port.shape)):
            raise InputError(
                f"{name} is {array.dtype.name} {array.shape}; the head takes {port.dtype.name} "
                f"{port.shape}; prepare the data so"
            )
        yield array.reshape(port.shape)


def _arrays(path: Path) -> Iterator[tuple[str, Array]]:
    if path.is_dir():
        files = sorted(path.glob("*.npy"))
        if not files:
            raise InputError(f"{path} holds no .npy files; save each input with numpy.save")
        for file in files:
            yield file.name, _single(file)
        return
    for index, array in enumerate(_single(path)):
        yield f"{path}[{index}]", array


def _single(path: Path) -> Array:
    array = read_array(path)
    if isinstance(array, dict) or array.ndim == 0:
        raise InputError(f"{path} is not one array of inputs; give an .npy file")
    return array
