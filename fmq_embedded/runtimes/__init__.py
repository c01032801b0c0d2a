"""Running .tflite models, whichever runtime is installed."""

from fmq_embedded.runtimes.adapter import RUNTIMES, Model, Port, open_model
from fmq_embedded.runtimes.exposure import expose

__all__ = ["RUNTIMES", "Model", "Port", "expose", "open_model"]
