"""A real board that runs something else than what is to be measured is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from firmware_tools.profiling.measure import profile_on_port, small_case
from firmware_tools.settings import settings
from fmq_embedded.errors import InputError
from tests.link import host_firmware


def test_board_with_other_tables_is_named(tmp_path: Path) -> None:
    deployment, maps = small_case()
    other = dataclasses.replace(deployment, name="other", tensors=deployment.tensors[:1])
    program = host_firmware.build_deployment(tmp_path, other, "mps2-an386")
    with host_firmware.PtyLine(program) as line:
        chosen = settings(port=line.url, timeout=3.0)
        with pytest.raises(InputError, match=r"runs other with tables .*: flash it"):
            profile_on_port(deployment, maps, chosen)
