"""A deployment's folder.

    deployment.toml   for people: the model, the tensors, their quantizers
    tables.npz        integers: decision thresholds and reconstruction values
    head.tflite       for the device
    tail.tflite       for the gateway

The same inputs give byte-identical files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import InputError
from fmq_embedded.files import read_array, read_bytes
from fmq_embedded.written_together import read_together, write_together

DESCRIPTION = "deployment.toml"
TABLES = "tables.npz"
HEAD = "head.tflite"
TAIL = "tail.tflite"

_MAKE_ANEW = "make the deployment anew with `inv split` and `inv calibrate`"


def save(
    deployment: Deployment, folder: Path, others: Mapping[str, bytes | None] | None = None
) -> None:
    """Write the description and the tables: all files are the new ones, or all the old ones.

    Args:
        others: further files of the folder that belong to them; None where one is to go.
    """
    files = {TABLES: deployment.tables(), DESCRIPTION: deployment.description()}
    write_together(folder, {**(others or {}), **files})


def load(folder: Path) -> Deployment:
    """Read a deployment.

    Raises:
        InputError: there is none in the folder, or its files cannot be read or do not fit.
    """
    path = folder / DESCRIPTION
    with read_together(folder):
        if not path.is_file():
            raise InputError(f"{folder} holds no {DESCRIPTION}; make a deployment with `inv split`")
        tables, description = read_array(folder / TABLES), read_bytes(path)
    try:
        if not isinstance(tables, dict):
            raise TypeError(f"{TABLES} holds no named arrays")
        return Deployment.described(tomllib.loads(description.decode()), tables)
    except KeyError as error:
        raise InputError(f"{path} lacks {error}; {_MAKE_ANEW}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; {_MAKE_ANEW}") from error
