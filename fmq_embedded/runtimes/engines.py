"""The engines that exactness is checked in: a runtime, its version, its kernels."""

from __future__ import annotations

import importlib.metadata
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmq_embedded.errors import InputError, MissingToolError, unknown_name
from fmq_embedded.runtimes.adapter import Model, open_model


@dataclass(frozen=True)
class Engine:
    """What runs a model.

    Args:
        name: its key in `ENGINES`.
        package: that brings it.
        kernels: "default", or "reference" where the runtime has plain ones to choose.
        lowering: that which it takes.
    """

    name: str
    package: str
    kernels: str
    lowering: str

    @property
    def label(self) -> str:
        """The package, its version and the kernels, as reports name them.

        Raises:
            MissingToolError: the package is not installed.
        """
        try:
            version = importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingToolError(
                f"{self.package} is not installed; install it with: "
                f"python -m pip install {self.package}"
            ) from error
        return f"{self.package} {version}, {self.kernels} kernels"

    @property
    def exists_here(self) -> bool:
        """Whether there is such a package for this Python: tflite-runtime ended with 3.11."""
        return self.name != "tflite" or sys.version_info < (3, 12)


ENGINES: Final = {
    engine.name: engine
    for engine in (
        Engine("tflite", "tflite-runtime", "default", "tflite"),
        Engine("litert", "ai-edge-litert", "default", "tflite"),
        Engine("litert_reference", "ai-edge-litert", "reference", "tflite"),
        Engine("micro", "tflite-micro", "reference", "micro"),
    )
}


def open_engine(source: str | Path | bytes, name: str) -> Model:
    """Load a .tflite model in an engine, ready to run on one thread.

    Args:
        source: a path, or the model's bytes.
        name: a key of `ENGINES`.

    Raises:
        MissingToolError: when its package is not installed.
        InputError: for an unknown name, a missing or corrupt model, or one that it refuses.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    if name == "micro":
        from fmq_embedded.runtimes.micro import open_micro

        return open_micro(source)
    if not ENGINES[name].exists_here:
        raise InputError(
            f"tflite-runtime ended with Python 3.11, and this is {sys.version.split()[0]}; "
            "use litert, or Python 3.11"
        )
    runtime = "tflite_runtime" if name == "tflite" else "litert"
    return open_model(source, runtime, reference_kernels=name == "litert_reference")
