"""The steps of flashing, with each flasher, on a flash that is a file."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from firmware_tools.flashers import tool
from firmware_tools.flashers.flashing import Flashed, erase, flash, make_plan
from firmware_tools.flashers.plan import Plan
from fmq_embedded.errors import FlashError, InputError, LinkTimeoutError, MissingToolError
from tests.flashers.conftest import CHIPS, OTHER_CHIPS, Bench, Usb

METHODS = sorted(CHIPS)
IN_PARTS = [method for method in METHODS if method != "avrdude"]
IMAGE = random.Random(5).randbytes(70_000)
PADDED = IMAGE + b"\xff" * (0x20000 - len(IMAGE))  # to the end of the 64 KiB sector
each = pytest.mark.parametrize("bench", METHODS, indirect=True)
each_in_parts = pytest.mark.parametrize("bench", IN_PARTS, indirect=True)


def plan(bench: Bench, image: bytes = IMAGE, port: str = "", **options: bool) -> Plan:
    return make_plan(*bench.job(port), image, **options)


def run(bench: Bench, image: bytes = IMAGE, port: str = "", **options: bool) -> Flashed:
    return flash(plan(bench, image, port, **options), lambda _step: None)


def writes(bench: Bench) -> int:
    words = ("--base-address", "write_image", "write-flash", "--write", "flash:w:")
    return sum(any(word in " ".join(call) for word in words) for call in bench.log)


@each
def test_an_image_is_written_and_verified_in_whole_sectors(bench: Bench) -> None:
    done = run(bench)
    assert bench.flash[: len(PADDED)] == PADDED
    assert not any(bench.flash[len(PADDED) :])  # the sectors behind it are not touched
    assert (done.written, done.unchanged, done.resumed) == (len(PADDED), 0, 0)
    assert done.verified is True


@each
def test_the_dry_run_is_what_is_done(bench: Bench) -> None:
    commands = plan(bench).commands()
    assert bench.log == []
    run(bench)
    assert [[Path(c[0]).name, *c[1:]] for c in commands] == bench.log


@each
def test_an_unchanged_image_is_not_written(bench: Bench) -> None:
    run(bench)
    before = writes(bench)
    done = run(bench)
    assert writes(bench) == before
    assert (done.written, done.unchanged, done.verified) == (0, len(PADDED), True)
    assert run(bench, force=True).written == len(PADDED)


@each_in_parts
def test_only_the_parts_that_differ_are_written(bench: Bench) -> None:
    run(bench)
    before = writes(bench)
    bench.damage(0x10001)
    done = run(bench)
    assert writes(bench) == before + 1
    assert (done.written, done.unchanged) == (0x10000, 0x10000)
    assert bench.flash[: len(PADDED)] == PADDED


@each
def test_another_chip_is_refused_before_anything_is_erased(bench: Bench) -> None:
    bench.set_chip(OTHER_CHIPS[bench.method])
    before = bench.flash
    with pytest.raises(FlashError, match=r"is not nucleo-f446re: got .*; nothing was erased"):
        run(bench)
    with pytest.raises(FlashError, match="nothing was erased"):
        erase(*bench.job(), lambda _step: None)
    assert len(bench.log) == 2
    assert bench.flash == before
    bench.set_chip("something else entirely")
    with pytest.raises(FlashError, match="nothing was erased"):
        run(bench)


def interrupt(bench: Bench) -> None:
    """A run that is cut short at its second write."""
    parts = len(plan(bench).parts)
    bench.fail_after(1 + parts + 1)
    with pytest.raises(FlashError, match="the probe was pulled out"):
        run(bench)
    bench.mend()
    bench.clear_log()


@each_in_parts
def test_an_interrupted_run_goes_on(bench: Bench) -> None:
    interrupt(bench)
    commands = plan(bench).commands()
    done = run(bench)
    assert [[Path(c[0]).name, *c[1:]] for c in commands] == bench.log
    assert (done.resumed, done.written) == (0x8000, len(PADDED) - 0x8000)
    assert bench.flash[: len(PADDED)] == PADDED
    assert run(bench).resumed == 0  # it was finished


def test_an_interrupted_run_is_of_one_image_on_one_device(bench: Bench) -> None:
    interrupt(bench)
    assert plan(bench).resumed
    assert not plan(bench, IMAGE[:-1] + b"\0").resumed
    assert not plan(bench, force=True).resumed
    bench.ports = [Usb("/dev/ttyACM0", "0670")]
    assert not plan(bench).resumed
    bench.ports = [Usb("/dev/ttyACM9")]  # the same device under another name
    assert plan(bench).resumed


def test_another_image_makes_an_interrupted_run_void(bench: Bench) -> None:
    interrupt(bench)
    run(bench, b"other" * 9000)
    assert not plan(bench).resumed


@each
def test_an_erasure_forgets_what_was_written(bench: Bench) -> None:
    if bench.method in IN_PARTS:
        interrupt(bench)
    erase(*bench.job(), lambda _step: None)
    assert set(bench.flash) == {0xFF}
    assert not plan(bench).resumed


def test_what_an_interrupted_run_wrote_and_was_changed_since_is_written_anew(bench: Bench) -> None:
    interrupt(bench)
    bench.damage(5)
    done = run(bench)
    assert bench.flash[: len(PADDED)] == PADDED
    assert done.verified is True


@each
def test_a_byte_that_does_not_hold_is_named(bench: Bench) -> None:
    (bench.folder / "worn").write_text("4660")
    want = IMAGE[0x1234]
    with pytest.raises(FlashError, match=rf"at 0x08001234 got 0x00, want {want:#04x}; flash it"):
        run(bench)
    assert not plan(bench).resumed
    assert run(bench, verify=False).verified is False


@each
def test_a_flasher_that_fails_is_named_with_what_it_said(bench: Bench) -> None:
    bench.fail_after(0)
    with pytest.raises(FlashError) as caught:
        run(bench)
    text = str(caught.value)
    assert f"{bench.method} ended with status 1; it said:\nError: the probe was pulled out" in text
    assert caught.value.exit_status == 1


def test_a_flasher_that_hangs_is_no_time_out_of_the_link(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / "bin" / "pyocd").write_text("#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(tool, "_TIMEOUT_S", 0.2)
    with pytest.raises(FlashError, match=r"pyocd did not end within 0.2 s") as caught:
        run(bench)
    assert not isinstance(caught.value, LinkTimeoutError)
    assert caught.value.exit_status != LinkTimeoutError.exit_status


def test_a_flasher_that_reads_nothing_is_found_out(bench: Bench) -> None:
    script = bench.folder / "bin" / "pyocd"
    script.write_text(f"#!/bin/sh\ncat {bench.folder}/chip\n")
    with pytest.raises(FlashError, match=r"pyocd ended without an error, but 08000000\.read"):
        run(bench)


@each
def test_a_flasher_that_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(bench.folder))
    monkeypatch.setattr(sys, "executable", str(bench.folder / "python"))
    with pytest.raises(MissingToolError, match=rf"{bench.method} is not installed; get it: ") as e:
        plan(bench)
    assert e.value.exit_status == 5


def test_a_flasher_beside_this_python_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(sys, "executable", str(bench.folder / "bin" / "python"))
    assert plan(bench).commands()[0][0] == str(bench.folder / "bin" / "pyocd")


def test_images_that_do_not_fit(bench: Bench) -> None:
    with pytest.raises(InputError, match=r"has 262145 bytes and the flash .* has 262144"):
        plan(bench, bytes(0x40001))
    with pytest.raises(InputError, match="the image is empty"):
        plan(bench, b"")
    assert len(plan(bench, bytes(0x40000)).parts) == 4
