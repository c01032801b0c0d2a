"""Which quantizer serves a feature map: by its histogram, by the network's structure."""

from fmq_embedded.selection.choosing import (
    Decision,
    batch_normalisation_quantizer,
    choose,
    quantizer_of_moments,
)
from fmq_embedded.selection.flows import FLOWS, UniformFirst, mirror
from fmq_embedded.selection.histogram import Histogram, histogram
from fmq_embedded.selection.moments import Moments, moments
from fmq_embedded.selection.similarity import gaussian_similarity, laplace_similarity

__all__ = [
    "FLOWS",
    "Decision",
    "Histogram",
    "Moments",
    "UniformFirst",
    "batch_normalisation_quantizer",
    "choose",
    "gaussian_similarity",
    "histogram",
    "laplace_similarity",
    "mirror",
    "moments",
    "quantizer_of_moments",
]
