"""One home for settings: what goes before what."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_tools.settings import settings
from fmq_embedded.errors import InputError


@pytest.fixture(autouse=True)
def nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "BAUD", "BOARD", "TIMEOUT"):
        monkeypatch.delenv(f"FMQ_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "project" / "below").mkdir(parents=True)
    (tmp_path / "config" / "fmq-embedded").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "below")


def write_project(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "project" / "fmq.toml"
    path.write_text(text)
    return path


def write_user(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config" / "fmq-embedded" / "settings.toml"
    path.write_text(text)
    return path


def test_each_place_goes_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = "esp32-c3"
    found = settings(board=board)
    assert (found.baud, found.sources["baud"]) == (115_200, f"board {board}")
    user = write_user(tmp_path, "baud = 1\nport = 'u'\nboard = 'riscv-virt'\ntimeout = 1")
    found = settings()
    assert (found.port, found.baud, found.board, found.timeout) == ("u", 1, "riscv-virt", 1.0)
    assert set(found.sources.values()) == {str(user)}
    project = write_project(tmp_path, "baud = 2\nport = 'p'")
    found = settings()
    assert (found.port, found.baud, found.timeout) == ("p", 2, 1.0)
    assert (found.sources["port"], found.sources["timeout"]) == (str(project), str(user))
    monkeypatch.setenv("FMQ_PORT", "e")
    monkeypatch.setenv("FMQ_BAUD", "3")
    monkeypatch.setenv("FMQ_TIMEOUT", "2.5")
    found = settings()
    assert (found.port, found.baud, found.timeout) == ("e", 3, 2.5)
    assert found.sources["baud"] == "environment"
    found = settings(port="o", baud=4, timeout=0.5, board="microbit")
    assert (found.port, found.baud, found.board, found.timeout) == ("o", 4, "microbit", 0.5)
    assert set(found.sources.values()) == {"option"}
    assert found.rows()[0] == ("FMQ_PORT", "o", "option")


def test_nothing_is_set() -> None:
    found = settings()
    assert (found.port, found.baud, found.board, found.timeout) == ("", 115_200, "", 5.0)
    assert found.sources == {
        "port": "not set",
        "baud": "built in",
        "board": "not set",
        "timeout": "built in",
    }
    assert settings(default_board="mps2-an386").board == "mps2-an386"


@pytest.mark.parametrize("value", ["fast", "0", "-5", "9600.5", "1e400"])
def test_a_variable_that_is_no_number(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FMQ_BAUD", value)
    with pytest.raises(InputError, match=r"environment: baud is .*; expected a whole number above"):
        settings()


@pytest.mark.parametrize("value", ["soon", "-1", "inf", "nan"])
def test_a_time_out_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FMQ_TIMEOUT", value)
    with pytest.raises(InputError, match=r"timeout is .*; expected seconds above 0"):
        settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("boud = 9600", "no setting is called 'boud'; the nearest are"),
        ("baud = '9600'", "baud is '9600'; expected a whole number above 0"),
        ("baud = true", "baud is True"),
        ("port = 7", "port is 7; expected text"),
        ("port =", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = write_project(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        settings()
    assert str(path) in str(caught.value)
