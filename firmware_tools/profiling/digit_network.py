"""A small residual network for handwritten digits, trained here: no package ships one with labels.

    28×28 → convolution 5×5, stride 2 → ReLU → a
    a → convolution 3×3 → ReLU → convolution 3×3, + a → ReLU → 14×14×16: the feature map
    → convolution 3×3, stride 2 → ReLU → dense → 10 logits

Everything is float32; the same NumPy gives the same weights for the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float32]

SIDE, CLASSES = 28, 10
MAP_CHANNELS, DEEP_CHANNELS = 16, 32
BATCH, EPOCHS, LARGEST_SHIFT = 50, 16, 2
LEARNING_RATE, FIRST_DECAY, SECOND_DECAY, SMALLEST = 2e-3, 0.9, 0.999, np.float32(1e-8)


@dataclass
class Convolution:
    """A square convolution, zeros around the map, channels last.

    Args:
        weight: float32 (side, side, inputs, outputs), side odd.
        bias: float32 (outputs,).
        stride: in both directions.
    """

    weight: Reals
    bias: Reals
    stride: int = 1
    _columns: Reals = field(init=False, repr=False)
    _shape: tuple[int, ...] = field(init=False, repr=False)

    @classmethod
    def random(
        cls, generator: np.random.Generator, side: int, inputs: int, outputs: int, stride: int = 1
    ) -> Convolution:
        """Weights of the variance that keeps a ReLU's signal (He's)."""
        spread = np.sqrt(2 / (side * side * inputs))
        weight = generator.normal(0, spread, (side, side, inputs, outputs)).astype(np.float32)
        return cls(weight, np.zeros(outputs, np.float32), stride)

    @property
    def parameters(self) -> tuple[Reals, Reals]:
        """Weight and bias."""
        return self.weight, self.bias

    def forward(self, source: Reals) -> Reals:
        """(n, rows, columns, inputs) → (n, rows / stride, columns / stride, outputs)."""
        side, margin = len(self.weight), len(self.weight) // 2
        padded = np.pad(source, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
        slide: Any = np.lib.stride_tricks.sliding_window_view  # NumPy 1's stubs want one axis
        windows: Reals = slide(padded, (side, side), axis=(1, 2))
        windows = windows[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)
        self._shape = padded.shape
        self._columns = windows.reshape(*windows.shape[:3], -1)
        outputs: Reals = self._columns @ self.weight.reshape(-1, len(self.bias)) + self.bias
        return outputs

    def backward(self, slope: Reals) -> tuple[Reals, list[Reals]]:
        """The loss's slopes by the source and by the parameters, from those by the outputs."""
        side, margin, outputs = len(self.weight), len(self.weight) // 2, len(self.bias)
        flat, columns = (
            slope.reshape(-1, outputs),
            self._columns.reshape(-1, self.weight[..., 0].size),
        )
        by_weight = (columns.T @ flat).reshape(self.weight.shape)
        by_columns = (slope @ self.weight.reshape(-1, outputs).T).reshape(
            *slope.shape[:3], side, side, -1
        )
        padded = np.zeros(self._shape, np.float32)
        rows, width = (self.stride * size for size in slope.shape[1:3])
        for row in range(side):
            for column in range(side):
                padded[
                    :, row : row + rows : self.stride, column : column + width : self.stride
                ] += by_columns[:, :, :, row, column]
        return padded[:, margin:-margin, margin:-margin], [by_weight, flat.sum(axis=0)]


@dataclass
class DigitNetwork:
    """The network; `head` gives the feature map, `tail` the logits."""

    first: Convolution
    inner: Convolution
    outer: Convolution
    deep: Convolution
    weight: Reals
    bias: Reals

    @classmethod
    def random(cls, seed: int) -> DigitNetwork:
        """Before training."""
        generator = np.random.default_rng(seed)
        size = (SIDE // 4) ** 2 * DEEP_CHANNELS
        return cls(
            Convolution.random(generator, 5, 1, MAP_CHANNELS, stride=2),
            Convolution.random(generator, 3, MAP_CHANNELS, MAP_CHANNELS),
            Convolution.random(generator, 3, MAP_CHANNELS, MAP_CHANNELS),
            Convolution.random(generator, 3, MAP_CHANNELS, DEEP_CHANNELS, stride=2),
            generator.normal(0, np.sqrt(1 / size), (size, CLASSES)).astype(np.float32),
            np.zeros(CLASSES, np.float32),
        )

    @property
    def parameters(self) -> list[Reals]:
        """All weights and biases, in the order of `slopes`."""
        layers = (self.first, self.inner, self.outer, self.deep)
        return [*(p for layer in layers for p in layer.parameters), self.weight, self.bias]

    def head(self, pictures: Reals) -> Reals:
        """(n, 28, 28, 1) in [0, 1] → (n, 14, 14, 16), none negative."""
        below = np.maximum(self.first.forward(pictures), 0)
        between = np.maximum(self.inner.forward(below), 0)
        maps: Reals = np.maximum(self.outer.forward(between) + below, 0)
        return maps

    def tail(self, maps: Reals) -> Reals:
        """(n, 14, 14, 16) → (n, 10) logits."""
        deep = np.maximum(self.deep.forward(maps), 0)
        logits: Reals = deep.reshape(len(maps), -1) @ self.weight + self.bias
        return logits

    def slopes(self, pictures: Reals, labels: npt.NDArray[np.integer[Any]]) -> list[Reals]:
        """The slopes of the mean cross entropy by each of `parameters`."""
        below = np.maximum(self.first.forward(pictures), 0)
        between = np.maximum(self.inner.forward(below), 0)
        maps = np.maximum(self.outer.forward(between) + below, 0)
        deep = np.maximum(self.deep.forward(maps), 0)
        flat = deep.reshape(len(maps), -1)
        logits = flat @ self.weight + self.bias
        shares: Reals = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        shares[np.arange(len(labels)), labels] -= 1
        error: Reals = shares / np.float32(len(labels))
        by_maps, of_deep = self.deep.backward(
            (error @ self.weight.T).reshape(deep.shape) * (deep > 0)
        )
        by_maps = by_maps * (maps > 0)
        by_between, of_outer = self.outer.backward(by_maps)
        by_below, of_inner = self.inner.backward(by_between * (between > 0))
        _, of_first = self.first.backward((by_below + by_maps) * (below > 0))
        of_dense = [flat.T @ error, error.sum(axis=0)]
        return [*of_first, *of_inner, *of_outer, *of_deep, *of_dense]


def train(pictures: Reals, labels: npt.NDArray[np.integer[Any]], seed: int = 0) -> DigitNetwork:
    """A network trained by Adam, its rate falling to 0 along a straight line.

    Each batch is moved by up to two pixels, for a few thousand pictures are soon known by heart.

    Args:
        pictures: (n, 28, 28, 1) in [0, 1].
        labels: 0…9, of each.
    """
    network, generator = DigitNetwork.random(seed), np.random.default_rng(seed)
    parameters = network.parameters
    means = [np.zeros_like(one) for one in parameters]
    squares = [np.zeros_like(one) for one in parameters]
    total = EPOCHS * (len(labels) // BATCH)
    for count in range(1, total + 1):
        if count % (len(labels) // BATCH) == 1 or count == 1:
            order = generator.permutation(len(labels))
        chosen, order = order[:BATCH], order[BATCH:]
        rate = LEARNING_RATE * (1 - (count - 1) / total)
        rate *= np.sqrt(1 - SECOND_DECAY**count) / (1 - FIRST_DECAY**count)
        shift = generator.integers(-LARGEST_SHIFT, LARGEST_SHIFT, 2, endpoint=True)
        moved = np.roll(pictures[chosen], shift, axis=(1, 2))
        slopes = network.slopes(moved, labels[chosen])
        for at, slope in enumerate(slopes):
            means[at] += (1 - FIRST_DECAY) * (slope - means[at])
            squares[at] += (1 - SECOND_DECAY) * (slope**2 - squares[at])
            parameters[at] -= np.float32(rate) * means[at] / (np.sqrt(squares[at]) + SMALLEST)
    return network
