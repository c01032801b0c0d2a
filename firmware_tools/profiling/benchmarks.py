"""The suites behind `inv bench`: every figure that is promised, measured beside its peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firmware_tools.profiling.device_benchmark import figures as device_figures
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.graft_benchmark import figures as graft_figures
from firmware_tools.profiling.host_benchmark import figures as host_figures
from firmware_tools.profiling.host_codec_benchmark import figures as codec_figures
from firmware_tools.profiling.partial_benchmark import figures as partial_figures
from firmware_tools.profiling.partition_benchmark import figures as partition_figures
from firmware_tools.profiling.start_benchmark import figures as start_figures
from firmware_tools.profiling.timing import noise
from fmq_embedded.errors import unknown_name

ALL = "all"
SUITES: dict[str, Callable[[bool], list[Figure]]] = {
    "host": host_figures,
    "codec": codec_figures,
    "device": lambda quick: device_figures(quick) + partition_figures(quick),
    "start": start_figures,
    "partial": partial_figures,
    "graft": graft_figures,
}
"""What measures a suite; its argument says whether a quick look will do."""


def run_suites(
    names: Sequence[str], *, quick: bool, step: Callable[[str], None]
) -> tuple[list[Figure], float]:
    """Measure suites, and how steady the machine is meanwhile.

    Args:
        names: of SUITES, or "all".
        quick: fewer and smaller rounds: for a look, not for figures.
        step: called with the name of each suite as it begins.

    Returns:
        The figures, and the spread of a fixed loop's times: the larger of before and after.

    Raises:
        InputError: an unknown suite.
        MissingToolError: the compiler or the emulator of "device" is not installed.
    """
    chosen = suites_of(names)
    spread = noise()
    found: list[Figure] = []
    for name in chosen:
        step(name)
        found += SUITES[name](quick)
    return found, max(spread, noise())


def suites_of(names: Sequence[str]) -> list[str]:
    """The suites that a list of names stands for, each once; none means all."""
    for name in names:
        if name != ALL and name not in SUITES:
            raise unknown_name("suite of benchmarks", name, [*SUITES, ALL])
    if not names or ALL in names:
        return list(SUITES)
    return list(dict.fromkeys(names))
