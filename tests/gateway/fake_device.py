"""Devices at TCP ports that send what a test tells them to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable


class FakeDevice:
    """Sends one list of bytes to each client that connects, then hangs up.

    Args:
        visits: what each client in turn gets; the last is not hung up on.
    """

    def __init__(self, *visits: Iterable[bytes]) -> None:
        self._visits = visits
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._last: socket.socket | None = None
        self.sent = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """The device goes away."""
        self._listener.close()
        if self._last is not None:
            self._last.close()

    def _serve(self) -> None:
        for index, visit in enumerate(self._visits):
            try:
                client, _ = self._listener.accept()
                self._last = client
                client.recv(1)  # pyserial drops what comes before it has opened the port
                for data in visit:
                    client.sendall(data)
                    self.sent += 1
                if index < len(self._visits) - 1:
                    client.close()
            except OSError:
                return
