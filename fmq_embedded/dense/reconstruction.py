"""From levels back to samples, and the points of reconstruction that serve best."""

from __future__ import annotations

import numpy as np

from fmq_embedded.dense import workspace
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.payload import Channels, Coded, Planes
from fmq_embedded.dense.records import Coding, Numbers
from fmq_embedded.dense.steps import UNIT_STEP


def restore_samples(
    levels: Planes,
    channels: Channels,
    layout: Layout,
    step: int,
    *,
    dependent: bool,
    one_sided: bool,
    sine: bool,
    points: Numbers,
) -> Planes:
    """Samples in 1/4; points as `POINTS_SHAPE` says."""
    from fmq_embedded.dense import restore_kernels

    samples = np.zeros_like(levels)
    restore_kernels.restore_map(
        Coding(levels, channels.modes, channels.parents, channels.factors),
        workspace.tiles(layout, sine),
        workspace.quantizer(step, dependent=dependent, one_sided=one_sided, points=points),
        samples,
    )
    return samples


def fitted_points(coded: Coded, layout: Layout, *, dependent: bool, one_sided: bool) -> Numbers:
    """The reconstruction points of least error: centroids, −8…7, and 0…15 for level 0."""
    from fmq_embedded.dense import restore_kernels

    shape = workspace.POINTS_SHAPE
    sums, counts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    channels = coded.channels
    restore_kernels.point_statistics(
        Coding(coded.levels, channels.modes, channels.parents, channels.factors),
        workspace.tiles(layout, False),
        workspace.quantizer(UNIT_STEP, dependent=dependent, one_sided=one_sided),
        coded.kept,
        sums,
        counts,
    )
    unit = np.array([[8], [8], [4]]) * (2 if dependent else 1)
    means = np.rint(sums / (np.maximum(counts, 1) * unit))
    points: Numbers = np.clip(means, [[-8], [-8], [0]], [[7], [7], [15]]).astype(np.int64)
    return points
