"""The deployment of the firmware that is fuzzed: one tensor of each way to code."""

from __future__ import annotations

from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.quantizers import Quantizer


def fuzzed_deployment() -> Deployment:
    """Small enough for a decoder to take few steps, with levels of one byte and of two."""
    narrow = Quantizer.uniform(-1.0, 6.0, bit_depth=4)
    wide = Quantizer.laplace(4.0, bit_depth=10)
    plans = (
        TensorPlan("narrow", (1, 3, 4, 3), "float32", quantizer=narrow),
        TensorPlan("wide", (1, 2, 3, 2), "float32", quantizer=wide),
    )
    return Deployment("fuzzed", "", "", plans)
