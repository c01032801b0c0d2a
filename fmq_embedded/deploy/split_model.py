"""From a model file to a deployment folder, not yet calibrated."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from fmq_embedded.bitstream.headers import DTYPES
from fmq_embedded.deploy.deployment import HEAD, TAIL, Deployment, TensorPlan, save
from fmq_embedded.deploy.split import split
from fmq_embedded.errors import InputError
from fmq_embedded.files import make_folder, write_atomically
from fmq_embedded.runtimes import open_model


def split_model(
    model: bytes, tensors: Sequence[str], folder: Path, *, model_file: str, name: str = ""
) -> Deployment:
    """Cut a model in two and write the deployment folder.

    Args:
        model: the .tflite file's bytes.
        tensors: where to cut; see `deploy.split.split`.
        folder: gets head.tflite, tail.tflite, deployment.toml and tables.npz.
        model_file: the model's file name, for the description.
        name: of the deployment; by default the model file's name.

    Raises:
        InputError: the model cannot be cut there, or a map's type is none that can be coded.
    """
    head, tail = split(model, tensors)
    ports = open_model(head).outputs
    for port in ports:
        if port.dtype.name not in DTYPES:
            raise InputError(
                f"tensor {port.name!r} is {port.dtype.name}; feature maps that can be coded are "
                f"{', '.join(DTYPES)}; cut elsewhere"
            )
    plans = tuple(
        TensorPlan(port.name, port.shape, port.dtype.name, port.scale, port.zero_point)
        for port in ports
    )
    plain_name = name or re.sub(r"[^0-9A-Za-z_.-]", "_", Path(model_file).stem)
    deployment = Deployment(plain_name, model_file, hashlib.sha256(model).hexdigest(), plans)
    make_folder(folder)
    write_atomically(folder / HEAD, head)
    write_atomically(folder / TAIL, tail)
    save(deployment, folder)
    return deployment
