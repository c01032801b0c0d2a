from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_tools.link import Device
from tests.link import host_firmware


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command loop built for this machine, with the sanitizers on."""
    return host_firmware.build(
        tmp_path_factory.mktemp("firmware") / "firmware", host_firmware.SANITIZE
    )


@pytest.fixture
def line(firmware: Path) -> Iterator[host_firmware.PtyLine]:
    with host_firmware.PtyLine(firmware) as line:
        yield line


@pytest.fixture
def device(line: host_firmware.PtyLine) -> Iterator[Device]:
    with Device.open(line.url, timeout=3.0) as device:
        yield device
