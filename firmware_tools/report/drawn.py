"""matplotlib's figures as bytes: the same figure gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from fmq_embedded.errors import MissingToolError

Draw = Callable[[Any], None]
"""Draws into a matplotlib figure."""

INK, FAINT, GRID = "#1c2026", "#686e78", "#d9dce1"
SERIES = ("#0b5fa5", "#b3402a", "#2f7d3b", "#8a5a00", "#6b3fa0", "#00717a")
"""Dark enough for text on white; the page has a lighter twin of each for a dark background."""

SIZE_INCHES = (7.2, 3.9)
PNG_DOTS_PER_INCH = 150
_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "grid.color": GRID,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "fmq",
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}


def svg(draw: Draw, background: str = "white") -> str:
    """A picture as an SVG document with text as text."""
    return _saved(draw, background, format="svg", metadata={"Date": None, "Creator": None}).decode()


def png(draw: Draw) -> bytes:
    """A picture as a PNG file on white."""
    return _saved(draw, "white", format="png", dpi=PNG_DOTS_PER_INCH, metadata={"Software": None})


def inline_svg(draw: Draw, name: str, label: str) -> str:
    """A picture as an element for an HTML page.

    Args:
        name: of letters, digits and hyphens, unlike that of any other picture of the page.
        label: what a screen reader says of it; already escaped.

    Returns:
        An <svg> without a size of its own, whose colours are the page's custom properties.
    """
    element = svg(draw, "none")
    element = element[element.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r"\bid=\"([^\"]+)\"", rf'id="{name}-\1"', element)
    element = re.sub(r"(xlink:href=\"#|url\(#)", rf"\1{name}-", element)
    for place, colour in enumerate((INK, FAINT, GRID, *SERIES)):
        element = element.replace(colour, f"var(--chart-{place})")
    opening, rest = element.split(">", 1)
    opening = re.sub(r"\s(width|height)=\"[^\"]*\"", "", opening)
    return f'{opening} role="img" aria-label="{label}">{rest}'


def _saved(draw: Draw, background: str, **options: Any) -> bytes:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingToolError(
            "charts need matplotlib; install it with: python -m pip install 'fmq-embedded[report]'"
        ) from error
    out = io.BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        draw(figure)
        figure.savefig(out, facecolor=background, **options)
    return out.getvalue()
