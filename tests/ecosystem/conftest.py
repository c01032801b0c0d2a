"""A small calibrated deployment for all tests of this folder, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.tiny_deployment import calibrated_deployment


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder; not to be changed."""
    return calibrated_deployment(tmp_path_factory.mktemp("ecosystem") / "tiny")
