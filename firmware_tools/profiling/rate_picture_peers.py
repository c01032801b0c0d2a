"""The peers out of imagecodecs: codecs of still pictures, of float arrays, and of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from firmware_tools.profiling.rate_codec import (
    Coded,
    RateCodec,
    Real,
    Setting,
    channels_first,
    channels_last,
    real_values,
)
from firmware_tools.profiling.rate_frames import (
    BIT_DEPTH,
    RANGE_BYTES,
    Picture,
    from_frame,
    to_frame,
)
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap

ZSTD_LEVEL = 19
STEP_BYTES = 4
"""A float32 step that a decoder of levels needs."""
OCTAVES = [octave / 2 for octave in range(-12, 4)]
"""Steps and tolerances, as powers of two of a map's root mean square."""

PictureCodec = Callable[[Picture, float], tuple[bytes, Picture]]
ArrayCodec = Callable[[Real, float], tuple[int, Real]]


def picture_peers() -> Iterator[RateCodec]:
    """JPEG XL, JPEG 2000, JPEG-LS, SZ3, zfp and zstd.

    Raises:
        MissingToolError: imagecodecs is not installed.
    """
    try:
        import imagecodecs
    except ImportError as error:
        raise MissingToolError(
            "JPEG XL, JPEG 2000, JPEG-LS, SZ3, zfp and zstd come with imagecodecs; install it "
            "with: python -m pip install 'fmq-embedded[peers]'"
        ) from error
    version = f"imagecodecs {imagecodecs.__version__}"
    for name, (code_picture, qualities) in _pictures(imagecodecs).items():
        yield _picture_codec(name, version, code_picture, qualities)
    for name, code_array in _arrays(imagecodecs).items():
        yield _array_codec(name, version, code_array)


def lossless_sizes(codes: Picture, depth: int) -> dict[str, int]:
    """Bytes of a picture of integers without loss: JPEG-LS, JPEG XL and zstd.

    Args:
        codes: uint16, each below 2^depth.
        depth: bits that the codes have.
    """
    import imagecodecs as ic

    plain = codes.astype(np.uint8 if depth <= 8 else np.uint16)
    return {
        "JPEG-LS": len(_jpeg_ls(plain, 0, depth)),
        "JPEG XL": len(
            ic.jpegxl_encode(
                plain, lossless=True, effort=9, bitspersample=depth, usecontainer=False
            )
        ),
        f"zstd -{ZSTD_LEVEL}": len(ic.zstd_encode(plain.tobytes(), level=ZSTD_LEVEL)),
    }


def _pictures(ic: Any) -> dict[str, tuple[PictureCodec, Sequence[float]]]:
    """How each codec of pictures takes one, and the qualities from fine to coarse."""

    def jpeg_xl(picture: Picture, distance: float) -> tuple[bytes, Picture]:
        stream = ic.jpegxl_encode(
            picture, distance=distance, effort=7, bitspersample=BIT_DEPTH, usecontainer=False
        )
        return stream, ic.jpegxl_decode(stream)

    def jpeg_2000(picture: Picture, decibels: float) -> tuple[bytes, Picture]:
        stream = ic.jpeg2k_encode(
            picture,
            level=decibels,
            codecformat="j2k",
            reversible=False,
            bitspersample=BIT_DEPTH,
        )
        return stream, ic.jpeg2k_decode(stream)

    def jpeg_ls(picture: Picture, near: float) -> tuple[bytes, Picture]:
        stream = _jpeg_ls(picture, int(near), BIT_DEPTH)
        return stream, ic.jpegls_decode(stream)

    return {
        "JPEG XL": (jpeg_xl, [0.05 * 2 ** (i / 2) for i in range(18)]),
        "JPEG 2000": (jpeg_2000, range(62, 10, -3)),
        "JPEG-LS": (jpeg_ls, sorted({int(2 ** (i / 3)) for i in range(24)})),
    }


def _arrays(ic: Any) -> dict[str, ArrayCodec]:
    """How each codec of arrays takes (channels, rows, columns) and a tolerance or step."""

    def sz3(planes: Real, tolerance: float) -> tuple[int, Real]:
        stream = ic.sz3_encode(planes, mode="abs", abs=tolerance)
        return len(stream), ic.sz3_decode(stream, shape=planes.shape, dtype=planes.dtype)

    def zfp(planes: Real, tolerance: float) -> tuple[int, Real]:
        stream = ic.zfp_encode(planes, level=tolerance, mode=ic.ZFP.MODE.FIXED_ACCURACY)
        return len(stream), ic.zfp_decode(stream)

    def zstd(planes: Real, step: float) -> tuple[int, Real]:
        levels = np.rint(planes / np.float32(step))
        wide = np.int8 if np.abs(levels).max(initial=0) < 128 else np.int16
        stream = ic.zstd_encode(levels.astype(wide).tobytes(), level=ZSTD_LEVEL)
        return len(stream) + STEP_BYTES, (levels * np.float32(step)).astype(np.float32)

    return {"SZ3": sz3, "zfp": zfp, f"zstd -{ZSTD_LEVEL} of levels": zstd}


def _picture_codec(
    name: str, version: str, code: PictureCodec, qualities: Sequence[float]
) -> RateCodec:
    def through(item: FeatureMap, setting: Setting) -> Coded:
        frame = to_frame(real_values(item))
        stream, decoded = code(frame.picture, setting[0])
        return Coded(len(stream) + RANGE_BYTES, from_frame(decoded, frame))

    settings = [(float(quality),) for quality in qualities]
    return RateCodec(name, version, lambda item: settings, through)


def _array_codec(name: str, version: str, code: ArrayCodec) -> RateCodec:
    def settings(item: FeatureMap) -> list[Setting]:
        rms = float(np.sqrt(np.mean(real_values(item).astype(np.float64) ** 2)))
        return [(rms * 2.0**octave,) for octave in OCTAVES]

    def through(item: FeatureMap, setting: Setting) -> Coded:
        real = real_values(item)
        size, planes = code(channels_first(real), setting[0])
        return Coded(size, channels_last(planes, real.shape))

    return RateCodec(name, version, settings, through)


def _jpeg_ls(picture: Any, level: int, depth: int) -> bytes:
    """JPEG-LS; older releases of imagecodecs know 8 and 16 bits a sample only."""
    import imagecodecs as ic

    encode: Any = ic.jpegls_encode
    try:
        coded = encode(picture, level=level, bitspersample=depth)
    except TypeError:
        coded = encode(picture, level=level)
    return bytes(coded)
