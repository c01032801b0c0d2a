"""Quantizers of every form, on all 2^32 float32."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from firmware_tools.verifying import check_targets
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.exact import FLOAT32
from fmq_embedded.quantizers.forms import choose_form

Step = Callable[[str], None]


def enumerated_quantizers() -> dict[str, Quantizer]:
    """Every distribution, rounding and range, by name; between them every form of float32."""
    points = np.sort(np.random.default_rng(1).normal(size=511))
    return {
        "uniform, 8 bits": Quantizer.uniform(-0.37, 5.21),
        "uniform, 16 bits": Quantizer.uniform(-0.37, 5.21, 16, rounding_offset=0.25),
        "uniform among subnormals": Quantizer.uniform(-1e-44, 1e-43),
        "Gaussian, literal": Quantizer.gaussian(0.2, 1.7, 7, step_size=2.5),
        "Gaussian, towards the centre": Quantizer.gaussian(
            -3.0, 1.7, span=4.0, rounding="centre", rounding_offset=0.0
        ),
        "Gaussian, to the largest": Quantizer.gaussian(1e38, 2e38, 8),
        "Laplace, 10 bits": Quantizer.laplace(2.2, 10, step_size=0.3, rounding_offset=0.25),
        "Laplace, towards the centre": Quantizer.laplace(
            2.2, 4, rounding="centre", rounding_offset=0.9
        ),
        "explicit": Quantizer.explicit(points[1::2].tolist(), points[::2].tolist()),
    }


def check_every_float32(step: Step) -> Iterator[tuple[str, int, int, str]]:
    """What was checked, how many inputs, how many of them differ, and the first or the time.

    Args:
        step: called with what is checked as it begins.
    """
    for name, quantizer in enumerated_quantizers().items():
        form = choose_form(quantizer, FLOAT32).name
        plan = TensorPlan(name, (1, 1, 1, 1), "float32", quantizer=quantizer)
        for target in ("c", "numba"):
            subject = f"{target}: {name}" + (f", by {form}" if target == "c" else "")
            step(subject)
            began = time.process_time()
            deployment = Deployment("every float32", "", "", (plan,))
            checks = check_targets(deployment, [target], exhaustive=True)
            quantized = [check for check in checks if check.stage in ("quantize", "not finite")]
            inputs = sum(check.inputs_checked for check in quantized)
            mismatches = sum(check.mismatches for check in quantized)
            differences = [check.first_difference for check in quantized if check.mismatches]
            seconds = f"{time.process_time() - began:.0f} s of one processor"
            yield subject, inputs, mismatches, str(differences[0]) if differences else seconds
