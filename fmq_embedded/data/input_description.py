"""How a network wants its input: what stands in a deployment's section [input]."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from fmq_embedded.errors import InputError, unknown_name

FITS = ("letterbox", "stretch", "crop")
LAYOUTS = ("channels last", "channels first")
COLOURS = ("rgb", "bgr", "grey")
FEATURES = ("wave", "mel")
GIVEN = "given"


@dataclass(frozen=True)
class PictureInput:
    """A picture: pixels 0..255 become low..high, linearly.

    Args:
        low, high: the real values of pixels 0 and 255; one number, or one for each channel.
        fit: "letterbox" keeps the proportions and puts black bars around, "crop" keeps them and
            cuts what stands out, "stretch" does not keep them.
        layout: "channels last" or "channels first".
        colour: "rgb", "bgr" or "grey".
        source: where this was learnt from, in words.

    Raises:
        InputError: another word than these, or ends that are not finite or not the same number.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    fit: str = "letterbox"
    layout: str = "channels last"
    colour: str = "rgb"
    source: str = GIVEN

    kind: ClassVar[str] = "picture"

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)
        _check_word("fit", self.fit, FITS)
        _check_word("layout", self.layout, LAYOUTS)
        _check_word("colour", self.colour, COLOURS)


@dataclass(frozen=True)
class SoundInput:
    """A piece of sound: a wave whose −1..1 become low..high, or its mel spectrogram in decibels.

    Args:
        low, high: the real values of a wave's ends; of a spectrogram's weakest (−80 dB of full
            scale, or less) and strongest (0 dB) band. One number each.
        features: "wave" or "mel".
        sample_rate: in Hz; sounds of another are converted.
        window, hop: of a spectrogram: samples of each frame, and from one to the next.
        band_limits: of a spectrogram: the lowest and the highest frequency, in Hz.
        source: where this was learnt from, in words.

    Raises:
        InputError: another word than these, or a number out of its range.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    features: str = "wave"
    sample_rate: int = 16_000
    window: int = 400
    hop: int = 160
    band_limits: tuple[float, ...] = (20.0, 8000.0)
    source: str = GIVEN

    kind: ClassVar[str] = "sound"

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)
        _check_word("features", self.features, FEATURES)
        if min(self.sample_rate, self.window, self.hop) < 1:
            raise InputError(
                "the sample rate, window and hop of sounds are at least 1; got "
                f"{self.sample_rate}, {self.window} and {self.hop}"
            )
        if len(self.band_limits) != 2 or not (
            0 <= self.band_limits[0] < self.band_limits[1] <= self.sample_rate / 2
        ):
            raise InputError(
                f"the bands of a spectrogram lie in 0..{self.sample_rate / 2:g} Hz, half of the "
                f"sample rate; got {' to '.join(f'{limit:g}' for limit in self.band_limits)}"
            )


InputDescription = PictureInput | SoundInput
_KINDS: Mapping[str, type[PictureInput] | type[SoundInput]] = {
    "picture": PictureInput,
    "sound": SoundInput,
}


def describe_input(description: InputDescription) -> dict[str, Any]:
    """The section [input]."""
    return {"kind": description.kind, **asdict(description)}


def read_input(section: Mapping[str, Any]) -> InputDescription:
    """What `describe_input` described.

    Raises:
        InputError, KeyError, TypeError: it is no such section.
    """
    fields = dict(section)
    kind = fields.pop("kind")
    if kind not in _KINDS:
        raise unknown_name("kind of input", str(kind), _KINDS)
    plain: dict[str, Any] = {
        name: tuple(map(float, value)) if isinstance(value, list | tuple) else value
        for name, value in fields.items()
    }
    return _KINDS[kind](**plain)


def with_options(
    description: InputDescription | None, options: Iterable[str]
) -> InputDescription | None:
    """A description changed by words such as "fit=stretch" or "range=-1,1".

    Args:
        description: what is known; None for nothing, which "kind=picture" or "kind=sound" makes.
        options: KEY=VALUE of a field, or range=LOW,HIGH.

    Raises:
        InputError: a field that the input does not have, or a value that it cannot have.
    """
    changes: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise InputError(f"--input is KEY=VALUE, such as fit=stretch; got {option!r}")
        if key == "kind":
            description = _default_of(value.strip())
        elif key == "range":
            low, high = _numbers(option, value, 2)
            changes |= {"low": (low,), "high": (high,)}
        else:
            changes[key] = value.strip()
    if not changes:
        return description
    if description is None:
        raise InputError(
            "nothing is known of this deployment's input; begin with --input kind=picture or "
            "--input kind=sound"
        )
    return replace(description, **_typed(description, changes), source=GIVEN)


def _default_of(kind: str) -> InputDescription:
    if kind not in _KINDS:
        raise unknown_name("kind of input", kind, _KINDS)
    return _KINDS[kind]((-1.0,), (1.0,))


def _typed(description: InputDescription, changes: Mapping[str, Any]) -> dict[str, Any]:
    known = asdict(description)
    del known["source"]
    typed = {}
    for key, value in changes.items():
        if key not in known:
            raise unknown_name(f"property of a {description.kind}", key, [*known, "range", "kind"])
        typed[key] = _PARSERS[type(known[key])](f"{key}={value}", value)
    return typed


def _number(option: str, value: str) -> int:
    return int(_numbers(option, value, 1)[0])


def _numbers(option: str, value: Any, count: int = 0) -> tuple[float, ...]:
    try:
        found = value if isinstance(value, tuple) else tuple(map(float, str(value).split(",")))
    except ValueError:
        found = ()
    if not found or (count and len(found) != count):
        raise InputError(
            f"--input {option}: expected {count or 'some'} "
            f"{'number' if count == 1 else 'numbers with commas between them'}"
        )
    return found


_PARSERS: Mapping[type, Callable[[str, Any], Any]] = {
    str: lambda _option, value: value.replace("-", " "),
    int: _number,
    tuple: _numbers,
}


def _check_word(what: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise unknown_name(what, str(word), known)


def _check_ends(low: tuple[float, ...], high: tuple[float, ...]) -> None:
    if len(low) != len(high) or not low or not all(map(math.isfinite, (*low, *high))):
        raise InputError(
            f"an input's range is as many finite low ends as high ones; got {low} and {high}"
        )
