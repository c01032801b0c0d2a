"""Calibration's runs of the head by two processes, beside one such process and beside this one."""

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
from fmq_embedded.workers import Here, Workers, local_processes

CUT: Final = ("activation_11", "activation_16")
INPUTS: Final = 4096
QUICK_INPUTS: Final = 64
PROCESSES: Final = 2
ROUNDS: Final = 3
LIMIT: Final = 1 / 1.7


def figures(quick: bool) -> list[Figure]:
    """The suite "workers": the processes run already, as on a cluster."""
    with (
        tempfile.TemporaryDirectory() as out,
        local_processes(PROCESSES) as several,
        local_processes(1) as one,
    ):
        folder = Path(out)
        model = fetch("blazeface_short_range")
        split_model(model.read_bytes(), CUT, folder, model_file=model.name)
        count = QUICK_INPUTS if quick else INPUTS
        teams = (several, one, Here())
        for team in teams:
            _calibration_seconds(folder, QUICK_INPUTS, team)
        rounds = [
            [_calibration_seconds(folder, count, team) for team in teams]
            for _ in range(1 if quick else ROUNDS)
        ]
    name = f"calibration on {count} pictures, {PROCESSES} processes"
    return [
        Figure(
            name,
            statistics.median(times[0] for times in rounds),
            "s",
            peer,
            statistics.median(times[place] for times in rounds),
            statistics.median(times[0] / times[place] for times in rounds),
            limit,
        )
        for place, peer, limit in ((1, "one such process", LIMIT), (2, "no other process", None))
    ]


def _calibration_seconds(folder: Path, count: int, workers: Workers) -> float:
    pictures = np.random.default_rng(0).integers(0, 256, (count, 128, 128, 3), np.uint8)
    np.save(folder / "pictures.npy", pictures)
    data = calibration_inputs(str(folder / "pictures.npy"), folder)
    try:
        return seconds(lambda: collect(folder, data, workers))
    finally:
        forget(folder)  # or the next run would go on from there
