"""From a model file to a deployment folder, not yet calibrated."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fmq_embedded.bitstream.headers import DTYPES
from fmq_embedded.data.guessing import guess_input
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, save
from fmq_embedded.deploy.graft import graft_head
from fmq_embedded.deploy.grafted_files import HEAD_LEVELS, TAIL_LEVELS, map_tables
from fmq_embedded.deploy.split import split
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import Port, open_model
from fmq_embedded.runtimes.ports import described_ports, has_fixed_shapes
from fmq_embedded.tflite_file import read_model


def split_model(
    model: bytes,
    tensors: Sequence[str],
    folder: Path,
    *,
    model_file: str,
    name: str = "",
    lowering: str | None = None,
) -> Deployment:
    """Cut a model in two and write the deployment folder.

    Args:
        model: the .tflite file's bytes.
        tensors: where to cut; see `deploy.split.split`.
        folder: gets head.tflite, tail.tflite, deployment.toml and tables.npz.
        model_file: the model's file name, for the description.
        name: of the deployment; by default the model file's name.
        lowering: how calibration is to put the quantizers into the model; None: not at all.

    Raises:
        InputError: the model cannot be cut there, a map's type is none that can be coded, or the
            lowering's target cannot run the head or take a map of that type.
    """
    head, tail = split(model, tensors)
    ports = _outputs(head)
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
    if lowering is not None:
        _check_lowering(head, plans, lowering)
    plain_name = name or re.sub(r"[^0-9A-Za-z_.-]", "_", Path(model_file).stem)
    digest = hashlib.sha256(model).hexdigest()
    wanted = guess_input(read_model(model), digest)
    deployment = Deployment(plain_name, model_file, digest, plans, lowering, input=wanted)
    save(deployment, folder, {HEAD: head, TAIL: tail, HEAD_LEVELS: None, TAIL_LEVELS: None})
    return deployment


def _outputs(head: bytes) -> tuple[Port, ...]:
    """The head's outputs; a runtime, which copies the weights, is asked for open shapes alone."""
    model = read_model(head)
    if has_fixed_shapes(model):
        return described_ports(model, "outputs")
    return open_model(head).outputs


def _check_lowering(head: bytes, plans: Sequence[TensorPlan], lowering: str) -> None:
    """Refuse now what calibration could not do in the end, with any quantizer of 8 bits."""
    eight_bits = Quantizer.uniform(0.0, 1.0, 8)
    graft_head(head, [map_tables(replace(p, quantizer=eight_bits)) for p in plans], lowering)
