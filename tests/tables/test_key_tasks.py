"""--key-file of flash, sign, headers and update, on an emulated board and as a user runs them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from firmware_tools.authentication import Key
from firmware_tools.firmware import build_firmware, run_emulated
from firmware_tools.tables.image import update_tables
from firmware_tools.toolchains.cache import build_cache
from firmware_tools.verifying import standard_deployment
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import InputError, MismatchError
from tests.deploy.test_calibrate import calibrated_in
from tests.tasks.running import fmq

KEY, OTHER = Key(hashlib.sha256(b"of these tests").digest()), Key(bytes(32))
MAX_FLASH_BYTES = 2560


@pytest.mark.emulator
def test_a_board_with_a_key_in_its_firmware(tmp_path: Path) -> None:
    tensors = standard_deployment().tensors
    full, half, less = (
        Deployment(name, "", "", tensors[:count])
        for name, count in (("full", 3), ("half", 2), ("less", 1))
    )
    started = time.time() - 1
    build = build_firmware(full, tmp_path / "keyed", key=KEY)
    assert KEY.secret in build.binary.read_bytes()
    kept = [path for path in build_cache("zig").rglob("*.o") if path.stat().st_mtime >= started]
    assert [path for path in kept if KEY.secret in path.read_bytes()] == []
    with run_emulated(build) as running:
        device = running.device
        with pytest.raises(InputError, match="has a key and takes only tables with that key's tag"):
            update_tables(device, half)
        with pytest.raises(MismatchError, match="NOT_AUTHENTIC"):
            update_tables(device, half, key=OTHER)
        with pytest.raises(InputError, match=r"a version of tables is .* got -1"):
            update_tables(device, half, key=KEY, version=-1)
        assert device.identity.session.deployment_crc32 == full.crc32
        assert update_tables(device, half, key=KEY, version=40)
        assert device.identity.deployment == "half"
        with pytest.raises(MismatchError, match="NOT_NEWER"):
            update_tables(device, less, key=KEY, version=40)
        assert update_tables(device, less, key=KEY)
        assert device.tables().generation == 41
    plain = build_firmware(full, tmp_path / "plain")
    assert 0 < build.flash_bytes - plain.flash_bytes <= MAX_FLASH_BYTES
    with run_emulated(plain) as running, pytest.raises(InputError, match="has no key: it would"):
        update_tables(running.device, half, key=KEY)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(KEY.secret)
    path.chmod(0o600)
    return path


def test_an_image_is_flashed_only_with_its_tag(tmp_path: Path, key: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "esptool").write_text("#!/bin/sh\nexit 1\n")
    (tools / "esptool").chmod(0o755)
    (tmp_path / "image").write_bytes(b"x" * 5000)
    search = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "FMQ_CACHE_DIR": str(tmp_path)}
    flash = (
        "flash",
        "--board",
        "esp32-c3",
        "--port",
        "/dev/ttyUSB7",
        "--image",
        "image",
        "--dry-run",
    )
    keyed = (*flash, "--key-file", "key")
    fmq(tmp_path, *keyed, **search).assert_refused(2, "image.tag cannot be read")
    signed = fmq(tmp_path, "sign", "image", "--key-file", "key", "--json")
    assert signed.json == {"image": "image", "tag": "image.tag"}
    assert fmq(tmp_path, *keyed, **search).status == 0
    (tmp_path / "image").write_bytes(b"x" * 4999 + b"y")
    fmq(tmp_path, *keyed, **search).assert_refused(1, "is not the tag of image by this key")
    assert fmq(tmp_path, *flash, **search).status == 0  # nobody asked
    key.chmod(0o644)
    fmq(tmp_path, *keyed, **search).assert_refused(2, "expected mode 600: chmod 600 key")


def test_headers_hand_the_key_to_firmware_of_ones_own(tmp_path: Path, key: Path) -> None:
    calibrated_in(tmp_path / "d")
    headers = ("headers", "--deployment", "d", "--key-file", "key")
    fmq(tmp_path, *headers).assert_refused(2, "give it --out, a folder that stays with you")
    fmq(tmp_path, *headers, "--out", "c", "--check").assert_refused(2, "and no --check")
    made = fmq(tmp_path, *headers, "--out", "c", "--json")
    assert set(made.json["files"]) == {"fmq_tables.h", "fmq_tables.c", "fmq_key.h"}
    assert (tmp_path / "c" / "fmq_key.h").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "d" / "c" / "fmq_key.h").exists()
    everything = made.out + made.err
    assert KEY.secret.hex() not in everything
    assert f"0x{KEY.secret[0]:02X}, " not in everything
