"""The proof as a page for reviewers, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from firmware_tools.proof import Row, Section


def proof_page(sections: Sequence[Section], versions: Mapping[str, str]) -> str:
    """What was checked, on what, with how many inputs, and what does not hold.

    Args:
        sections: of the proof.
        versions: of what it ran on, by name.
    """
    return "\n".join(_lines(sections, versions)) + "\n"


def _lines(sections: Sequence[Section], versions: Mapping[str, str]) -> Iterator[str]:
    wrong = sum(section.mismatches for section in sections)
    absent = [row for section in sections for row in section.rows if row.absent]
    inputs = sum(row.inputs for section in sections for row in section.rows)
    yield "# Verification of fmq-embedded"
    yield ""
    holds = "Everything that was checked holds." if not wrong else f"**{wrong:,} do not hold.**"
    yield f"{holds} {inputs:,} inputs were checked."
    if absent:
        yield f"{len(absent)} checks could not be made here; they are named where they belong."
    yield ""
    yield "| part | checked | do not hold | seconds |"
    yield "|---|---:|---:|---:|"
    for section in sections:
        checked = sum(row.inputs for row in section.rows)
        yield f"| {section.title} | {checked:,} | {section.mismatches:,} | {section.seconds:.0f} |"
    for section in sections:
        yield from _section(section)
    yield ""
    yield "## Ran on"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {name} | {_cell(text)} |" for name, text in versions.items())


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield f"## {section.title}"
    yield ""
    yield section.claim
    yield ""
    yield "| what | checked | do not hold | |"
    yield "|---|---:|---:|---|"
    for row in section.rows:
        yield f"| {_cell(row.subject)} | {_counts(row)} | {_cell(row.absent or row.detail)} |"


def _counts(row: Row) -> str:
    return "not checked | " if row.absent else f"{row.inputs:,} | {row.mismatches:,}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
