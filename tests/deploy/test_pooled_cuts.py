"""Where a tail begins with pooling, the split says what a cut behind it would send."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmq_embedded.deploy.pooled_cuts import PooledCut, pooled_cuts
from fmq_embedded.deploy.split import split
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import open_model
from tests.tasks.running import fmq
from tests.tiny_models import TinyModel

THIRD_ADDITION = "model/activation_6/Relu;model/add_2/add"
SECOND_ADDITION = "model/activation_4/Relu;model/add_1/add"


def _tail(kind: str, *, other_reader: bool = False, as_large: bool = False) -> bytes:
    model = TinyModel()
    source = model.tensor("map", (1, 4, 4, 3))
    pooled = model.tensor("pooled", (1, 4, 4, 3) if as_large else (1, 2, 2, 3))
    model.operator(kind, [source], [pooled])
    outputs = [pooled]
    if other_reader:
        outputs.append(model.tensor("other"))
        model.operator("RELU", [source], [outputs[-1]])
    return model.finish([source], outputs)


def test_a_map_that_is_pooled_first_is_named_with_what_lies_behind() -> None:
    for operator, kind in (("MAX_POOL_2D", "max"), ("AVERAGE_POOL_2D", "average")):
        assert pooled_cuts(_tail(operator)) == [PooledCut("map", kind, "pooled", 48, 12, 384)]


@pytest.mark.parametrize(
    "tail",
    [
        _tail("RELU"),
        _tail("MAX_POOL_2D", other_reader=True),
        _tail("MAX_POOL_2D", as_large=True),
    ],
)
def test_no_hint_where_it_would_not_save(tail: bytes) -> None:
    assert pooled_cuts(tail) == []


def test_resnet8_sends_64_values_behind_its_third_addition() -> None:
    model = fetch("resnet8").read_bytes()
    _, tail = split(model, [THIRD_ADDITION])
    (found,) = pooled_cuts(tail)
    assert (found.values, found.pooled_values, found.pooled_bits) == (4096, 64, 512)
    head, rest = split(model, [found.pooled])
    assert open_model(head).outputs[0].shape[-1] == 64
    assert pooled_cuts(rest) == []
    assert pooled_cuts(split(model, [SECOND_ADDITION])[1]) == []


def test_split_prints_the_hint(tmp_path: Path) -> None:
    told = fmq(tmp_path, "split", "--model", "resnet8", "--at", THIRD_ADDITION, "--out", "d")
    assert told.status == 0, told.err
    assert "hint: " + THIRD_ADDITION in told.out
    assert "512 bits without any loss" in told.out
