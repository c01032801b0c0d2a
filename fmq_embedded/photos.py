"""Photos that ship with scikit-image, and crops of them for calibration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import MissingToolError, unknown_name

# Only those that are in the package itself: the others would be downloaded.
CALIBRATION_PHOTOS = ("coffee", "chelsea", "rocket", "camera")
PHOTOS = ("astronaut", *CALIBRATION_PHOTOS)
SMALLEST_CROP = 128

Photo = npt.NDArray[np.uint8]


def photo(name: str) -> Photo:
    """A photo, uint8, (rows, columns, 3) or, grey, (rows, columns).

    Raises:
        InputError: for another name than those of `PHOTOS`.
        MissingToolError: scikit-image is not installed.
    """
    if name not in PHOTOS:
        raise unknown_name("photo", name, PHOTOS)
    try:
        from skimage import data
    except ImportError as error:
        raise MissingToolError(
            "the photos come with scikit-image; install it with: "
            "python -m pip install 'fmq-embedded[demo]'"
        ) from error
    picture: Any = getattr(data, name)()
    return np.asarray(picture, np.uint8)


def crops(count: int, seed: int = 0) -> Iterator[Photo]:
    """Square crops of the calibration photos, of random places and sizes, always the same."""
    generator = np.random.default_rng(seed)
    pictures = [photo(name) for name in CALIBRATION_PHOTOS]
    for index in range(count):
        picture = pictures[index % len(pictures)]
        side = int(generator.integers(SMALLEST_CROP, min(picture.shape[:2]), endpoint=True))
        top = int(generator.integers(0, picture.shape[0] - side, endpoint=True))
        left = int(generator.integers(0, picture.shape[1] - side, endpoint=True))
        yield picture[top : top + side, left : left + side]
