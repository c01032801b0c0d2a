"""The firmware's command loop as a process on this machine, and lines to it."""

from __future__ import annotations

import os
import pty
import queue
import random
import shutil
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path

from firmware_tools.firmware import library_sources, write_c
from firmware_tools.link.closing import Closing
from fmq_embedded.deploy.c_tables import SOURCE
from fmq_embedded.deploy.deployment import Deployment

HERE = Path(__file__).parent
APP = HERE.parents[1] / "firmware_tools" / "app"
APP_SOURCES = [
    APP / f"{name}.c"
    for name in (
        "main",
        "frame",
        "buffers",
        "stages",
        "commands",
        "data_commands",
        "tables",
        "table_commands",
        "authentication",
        "hmac",
        "sha256",
    )
]
SOURCES = [
    *APP_SOURCES,
    APP.parent / "libfmq" / "src" / "crc32.c",
    HERE / "host_board.c",
    HERE / "stub_library.c",
]
WARNINGS = [
    f"-W{name}"
    for name in ("all", "extra", "conversion", "shadow", "undef", "vla", "pedantic", "error")
]
INCLUDE = (APP, APP.parent / "libfmq" / "include", HERE / "stub_include")
STAGE_PIECE = 6000
END = b"end of line"
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compilers() -> list[str]:
    """The C compilers for this machine that are installed."""
    return [name for name in ("gcc", "clang") if shutil.which(name)]


def build(target: Path, options: Sequence[str] = (), compiler: str | None = None) -> Path:
    """Builds the app with the stub library and the host's board."""
    return _build(target, SOURCES, INCLUDE, "host", options, compiler)


def build_deployment(folder: Path, deployment: Deployment, board_id: str) -> Path:
    """Builds the app with libfmq and a deployment's tables, as a board of another name."""
    write_c(deployment, folder)
    sources = [*APP_SOURCES, HERE / "host_board.c", *library_sources(), folder / SOURCE]
    return _build(folder / "firmware", sources, (*INCLUDE[:2], folder), board_id, ["-O2"])


def _build(
    target: Path,
    sources: Sequence[Path],
    include: Sequence[Path],
    board_id: str,
    options: Sequence[str] = (),
    compiler: str | None = None,
) -> Path:
    command = [compiler or compilers()[0], "-std=c99", "-O1", "-g", *WARNINGS, *options]
    command += [f"-I{folder}" for folder in include]
    command += [f'-DFMQ_BOARD_ID="{board_id}"', f"-DFMQ_STAGE_PIECE={STAGE_PIECE}u"]
    command += [str(source) for source in sources]
    command += ["-Wl,--defsym=__stack_top=__stack_bottom+256", "-o", str(target)]
    subprocess.run(command, check=True)
    return target


def damage(rate: float, seed: int) -> Callable[[bytes], bytes]:
    """A line that flips, drops or doubles each byte with a probability."""
    dice = random.Random(seed)

    def damaged(data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if dice.random() >= rate:
                out.append(byte)
                continue
            kind = dice.choice(("flip", "drop", "double"))
            if kind == "flip":
                out.append(byte ^ dice.randrange(1, 256))
            elif kind == "double":
                out += bytes((byte, byte))
        return bytes(out)

    return damaged


def clean(data: bytes) -> bytes:
    """A line that changes nothing."""
    return data


class PtyLine(Closing):
    """A pseudo-terminal, which pyserial opens like any serial port, with the firmware behind it."""

    def __init__(self, program: Path) -> None:
        board, self._host = pty.openpty()
        tty.setraw(self._host)
        self.process = subprocess.Popen([str(program)], stdin=board, stdout=board)
        os.close(board)
        self.url = os.ttyname(self._host)

    def close(self) -> None:
        """Ends the firmware, which has to end well."""
        os.close(self._host)
        status = self.process.wait(timeout=10)
        assert status == 0, f"the firmware ended with status {status}"

    def inject(self, data: bytes) -> None:
        """Puts bytes on the line to the board."""
        os.write(self._host, data)


class Line(Closing):
    """A TCP port whose other end is the firmware in a process of its own.

    Args:
        program: the built firmware.
        to_board, to_host: what happens to the bytes on their way.
        bytes_per_second: the line's rate each way; None: as fast as it goes.
        latency: seconds that a byte takes beyond that.
    """

    def __init__(
        self,
        program: Path,
        to_board: Callable[[bytes], bytes] = clean,
        to_host: Callable[[bytes], bytes] = clean,
        bytes_per_second: float | None = None,
        latency: float = 0.0,
    ) -> None:
        self.to_board = to_board
        self.to_host = to_host
        self.bytes_per_second = bytes_per_second
        self.latency = latency
        self.process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._client: socket.socket | None = None
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        threading.Thread(target=self._answer, daemon=True).start()

    def close(self) -> None:
        """Ends the firmware, which has to end well."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._listener.close()
        status = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert status == 0, f"the firmware ended with status {status}"

    def inject(self, data: bytes) -> None:
        """Puts bytes on the line to the board."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def _serve(self) -> None:
        """Takes one client after the other."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client
            self._pump(lambda client=client: client.recv(4096), self.inject, "to_board")

    def _answer(self) -> None:
        output = self.process.stdout
        assert output is not None
        self._pump(lambda: output.read(4096), self._send, "to_host")

    def _send(self, data: bytes) -> None:
        if self._client is not None:
            try:
                self._client.sendall(data)
            except OSError:
                self._client = None  # the bytes are lost, as on a line that nobody reads

    def _pump(
        self, take: Callable[[], bytes], give: Callable[[bytes], None], direction: str
    ) -> None:
        """Carries bytes until an end closes; a thread of its own delivers them in time."""
        arrivals: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._deliver, args=(arrivals, give), daemon=True).start()
        data = b"start"
        while data:
            try:
                data = take()
            except (OSError, ValueError):
                data = b""
            arrivals.put((time.monotonic(), getattr(self, direction)(data) if data else b""))
        arrivals.put((0.0, END))

    def _deliver(
        self, arrivals: queue.SimpleQueue[tuple[float, bytes]], give: Callable[[bytes], None]
    ) -> None:
        free_at = 0.0
        while True:
            arrived, data = arrivals.get()
            if data is END:
                return
            step = 64 if self.bytes_per_second else len(data) or 1
            for at in range(0, len(data), step):
                piece = data[at : at + step]
                if self.bytes_per_second:
                    free_at = max(free_at, arrived) + len(piece) / self.bytes_per_second
                    time.sleep(max(0.0, free_at + self.latency - time.monotonic()))
                try:
                    give(piece)
                except (OSError, ValueError):
                    return
