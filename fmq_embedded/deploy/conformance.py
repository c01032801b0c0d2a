"""Worked cases of a deployment: maps, their levels, the bitstream and what comes back."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.files import read_array, read_bytes

FOLDER = "conformance"
STREAM = "stream.fmq"
SUMS = "SHA256SUMS"

Array = npt.NDArray[Any]


def case_files(deployment: Deployment, maps: Mapping[str, Array]) -> dict[str, bytes]:
    """One case: the files of the deployment folder's `conformance`, by their names in the folder.

    Tensor i has i.samples.npy, i.levels.npy and i.decoded.npy; stream.fmq holds all; SHA256SUMS
    is as `sha256sum -c` takes it.
    """
    files = _case_files(deployment, maps)
    sums = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    files[SUMS] = "".join(sums).encode()
    return {f"{FOLDER}/{name}": data for name, data in files.items()}


def case_maps(deployment: Deployment, folder: Path) -> dict[str, Array]:
    """The feature maps of a deployment's case, by tensor.

    Raises:
        InputError: the deployment has none; it is not calibrated.
    """
    target = folder / FOLDER
    if not (target / SUMS).is_file():
        raise InputError(f"{target} holds no case; run `inv calibrate` on the deployment first")
    maps = {}
    for index, plan in enumerate(deployment.tensors):
        path = target / f"{index}.samples.npy"
        array = read_array(path)
        if isinstance(array, dict):
            raise InputError(f"{path} holds several arrays; run `inv calibrate` anew")
        maps[plan.name] = array
    return maps


def check_case(deployment: Deployment, folder: Path) -> None:
    """Check that this version still gives what the case holds.

    Raises:
        InputError: there is no case, or one of its files is missing.
        MismatchError: a file was changed, or is not what this version gives.
    """
    target = folder / FOLDER
    maps = case_maps(deployment, folder)
    sums = read_bytes(target / SUMS).decode(errors="replace").splitlines()
    wanted = _case_files(deployment, maps)
    kept = {name: read_bytes(target / name) for name in wanted}
    for name, data in kept.items():
        if f"{hashlib.sha256(data).hexdigest()}  {name}" not in sums:
            raise MismatchError(
                f"{target / name} is not the file that was written: its sum is not in {SUMS}"
            )
    for name, data in wanted.items():
        if kept[name] != data:
            raise MismatchError(
                f"{target / name} is not what this version gives; was the deployment changed "
                "after it was calibrated?"
            )


def _case_files(deployment: Deployment, maps: Mapping[str, Array]) -> dict[str, bytes]:
    """The files of a case, without their sums."""
    levels = deployment.quantize(maps)
    stream = deployment.encode(maps)
    decoded = deployment.decode(stream)
    files = {STREAM: stream}
    for index, plan in enumerate(deployment.tensors):
        files[f"{index}.samples.npy"] = _npy(maps[plan.name])
        files[f"{index}.levels.npy"] = _npy(levels[plan.name])
        files[f"{index}.decoded.npy"] = _npy(decoded[plan.name])
    return files


def _npy(array: Array) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()
