"""The peer x265: HEVC intra, 10 bits, luma alone, by the libx265 inside PyAV."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from firmware_tools.profiling.rate_codec import Coded, RateCodec, Setting, real_values
from firmware_tools.profiling.rate_frames import (
    RANGE_BYTES,
    Picture,
    from_frame,
    to_frame,
)
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap

PRESET = "slower"
TUNE = "psnr"
"""Without it the encoder spends bits on what looks sharp, and its ratio is lower."""
PARAMETERS = "keyint=1:info=0:log-level=none:pools=1:frame-threads=1"
PIXELS = "gray10le"
SMALLEST_SIDE = 16
QUALITIES = range(0, 52, 3)


def x265() -> RateCodec:
    """The peer; its setting is the quantization parameter, then limits of the samples or none.

    Raises:
        MissingToolError: PyAV is not installed, or has no libx265.
    """
    try:
        import av
    except ImportError as error:
        raise MissingToolError(
            "x265 comes with PyAV; install it with: python -m pip install 'fmq-embedded[peers]'"
        ) from error
    if "libx265" not in av.codecs_available:
        raise MissingToolError("this build of PyAV has no libx265; install the one of PyPI")
    version = f"PyAV {av.__version__}, {PRESET}, {TUNE}, {PARAMETERS}"
    settings = [(float(quality),) for quality in QUALITIES]
    return RateCodec("x265 intra", version, lambda item: settings, _code)


def _code(item: FeatureMap, setting: Setting) -> Coded:
    quality, *limits = setting
    fixed = (limits[0], limits[1]) if limits else None
    frame = to_frame(real_values(item), fixed)
    stream = encode_picture(_padded(frame.picture), int(quality))
    rows, columns = frame.picture.shape
    decoded = decode_picture(stream)[:rows, :columns]
    return Coded(len(stream) + (0 if fixed else RANGE_BYTES), from_frame(decoded, frame))


def encode_picture(picture: Picture, quality: int) -> bytes:
    """One picture as a stream of its own, parameter sets included."""
    import av

    encoder: Any = av.CodecContext.create("libx265", "w")
    encoder.height, encoder.width = picture.shape
    encoder.pix_fmt = PIXELS
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"preset": PRESET, "tune": TUNE, "x265-params": f"qp={quality}:{PARAMETERS}"}
    frame = av.VideoFrame.from_ndarray(picture, format=PIXELS)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def decode_picture(stream: bytes) -> Picture:
    """The picture of such a stream."""
    import av

    decoder: Any = av.CodecContext.create("hevc", "r")
    frames = [*decoder.decode(av.Packet(stream)), *decoder.decode(None)]
    return np.asarray(frames[0].to_ndarray(), np.uint16)


def _padded(picture: Picture) -> Picture:
    """At least 16 samples in each direction, which x265 asks for."""
    missing = [max(0, SMALLEST_SIDE - side) for side in picture.shape]
    return np.pad(picture, [(0, more) for more in missing], mode="edge")
