"""libfmq's codec under the sanitizers, on an emulated Cortex-M4, and under a static check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, TOOLCHAINS
from firmware_tools.toolchains.cores import core
from fmq_embedded.entropy import (
    Geometry,
)
from tests.libfmq.codec_cases import (
    KINDS,
    OK,
    make_levels,
    twin_stream,
)
from tests.libfmq.codec_device import Machine, build_image
from tests.libfmq.codec_library import (
    Tensor,
)
from tests.libfmq.hostile_runs import run_sanitized

ARM_TOOLCHAINS = sorted(
    name for name, tool in TOOLCHAINS.items() if tool.supports(core("cortex-m4"))
)


def test_hostile_streams_under_the_sanitizers() -> None:
    """Whatever the bytes: no access outside a buffer, nothing undefined, and an end."""
    assert run_sanitized("hostile_streams") > 2000


@pytest.mark.emulator
@pytest.mark.parametrize("name", ARM_TOOLCHAINS)
@pytest.mark.parametrize("optimise", ["-O2", "-Os"])
def test_a_cortex_m4_writes_and_reads_the_same_bytes(
    tmp_path: Path, name: str, optimise: str
) -> None:
    if not TOOLCHAINS[name].installed():
        assert name != DEFAULT_TOOLCHAIN
        return
    machine = Machine(build_image(tmp_path, name, optimise))
    rng = np.random.default_rng(13)
    for bit_depth in (1, 5, 8, 9, 16):
        tensor = Tensor(Geometry(5, 7, 3), (1 << bit_depth) // 2, bit_depth)
        for kind in KINDS:
            levels = make_levels(rng, kind, tensor)
            expected = twin_stream([levels], [tensor])
            assert machine.encode(tensor, levels) == expected
            status, decoded = machine.decode(tensor, expected)
            assert status == OK
            assert (decoded == levels).all()


@pytest.mark.emulator
@pytest.mark.parametrize("name", ARM_TOOLCHAINS)
@pytest.mark.parametrize("share", [0.5, 0.2, 0.05])
def test_instructions_per_decision_on_a_cortex_m4(tmp_path: Path, name: str, share: float) -> None:
    if not TOOLCHAINS[name].installed():
        assert name != DEFAULT_TOOLCHAIN
        return
    rng = np.random.default_rng(14)
    bits = rng.integers(0, 128, 5000) << 1 | (rng.random(5000) < share)
    cost = Machine(build_image(tmp_path, name)).decision_cost(bits.astype(np.uint8))
    print(f"{name}, {share:.0%} ones: {cost:.1f} instructions per decision")
    assert cost <= 35
