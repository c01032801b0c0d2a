"""Every prefix and every flipped bit of a stream: refused, or read alike and safely everywhere."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.firmware import build_firmware, run_emulated
from firmware_tools.fuzzing.deployment import fuzzed_deployment
from firmware_tools.host_codec import HostCodec, LibraryError
from firmware_tools.link.device import Device
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import BitstreamError, FmqError, InputError

Levels = dict[str, npt.NDArray[Any]]
Read = Callable[[bytes], Levels | None]
"""The levels of a stream; None where it is refused."""

DEPLOYMENTS = {
    profile: replace(fuzzed_deployment(), profile=profile)
    for profile in ("standard", "fast", "dense")
}
KINDS = ("coded", "packed", "constant")

each_kind = pytest.mark.parametrize("kind", KINDS)


def stream(deployment: Deployment, kind: str) -> bytes:
    """A small stream whose tensors are entropy coded, packed, or constant."""
    rng = np.random.default_rng(4)
    maps = {}
    for plan in deployment.tensors:
        spread = {
            "coded": rng.laplace(0, 0.2, plan.shape),
            "packed": rng.uniform(-9, 9, plan.shape),
        }
        maps[plan.name] = np.asarray(spread.get(kind, np.ones(plan.shape)), np.float32)
    return deployment.encode(maps)


def with_crc(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "little")


def spoilt(data: bytes) -> Iterator[bytes]:
    """Every prefix but the whole, and every flipped bit."""
    for size in range(len(data)):
        yield data[:size]
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def mended(data: bytes) -> Iterator[bytes]:
    """The same of what the CRC-32 covers, with one that is right: so the parsers see it."""
    return (with_crc(body) for body in spoilt(data[:-4]))


def by_python(deployment: Deployment) -> Read:
    def read(data: bytes) -> Levels | None:
        try:
            return deployment.decode(data)
        except (BitstreamError, InputError):
            return None

    return read


def by_c(host: HostCodec) -> Read:
    def read(data: bytes) -> Levels | None:
        try:
            return host.decode(data)
        except LibraryError:
            return None

    return read


def is_unsupported(host: HostCodec, data: bytes) -> bool:
    try:
        host.decode(data)
    except LibraryError as error:
        return "unsupported" in str(error)
    return False


def by_board(deployment: Deployment, device: Device) -> Read:
    def read(data: bytes) -> Levels | None:
        device.load_stream(data)
        try:
            device.decode(len(data))
        except BitstreamError:
            return None
        return {plan.name: device.read_levels(i) for i, plan in enumerate(deployment.tensors)}

    return read


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def deployment(request: pytest.FixtureRequest) -> Deployment:
    return DEPLOYMENTS[request.param]


@pytest.fixture(scope="module")
def host(deployment: Deployment) -> HostCodec:
    return HostCodec(deployment, sanitize="undefined")


@each_kind
def test_the_checksum_finds_them_all(deployment: Deployment, host: HostCodec, kind: str) -> None:
    data = stream(deployment, kind)
    for read in (by_python(deployment), by_c(host)):
        assert read(data) is not None
        assert [wrong for wrong in spoilt(data) if read(wrong) is not None] == []


@each_kind
def test_behind_a_right_checksum_python_and_c_read_alike(
    deployment: Deployment, host: HostCodec, kind: str
) -> None:
    accepted = 0
    for wrong in mended(stream(deployment, kind)):
        samples, levels = by_python(deployment)(wrong), by_c(host)(wrong)
        if samples is not None and is_unsupported(host, wrong):
            continue  # a flipped bit has made it one of a profile that is not linked
        assert (samples is None) == (levels is None), wrong.hex()
        if samples is None or levels is None:
            continue
        accepted += 1
        for index, plan in enumerate(deployment.tensors):
            assert int(levels[plan.name].max()) < 1 << plan.chosen_quantizer.bit_depth
            read = host.dequantize_map(index, levels[plan.name])
            np.testing.assert_array_equal(read, samples[plan.name])
    assert accepted > 0  # a changed payload may well be one of other levels


def test_a_profile_that_a_firmware_does_not_name_is_refused(
    deployment: Deployment, host: HostCodec
) -> None:
    """What is packed or constant is of no profile, and is read by all."""
    for other in DEPLOYMENTS.values():
        for kind in KINDS:
            is_read = other.profile == deployment.profile or kind != "coded"
            data = stream(other, kind)
            assert (by_c(host)(data) is not None) == is_read, (other.profile, kind)
            assert is_unsupported(host, data) != is_read


@pytest.mark.emulator
def test_a_board_reads_them_like_the_host(
    deployment: Deployment, host: HostCodec, tmp_path: Path
) -> None:
    build = build_firmware(deployment, tmp_path)
    with run_emulated(build) as running:
        read = by_board(deployment, running.device)
        for wrong in spoilt(stream(deployment, "constant")):
            assert read(wrong) is None
        for kind in KINDS:
            for wrong in mended(stream(deployment, kind)):
                levels, expected = read(wrong), by_c(host)(wrong)
                assert (levels is None) == (expected is None), wrong.hex()
                for name, array in (levels or {}).items():
                    assert expected is not None
                    np.testing.assert_array_equal(array.reshape(-1), expected[name].reshape(-1))


def test_prefixes_of_any_bytes_are_refused_by_the_package_alone() -> None:
    """Not by an IndexError from within: every prefix of a stream with names and classes too."""
    import fmq_embedded as fmq

    rng = np.random.default_rng(5)
    samples = rng.normal(size=(4, 5, 2)).astype(np.float32)
    for settings in (fmq.Settings(partition=kind) for kind in ("channel", "block")):
        data = fmq.encode({"a": samples, "b": samples[0]}, settings)
        for wrong in mended(data):
            try:
                maps = fmq.decode(wrong, max_elements=10_000)
            except FmqError:
                continue
            arrays = maps.values() if isinstance(maps, dict) else [maps]
            assert sum(array.size for array in arrays) <= 10_000
