"""One compact kit for all tests of this room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_tools.conformance.case_files import KeptCase
from firmware_tools.conformance.cases import kit_cases
from firmware_tools.conformance.kit import read_kit, write_kit


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conformance") / "kit"
    write_kit(kit_cases(compact=True), folder)
    return folder


@pytest.fixture(scope="session")
def kept(kit: Path) -> Sequence[KeptCase]:
    return read_kit(kit)
