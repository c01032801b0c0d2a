"""What an interrupted run had written already, by image and device.

A run notes each part when the flasher has written it. The next run of the same image on the same
device goes on behind the last one; another image or an erasure forgets it.
"""

from __future__ import annotations

import json
from pathlib import Path

from fmq_embedded.files import make_folder, write_atomically


class Journal:
    """The notes in one folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "journal.json"

    def written(self, device: str, image_hash: str) -> set[int]:
        """The addresses of the parts that were written of this image on this device."""
        entry = self._read().get(device)
        if not isinstance(entry, dict) or entry.get("image") != image_hash:
            return set()
        return {at for at in entry.get("written", []) if isinstance(at, int)}

    def note(self, device: str, image_hash: str, address: int) -> None:
        """Notes a part."""
        done = sorted(self.written(device, image_hash) | {address})
        entries = self._read()
        entries[device] = {"image": image_hash, "written": done}
        self._write(entries)

    def forget(self, device: str) -> None:
        """Forgets everything of a device."""
        entries = self._read()
        if entries.pop(device, None) is not None:
            self._write(entries)

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # without notes a run begins at the beginning
        return found if isinstance(found, dict) else {}

    def _write(self, entries: dict[str, object]) -> None:
        make_folder(self._file.parent)
        write_atomically(self._file, (json.dumps(entries, indent=1) + "\n").encode())
