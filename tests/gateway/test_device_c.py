"""What the firmware's C sends is what the gateway takes, byte for byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_tools.gateway.stream_frames import PIECE_COMMAND, StreamAssembler, stream_frames
from firmware_tools.link.frames import FrameReader
from tests.link.host_firmware import APP, SANITIZE, WARNINGS, compilers

HERE = Path(__file__).parent
SIZES = (1, 499, 500, 501, 1000, 12345, 65536, 2)
STREAM = bytes((at * at >> 3) & 255 for at in range(70000))


@pytest.mark.parametrize("compiler", compilers())
def test_the_device_and_the_gateway_agree(tmp_path: Path, compiler: str) -> None:
    program = tmp_path / "send"
    sources = [HERE / "send_streams.c", APP / "send_stream.c", APP / "frame.c"]
    command = [compiler, "-std=c99", *WARNINGS, *SANITIZE, f"-I{APP}", *map(str, sources)]
    subprocess.run([*command, "-o", str(program)], check=True)
    sent = subprocess.run([program, *map(str, SIZES)], capture_output=True, check=True).stdout
    expected = [STREAM[:size] for size in SIZES]
    assert sent == b"".join(
        stream_frames(stream, 251 + index) for index, stream in enumerate(expected)
    )
    reader, assembler = FrameReader(), StreamAssembler(1 << 17)
    found = [assembler.feed(frame) for frame in reader.feed(sent)]
    assert [stream for stream in found if stream is not None] == expected
    assert (reader.dropped, assembler.damaged) == (0, 0)


def test_the_command_is_the_same() -> None:
    assert f"#define FMQ_LINK_PIECE 0x{PIECE_COMMAND:02X}u\n" in (APP / "send_stream.h").read_text()
