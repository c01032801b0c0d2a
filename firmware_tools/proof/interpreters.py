"""Other Pythons on this machine, made ready to read the kit with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import requires
from pathlib import Path

from fmq_embedded.errors import MissingToolError

VERSIONS = ("3.11", "3.12", "3.13")
PACKAGES = ("ml-dtypes", "numba", "numpy", "tomli-w")
"""What the kit is read with."""

_SAYS = (
    "import platform, ml_dtypes, numba, numpy, tomli_w; print("
    "'Python', platform.python_version(), 'Numba', numba.__version__, 'NumPy', numpy.__version__)"
)
_INSTALL_TIMEOUT_S = 900


def prepared(version: str, folder: Path) -> tuple[Path, str]:
    """An interpreter that can read the kit, and what it says of itself.

    One that has the packages is taken as it is; for another they are installed into a virtual
    environment, as the project requires them.

    Args:
        version: such as "3.12".
        folder: a new one, for the environment.

    Raises:
        MissingToolError: there is no such Python, or the packages cannot be installed.
    """
    found = _interpreter(version)
    if found is None:
        raise MissingToolError(f"Python {version} is not installed")
    said = _output(found, _SAYS)
    if said:
        return found, said
    python = folder / "bin" / "python"
    requirements = [text for text in requires("fmq-embedded") or () if _name(text) in PACKAGES]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([str(found), "-m", "venv", str(folder)], [*pip, *requirements]):
        done = subprocess.run(
            command, capture_output=True, check=False, text=True, timeout=_INSTALL_TIMEOUT_S
        )
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise MissingToolError(f"Python {version} cannot be made ready: {why}")
    return python, _output(python, _SAYS)


def _interpreter(version: str) -> Path | None:
    """One on the path, or one of pyenv's, which its own commands may hide."""
    name = f"python{version}"
    on_path = [Path(found)] if (found := shutil.which(name)) else []
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted(root.glob(f"versions/{version}.*/bin/python"))
    for candidate in [*on_path, *kept]:
        if _output(candidate, "import sys; print('%d.%d' % sys.version_info[:2])") == version:
            return candidate
    return None


def _output(python: Path, code: str) -> str:
    """What a line of Python prints; empty where it fails."""
    done = subprocess.run([str(python), "-c", code], capture_output=True, check=False, text=True)
    return "" if done.returncode else done.stdout.strip()


def _name(requirement: str) -> str:
    """The package that a requirement of no extra is for; empty for one of an extra."""
    return "" if "extra ==" in requirement else re.split(r"[^A-Za-z0-9-]", requirement)[0]
