""".tflite files that nobody should send, for the reader of structures; `fuzz.py` starts it.

A finding is any error that is not the package's own, or a network that cannot be symbolised.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["fmq_embedded.structure", "fmq_embedded.tflite_file", "fmq_embedded.flatbuffer_check"]
):
    from fmq_embedded.errors import FmqError
    from fmq_embedded.structure import to_symbols
    from fmq_embedded.structure.tflite import read_tflite


def one_input(data: bytes) -> None:
    """Read the structure of a model."""
    try:
        to_symbols(read_tflite(data))
    except FmqError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
