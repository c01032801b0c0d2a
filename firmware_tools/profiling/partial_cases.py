"""Real networks, their pictures and what counts as the same result, for the suite "partial".

Calibration and test never share a picture. Where labels are few the result that counts is that of
the unsplit network: a picture is left out whose result there is a near tie, since such a one only
shows which way rounding fell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded import blazeface
from fmq_embedded.calibration.results import (
    SURE_SCORE,
    SURE_SHARE,
    SURELY_NOTHING,
    Box,
    result_kind,
)
from fmq_embedded.deploy.split import split
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import Model, open_model

CALIBRATION_PICTURES = ("camera", "chelsea", "coffee", "rocket", "page", "grass", "moon", "brick")
FACE_PICTURE, FACE_BOX = "astronaut", (174, 66, 270, 162)
TEST_PICTURES = ("motorcycle", "retina", "horse", "coins", "hubble_deep_field", "gravel")
OBJECT_PICTURES = (FACE_PICTURE, *TEST_PICTURES)

SAME_OBJECT_SCORE = 0.05

Array = npt.NDArray[Any]
Picture = npt.NDArray[np.uint8]
Maps = Mapping[str, FeatureMap]
Outputs = Mapping[str, Array]


@dataclass(frozen=True)
class PartialCase:
    """One network, cut at one or more tensors.

    Args:
        name: for the report.
        tail: gives the outputs for the tensors' samples, by name.
        calibration, tests: the tensors' feature maps, by name, for each input.
        agrees: whether the second outputs say the same as the first, the unsplit network's.
        share: of the tests that has to agree.
        must_save: what of the bits of full quantization steps by importance may take; None for
            information.
        truths: what the outputs of each test are compared with, where labels tell; by default the
            unsplit network's.
        moved: how far outputs move the result, for importance; None: all outputs alike matter.
        found: where outputs have something; None: there is no telling.
    """

    name: str
    tail: Callable[[Mapping[str, Array]], Outputs]
    calibration: Sequence[Maps]
    tests: Sequence[Maps]
    agrees: Callable[[Outputs, Outputs], bool]
    share: float
    must_save: float | None = None
    truths: Sequence[Outputs] = ()
    moved: Callable[[Outputs, Outputs], float] | None = None
    found: Callable[[Outputs], list[Box]] | None = None

    @property
    def elements(self) -> int:
        """Samples of one input's tensors."""
        return sum(item.samples.size for item in self.tests[0].values())


def samples_of(maps: Maps) -> dict[str, Array]:
    """The samples of feature maps, as a tail takes them."""
    return {name: item.samples for name, item in maps.items()}


def picture(name: str) -> Picture:
    """A picture that ships with scikit-image, (rows, columns, 3)."""
    try:
        from skimage import data
    except ImportError as error:
        raise MissingToolError(
            "the pictures come with scikit-image; install it with: "
            "python -m pip install 'fmq-embedded[demo]'"
        ) from error
    found: Any = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    array = np.asarray(found)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3], np.uint8)


def face_case(
    calibration: int, tests: int, tensors: Sequence[str] = ("activation_11", "activation_16")
) -> PartialCase:
    """BlazeFace, cut at the two maps before its heads or elsewhere; six tests of ten have a face.

    A test agrees where each face is found again, overlaps by 0.9 and has a score within 0.02, and
    no other is found. Calibration has other faces: small grey ones pasted into photos.
    """
    parts = _Parts.of(fetch("blazeface_short_range"), tensors)

    def best_score(maps: Maps) -> float:
        logit = float(parts.run_tail(maps)[blazeface.SCORE_TENSOR].max())
        return float(1 / (1 + np.exp(-logit)))

    generator = np.random.default_rng(77)
    with_face = _sure(
        parts, _face_crops(generator), tests * 6 // 10, lambda maps: best_score(maps) >= SURE_SCORE
    )
    without = _sure(
        parts,
        (blazeface.prepare(crop)[0] for crop in random_crops(TEST_PICTURES, generator, 128)),
        tests - len(with_face),
        lambda maps: best_score(maps) <= SURELY_NOTHING,
    )
    seen = [parts.run_head(blazeface.prepare(crop)[0]) for crop in pasted_faces(calibration)]

    faces = result_kind("faces", ())
    return PartialCase(
        "BlazeFace",
        parts.tail.run,
        seen,
        [*with_face, *without],
        faces.same,
        0.95,
        must_save=0.70,
        moved=faces.change,
        found=faces.found,
    )


def classifier_case(addition: int, calibration: int, tests: int) -> PartialCase:
    """ResNet-8 (CIFAR-10, int8), cut behind one of its three additions; the class has to stay."""
    tensors = {
        1: "model/activation_2/Relu;model/add/add",
        2: "model/activation_4/Relu;model/add_1/add",
        3: "model/activation_6/Relu;model/add_2/add",
    }
    parts = _Parts.of(fetch("resnet8"), (tensors[addition],))

    def prepared(names: Sequence[str], seed: int) -> Iterator[Array]:
        for crop in random_crops(names, np.random.default_rng(seed), 40):
            yield (resized(crop, 32).astype(np.int16) - 128).astype(np.int8)[None]

    def is_sure(maps: Maps) -> bool:
        return bool(_shares(parts.run_tail(maps)).max() >= SURE_SHARE)

    inputs = prepared(CALIBRATION_PICTURES, 66)
    return PartialCase(
        f"ResNet-8 add {addition}",
        parts.tail.run,
        [parts.run_head(next(inputs)) for _ in range(calibration)],
        _sure(parts, prepared(OBJECT_PICTURES, 67), tests, is_sure),
        _same_class,
        0.98,
        must_save=0.70,
    )


def keyword_case(calibration: int, tests: int) -> PartialCase:
    """Keyword spotting (int8), cut behind addition 12 of 24.

    No speech ships with any package: the inputs are smooth random spectrograms, and what is
    measured is whether the class stays.
    """
    from fmq_embedded.structure import read_tflite

    model = fetch("keyword_spotting_on_off_v3")
    layers = read_tflite(model).layers
    additions = [index for index, layer in enumerate(layers) if layer.kind == "addition"]
    parts = _Parts.of(model, (layers[additions[11] + 1].tensor,))
    port = parts.head.inputs[0]

    def spectrograms(seed: int) -> Iterator[Array]:
        generator = np.random.default_rng(seed)
        while True:
            coarse = generator.normal(size=(14, 13)).repeat(7, axis=0).repeat(8, axis=1)
            fine = coarse * generator.uniform(10, 60) + generator.normal(size=coarse.shape) * 12
            level = generator.uniform(-60, 20)
            yield np.rint(fine + level).clip(-128, 127).astype(np.int8).reshape(port.shape)

    inputs = spectrograms(68)
    return PartialCase(
        "keyword spotting",
        parts.tail.run,
        [parts.run_head(next(inputs)) for _ in range(calibration)],
        _sure(
            parts,
            spectrograms(69),
            tests,
            lambda maps: bool(_shares(parts.run_tail(maps)).max() >= SURE_SHARE),
        ),
        _same_class,
        0.98,
    )


def object_case(calibration: int, tests: int, *, live_only: bool) -> PartialCase:
    """SSD-MobileNetV2, cut at its 19×19×576 map; the best object stays what and as sure as it was.

    Args:
        calibration, tests: how many inputs.
        live_only: leave out the channels that are 0 throughout calibration.
    """
    tensor = (
        "FeatureExtractor/MobilenetV2/expanded_conv_13/expand/Relu6;"
        "FeatureExtractor/MobilenetV2/expanded_conv_13/expand/BatchNorm/FusedBatchNormV3;"
        "FeatureExtractor/MobilenetV2/expanded_conv_13/expand/Conv2D"
    )
    parts = _Parts.of(fetch("ssd_mobilenet_v2"), (tensor,), prefix=True)
    tensor = parts.tensors[0]

    def maps_of(names: Sequence[str], seed: int, count: int) -> list[Maps]:
        crops = random_crops(names, np.random.default_rng(seed), 200)
        inputs = (resized(next(crops), 300) for _ in range(count))
        return [parts.run_head((x / np.float32(127.5) - np.float32(1))[None]) for x in inputs]

    seen, asked = (
        maps_of(CALIBRATION_PICTURES, 70, calibration),
        maps_of(OBJECT_PICTURES, 71, tests),
    )
    largest = np.max([maps[tensor].samples.max(axis=(0, 1, 2)) for maps in seen], axis=0)
    live = np.flatnonzero(largest > 0)
    if not live_only:
        return PartialCase("SSD 19×19", parts.tail.run, seen, asked, _same_object, 0.9)

    def tail(samples: Mapping[str, Array]) -> Outputs:
        whole = np.zeros((*samples[tensor].shape[:-1], largest.size), np.float32)
        whole[..., live] = samples[tensor]
        return parts.tail.run({tensor: whole})

    def kept(many: Sequence[Maps]) -> list[Maps]:
        return [{tensor: FeatureMap(m[tensor].samples[..., live].copy())} for m in many]

    name = f"SSD 19×19, {live.size} live channels"
    return PartialCase(name, tail, kept(seen), kept(asked), _same_object, 0.9)


def linear_case(
    name: str,
    model: str,
    start: str,
    prepare: Callable[[Picture], Array],
    calibration: int,
    tests: int,
) -> PartialCase:
    """A network cut behind an addition that no ReLU follows; all of the tail's outputs count.

    Args:
        name: of the case.
        model: of the model store.
        start: how the name of the addition's output begins.
        prepare: from a crop to the network's input.
        calibration, tests: how many inputs.
    """
    from fmq_embedded.structure import read_tflite

    found = fetch(model)
    tensors = (one.tensor for one in read_tflite(found).layers)
    parts = _Parts.of(found, (next(tensor for tensor in tensors if tensor.startswith(start)),))

    def maps_of(names: Sequence[str], seed: int, count: int) -> list[Maps]:
        crops = random_crops(names, np.random.default_rng(seed), 150)
        return [parts.run_head(prepare(next(crops))) for _ in range(count)]

    seen = maps_of(CALIBRATION_PICTURES, 11, calibration)
    asked = maps_of((FACE_PICTURE, "motorcycle", "coins"), 5, tests)
    return PartialCase(name, parts.tail.run, seen, asked, lambda exact, other: True, 0.0)


def random_crops(
    names: Sequence[str], generator: np.random.Generator, smallest: int
) -> Iterator[Picture]:
    """Square crops of pictures in turn, of random places and sizes, without an end."""
    pictures = [picture(name) for name in names]
    while True:
        for whole in pictures:
            side = int(generator.integers(smallest, min(whole.shape[:2]), endpoint=True))
            top = int(generator.integers(0, whole.shape[0] - side, endpoint=True))
            left = int(generator.integers(0, whole.shape[1] - side, endpoint=True))
            yield whole[top : top + side, left : left + side]


def resized(crop: Picture, side: int) -> Picture:
    """A square picture of this side."""
    from PIL import Image

    image = Image.fromarray(crop).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8)


@dataclass(frozen=True)
class _Parts:
    tensors: tuple[str, ...]
    head: Model
    tail: Model

    @classmethod
    def of(cls, model: Any, tensors: Sequence[str], *, prefix: bool = False) -> _Parts:
        """Cut a model; with `prefix`, at the tensor whose name begins as the one given."""
        if prefix:
            from fmq_embedded.structure import read_tflite

            stem = tensors[0].split(";", maxsplit=1)[0] + ";"
            layers = read_tflite(model).layers
            tensors = [next(one.tensor for one in layers if one.tensor.startswith(stem))]
        head, tail = split(model, tensors)
        return cls(tuple(tensors), open_model(head), open_model(tail))

    def run_head(self, samples: Array) -> Maps:
        found = self.head.run(samples)
        return {
            port.name: FeatureMap(found[port.name], port.scale, port.zero_point, port.name)
            for port in self.head.outputs
        }

    def run_tail(self, maps: Maps) -> Outputs:
        outputs: Outputs = self.tail.run(samples_of(maps))
        return outputs


def _sure(
    parts: _Parts, inputs: Iterator[Array], count: int, is_sure: Callable[[Maps], bool]
) -> list[Maps]:
    """The maps of the first inputs that the network is sure about."""
    found: list[Maps] = []
    for samples in inputs:
        maps = parts.run_head(samples)
        if is_sure(maps):
            found.append(maps)
        if len(found) >= count:
            break
    return found


def _face_crops(generator: np.random.Generator) -> Iterator[Array]:
    """Crops of the astronaut in which her face is whole, 1.4 to 4 times its size."""
    whole = picture(FACE_PICTURE)
    left, top, right, bottom = FACE_BOX
    face = max(right - left, bottom - top)
    while True:
        side = min(int(face * np.exp(generator.uniform(np.log(1.4), np.log(4.0)))), whole.shape[0])
        first = int(generator.integers(max(0, right - side), min(left, whole.shape[1] - side) + 1))
        above = int(generator.integers(max(0, bottom - side), min(top, whole.shape[0] - side) + 1))
        yield blazeface.prepare(whole[above : above + side, first : first + side])[0]


def pasted_faces(count: int) -> Iterator[Picture]:
    """Crops of the calibration photos, in two of three a small grey face of another person."""
    from skimage import data

    generator = np.random.default_rng(5)
    faces = (np.asarray(data.lfw_subset())[:100] * 255).astype(np.uint8)
    crops = random_crops(CALIBRATION_PICTURES[:4], generator, 100)
    for index in range(count):
        crop = next(crops).copy()
        if index % 3:
            side = int(crop.shape[0] * generator.uniform(0.25, 0.6))
            face = resized(faces[int(generator.integers(len(faces)))], side)
            top, left = (int(generator.integers(0, crop.shape[0] - side + 1)) for _ in range(2))
            tint = generator.uniform(0.75, 1.0, 3)
            crop[top : top + side, left : left + side] = face[:, :, None] * (tint / tint.max())
        yield crop


def _shares(outputs: Outputs) -> npt.NDArray[np.float64]:
    """The classes' shares of an int8 softmax, whose scale is 1/256 and whose zero point −128."""
    (codes,) = outputs.values()
    return (codes.astype(np.float64).ravel() + 128) / 256


def _same_class(reference: Outputs, outputs: Outputs) -> bool:
    return int(_shares(reference).argmax()) == int(_shares(outputs).argmax())


def _same_object(reference: Outputs, outputs: Outputs) -> bool:
    """The surest anchor and class stay within 0.05 of their score, and stay the surest class."""
    (name,) = [name for name in reference if "class" in name]
    wanted, got = (1 / (1 + np.exp(-one[name][0, :, 1:])) for one in (reference, outputs))
    anchor, kind = np.unravel_index(int(wanted.argmax()), wanted.shape)
    is_near = abs(float(wanted[anchor, kind]) - float(got[anchor, kind])) <= SAME_OBJECT_SCORE
    return is_near and int(got.max(axis=0).argmax()) == int(kind)
