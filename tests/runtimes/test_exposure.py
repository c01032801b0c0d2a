"""Feature maps inside a model are read as they are."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from fmq_embedded.deploy.split import split
from fmq_embedded.errors import InputError
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import RUNTIMES, expose, open_model
from fmq_embedded.tflite_file import operator_name, read_model, tensor_name
from tests.tiny_models import two_branches

INSTALLED = [
    name for name, (module, _) in RUNTIMES.items() if importlib.util.find_spec(module.split(".")[0])
]


@pytest.mark.parametrize("runtime", INSTALLED)
def test_exposed_maps_are_what_the_head_gives(runtime: str) -> None:
    model = fetch("resnet8").read_bytes()
    whole = read_model(model)
    graph = whole.subgraphs[0]
    adds = [o for o in graph.operators if operator_name(whole, o) == "ADD"]
    names = [tensor_name(graph.tensors[o.outputs[0]]) for o in adds]
    assert len(names) == 3
    inputs = np.random.default_rng(1).integers(-128, 128, (1, 32, 32, 3)).astype(np.int8)
    exposed = open_model(expose(model, names), runtime).run(inputs)
    assert list(exposed)[1:] == names
    for name in names:
        head, _ = split(model, [name])
        np.testing.assert_array_equal(open_model(head, runtime).run(inputs)[name], exposed[name])
    np.testing.assert_array_equal(
        next(iter(exposed.values())), next(iter(open_model(model, runtime).run(inputs).values()))
    )


def test_exposing_an_output_adds_nothing() -> None:
    model = read_model(expose(two_branches(), ["side", "relu"]))
    assert list(model.subgraphs[0].outputs) == [4, 5, 1]


def test_exposing_an_unknown_tensor() -> None:
    with pytest.raises(InputError, match="nearest are relu"):
        expose(two_branches(), ["rel"])
