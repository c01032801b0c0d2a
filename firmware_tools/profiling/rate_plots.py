"""The curves of the suite "rate" as pictures, a table and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from firmware_tools.profiling.rate_benchmark import (
    REAL_RATIOS,
    SYNTHETIC_RATIOS,
    Curve,
    MeasuredRow,
    measured,
    missing_peers,
    table,
)
from firmware_tools.profiling.rate_curve import frontier
from fmq_embedded.errors import MissingToolError
from fmq_embedded.files import make_folder, write_atomically

TABLE_RATIOS = (8.0, *REAL_RATIOS, 26.0)
SHOWN_RATIOS = (5.0, 32.0)
"""In dB: the pictures' horizontal axis."""


def write_plots(folder: Path, *, quick: bool) -> list[str]:
    """Write real.png, synthetic.png, table.txt and rate.json.

    Args:
        folder: made where it is not there.
        quick: the curves of the quick look.

    Returns:
        What was written, and which peers are missing and how to get them, for a person.

    Raises:
        MissingToolError: matplotlib is not installed, or no peer is.
        InputError: the folder cannot be written.
    """
    make_folder(folder)
    real, synthetic = measured(quick)
    write_atomically(folder / "real.png", picture(real))
    write_atomically(folder / "synthetic.png", picture(synthetic))
    lines = [*table(real, TABLE_RATIOS), "", *table(synthetic, SYNTHETIC_RATIOS)]
    head = f"bits per element at {', '.join(f'{r:g}' for r in TABLE_RATIOS)} dB; synthetic maps "
    head += f"at {', '.join(f'{r:g}' for r in SYNTHETIC_RATIOS)} dB"
    write_atomically(folder / "table.txt", "\n".join([head, "", *lines, ""]).encode())
    data = {"real": _rows_json(real), "synthetic": _rows_json(synthetic)}
    write_atomically(folder / "rate.json", json.dumps(data, indent=1).encode())
    return [f"curves in {folder}: real.png, synthetic.png, table.txt, rate.json", *missing_peers()]


def picture(rows: Sequence[MeasuredRow]) -> bytes:
    """A PNG: a plot for each row, of its first map, ours drawn thick."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingToolError(
            "plots need matplotlib; install it with: python -m pip install 'fmq-embedded[peers]'"
        ) from error
    columns = min(3, len(rows))
    height = -(-len(rows) // columns)
    figure = Figure(figsize=(5 * columns, 3.6 * height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(height, columns, squeeze=False)
    for plot in grid.flat[len(rows) :]:
        plot.set_axis_off()
    for plot, row in zip(grid.flat, rows, strict=False):
        _draw(plot, row)
    grid.flat[0].legend(fontsize=7)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=90, metadata={"Software": None})
    return out.getvalue()


def _draw(plot: Any, row: MeasuredRow) -> None:
    for curves, width in ((row.peers, 1.0), (row.ours, 2.4)):
        for name, of_pictures in curves.items():
            points = frontier(of_pictures[0])
            bits = [point.bits for point in points]
            plot.plot([point.ratio for point in points], bits, label=name, linewidth=width)
    plot.set_title(f"{row.row.name} ({row.row.kind})", fontsize=9)
    plot.set_xlim(*SHOWN_RATIOS)
    plot.set_yscale("log", base=2)
    plot.set_xlabel("signal to noise, dB", fontsize=8)
    plot.set_ylabel("bits per element", fontsize=8)
    plot.grid(alpha=0.3)


def _rows_json(rows: Sequence[MeasuredRow]) -> list[dict[str, Any]]:
    def plain(curves: Mapping[str, tuple[Curve, ...]]) -> dict[str, Any]:
        return {
            name: [[[point.bits, point.ratio] for point in curve] for curve in of_pictures]
            for name, of_pictures in curves.items()
        }

    return [
        {
            "name": row.row.name,
            "kind": row.row.kind,
            "elements": row.row.items[0].samples.size,
            "ours": plain(row.ours),
            "peers": plain(row.peers),
        }
        for row in rows
    ]
