"""Crops of the photos that ship with scikit-image, as a data set."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fmq_embedded.photos import Photo, crops

PHOTOS: Final = "photos"
PHOTO_CROPS: Final = 40


@dataclass(frozen=True)
class PhotoCrops:
    """The same 40 crops each time."""

    part_size: int = 1

    def __len__(self) -> int:
        return PHOTO_CROPS

    def read(self, start: int, stop: int) -> Iterator[tuple[str, Photo]]:
        """The crops start..stop − 1, each with its name."""
        for index, crop in enumerate(_crops()[start:stop], start):
            yield f"{PHOTOS}[{index}]", crop

    def identity(self) -> Iterator[str]:
        """They never change."""
        yield PHOTOS


@functools.cache
def _crops() -> list[Photo]:
    return list(crops(PHOTO_CROPS))
