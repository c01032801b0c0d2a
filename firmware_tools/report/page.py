"""The report as one HTML page that needs nothing else: no network, no script."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from firmware_tools.drawing import class_texts, drawing_of, partitions_png
from firmware_tools.report.charts import (
    RESULT_QUALITY,
    TENSOR_QUALITY,
    cost_chart,
    histogram_chart,
    rate_chart,
)
from firmware_tools.report.contents import Contents
from firmware_tools.report.drawn import Draw, inline_svg
from firmware_tools.report.page_tables import (
    Table,
    board_table,
    check_table,
    curve_table,
    provenance_table,
    summary_table,
    tensor_table,
)
from firmware_tools.report.tensor_facts import TensorFacts, ratio_text
from fmq_embedded.errors import MissingToolError

PACKAGES = ("jinja2", "matplotlib", "PIL")
TEMPLATE = "page.html"
STYLE = "page.css"


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Attributes:
        element: <svg> or <img>, with words for those who do not see it.
        caption: below it.
        data: the same as numbers; None where the numbers stand elsewhere on the page.
    """

    element: str
    caption: str
    data: Table | None = None


@dataclass(frozen=True)
class Section:
    """A heading, and under it what there is for each deployment."""

    id: str
    heading: str
    intro: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Part:
    """What a section has of one deployment, or of one tensor in it.

    Attributes:
        heading: empty where the section's own is enough.
        group: the number of the deployment.
    """

    heading: str
    group: int
    texts: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()


def check_packages() -> None:
    """Find out before the work that the page could not be drawn.

    Raises:
        MissingToolError: Jinja2, matplotlib or Pillow is not installed.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingToolError(
            f"the report needs {', '.join(missing)}; install it with: "
            "python -m pip install 'fmq-embedded[report]'"
        )


def page(contents: Sequence[Contents]) -> str:
    """The report of one deployment, or of two side by side; see `check_packages`."""
    import jinja2

    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template(TEMPLATE).render(
        title=" and ".join(one.label for one in contents),
        labels=[one.label for one in contents],
        style=(folder / STYLE).read_text(encoding="utf-8"),
        summary=summary_table(contents),
        sections=_sections(contents),
    )


def _sections(contents: Sequence[Contents]) -> list[Section]:
    return [
        Section(
            heading.lower().replace(" ", "-"),
            heading,
            intro,
            [part for number, each in enumerate(contents) for part in parts_of(each, number)],
        )
        for heading, intro, parts_of in _SECTIONS
    ]


def _tensor_parts(contents: Contents, number: int) -> list[Part]:
    return [_tensor_part(facts, number) for facts in contents.facts]


def _tensor_part(facts: TensorFacts, number: int) -> Part:
    count = facts.thresholds.size
    marked = f"; {count} decision thresholds are marked" if count else ""
    label = f"Histogram of {facts.plan.name}: {facts.statistics}{marked}."
    likeness = ", ".join(f"{name} {share:.3f}" for name, share in facts.similarities.items())
    return Part(
        facts.plan.name,
        number,
        [
            "Why this quantizer: of those that were tried, it takes the fewest bits, as estimated "
            f"from the calibration data, for the tail's quality: {facts.plan.why}.",
            f"Likeness to a distribution (1 is the same): {likeness}.",
        ],
        [tensor_table(facts)],
        [
            _chart(
                histogram_chart(facts),
                f"histogram-{number}-{facts.plan.name}",
                label,
                "Share of the samples in each of 96 bins, on a logarithmic scale.",
            )
        ],
    )


def _rate_parts(contents: Contents, number: int) -> list[Part]:
    curves = {"all tensors": (contents.curves.result, RESULT_QUALITY)}
    for name, of_tensor in contents.curves.tensors.items():
        curves[name] = (of_tensor, TENSOR_QUALITY)
    return [
        Part(
            name,
            number,
            pictures=[
                _chart(
                    rate_chart(found, quality),
                    f"rate-{number}-{name}",
                    f"{name}: bits per element against the {quality}, of "
                    f"{', '.join(found.series)}; this deployment takes {found.chosen.bits:.3f} "
                    f"bits per element for {ratio_text(found.chosen.ratio)}.",
                    f"This deployment: {found.chosen.bits:.3f} bits per element, "
                    f"{ratio_text(found.chosen.ratio)}.",
                    curve_table(found),
                )
            ],
        )
        for name, (found, quality) in curves.items()
    ]


def _class_parts(contents: Contents, number: int) -> list[Part]:
    if all(facts.partition is None for facts in contents.facts):
        return [Part("", number, ["Every tensor is quantized as a whole."])]
    return [_class_part(facts, number) for facts in contents.facts]


def _class_part(facts: TensorFacts, number: int) -> Part:
    if facts.partition is None:
        return Part(facts.plan.name, number, ["It is quantized as a whole."])
    texts = class_texts(facts.partition)
    drawn = partitions_png([drawing_of(facts.plan.name, facts.values, facts.partition)])
    source = "data:image/png;base64," + base64.b64encode(drawn).decode()
    alternative = f"{facts.plan.name} by {facts.partition.kind}: {'; '.join(texts)}"
    return Part(
        facts.plan.name,
        number,
        pictures=[
            Picture(
                f'<img src="{source}" alt="{escape(alternative, quote=True)}">',
                f"{len(texts)} classes by {facts.partition.kind}.",
            )
        ],
    )


def _board_parts(contents: Contents, number: int) -> list[Part]:
    texts = [f"{board}: {why}" for board, why in contents.reasons.items()]
    if not contents.costs:
        return [Part("", number, [*texts, "No board was asked for, or no emulator is there."])]
    chart = _chart(
        cost_chart(contents.costs),
        f"cost-{number}",
        "Instructions per element of each stage on each board; the table has the sums.",
        "Instructions per element of each stage.",
    )
    return [Part("", number, texts, [board_table(contents.costs)], [chart])]


def _exactness_parts(contents: Contents, number: int) -> list[Part]:
    total = sum(check.inputs_checked for check in contents.checks)
    wrong = sum(check.mismatches for check in contents.checks)
    verdict = f"{total:,} inputs checked, {wrong:,} mismatches."
    return [Part("", number, [verdict], [check_table(contents)])]


def _provenance_parts(contents: Contents, number: int) -> list[Part]:
    return [Part("", number, tables=[provenance_table(contents)])]


def _chart(draw: Draw, name: str, label: str, caption: str, data: Table | None = None) -> Picture:
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)
    return Picture(inline_svg(draw, plain, escape(label, quote=True)), caption, data)


_SECTIONS = (
    (
        "What crosses the link",
        "The samples of the deployment's worked case, tensor by tensor, with the distributions "
        "that fit them and the quantizer's decision thresholds.",
        _tensor_parts,
    ),
    (
        "Rate and quality",
        "The worked case, coded by each coder at several qualities: by fmq and by compressors of "
        "bytes at 1 to 8 bits over each map's own range; by codecs of pictures and of networks at "
        "their own settings. The star is what the deployment does.",
        _rate_parts,
    ),
    (
        "Classes",
        "Which part of a tensor is quantized how, drawn over the map.",
        _class_parts,
    ),
    (
        "Boards",
        "Measured in an emulator, which counts instructions. Time is at the board's clock and "
        "one instruction a cycle; a real core takes more. Time on the link is that of the "
        "bitstream's bytes at the board's speed, ten bits a byte, without frames. Energy is an "
        "estimate from the board's data sheet.",
        _board_parts,
    ),
    (
        "Bit-exactness",
        "Inputs compared with the float reference: every decision threshold and the samples "
        "beside it, and bitstreams byte for byte.",
        _exactness_parts,
    ),
    ("Provenance", "With the same of these the same figures come again.", _provenance_parts),
)
