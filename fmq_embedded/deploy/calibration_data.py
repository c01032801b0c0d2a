"""Where calibration inputs come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmq_embedded.data.data_set import DataSet, open_data
from fmq_embedded.data.input_description import with_options
from fmq_embedded.deploy.deployment_files import HEAD, load
from fmq_embedded.errors import InputError
from fmq_embedded.runtimes import open_model


def calibration_inputs(data: str, folder: Path, options: Sequence[str] = ()) -> DataSet:
    """Inputs for the head of a deployment.

    Args:
        data: pictures, WAV files, arrays or "photos"; see `open_data`.
        folder: of the deployment.
        options: how the head wants pictures or sounds where the deployment's [input] is wrong,
            such as "fit=stretch" or "range=0,1".

    Raises:
        InputError: there are no such data, or the head does not take them; an option that its
            input does not have; a head of several inputs.
        MissingToolError: the package that reads such data is not installed.
    """
    deployment = load(folder)
    ports = open_model(folder / HEAD).inputs
    if len(ports) != 1:
        raise InputError(
            f"the head has {len(ports)} inputs ({', '.join(port.name for port in ports)}), and "
            "a data set gives one; calibrate from Python with an array for each"
        )
    return open_data(data, ports[0], with_options(deployment.input, options))
