"""The far end of an emulated UART: bytes to and from a TCP client."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

# Bytes for the client are sent together, at the latest after this time.
SEND_DELAY_S = 0.002
SEND_BYTES = 4096
RECEIVE_BYTES = 65536


class SerialBridge:
    """One client at a time on a listening socket; a client that leaves may come back."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._client: socket.socket | None = None
        self._received = b""
        self._position = 0
        self._unsent = bytearray()
        self._lock = threading.Lock()
        self._has_unsent = threading.Event()
        threading.Thread(target=self._send_late, daemon=True).start()

    def accept(self) -> None:
        """Wait for a client."""
        client, _ = self._server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client

    def readable(self) -> bool:
        """Whether a byte has come from the client."""
        return self._position < len(self._received) or self._receive(0.0)

    def wait(self, seconds: float) -> bool:
        """As `readable`, after a wait of at most `seconds`; sends what is unsent first."""
        self.flush()
        return self.readable() or self._receive(seconds)

    def read(self) -> int:
        """The next byte from the client; 0 if there is none."""
        if not self.readable():
            return 0
        byte = self._received[self._position]
        self._position += 1
        return byte

    def write(self, byte: int) -> None:
        """A byte for the client."""
        with self._lock:
            self._unsent.append(byte)
            count = len(self._unsent)
        if count == 1:
            self._has_unsent.set()
        elif count >= SEND_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what is unsent; bytes for a client that is gone are lost, as on a cut wire."""
        with self._lock:
            client = self._client
            if self._unsent and client is not None:
                with contextlib.suppress(OSError):
                    client.sendall(self._unsent)
            self._unsent.clear()

    def _send_late(self) -> None:
        while True:
            self._has_unsent.wait()
            self._has_unsent.clear()
            time.sleep(SEND_DELAY_S)
            self.flush()

    def _receive(self, seconds: float) -> bool:
        if self._client is None:
            self._reconnect(seconds)
        client = self._client
        if client is None or not select.select([client], [], [], seconds)[0]:
            return False
        try:
            data = client.recv(RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            with self._lock:
                self._client = None
            client.close()
            return False
        self._received, self._position = data, 0
        return True

    def _reconnect(self, seconds: float) -> None:
        if select.select([self._server], [], [], seconds)[0]:
            self.accept()
