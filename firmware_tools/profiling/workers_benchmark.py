"""Calibration's runs of the head with two processes beside one."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.timing import seconds
from fmq_embedded.deploy.calibration_data import calibration_inputs
from fmq_embedded.deploy.collecting import collect, forget
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.model_store import fetch
from fmq_embedded.workers import open_workers

CUT: Final = ("activation_11", "activation_16")
INPUTS: Final = 768
PROCESSES: Final = 2
ROUNDS: Final = 3
LIMIT: Final = 1 / 1.7


def figures(quick: bool) -> list[Figure]:
    """The suite "workers": the processes run already, as on a cluster."""
    with tempfile.TemporaryDirectory() as out, open_workers(count=PROCESSES) as workers:
        folder = Path(out)
        model = fetch("blazeface_short_range")
        split_model(model.read_bytes(), CUT, folder, model_file=model.name)
        pictures = np.random.default_rng(0).integers(
            0, 256, (64 if quick else INPUTS, 128, 128, 3), np.uint8
        )
        np.save(folder / "pictures.npy", pictures)
        data = calibration_inputs(str(folder / "pictures.npy"), folder)

        def spread() -> None:
            collect(folder, data, workers)
            forget(folder)  # or the next run would go on from there

        def alone() -> None:
            collect(folder, data)
            forget(folder)

        for call in (spread, alone):
            call()
        rounds = [(seconds(spread), seconds(alone)) for _ in range(1 if quick else ROUNDS)]
    ours, theirs = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = statistics.median(pair[0] / pair[1] for pair in rounds)
    name = f"calibration on {len(pictures)} pictures, {PROCESSES} processes"
    return [Figure(name, ours, "s", "one", theirs, ratio, LIMIT)]
