"""The checks of bit-exactness find what is broken, and find nothing in what is not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools import verifying_here
from firmware_tools.host_codec import HostCodec
from firmware_tools.verifying import check_targets, standard_deployment, targets_of
from firmware_tools.verifying_devices import device_checks
from firmware_tools.verifying_rows import Check
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.quantizers import Quantizer
from tests.tasks.running import fmq

Array = npt.NDArray[Any]

SMALL = Deployment(
    "small",
    "",
    "",
    (
        TensorPlan("floats", (1, 4, 5, 3), "float32", quantizer=Quantizer.laplace(1.0, 4)),
        TensorPlan("codes", (1, 6), "int8", 0.1, 3, Quantizer.uniform(-6.0, 6.0, 6)),
    ),
)


def broken(checks: list[Check]) -> list[tuple[str, str]]:
    return [(check.tensor, check.stage) for check in checks if check.mismatches]


@pytest.mark.parametrize("target", ["numba", "c"])
def test_nothing_is_found_where_nothing_is_broken(target: str) -> None:
    checks = check_targets(SMALL, [target])
    assert broken(checks) == []
    assert all(check.target == target and check.inputs_checked > 0 for check in checks)
    assert all(check.first_difference is None for check in checks)
    stages = {(check.tensor, check.stage) for check in checks}
    wanted = {(t, s) for t in ("floats", "codes") for s in ("quantize", "dequantize")}
    assert stages == wanted | ({("", "bitstream")} if target == "c" else set())


def test_integer_inputs_are_all_checked() -> None:
    checks = check_targets(SMALL, ["numba", "c"])
    counts = [c.inputs_checked for c in checks if (c.tensor, c.stage) == ("codes", "quantize")]
    assert counts == [256, 256]


def test_the_library_refuses_each_sample_that_is_no_number() -> None:
    codec = HostCodec(SMALL)
    samples = np.array([1, np.inf, -0.0, np.nan, 3e38, -np.inf, 1e-45], np.float32)
    assert codec.refuses(0, samples).tolist() == [False, True, False, True, False, True, False]


def test_the_standard_set_holds_for_numba_and_c() -> None:
    checks = check_targets(standard_deployment(), ["numba", "c"])
    assert broken(checks) == []
    assert len(checks) == 4 * len(standard_deployment().tensors) + 1


def break_levels(monkeypatch: pytest.MonkeyPatch, at: int, change: int) -> None:
    """The C library's levels of `codes` differ at the sample `at`."""
    right = HostCodec.quantize

    def quantize(self: HostCodec, index: int, samples: Array) -> Array:
        levels = right(self, index, samples)
        if index == 1:
            levels = np.where(samples == at, levels + change, levels).astype(levels.dtype)
        return levels

    monkeypatch.setattr(HostCodec, "quantize", quantize)


def test_one_wrong_level_is_found_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    break_levels(monkeypatch, -20, 1)
    checks = check_targets(SMALL, ["c"])
    assert broken(checks) == [("codes", "quantize")]
    (wrong,) = [check for check in checks if check.mismatches]
    assert wrong.mismatches == 1
    assert wrong.first_difference is not None
    assert "-20" in wrong.first_difference


def test_tables_of_another_quantizer_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is built from tables that are one float32 step off."""
    near = float(np.nextafter(np.float32(1.0), np.float32(2.0)))
    other = replace(SMALL.tensors[0], quantizer=Quantizer.laplace(near, 4))
    off = replace(SMALL, tensors=(other, SMALL.tensors[1]))
    monkeypatch.setattr(verifying_here, "HostCodec", lambda deployment: HostCodec(off))
    found = broken(check_targets(SMALL, ["c"]))
    assert ("floats", "quantize") in found
    assert ("floats", "dequantize") in found
    assert ("", "bitstream") in found
    assert not [tensor for tensor, _ in found if tensor == "codes"]


@pytest.mark.parametrize("part", ["encode", "decode", "truncated"])
def test_a_wrong_bitstream_is_found(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    encode, decode = HostCodec.encode, HostCodec.decode

    def wrong_byte(self: HostCodec, levels: dict[str, Array]) -> bytes:
        data = encode(self, levels)
        return data[:-1] + bytes([data[-1] ^ 1])

    def short(self: HostCodec, levels: dict[str, Array]) -> bytes:
        return encode(self, levels)[:-1]

    def wrong_level(self: HostCodec, data: bytes) -> dict[str, Array]:
        return {name: levels ^ 1 for name, levels in decode(self, data).items()}

    faults: dict[str, tuple[str, Callable[..., Any], str]] = {
        "encode": ("encode", wrong_byte, "byte"),
        "truncated": ("encode", short, "bytes, expected"),
        "decode": ("decode", wrong_level, "decoded levels of floats differ"),
    }
    name, fault, message = faults[part]
    monkeypatch.setattr(HostCodec, name, fault)
    checks = check_targets(SMALL, ["c"])
    assert broken(checks) == [("", "bitstream")]
    assert message in str(checks[-1].first_difference)


class WrongDevice:
    """A board that computes with the reference, but for one level."""

    def __init__(self, deployment: Deployment, wrong: bool) -> None:
        self.deployment = deployment
        self.wrong = wrong
        self.levels: dict[int, Array] = {}
        self.samples: dict[int, Array] = {}
        self.stream = b""
        self.decoded: dict[str, Array] = {}

    def load_input(self, index: int, samples: Array) -> None:
        self.samples[index] = samples

    def quantize(self, index: int | None = None) -> None:
        for i in self.samples if index is None else [index]:
            plan = self.deployment.tensors[i]
            options = {"scale": plan.scale, "zero_point": plan.zero_point}
            levels = plan.chosen_quantizer.quantize(self.samples[i], **options)  # type: ignore[arg-type]
            if self.wrong and i == 0:
                levels = np.where(self.samples[i] > 0.9, levels ^ 1, levels)
            self.levels[i] = levels

    def read_levels(self, index: int) -> Array:
        return self.levels[index]

    def encode(self) -> int:
        maps = {
            plan.name: np.asarray(self.samples[i]).reshape(plan.shape)
            for i, plan in enumerate(self.deployment.tensors)
        }
        self.stream = self.deployment.encode(maps)
        return len(self.stream)

    def read_stream(self, size: int) -> bytes:
        return self.stream[:size]

    def load_stream(self, data: bytes) -> None:
        self.stream = data

    def decode(self, size: int) -> None:
        self.decoded = self.deployment.decode(self.stream[:size])
        for i, levels in enumerate(self.deployment.quantize(self.decoded).values()):
            self.levels[i] = levels

    def dequantize(self) -> None:
        for i, plan in enumerate(self.deployment.tensors):
            self.samples[i] = self.decoded[plan.name]

    def read_samples(self, index: int) -> Array:
        return self.samples[index]


@pytest.mark.parametrize("wrong", [False, True])
def test_a_boards_wrong_levels_are_found(wrong: bool) -> None:
    device: Any = WrongDevice(SMALL, wrong)
    checks = list(device_checks(device, SMALL, "board"))
    assert [check.target for check in checks] == ["board"] * 5
    assert broken(checks) == ([("floats", "quantize")] if wrong else [])
    if wrong:
        assert "the reference" in str(checks[0].first_difference)
        assert checks[0].mismatches > 1


def test_a_check_is_plain_data() -> None:
    (first, *_) = check_targets(SMALL, ["numba"])
    row = json.loads(json.dumps(first.to_json()))
    keys = {"target", "inputs_checked", "mismatches", "first_difference"}
    assert keys <= set(row)


def test_names_of_targets() -> None:
    runtimes = ["tflite", "litert"] if sys.version_info < (3, 12) else ["litert"]
    assert targets_of(["all"]) == ["numba", "c", *runtimes, *targets_of(["boards"])]
    assert targets_of(["c", "numba", "c"]) == ["c", "numba"]
    assert "mps2-an386" in targets_of(["boards"])
    with pytest.raises(InputError, match="called 'nunba'; the nearest are numba"):
        targets_of(["nunba"])


def test_without_quantizers_the_next_step_is_named() -> None:
    plain = replace(SMALL, tensors=(replace(SMALL.tensors[0], quantizer=None),))
    for target in ("numba", "c"):
        with pytest.raises(InputError, match="run `inv calibrate`"):
            check_targets(plain, [target])


def test_a_board_that_no_emulator_runs_is_not_called_exact() -> None:
    with pytest.raises(MissingToolError, match="no installed emulator runs esp32-c3"):
        check_targets(SMALL, ["esp32-c3"])


@pytest.mark.parametrize("more", [("--deployment", "face"), ("--target", "c")])
def test_the_whole_proof_takes_no_deployment_and_no_target(
    tmp_path: Path, more: tuple[str, str]
) -> None:
    done = fmq(tmp_path, "verify", "--all", *more)
    assert done.status == 2
    assert "leave --deployment and --target out" in done.err
    assert list(tmp_path.iterdir()) == []


def test_parts_belong_to_the_whole_proof(tmp_path: Path) -> None:
    done = fmq(tmp_path, "verify", "--only", "static")
    assert done.status == 2 and "give --all with it" in done.err
