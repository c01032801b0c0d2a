"""Real networks with their quantizers inside: head → levels → bitstream → levels → tail."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.verifying_runtimes import (
    _network_check,
    levels_through_stream,
    random_inputs,
)
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.grafted_files import graft
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.model_store import fetch
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import expose, open_engine
from fmq_embedded.tflite_file import operator_name, read_model, tensor_name
from tests.graft.engines import TFLITE_ENGINES

FLOAT_CUTS = {
    "blazeface_short_range": ["activation_11", "activation_16"],
    "blazeface_full_range": "first",
    "keyword_spotting_on_off_v3_float": "middle",
    "ssd_mobilenet_v2": "first",
}
INT8_MODELS = {
    "resnet8": ("first", "middle", "last"),
    "visual_wake_words": ("middle",),
    "keyword_spotting_on_off_v3": ("first", "middle", "last"),
    "keyword_spotting_alexa": ("middle",),
}


def additions(model: bytes) -> list[str]:
    """The names of the sums in a model; without one, of each operator's result."""
    read = read_model(model)
    graph = read.subgraphs[0]
    made = [(operator_name(read, o), tensor_name(graph.tensors[o.outputs[0]]))
            for o in graph.operators]  # fmt: skip
    return [name for kind, name in made if kind == "ADD"] or [name for _, name in made]


def cut_of(model: bytes, where: str | list[str]) -> list[str]:
    """The tensors to cut at; where a sum alone is no cut, with those that the refusal names."""
    if isinstance(where, list):
        return where
    names = additions(model)
    return [names[{"first": 0, "middle": len(names) // 2, "last": -1}[where]]]


def every_code(plan: TensorPlan) -> Quantizer:
    """A quantizer of 8 bits with a level for each int8 code."""
    scale = np.float32(plan.scale)
    low, high = (float((code - plan.zero_point) * scale) for code in (-128, 127))
    return Quantizer.uniform(low, high, 8)


def deployed(
    model: bytes, cut: list[str], folder: Path, choose: Callable[[TensorPlan], Quantizer]
) -> Deployment:
    """A deployment with a quantizer for each tensor, without calibration."""
    made = split_model(model, cut, folder, model_file="model.tflite")
    plans = tuple(replace(plan, quantizer=choose(plan)) for plan in made.tensors)
    return replace(made, tensors=plans)


def _assert_network_is_exact(made: Deployment, folder: Path, engine: str, lowering: str) -> None:
    check = _network_check(made, folder, graft(made, folder, lowering), engine, engine)
    assert check.inputs_checked > 0
    assert check.mismatches == 0, check.first_difference


@pytest.mark.parametrize("engine", TFLITE_ENGINES)
@pytest.mark.parametrize("name", FLOAT_CUTS)
def test_float_networks(name: str, engine: str, tmp_path: Path) -> None:
    model = fetch(name).read_bytes()
    cut = cut_of(model, FLOAT_CUTS[name])
    made = deployed(model, cut, tmp_path, lambda plan: Quantizer.uniform(-6.0, 6.0, 8))
    assert {plan.dtype for plan in made.tensors} == {"float32"}
    _assert_network_is_exact(made, tmp_path, engine, "tflite")


def test_a_float_network_in_tflite_micro(tmp_path: Path) -> None:
    model = fetch("keyword_spotting_alexa_float").read_bytes()
    cut = cut_of(model, "middle")
    made = deployed(model, cut, tmp_path, lambda plan: Quantizer.laplace(4.0, 7))
    _assert_network_is_exact(made, tmp_path, "micro", "micro")


CASES = [(name, where) for name, places in INT8_MODELS.items() for where in places]


@pytest.mark.parametrize(
    ("engine", "lowering"),
    [*((engine, "tflite") for engine in TFLITE_ENGINES), ("micro", "micro"), ("micro", "npu")],
)
@pytest.mark.parametrize(("name", "where"), CASES)
def test_int8_networks_split_at_every_code_equal_the_unsplit_ones(
    name: str, where: str, engine: str, lowering: str, tmp_path: Path
) -> None:
    model = fetch(name).read_bytes()
    made = deployed(model, cut_of(model, where), tmp_path, every_code)
    assert {plan.dtype for plan in made.tensors} == {"int8"}
    head, tail = graft(made, tmp_path, lowering)
    models = [open_engine(part, engine) for part in (model, head.model, tail.model)]
    for seed in range(2):
        inputs = random_inputs(models[0], seed)
        levels = head.levels_of(models[1].run(inputs))
        back = levels_through_stream(made, levels)
        outputs = models[2].run(tail.codes_of(back))
        expected = models[0].run(inputs)
        assert list(outputs) == list(expected)
        for port, array in expected.items():
            np.testing.assert_array_equal(outputs[port], array)


def test_fewer_levels_in_an_int8_network(tmp_path: Path) -> None:
    model = fetch("resnet8").read_bytes()
    made = deployed(
        model, cut_of(model, "middle"), tmp_path, lambda plan: Quantizer.uniform(0.0, 5.0, 4)
    )
    for engine, lowering in (("litert", "tflite"), ("micro", "micro"), ("micro", "npu")):
        _assert_network_is_exact(made, tmp_path, engine, lowering)


def test_a_cut_that_is_none_names_what_is_missing(tmp_path: Path) -> None:
    model = fetch("blazeface_full_range").read_bytes()
    names = additions(model)
    with pytest.raises(InputError, match="name these too: activation_10"):
        split_model(model, [names[len(names) // 2]], tmp_path, model_file="m.tflite")


def _sums(model: bytes) -> tuple[list[str], list[tuple[str, str, str]]]:
    """The tensors of every sum of two maps, and (first, second, sum) by name."""
    read = read_model(model)
    graph = read.subgraphs[0]
    triples = []
    for operator in graph.operators:
        if operator_name(read, operator) == "ADD":
            ports = (*operator.inputs, *operator.outputs)
            triples.append(tuple(tensor_name(graph.tensors[index]) for index in ports))
    names = list(dict.fromkeys(name for triple in triples for name in triple))
    return names, triples  # type: ignore[return-value]


@pytest.mark.parametrize("engine", TFLITE_ENGINES)
def test_the_operands_of_every_sum_are_read_as_they_are(engine: str) -> None:
    """Exposed as outputs, first + second is the sum; no operand has the sum's place."""
    model = fetch("keyword_spotting_alexa_float").read_bytes()
    names, triples = _sums(model)
    assert len(triples) == 12
    exposed = open_engine(expose(model, names), engine)
    maps = exposed.run(random_inputs(exposed, 1))
    for first, second, total in triples:
        wide = maps[first].astype(np.float64) + maps[second]
        np.testing.assert_allclose(np.maximum(wide, 0), maps[total], rtol=1e-6, atol=1e-6)
        assert not np.array_equal(maps[first], maps[total])
        assert not np.array_equal(maps[second], maps[total])


@pytest.mark.parametrize("engine", [engine for engine in TFLITE_ENGINES if engine == "tflite"])
def test_the_flag_that_corrupts_them_would_have(engine: str) -> None:
    """Why they are exposed: with its flag, tflite-runtime gives the sum in an operand's place."""
    model = fetch("keyword_spotting_alexa_float").read_bytes()
    _, triples = _sums(model)
    graph = read_model(model).subgraphs[0]
    places = {tensor_name(tensor): index for index, tensor in enumerate(graph.tensors)}
    interpreter: Any = importlib.import_module("tflite_runtime.interpreter").Interpreter(
        model_content=model, experimental_preserve_all_tensors=True, num_threads=1
    )
    interpreter.allocate_tensors()
    (port,) = interpreter.get_input_details()
    inputs = random_inputs(open_engine(model, engine), 1)
    interpreter.set_tensor(port["index"], next(iter(inputs.values())))
    interpreter.invoke()

    def kept(name: str) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = interpreter.get_tensor(places[name])
        return array

    corrupted = [
        triple for triple in triples
        if any(np.array_equal(kept(name), kept(triple[2])) for name in triple[:2])
    ]  # fmt: skip
    assert len(corrupted) == len(triples)
