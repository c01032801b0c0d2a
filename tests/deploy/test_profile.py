"""A deployment's profile: kept in its folder, told to the device, and used for its maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from fmq_embedded.codec import read_stream
from fmq_embedded.deploy.c_tables import HEADER, SOURCE, c_tables
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import load, save
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry, static_work_size
from fmq_embedded.errors import InputError
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.settings import Profile

SHAPE = (1, 9, 10, 12)


def deployment(profile: Profile) -> Deployment:
    plan = TensorPlan("map", SHAPE, "float32", quantizer=Quantizer.uniform(0.0, 4.0, bit_depth=5))
    return Deployment("profiled", "m.tflite", "0" * 64, (plan,), profile=profile)


def test_a_folder_keeps_the_profile_and_tables_differ_by_it(tmp_path: Path) -> None:
    fast = deployment("fast")
    save(fast, tmp_path)
    assert load(tmp_path) == fast
    assert fast.crc32 != deployment("standard").crc32
    save(deployment("standard"), tmp_path)
    assert load(tmp_path).profile == "standard"


def test_maps_are_coded_by_the_profile_and_come_back_the_same() -> None:
    samples = np.maximum(np.random.default_rng(0).normal(size=SHAPE), 0).astype(np.float32)
    streams = {name: deployment(name).encode({"map": samples}) for name in ("fast", "standard")}
    codings = {name: read_stream(data).tensors[0].coding for name, data in streams.items()}
    assert codings == {"fast": "static coded", "standard": "entropy coded"}
    fast, standard = (deployment("fast").decode(data)["map"] for data in streams.values())
    np.testing.assert_array_equal(fast, standard)


def test_the_device_is_told_the_profile_and_the_work_it_needs() -> None:
    files = c_tables(deployment("fast"))
    work = static_work_size(Geometry.of(SHAPE), 0, 5)
    assert f"#define FMQ_WORK_BYTES (FMQ_STATE_SIZE + {work}u)" in files[HEADER]
    assert "0u, 5u, 1u, &quantizer_0" in files[SOURCE]
    assert "0u, 5u, 0u, &quantizer_0" in c_tables(deployment("standard"))[SOURCE]


def test_a_profile_that_devices_lack_is_refused() -> None:
    with pytest.raises(InputError, match="profile of a deployment"):
        replace(deployment("fast"), profile=cast("Profile", "slow"))
