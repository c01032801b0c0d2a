"""What the suite "rate" makes of curves: the best peer, the means, the table, the pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_tools.profiling import rate_plots
from firmware_tools.profiling.rate_benchmark import (
    MeasuredRow,
    mean_bits,
    mean_differences,
    mean_figures,
    row_figures,
    table,
)
from firmware_tools.profiling.rate_curve import RatePoint
from firmware_tools.profiling.rate_maps import RateMap, middle, synthetic_maps
from fmq_embedded.feature_map import FeatureMap

RATIOS = (12.0, 16.0)


def curve(scale: float, highest: int = 30) -> tuple[RatePoint, ...]:
    return tuple(RatePoint(scale * 2 ** (r / 6), float(r)) for r in range(4, highest, 2))


def measured_row(name: str, ours: float) -> MeasuredRow:
    items = (FeatureMap(np.zeros((2, 2, 2), np.float32)),) * 2
    return MeasuredRow(
        RateMap(name, "ReLU", items),
        {"dense": (curve(ours), curve(ours)), "standard": (curve(2.0), curve(2.0))},
        {"a": (curve(1.0), curve(1.0)), "b": (curve(0.5), curve(0.5, highest=15))},
    )


def test_a_mean_needs_every_picture() -> None:
    assert mean_bits([curve(1.0), curve(4.0)], 12.0) == pytest.approx(8.0)
    assert mean_bits([curve(1.0), curve(4.0, highest=11)], 12.0) is None


def test_the_best_peer_is_the_one_with_the_fewest_bits_that_gets_there() -> None:
    row = measured_row("one", 1.0)
    assert row.best_peer(12.0) == ("b", pytest.approx(2.0))
    assert row.best_peer(16.0) == ("a", pytest.approx(2 ** (16 / 6)))
    assert row.best_peer(40.0) is None


def test_a_row_that_takes_more_than_the_best_peer_does_not_hold() -> None:
    figures = row_figures(measured_row("one", 0.75), RATIOS, 1.0)
    assert [figure.ratio for figure in figures] == pytest.approx([1.5, 0.75])
    assert [figure.holds for figure in figures] == [False, True]
    assert [figure.peer for figure in figures] == ["b", "a"]


def test_means_and_the_worst_of_every_row_and_ratio() -> None:
    rows = [measured_row("one", 0.25), measured_row("two", 0.5)]
    found = {figure.name: figure for figure in mean_figures(rows, RATIOS)}
    assert found["dense, geometric mean, 16 dB"].value == pytest.approx(0.125**0.5)
    assert found["dense, geometric mean"].value == pytest.approx((0.5 * 1.0 * 0.25 * 0.5) ** 0.25)
    assert found["dense, geometric mean"].holds
    assert found["dense, worst"].value == pytest.approx(1.0)
    assert found["standard, worst"].limit is None


def test_mean_differences_are_per_cent() -> None:
    (figure, _) = mean_differences(measured_row("one", 0.75), "dense")
    assert figure.name == "one, BD-rate to a"
    assert figure.value == pytest.approx(-25.0)


def test_a_table_leaves_open_what_was_not_reached() -> None:
    lines = table([measured_row("one", 1.0)], (16.0, 40.0))
    assert lines[0] == "one (ReLU)"
    assert lines[1].split() == ["dense", "6.350", "–"]


def test_plots_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (measured_row("one", 0.5), measured_row("two", 0.25))
    monkeypatch.setattr(rate_plots, "measured", lambda quick: (rows, rows[:1]))
    told = rate_plots.write_plots(tmp_path / "new", quick=True)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "real.png",
        "synthetic.png",
        "table.txt",
        "rate.json",
    }
    assert (tmp_path / "new" / "real.png").read_bytes().startswith(b"\x89PNG")
    assert "real.png" in told[0]


def test_synthetic_maps_have_the_statistics_that_they_promise() -> None:
    gauss, laplace, smooth, relu = (row.items[0].samples for row in synthetic_maps(quick=True))
    for samples, tolerance in ((gauss, 0.02), (laplace, 0.05), (smooth, 0.3)):
        assert np.asarray(samples, np.float64).var() == pytest.approx(1.0, rel=tolerance)
    wide = np.asarray(laplace, np.float64)
    assert (wide**4).mean() / (wide**2).mean() ** 2 == pytest.approx(6.0, rel=0.15)
    pairs = np.asarray(smooth, np.float64)
    for ahead, behind in ((pairs[1:], pairs[:-1]), (pairs[:, 1:], pairs[:, :-1])):
        assert np.corrcoef(ahead.ravel(), behind.ravel())[0, 1] == pytest.approx(0.95, abs=0.02)
    assert relu.min() == 0
    assert (relu.max(axis=(0, 1)) == 0).sum() == 8


def test_the_middle_of_a_picture_is_square() -> None:
    wide = np.arange(4 * 10 * 3, dtype=np.uint8).reshape(4, 10, 3)
    assert np.array_equal(middle(wide), wide[:, 3:7])
