"""Running .tflite models, whichever runtime is installed."""

from fmq_embedded.runtimes.adapter import RUNTIMES, Model, open_model
from fmq_embedded.runtimes.engines import ENGINES, Engine, open_engine
from fmq_embedded.runtimes.exposure import expose
from fmq_embedded.runtimes.ports import Port

__all__ = [
    "ENGINES",
    "RUNTIMES",
    "Engine",
    "Model",
    "Port",
    "expose",
    "open_engine",
    "open_model",
]
