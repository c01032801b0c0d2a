"""boards and doctor, and a line at whose end there is nobody."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_tools import doctor
from firmware_tools.boards import board_folders
from firmware_tools.doctor import COMMANDS, NO_LONGER_NEEDED, PACKAGES, advice, examine
from firmware_tools.link.device import Device
from fmq_embedded.errors import LinkError
from tests.tasks.running import fmq


def test_boards_shows_each_board(tmp_path: Path) -> None:
    data = fmq(tmp_path, "boards", "--json").json
    assert [row["id"] for row in data["boards"]] == sorted(board_folders())
    (first,) = [row for row in data["boards"] if row["id"] == "mps2-an386"]
    assert first["core"] == "cortex-m4"
    assert first["flash_bytes"] == first["ram_bytes"] == 4 << 20
    assert "unicorn" in first["emulators"]
    text = fmq(tmp_path, "boards").out
    assert "mps2-an386" in text
    assert "4096 KB" in text


def test_doctor_shows_each_tool(tmp_path: Path) -> None:
    rows = {row["name"]: row for row in fmq(tmp_path, "doctor", "--json").json}
    packages = {name for name, *_ in PACKAGES} - set(NO_LONGER_NEEDED)
    assert {"Python", *packages, *(c[0] for c in COMMANDS)} <= set(rows)
    assert ("tflite-runtime" in rows) == (sys.version_info < (3, 12))
    assert rows["numpy"]["version"]
    assert "✓ numpy" in fmq(tmp_path, "doctor").out


def test_doctor_says_how_to_get_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = fmq(tmp_path, "doctor", PATH=str(tmp_path))
    assert shown.status == 0
    assert "– cppcheck" in shown.out
    assert "get it: apt install cppcheck" in shown.out
    monkeypatch.setattr(doctor, "PACKAGES", (("no-such-package", "nothing", "[demo]"),))
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"{Path(sys.executable).parent}/pip")
    assert advice() == [
        "for demo, bench and calibrate --data photos: pip install 'fmq-embedded[demo]' "
        "(missing: no-such-package)"
    ]
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    tool = examine()[1]
    pip = f"{sys.executable} -m pip"  # where the shell has no pip, or that of another Python
    assert (tool.version, tool.how_to_get) == ("", f"{pip} install 'fmq-embedded[demo]'")


def test_doctor_survives_a_tool_that_does_not_run(tmp_path: Path) -> None:
    for name, script in (("cppcheck", "#!/nowhere"), ("npm", "#!/bin/sh\nexit 3")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    shown = fmq(tmp_path, "doctor", "--json", PATH=str(tmp_path))
    rows = {row["name"]: row for row in shown.json}
    assert rows["cppcheck"]["version"] == "does not run"
    assert rows["npm"]["version"]


@pytest.mark.parametrize("url", ["/dev/no-such-port", "nothing://here", "socket://127.0.0.1:1"])
def test_a_port_that_is_not_there(url: str) -> None:
    with pytest.raises(LinkError) as caught:
        Device.open(url, timeout=0.3)
    assert url in str(caught.value)
    assert caught.value.exit_status >= 2


@pytest.fixture
def silent() -> Iterator[str]:
    """A line on which somebody listens and never says a word."""
    server = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []

    def accept() -> None:
        try:
            accepted.append(server.accept()[0])
        except OSError:
            return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    server.close()
    for line in accepted:
        line.close()
    thread.join(timeout=5)


def test_a_board_that_does_not_answer(silent: str) -> None:
    start = time.monotonic()
    with pytest.raises(LinkError) as caught:
        Device.open(silent, timeout=0.5, retry_interval=0.1)
    assert silent in str(caught.value)
    assert "0.5 s" in str(caught.value)
    assert caught.value.exit_status >= 2
    assert time.monotonic() - start >= 0.5
