"""Folders of C as CMake, the Arduino IDE and Zephyr take them.

A layout says where the library's public headers, its sources and the generated tables go; what
else the build system wants lies in `templates/`, with @NAME@ and such in place of what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources
from fmq_embedded import __version__
from fmq_embedded.deploy.c_tables import FLASH_BUDGET, c_tables
from fmq_embedded.deploy.c_text import identifier
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import unknown_name
from fmq_embedded.written_together import write_together

TEMPLATES = Path(__file__).parent / "templates"
LICENCE = "LICENSE"


@dataclass(frozen=True)
class Layout:
    """Where things go, from the root of what is written.

    Attributes:
        headers: gets `fmq/`, and is on the include path.
        sources: of the library, and its private headers.
        tables: of the deployment.
        from_build_file: from the folder of the build file to the root.
    """

    headers: str
    sources: str
    tables: str
    from_build_file: str = ""


LAYOUTS = {
    "cmake": Layout("include", "src", "tables"),
    # What lies in src/ itself is on the include path of every sketch: private headers do not.
    "arduino": Layout("src", "src/libfmq", "src"),
    "zephyr": Layout("include", "src", "tables", "../"),
}


def laid_out(
    name: str, deployment: Deployment, flash_budget: int = FLASH_BUDGET
) -> dict[str, bytes]:
    """Every file of a layout by its path, with slashes; the same input gives the same bytes.

    Args:
        name: a key of `LAYOUTS`.
        deployment: calibrated.
        flash_budget: bytes of tables that one quantizer may take.

    Raises:
        InputError: an unknown name, or a deployment that is not calibrated.
    """
    if name not in LAYOUTS:
        raise unknown_name("layout", name, LAYOUTS)
    layout = LAYOUTS[name]
    sources = library_sources()
    files: dict[str, bytes] = {LICENCE: _licence()}
    for path in sorted((LIBFMQ_INCLUDE / "fmq").glob("*.h")):
        files[f"{layout.headers}/fmq/{path.name}"] = path.read_bytes()
    for path in [*sources, *sorted(sources[0].parent.glob("*.h"))]:
        files[f"{layout.sources}/{path.name}"] = path.read_bytes()
    for table, text in c_tables(deployment, flash_budget).items():
        files[f"{layout.tables}/{table}"] = text.encode()
    compiled = [path for path in files if path.endswith(".c")]
    return files | _templates(name, deployment, sorted(compiled))


def write_layout(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a layout: all are the new ones, or all the old ones."""
    write_together(folder, files)


def stale(folder: Path, files: dict[str, bytes]) -> list[str]:
    """The files that are not there, or not as they would be written."""
    return [
        path
        for path, data in files.items()
        if not (folder / path).is_file() or (folder / path).read_bytes() != data
    ]


def _templates(name: str, deployment: Deployment, compiled: Sequence[str]) -> dict[str, bytes]:
    up = LAYOUTS[name].from_build_file
    values = {
        "NAME": identifier(deployment.name),
        "VERSION": __version__,
        "SOURCES": "\n".join(f"    {up}{path}" for path in compiled),
        "CRC": f"{deployment.crc32:08x}",
    }
    files = {}
    root = TEMPLATES / name
    for path in sorted(root.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for key, value in values.items():
                text = text.replace(f"@{key}@", value)
            files[path.relative_to(root).as_posix()] = text.encode()
    return files


def _licence() -> bytes:
    """The licence's text: of the checkout, or as it was installed."""
    path = Path(__file__).resolve().parents[2] / LICENCE
    if path.is_file():
        return path.read_bytes()
    return (distribution("fmq-embedded").read_text(f"licenses/{LICENCE}") or "").encode()
