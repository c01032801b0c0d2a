"""The tables of the report: texts in cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_tools.profiling.profile import MISSING
from firmware_tools.profiling.rate_curve import bits_at
from firmware_tools.report.board_costs import BoardCost
from firmware_tools.report.contents import Contents
from firmware_tools.report.rate_curves import Curves
from firmware_tools.report.tensor_facts import TensorFacts, ratio_text
from fmq_embedded import __version__
from fmq_embedded.deploy.tensor_plan import TensorPlan

STAGES = ("quantize", "dequantize", "bitstream")


@dataclass(frozen=True)
class Table:
    """Rows of texts; the first cell of each is its heading.

    Attributes:
        caption: what the table shows.
        header: a heading for each column.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def summary_table(contents: Sequence[Contents]) -> Table:
    """What matters most, a column for each deployment."""
    rows: dict[str, list[str]] = {}
    for each in contents:
        bits = 8 * each.stream_bytes / each.elements
        facts = {
            "tensors": f"{len(each.facts)}",
            "profile": each.deployment.profile,
            "bytes": f"{each.raw_bytes:,} → {each.stream_bytes:,}",
            "smaller by": f"{each.raw_bytes / each.stream_bytes:.1f}×",
            "bits per element": f"{bits:.3f}",
            "SQNR of the tail's worst output": ratio_text(each.curves.result.chosen.ratio),
            "bit-exact": "yes" if each.holds else "NO",
        }
        for name, text in facts.items():
            rows.setdefault(name, []).append(text)
    return Table(
        "In short", ["", *(each.label for each in contents)], [[n, *t] for n, t in rows.items()]
    )


def tensor_table(facts: TensorFacts) -> Table:
    """A tensor in figures."""
    plan, known = facts.plan, facts.statistics.moments
    rows = [
        ("shape", f"{facts.shape_text}, {plan.dtype}"),
        ("range", f"{known.minimum:.6g} to {known.maximum:.6g}"),
        ("mean, deviation", f"{known.mean:.6g}, {known.deviation:.6g}"),
        ("samples that are 0", f"{known.zeros / known.count:.1%}"),
        ("quantizer", quantizer_text(plan)),
        ("classes", "none" if facts.partition is None else f"{len(facts.partition.classes)}"),
        ("bytes", f"{facts.samples.nbytes:,} → {facts.coded_bytes:,}, {facts.coding}"),
        ("bits per element", f"{facts.bits_per_element:.3f}"),
        ("SQNR", ratio_text(facts.sqnr)),
    ]
    return Table(f"{plan.name} in the worked case", ["", "value"], rows)


def quantizer_text(plan: TensorPlan) -> str:
    """What makes a tensor's levels, in a few words."""
    if plan.dense is not None:
        return f"the dense coder's own, step {plan.dense.step_size:.6g}"
    quantizer = plan.chosen_quantizer
    if quantizer.is_explicit:
        return f"explicit thresholds, {quantizer.bit_depth} bits"
    values = ", ".join(f"{value:.6g}" for value in quantizer.parameters)
    return f"{quantizer.distribution} ({values}), {quantizer.bit_depth} bits"


def curve_table(curves: Curves) -> Table:
    """What each coder takes for the qualities that the first one's points have."""
    first = next(iter(curves.series.values()))
    rows = []
    for ratio in (point.ratio for point in first):
        found = [bits_at(points, ratio) for points in curves.series.values()]
        cells = [MISSING if bits is None else f"{bits:.3f}" for bits in found]
        rows.append([ratio_text(ratio), *cells])
    return Table("Bits per element at each quality", ["quality", *curves.series], rows)


def board_table(costs: Sequence[BoardCost]) -> Table:
    """What a deployment takes on each board."""
    header = (
        "board",
        "core",
        "instructions",
        "time",
        "time on the link",
        "flash",
        "RAM",
        "stack",
        "energy",
    )
    rows = [
        (
            cost.profile.board,
            cost.profile.core,
            MISSING if cost.instructions is None else f"{cost.instructions:,}",
            f"{_seconds(cost.compute_seconds)} at {cost.clock_hz / 1e6:g} MHz",
            f"{_seconds(cost.link_seconds)} at {cost.baud:,} baud",
            f"{cost.profile.flash_bytes:,}",
            f"{cost.profile.ram_bytes:,}",
            f"{cost.profile.stack_bytes:,}",
            MISSING if cost.profile.joules is None else f"{cost.profile.joules * 1e3:.3g} mJ",
        )
        for cost in costs
    ]
    return Table("Quantizing and encoding the worked case once; sizes in bytes", header, rows)


def check_table(contents: Contents) -> Table:
    """Inputs checked of each target and stage, and whether all agreed."""
    targets = dict.fromkeys(check.target for check in contents.checks)
    rows = []
    for target in targets:
        cells = [target]
        for stage in STAGES:
            found = [c for c in contents.checks if (c.target, c.stage) == (target, stage)]
            wrong = sum(check.mismatches for check in found)
            count = sum(check.inputs_checked for check in found)
            same = f"{count:,} equal" if found else MISSING
            cells.append(f"{wrong:,} of {count:,} DIFFER" if wrong else same)
        rows.append(cells)
    return Table("Compared with the float reference", ["target", *STAGES], rows)


def provenance_table(contents: Contents) -> Table:
    """Where the figures come from."""
    deployment = contents.deployment
    rows = [
        ("deployment", deployment.name),
        ("model", deployment.model),
        ("SHA-256 of the model", deployment.model_sha256),
        ("CRC-32 of the tables", f"{deployment.crc32:08x}"),
        ("fmq-embedded", __version__),
    ]
    for cost in contents.costs:
        known = cost.profile.provenance
        if known is None:
            continue
        rows.append((f"{cost.profile.board}: built by", cost.profile.toolchain))
        rows += [
            (f"{cost.profile.board}: {name.replace('_', ' ')}", text)
            for name, text in dataclasses.asdict(known).items()
            if name not in ("version", "tables_crc32")
        ]
    return Table("What was measured, and with what", ["", "value"], rows)


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return MISSING
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
