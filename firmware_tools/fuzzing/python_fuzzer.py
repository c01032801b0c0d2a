"""Streams that nobody should send, for the Python decoder; `fuzz.py` starts it.

An input is a stream without its CRC-32, which is put behind it so that its bytes are seen. A
finding is any error that is not the package's own, more samples than were allowed, or a level
beyond its bit depth.
"""

from __future__ import annotations

import sys

import atheris

# Not the kernels: Numba compiles their byte code, and takes none that was instrumented.
with atheris.instrument_imports(
    include=[
        "fmq_embedded.bitstream",
        "fmq_embedded.structure",
        "fmq_embedded.payloads",
        "fmq_embedded.map_coders",
        "fmq_embedded.dense.payload",
        "fmq_embedded.dense.tensor",
        "fmq_embedded.entropy.levels",
        "fmq_embedded.entropy.static_levels",
    ]
):
    from fmq_embedded.bitstream import headers
    from fmq_embedded.codec import crc_bytes, read_stream
    from fmq_embedded.errors import FmqError

MAX_ELEMENTS = 4096
assert headers  # imported above all to be instrumented


def one_input(data: bytes) -> None:
    """Read everything in a stream, down to the samples."""
    try:
        stream = read_stream(data + crc_bytes(data), max_elements=MAX_ELEMENTS)
        samples = [tensor.samples() for tensor in stream.tensors]
    except FmqError:
        return
    assert sum(array.size for array in samples) <= MAX_ELEMENTS
    for tensor, array in zip(stream.tensors, samples, strict=True):
        assert array.shape == tensor.header.shape
        if tensor.levels is not None and tensor.header.partition is None:
            assert tensor.header.quantizer is not None
            assert int(tensor.levels.max()) < 1 << tensor.header.quantizer.bit_depth


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
