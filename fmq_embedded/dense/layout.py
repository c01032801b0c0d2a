"""How a map lies for the dense coder: planes of channels, and the tiles of each mode."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.contexts import MODE_COUNT, TILED, WHOLE
from fmq_embedded.entropy import Geometry

LARGEST_PART = {WHOLE: 64, TILED: 8}

Edges = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Layout:
    """Rows, columns and channels, and where tiles begin.

    Args:
        geometry: of the shape.
        map_rows: the rows of one map, where several lie one after the other.
    """

    geometry: Geometry
    map_rows: int

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Layout:
        """The layout of a shape, channels last; with four and more axes no tile crosses a map."""
        geometry = Geometry.of(shape)
        several = len(shape) >= 4 and geometry.channels == shape[-1] and shape[-3] > 0
        return cls(geometry, shape[-3] if several else geometry.rows)

    def tile_edges(self) -> tuple[Edges, Edges]:
        """Where the tiles of each mode begin, and their end.

        A length n is cut into k = ceil(n / largest) parts; part i begins at floor(i · n / k).

        Returns:
            int32 (modes, 2, most edges): of rows, of columns, padded with 0; and int32 (modes,
            2): how many there are.
        """
        geometry = self.geometry
        maps = geometry.rows // self.map_rows
        each: list[tuple[list[int], list[int]]] = []
        for mode in range(MODE_COUNT):
            largest = LARGEST_PART.get(mode)
            if largest is None:
                each.append(([0, geometry.rows], [0, geometry.columns]))
                continue
            starts = _parts(self.map_rows, largest)
            rows = [m * self.map_rows + s for m in range(maps) for s in starts[:-1]]
            each.append(([*rows, geometry.rows], _parts(geometry.columns, largest)))
        most = max(len(edges) for pair in each for edges in pair)
        table = np.zeros((MODE_COUNT, 2, most), np.int32)
        counts = np.zeros((MODE_COUNT, 2), np.int32)
        for mode, pair in enumerate(each):
            for axis, edges in enumerate(pair):
                table[mode, axis, : len(edges)] = edges
                counts[mode, axis] = len(edges)
        return table, counts

    def has_small_tiles(self) -> bool:
        """Whether tiles of up to 8 differ from those of up to 32."""
        return max(self.map_rows, self.geometry.columns) > LARGEST_PART[TILED]

    def planar(self, samples: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Samples, channels last, as channels × rows × columns."""
        g = self.geometry
        planes = samples.reshape(g.rows * g.columns, g.channels).T
        return np.ascontiguousarray(planes).reshape(g.channels, g.rows, g.columns)

    def interleaved(self, planes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The mirror of `planar`: one axis, channels innermost."""
        g = self.geometry
        return np.ascontiguousarray(planes.reshape(g.channels, -1).T).reshape(-1)


def _parts(length: int, largest: int) -> list[int]:
    count = math.ceil(length / largest)
    return [i * length // count for i in range(count + 1)]
