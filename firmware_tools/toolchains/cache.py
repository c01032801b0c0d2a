"""Where builds that can be made again are kept."""

from __future__ import annotations

from pathlib import Path

from fmq_embedded.files import make_folder
from fmq_embedded.model_store import cache_folder


def build_cache(name: str) -> Path:
    """The folder `name` of the project's cache, made if it is not there."""
    folder = cache_folder().resolve() / name
    make_folder(folder)
    return folder
