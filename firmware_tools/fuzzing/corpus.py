"""The inputs that fuzzing starts from: one archive a target, and what was once found."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from fmq_embedded.files import make_folder, read_bytes, write_atomically

_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def unpack(corpus: Path, target: str, folder: Path) -> int:
    """Put a target's inputs into a folder; returns how many there are.

    Args:
        corpus: the folder with <target>.zip, and findings that were mended in
            regressions/<target>-<what it was>.
    """
    make_folder(folder)
    archive = corpus / f"{target}.zip"
    found = [read_bytes(path) for path in sorted(corpus.glob(f"regressions/{target}-*"))]
    if archive.is_file():
        with zipfile.ZipFile(archive) as packed:
            found += [packed.read(name) for name in sorted(packed.namelist())]
    for data in found:
        (folder / _name(data)).write_bytes(data)
    return len(found)


def pack(corpus: Path, target: str, folder: Path) -> int:
    """Make the files of a folder a target's archive; the same files give the same bytes."""
    inputs = sorted({_name(data): data for data in map(read_bytes, folder.iterdir())}.items())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in inputs:
            packed.writestr(zipfile.ZipInfo(name, _LONG_AGO), data, zipfile.ZIP_DEFLATED)
    make_folder(corpus)
    write_atomically(corpus / f"{target}.zip", out.getvalue())
    return len(inputs)


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]
