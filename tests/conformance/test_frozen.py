"""Kits of the past are decoded for ever, and encoded to the same bytes while their version is."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from firmware_tools.conformance.case_files import case_files
from firmware_tools.conformance.cases import kit_cases
from firmware_tools.conformance.kit import CASES, check_cases, read_kit

HERE = Path(__file__).resolve().parent
FROZEN = sorted(HERE.glob("v*.tar.xz"))
"""Each is what `inv conformance --compact --out` wrote; a later one has only what came to it."""

CASE_COUNTS = {"v1": 100, "v2": 122, "v3": 7}
TODAY = ("v2", "v3")
"""Those whose cases this version makes: v1 knew no dense coding."""


@pytest.fixture(scope="module", params=FROZEN, ids=lambda path: path.stem)
def frozen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frozen") / request.param.name.partition(".")[0]
    with tarfile.open(request.param) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_it_still_holds(frozen: Path) -> None:
    kept = read_kit(frozen)
    assert len(kept) == CASE_COUNTS[frozen.name]
    assert check_cases(kept) == []


def test_the_same_cases_are_made_today() -> None:
    old: dict[str, bytes] = {}
    for name in TODAY:
        with tarfile.open(HERE / f"{name}.tar.xz") as archive:
            files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
            old |= {name: file.read() for name, file in files.items() if file and CASES in name}
    # A host's encoder may come to choose better; what it wrote once is only decoded.
    old = {name: data for name, data in old.items() if "/host" not in name}
    today = {
        f"{CASES}/{case.name}/{name}": data
        for case in kit_cases(compact=True)
        for name, data in case_files(case).items()
    }
    assert len(old) > 500
    assert [name for name in old if today.get(name) != old[name]] == []


def test_the_frozen_kits_stay_small() -> None:
    assert sum(path.stat().st_size for path in FROZEN) < 300_000
