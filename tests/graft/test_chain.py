"""Networks in series and in parallel, coded at each joint: sound → spectrogram → embedding → heads.

The wake-word chain: a spectrogram network, an embedding network, and several heads that read the
same embeddings, among them one with an IF. At each joint the map is quantized by operators inside
the network that makes it, coded, decoded, and given back by operators inside those that read it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from fmq_embedded.codec import read_stream
from fmq_embedded.deploy.graft import Grafted, graft_head, graft_tail
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.model_store import fetch
from fmq_embedded.quantizers import Quantizer, SampleType
from fmq_embedded.runtimes import Model, open_model
from fmq_embedded.runtimes.ports import described_ports
from fmq_embedded.structure import Joint, NetworkGraph, from_symbols, read_tflite, to_symbols
from fmq_embedded.tflite_file import read_model
from tests.graft.engines import TFLITE_ENGINES

HEADS = ("wakeword_alexa", "wakeword_hey_mycroft", "wakeword_hey_jarvis")
SOUND_SAMPLES = 12640
ROWS, WINDOW = 76, 16  # of the spectrogram that an embedding reads; embeddings that a head reads

Array = npt.NDArray[Any]


def _quantizer(samples: Array, depth: int) -> Quantizer:
    return Quantizer.uniform(float(samples.min()), float(samples.max()), depth)


def _coded(levels: Array, quantizer: Quantizer) -> tuple[Array, int]:
    """Levels through a bitstream of their own; its length."""
    data = fmq.encode(quantizer.dequantize(levels), fmq.Settings(quantizer=quantizer))
    (tensor,) = read_stream(data).tensors
    assert tensor.levels is not None
    return tensor.levels, len(data)


def _opened(model: bytes, runtime: str, shapes: dict[str, tuple[int, ...]] | None = None) -> Model:
    return open_model(model, runtime, input_shapes=shapes)


class _Joint:
    """One joint: the same quantizer inside the network before it and those behind it."""

    def __init__(self, quantizer: Quantizer) -> None:
        self.quantizer = quantizer
        self.bytes_coded = 0

    def head(self, model: bytes) -> Grafted:
        (name,) = (port.name for port in described_ports(read_model(model), "outputs"))
        return graft_head(model, [MapTables.of(name, SampleType(), self.quantizer)])

    def tail(self, model: bytes) -> Grafted:
        (name,) = (port.name for port in described_ports(read_model(model), "inputs"))
        return graft_tail(model, [MapTables.of(name, SampleType(), self.quantizer)])

    def crossed(self, levels: Array) -> Array:
        back, size = _coded(levels, self.quantizer)
        self.bytes_coded += size
        np.testing.assert_array_equal(back, levels)
        return back


def _levels(grafted: Grafted, outputs: dict[str, Array]) -> Array:
    (levels,) = grafted.levels_of(outputs).values()
    return levels


def _given(grafted: Grafted, levels: Array) -> dict[str, Array]:
    (name,) = grafted.ports
    return grafted.codes_of({name: levels})


RUNTIMES = ["litert", "tflite_runtime"] if "tflite" in TFLITE_ENGINES else ["litert"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_wake_word_chain_coded_at_each_joint(runtime: str) -> None:
    names = ("wakeword_melspectrogram", "wakeword_embedding", *HEADS)
    models = {name: fetch(name).read_bytes() for name in names}
    sound_shape = {"serving_default_input:0": (1, SOUND_SAMPLES)}
    sound = np.random.default_rng(1).uniform(-1000, 1000, (1, SOUND_SAMPLES)).astype(np.float32)

    plain = {
        name: _opened(model, runtime, sound_shape if "mel" in name else None)
        for name, model in models.items()
    }
    (mel,) = plain["wakeword_melspectrogram"].run(sound).values()
    spectrogram = mel.reshape(plain["wakeword_embedding"].inputs[0].shape)
    (embedding,) = plain["wakeword_embedding"].run(spectrogram).values()

    first, second = _Joint(_quantizer(mel, 8)), _Joint(_quantizer(embedding, 8))
    sender = first.head(models["wakeword_melspectrogram"])
    middle = first.tail(models["wakeword_embedding"])
    middle_out = second.head(middle.model)
    heads = {name: second.tail(models[name]) for name in HEADS}

    levels = _levels(sender, _opened(sender.model, runtime, sound_shape).run(sound))
    np.testing.assert_array_equal(levels, first.quantizer.quantize(mel))
    crossed = first.crossed(levels).reshape(spectrogram.shape)
    found = _opened(middle_out.model, runtime).run(_given(middle, crossed))
    levels = _levels(middle_out, found)
    decoded = first.quantizer.dequantize(crossed)
    (expected,) = plain["wakeword_embedding"].run(decoded).values()
    np.testing.assert_array_equal(levels, second.quantizer.quantize(expected))

    crossed = second.crossed(levels)
    window = np.repeat(crossed.reshape(1, 1, -1), WINDOW, axis=1)
    for name, grafted in heads.items():
        (score,) = _opened(grafted.model, runtime).run(_given(grafted, window)).values()
        samples = second.quantizer.dequantize(window)
        (wanted,) = plain[name].run(samples).values()
        np.testing.assert_array_equal(score, wanted)
        whole = np.repeat(embedding.reshape(1, 1, -1), WINDOW, axis=1)
        (unsplit,) = plain[name].run(whole).values()
        assert abs(float(score.ravel()[0]) - float(unsplit.ravel()[0])) < 0.05
    assert first.bytes_coded < mel.nbytes / 3
    assert second.bytes_coded < embedding.nbytes


def test_the_chains_structure_is_one_graph() -> None:
    networks = [
        read_tflite(fetch(name))
        for name in ("wakeword_melspectrogram", "wakeword_embedding", *HEADS)
    ]
    joints = [Joint(0, 0, 1, 0)]
    joints += [Joint(1, 0, 2 + number, 0) for number in range(len(HEADS))]
    graph = NetworkGraph(tuple(networks), tuple(joints))
    assert from_symbols(to_symbols(graph)) == graph
    assert len(graph.joint_layers()) == 1 + len(HEADS)
    assert len(set(graph.joint_layers()[1:])) == 1
