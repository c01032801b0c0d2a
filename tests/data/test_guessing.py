"""How a head wants its input: from metadata, by the model's hash, else from its shape."""

from __future__ import annotations

import random

import numpy as np
import pytest

from fmq_embedded.data.guessing import guess_input
from fmq_embedded.data.input_description import InputDescription, PictureInput, SoundInput
from fmq_embedded.data.model_metadata import input_metadata
from fmq_embedded.model_table import MODELS
from fmq_embedded.tflite_file import read_model, schema
from tests.data.metadata_builder import metadata, with_metadata
from tests.tiny_models import TinyModel


def model(*shape: int, dtype: str = "FLOAT32", inputs: int = 1) -> bytes:
    tiny = TinyModel()
    sources = [tiny.tensor(f"in{i}", shape, dtype=dtype) for i in range(inputs)]
    results = [tiny.tensor(f"out{i}", shape, dtype=dtype) for i in range(inputs)]
    for source, result in zip(sources, results, strict=True):
        tiny.operator("RELU", [source], [result])
    return tiny.finish(sources, results)


def guessed(content: bytes) -> InputDescription | None:
    return guess_input(read_model(content), "unknown")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 32, 48, 3), PictureInput((-1.0,), (1.0,))),
        ((1, 32, 48, 1), PictureInput((-1.0,), (1.0,), colour="grey")),
        ((1, 3, 32, 48), PictureInput((-1.0,), (1.0,), layout="channels first")),
        ((1, 16000), SoundInput((-1.0,), (1.0,), "wave")),
        ((1, 98, 1, 40), SoundInput((-1.0,), (1.0,), "mel")),
        ((1, 10), None),
        ((1, 4, 4, 8), None),
    ],
)
def test_by_shape(shape: tuple[int, ...], expected: InputDescription | None) -> None:
    found = guessed(model(*shape))
    assert found is None or found.source == "guessed from the input's shape and type"
    assert describe(found) == describe(expected)


def describe(found: InputDescription | None) -> object:
    """All but where it was learnt from."""
    return found and {k: v for k, v in vars(found).items() if k != "source"}


def test_of_integers_the_range_is_all_of_their_type() -> None:
    content = read_model(model(1, 16, 16, 3, dtype="INT8"))
    own = schema().QuantizationParametersT()
    own.scale, own.zeroPoint = np.array([0.5], np.float32), np.array([-28], np.int64)
    content.subgraphs[0].tensors[0].quantization = own
    found = guess_input(content, "unknown")
    assert isinstance(found, PictureInput)
    assert (found.low, found.high) == ((-50.0,), (77.5,))


def test_several_inputs_are_not_guessed() -> None:
    assert guessed(model(1, 16, 16, 3, inputs=2)) is None


def test_a_known_model_is_known_by_its_hash() -> None:
    content = read_model(model(1, 128, 128, 3))
    found = guess_input(content, MODELS["visual_wake_words"].sha256)
    assert found == PictureInput(
        (0.0,), (255.0,), "stretch", source="known of the model visual_wake_words"
    )


def test_metadata_of_pictures() -> None:
    data = metadata([127.5], [127.5], content=2, properties=(1,))
    found = guessed(with_metadata(model(1, 32, 32, 3), data))
    assert found == PictureInput((-1.0,), (1.0,), "stretch", source="the model's metadata")
    three = metadata([0.0, 255.0, 127.5], [255.0, 255.0, 1.0], content=2, properties=(1,))
    found = guessed(with_metadata(model(1, 32, 32, 3), three))
    assert isinstance(found, PictureInput)
    assert (found.low, found.high) == ((0.0, -1.0, -127.5), (1.0, 0.0, 127.5))
    grey = guessed(with_metadata(model(1, 32, 32, 1), metadata(content=2, properties=(2,))))
    assert isinstance(grey, PictureInput)
    assert (grey.colour, grey.low) == ("grey", (-1.0,))


def test_metadata_of_sounds() -> None:
    data = metadata([0.0], [2.0], content=4, properties=(8000, 1))
    found = guessed(with_metadata(model(1, 4000), data))
    assert found == SoundInput(
        (-0.5,), (0.5,), "wave", 8000, band_limits=(20.0, 4000.0), source="the model's metadata"
    )


def test_normalisation_alone_needs_a_shape_of_pictures() -> None:
    data = metadata([0.0], [255.0])
    found = guessed(with_metadata(model(1, 32, 32, 3), data))
    assert isinstance(found, PictureInput)
    assert (found.low, found.high) == ((0.0,), (1.0,))
    assert guessed(with_metadata(model(1, 10), data)) is None


@pytest.mark.parametrize("deviation", [[0.0], [1.0, 1.0]])
def test_normalisation_that_cannot_be_is_left_out(deviation: list[float]) -> None:
    data = metadata([127.5], deviation, content=2, properties=(1,))
    found = guessed(with_metadata(model(1, 32, 32, 3), data))
    assert isinstance(found, PictureInput)
    assert (found.low, found.high) == ((-1.0,), (1.0,))


def test_damaged_metadata_count_as_none_or_are_read() -> None:
    """No damage raises anything, or reads outside of the metadata."""
    whole = metadata([127.5, 1, 2], [127.5, 1, 1], content=2, properties=(1,))
    opened = read_model(with_metadata(model(1, 32, 32, 3), whole))
    assert input_metadata(opened) is not None
    dice = random.Random(5)
    for _ in range(3000):
        data = bytearray(whole[: dice.randrange(len(whole) + 1)])
        for _ in range(dice.randrange(4)):
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        opened.buffers[-1].data = np.frombuffer(bytes(data), np.uint8)
        guess_input(opened, "unknown")
