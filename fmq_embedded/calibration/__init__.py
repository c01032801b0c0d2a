"""Calibration: statistics of feature maps over data, and the quantizers chosen from them."""

from fmq_embedded.calibration.candidates import Candidate, candidates, rated
from fmq_embedded.calibration.choice import (
    CalibrationReport,
    TensorChoice,
    choose_quantizers,
    relative_error,
)
from fmq_embedded.calibration.statistics import TensorStatistics, collect, tensor_statistics

__all__ = [
    "CalibrationReport",
    "Candidate",
    "TensorChoice",
    "TensorStatistics",
    "candidates",
    "choose_quantizers",
    "collect",
    "rated",
    "relative_error",
    "tensor_statistics",
]
