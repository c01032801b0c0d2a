"""How the dense encoder decides."""

from __future__ import annotations

from dataclasses import dataclass

from fmq_embedded.dense import contexts


@dataclass(frozen=True)
class Search:
    """How the encoder decides.

    Args:
        dependent: dependent quantization (four states), by a trellis.
        search: 0 rounding, 1 rate–distortion optimised rounding, 2 the trellis.
        rounding: for search 0, and for comparing modes: in 1/256; 128 is half up.
        multiplier: λ in step²/256 for a bit.
        biases: what a mode's cost is multiplied by, in 1/256.
        stay: what changing the mode adds, in 1/256 of the cost.
        allowed: the modes that may be chosen.
        quick: the mode is that of the least coefficients, and levels are rounded: of the others
            only `rounding`, `biases` and `allowed` count.
        predicts: whether channels may be predicted from others.
        sine: the DST-VII in place of the DCT-II for tiles' sides up to 32.
    """

    dependent: bool = False
    search: int = 1
    rounding: int = 90
    multiplier: int = 27
    biases: tuple[int, ...] = (0, 256, 275, 275, 256)
    stay: int = 2
    allowed: tuple[int, ...] = (1, 2, 3)
    quick: bool = False
    predicts: bool = True
    sine: bool = False


LOSSLESS = Search(
    search=0,
    rounding=0,
    multiplier=256,
    biases=(0, 256, 256, 256, 256),
    allowed=(contexts.SPATIAL, contexts.PREDICTED),
)
