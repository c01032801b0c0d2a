"""Feeds the C dense decoder with payloads that nobody should send; run under the sanitizers.

Prints how many were read.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.search import LOSSLESS, Search
from tests.libfmq import dense_library as c
from tests.libfmq.dense_cases import SHAPES, random_planes


def spoilt(data: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Some prefixes and flipped bits of a payload, and random bytes behind its start."""
    for size in range(0, len(data), 1 + len(data) // 20):
        yield data[:size]
    for bit in rng.integers(0, 8 * len(data), 40):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    for _ in range(40):
        yield data[: rng.integers(0, 5)] + rng.bytes(int(rng.integers(0, 300)))


def main() -> None:
    """Read them all, as every kind of format."""
    rng = np.random.default_rng(2)
    count = 0
    for shape in SHAPES:
        layout = Layout.of(shape)
        planes = random_planes(rng, layout, one_sided=False)
        for search, lossless in ((Search(), False), (LOSSLESS, True)):
            coded = c.encode(
                planes, layout, c.c_format(layout, 90, lossless=lossless), c.c_search(search),
                exponent=-3,
            )  # fmt: skip
            assert coded.status == 0
            for data in spoilt(coded.data, rng):
                c.read(data, layout, c.c_format(layout, dependent=True))
                for dependent in (False, True):
                    one_sided = bool(rng.integers(0, 2))
                    form = c.c_format(
                        layout,
                        int(rng.integers(0, 256)),
                        dependent=dependent and not lossless,
                        one_sided=one_sided,
                        lossless=lossless,
                        points=np.array(rng.integers([[-8], [-8], [0]], [[8], [8], [16]], (3, 2))),
                        sine=bool(rng.integers(0, 2)) and not lossless,
                    )
                    decoded = c.decode(data, layout, form)
                    if decoded.status == 0:
                        c.restore(decoded, form)
                    count += 1
    print(f"{count} payloads")


if __name__ == "__main__":
    main()
