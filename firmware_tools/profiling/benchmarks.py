"""The suites behind `inv bench`: every figure that is promised, measured beside its peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware_tools.profiling.device_benchmark import figures as device_figures
from firmware_tools.profiling.fast_benchmark import figures as fast_figures
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.gateway_benchmark import figures as gateway_figures
from firmware_tools.profiling.graft_benchmark import figures as graft_figures
from firmware_tools.profiling.host_benchmark import figures as host_figures
from firmware_tools.profiling.host_codec_benchmark import figures as codec_figures
from firmware_tools.profiling.partial_benchmark import figures as partial_figures
from firmware_tools.profiling.partition_benchmark import figures as partition_figures
from firmware_tools.profiling.rate_benchmark import figures as rate_figures
from firmware_tools.profiling.rate_speed_benchmark import figures as rate_speed_figures
from firmware_tools.profiling.rate_tail_benchmark import figures as rate_tail_figures
from firmware_tools.profiling.rate_task_benchmark import figures as rate_task_figures
from firmware_tools.profiling.start_benchmark import figures as start_figures
from firmware_tools.profiling.timing import noise
from firmware_tools.profiling.workers_benchmark import figures as workers_figures
from fmq_embedded.errors import unknown_name
from fmq_embedded.workers import Workers

ALL = "all"
SUITES: dict[str, Callable[[bool], list[Figure]]] = {
    "host": host_figures,
    "codec": codec_figures,
    "fast": fast_figures,
    "device": lambda quick: device_figures(quick) + partition_figures(quick),
    "start": start_figures,
    "partial": partial_figures,
    "graft": graft_figures,
    "gateway": gateway_figures,
    "workers": workers_figures,
    "rate": rate_figures,
    "rate-task": rate_task_figures,
    "rate-tail": rate_tail_figures,
    "rate-speed": rate_speed_figures,
}
"""What measures a suite; its argument says whether a quick look will do."""


def run_suites(
    names: Sequence[str],
    *,
    quick: bool,
    step: Callable[[str], None],
    workers: Workers | None = None,
) -> tuple[list[Figure], float]:
    """Measure suites, and how steady the machine is meanwhile.

    Args:
        names: of SUITES, or "all".
        quick: fewer and smaller rounds: for a look, not for figures.
        step: called with the name of each suite as it begins; of one that workers ran, as it ends.
        workers: who measures; by default this process, so that nothing else runs meanwhile.

    Returns:
        The figures, and the spread of a fixed loop's times: the larger of before and after.

    Raises:
        InputError: an unknown suite.
        MissingToolError: the compiler or the emulator of "device" is not installed.
    """
    chosen = suites_of(names)
    spread = noise()
    found: dict[str, list[Figure]] = {}
    if workers is None:
        for name in chosen:
            step(name)
            found[name] = SUITES[name](quick)
    else:
        for name, measured in workers.results(Measurement(quick), chosen):
            step(name)
            found[name] = measured
    return [figure for name in chosen for figure in found[name]], max(spread, noise())


@dataclass(frozen=True)
class Measurement:
    """Measures a suite wherever it is sent."""

    quick: bool

    def __call__(self, suite: str) -> list[Figure]:
        """The suite's figures."""
        return SUITES[suite](self.quick)


def suites_of(names: Sequence[str]) -> list[str]:
    """The suites that a list of names stands for, each once; none means all."""
    for name in names:
        if name != ALL and name not in SUITES:
            raise unknown_name("suite of benchmarks", name, [*SUITES, ALL])
    if not names or ALL in names:
        return list(SUITES)
    return list(dict.fromkeys(names))
