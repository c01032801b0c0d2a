"""Progress where there is no terminal: lines, and a time left that counts this run alone."""

from __future__ import annotations

import pytest

from firmware_tools.tasks import console


def test_a_line_for_each_step_and_each_tenth(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    with console.steps(2) as step:
        step("running")
        step.items(500, 1000)  # of a run that was stopped
        for done in range(501, 1001):
            now += 0.1
            step.items(done, 1000)
        step("choosing")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "· running",
        "·   600 of 1,000, 40 s left",
        "·   700 of 1,000, 30 s left",
        "·   800 of 1,000, 20 s left",
        "·   900 of 1,000, 10 s left",
        "·   1,000 of 1,000, 0 s left",
        "· choosing",
    ]
