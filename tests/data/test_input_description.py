"""The section [input], and how options change it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fmq_embedded.data.input_description import (
    InputDescription,
    PictureInput,
    SoundInput,
    describe_input,
    read_input,
    with_options,
)
from fmq_embedded.deploy.deployment_files import load, save
from fmq_embedded.errors import FmqError, InputError
from tests.deploy.tiny_deployment import split_deployment

PICTURE = PictureInput((0.0, -1.0, 0.1), (1.0, 1.0, 0.9), "crop", "channels first", "bgr", "why")
SOUND = SoundInput((-1.0,), (1.0,), "mel", 8000, 200, 80, (60.0, 3800.0), "why")


@pytest.mark.parametrize("description", [PICTURE, SOUND])
def test_it_comes_back_from_a_deployment(tmp_path: Path, description: InputDescription) -> None:
    assert read_input(describe_input(description)) == description
    folder = split_deployment(tmp_path / "d")
    changed = replace(load(folder), input=description)
    save(changed, folder)
    assert load(folder).input == description
    assert load(folder).crc32 == replace(changed, input=None).crc32


def test_options() -> None:
    words = ["fit=stretch", "range=-2,2.5", "layout=channels-last", "colour=rgb"]
    assert with_options(PICTURE, words) == PictureInput((-2.0,), (2.5,), "stretch", source="given")
    changed = with_options(SOUND, ["sample-rate=16000", "band-limits=20,7600", "hop=160"])
    assert changed == SoundInput((-1.0,), (1.0,), "mel", 16000, 200, 160, (20.0, 7600.0), "given")
    assert with_options(PICTURE, []) is PICTURE
    assert with_options(None, []) is None
    assert with_options(None, ["kind=sound", "features=mel"]) == SoundInput((-1.0,), (1.0,), "mel")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("fit", "is KEY=VALUE"),
        ("fit=strech", "nearest are stretch"),
        ("fitt=stretch", "nearest are fit"),
        ("range=1", "expected 2 numbers"),
        ("range=a,b", "expected 2 numbers"),
        ("range=nan,1", "finite"),
        ("low=1,2", "as many finite low ends"),
        ("kind=video", "'video'"),
        ("sample_rate=8000", "'sample_rate'"),
        ("source=me", "'source'"),
    ],
)
def test_options_that_cannot_be(word: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        with_options(PictureInput((0.0,), (1.0,)), [word])


@pytest.mark.parametrize("word", ["hop=0", "sample_rate=100", "band_limits=5", "band_limits=9,1"])
def test_sounds_that_cannot_be(word: str) -> None:
    with pytest.raises(FmqError):
        with_options(SOUND, [word])


def test_without_a_description_the_first_step_is_named() -> None:
    with pytest.raises(InputError, match="kind=picture"):
        with_options(None, ["fit=stretch"])
