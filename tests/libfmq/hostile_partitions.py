"""Feeds libfmq with class maps and levels that nobody should send; run under the sanitizers.

Prints how many cases there were. Each stream has a right CRC-32, so that its bytes are seen.
"""

from __future__ import annotations

import sys

import numpy as np

from fmq_embedded.feature_map import FeatureMap
from tests.libfmq.codec_cases import with_crc
from tests.libfmq.partition_cases import cases, random_samples
from tests.libfmq.partition_library import PartitionedTensor
from tests.libfmq.partition_streams import DynamicCodec, twin_stream


def main(seeds: int) -> None:
    """Right maps through everything, then wrong class maps, streams and levels."""
    count = 0
    for seed in range(seeds):
        for rng, partition, samples in cases(seed):
            tensor = PartitionedTensor(partition, samples, as_cells=seed % 2 == 1)
            item = random_samples(rng, partition, samples)
            joint = partition.quantize(FeatureMap(item, samples.scale, samples.zero_point))
            status, levels = tensor.quantize(item)
            assert status == 0
            assert (levels == joint.reshape(-1)).all()
            assert tensor.dequantize(levels)[0] == 0
            largest = 2**partition.bit_depth - 1
            tensor.dequantize(rng.integers(0, largest + 1, levels.size))
            for size in (0, 1, 5, 40):
                tensor.decode_map(rng.bytes(size), int(rng.integers(1, 9)))
            count += 6
            count += _streams(rng, tensor, *twin_stream(partition, samples, joint))
    print(f"{count} cases")


def _streams(
    rng: np.random.Generator, tensor: PartitionedTensor, stream: bytes, header: bytes
) -> int:
    tensor.make_dynamic()
    codec = DynamicCodec(tensor, header)
    assert codec.decode(stream)[0] == 0
    body, start = stream[:-4], 5 + len(header)
    for _ in range(4):
        changed = bytearray(body)
        at = int(rng.integers(start, len(body)))
        changed[at] ^= 1 << int(rng.integers(8))
        codec.decode(with_crc(bytes(changed)))
        codec.read(with_crc(bytes(changed)), int(rng.integers(1, 50)))
        cut = body[: int(rng.integers(start, len(body) + 1))]
        codec.decode(with_crc(cut + rng.bytes(int(rng.integers(0, 20)))))
    return 12


if __name__ == "__main__":
    main(int(sys.argv[1]))
