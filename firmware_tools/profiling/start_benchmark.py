"""How long a fresh process takes: to import the package, and to encode its first map."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import fmq_embedded
from firmware_tools.profiling.figures import Figure
from fmq_embedded.errors import FmqError

ROUNDS = 5

IMPORT_LIMIT = 0.3
COLD_LIMIT = 3.0
SECOND_LIMIT = 0.05

# "names" has what a first use loads besides, NumPy included.
CHILD = """
import json, time
start = time.perf_counter()
import fmq_embedded as fmq
times = {"import": time.perf_counter() - start}
fmq.encode, fmq.decode, fmq.Quantizer, fmq.Settings
times["names"] = time.perf_counter() - start
import numpy as np
samples = np.maximum(np.random.default_rng(0).normal(size=(16, 16, 8)), 0).astype(np.float32)
for name in ("first", "second"):
    start, processor = time.perf_counter(), time.process_time()
    fmq.encode(samples)
    times[name] = time.perf_counter() - start
    times[name + " processor"] = time.process_time() - processor
print(json.dumps(times))
"""


def figures(quick: bool) -> list[Figure]:
    """The suite "start"; each round has an empty Numba cache once, and then a filled one."""
    cold, warm = [], []
    for _ in range(1 if quick else ROUNDS):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(_run_child(cache))
            warm.append(_run_child(cache))

    def median(name: str, times: list[Mapping[str, float]]) -> float:
        return statistics.median(each[name] for each in times)

    return [
        Figure("import fmq_embedded", median("import", cold + warm), "s", limit=IMPORT_LIMIT),
        Figure("import with the names of the codec", median("names", cold + warm), "s"),
        Figure("first encode, nothing compiled", median("first", cold), "s", limit=COLD_LIMIT),
        Figure("the same, processor time", median("first processor", cold), "s"),
        Figure("first encode, compiled earlier", median("first", warm), "s"),
        Figure("second encode", median("second", cold + warm), "s", limit=SECOND_LIMIT),
    ]


def _run_child(cache: str) -> Mapping[str, float]:
    """The times of a new process with this folder for what Numba compiles."""
    root = str(Path(fmq_embedded.__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": paths}
    ended = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise FmqError(f"the process that was to be timed failed:\n{ended.stderr}")
    times: dict[str, float] = json.loads(ended.stdout)
    return times
