"""Clusters of like channels or positions: k-means, merged and split ([0228], [0229])."""

from __future__ import annotations

import importlib.util

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_ITERATIONS = 32


def k_means(features: Integers, count: int, *, with_library: bool = False) -> Integers:
    """The cluster of each row, 0..count − 1; the same on every machine.

    Args:
        features: rows × features, |feature| below 2^24.
        count: clusters, at least 1; fewer come back where rows are alike.
        with_library: at calibration: the centroids come from scikit-learn's KMeans where it is
            installed. The assignment is by `nearest` either way, which a device repeats.
    """
    distinct = np.unique(features, axis=0)
    count = min(count, len(distinct))
    if with_library and count > 1 and importlib.util.find_spec("sklearn") is not None:
        return compact(nearest(features, _library_centroids(features, count)))
    order = np.argsort(distinct.sum(axis=1), kind="stable")
    starts = order[(2 * np.arange(count) + 1) * len(order) // (2 * count)]
    centroids = distinct[starts]
    labels = nearest(features, centroids)
    for _ in range(_ITERATIONS):
        centroids = means(features, labels, centroids)
        moved = nearest(features, centroids)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return compact(labels)


def nearest(features: Integers, centroids: Integers) -> Integers:
    """The centroid at the least sum of squared differences of each row; ties to the lowest."""
    best = np.zeros(len(features), np.int64)
    least = np.full(len(features), np.iinfo(np.int64).max)
    for index, centroid in enumerate(centroids):
        difference = features - centroid
        distance = (difference * difference).sum(axis=1)
        best[distance < least] = index
        least = np.minimum(least, distance)
    return best


def means(features: Integers, labels: Integers, before: Integers) -> Integers:
    """The centroid of each cluster, rounded to the nearest, halves up; an empty one stays."""
    after = before.copy()
    for index in range(len(before)):
        rows = features[labels == index]
        if len(rows):
            after[index] = (2 * rows.sum(axis=0) + len(rows)) // (2 * len(rows))
    return after


def merge_small(features: Integers, labels: Integers, smallest: int) -> Integers:
    """Clusters with fewer rows than `smallest` join the one with the nearest mean, least first."""
    labels = compact(labels)
    while True:
        sizes = np.bincount(labels)
        index = int(np.argmin(sizes))
        if len(sizes) == 1 or sizes[index] >= smallest:
            return labels
        centroids = means(features, labels, np.zeros((len(sizes), features.shape[1]), np.int64))
        others = np.flatnonzero(np.arange(len(sizes)) != index)
        target = others[nearest(centroids[index : index + 1], centroids[others])[0]]
        labels = compact(np.where(labels == index, target, labels))


def split_large(features: Integers, labels: Integers, largest: int) -> Integers:
    """Clusters with more rows than `largest` fall in two, again and again, while rows differ."""
    labels = compact(labels)
    index = 0
    while index <= labels.max():
        rows = np.flatnonzero(labels == index)
        halves = k_means(features[rows], 2) if len(rows) > largest else np.zeros(1, np.int64)
        if halves.max() == 0:
            index += 1
            continue
        labels[rows[halves == 1]] = labels.max() + 1
    return labels


def compact(labels: Integers) -> Integers:
    """The same clusters numbered in the order in which they first occur."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(first, kind="stable")] = np.arange(len(first))
    labels_in_order: Integers = ranks[inverse.reshape(-1)]
    return labels_in_order


def _library_centroids(features: Integers, count: int) -> Integers:
    from sklearn.cluster import KMeans

    fitted = KMeans(count, n_init=4, random_state=0).fit(features.astype(np.float64))
    centroids: Integers = np.rint(fitted.cluster_centers_).astype(np.int64)
    return centroids
