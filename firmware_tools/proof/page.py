"""The proof as a page for reviewers, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from firmware_tools.proof.section import Row, Section


def proof_page(
    sections: Sequence[Section], versions: Mapping[str, str], left_out: Sequence[str] = ()
) -> str:
    """What was checked, on what, with how many inputs, and what does not hold.

    Args:
        sections: of the proof.
        versions: of what it ran on, by name.
        left_out: titles of the parts that the page does not have.
    """
    return "\n".join(_lines(sections, versions, left_out)) + "\n"


def _lines(
    sections: Sequence[Section], versions: Mapping[str, str], left_out: Sequence[str]
) -> Iterator[str]:
    yield "# Verification of fmq-embedded"
    yield ""
    yield from _summary(sections)
    yield ""
    if left_out:
        yield f"Parts of the whole proof that are not here: {'; '.join(left_out)}."
        yield ""
    yield "| part | checked | | do not hold | seconds | at every change, by `.ci/run` |"
    yield "|---|---:|---|---:|---:|---|"
    for section in sections:
        counts = f"{section.inputs:,} | {section.unit} | {section.mismatches:,}"
        yield f"| {section.title} | {counts} | {section.seconds:.0f} | {section.in_ci} |"
    for section in sections:
        yield from _section(section)
    yield ""
    yield "## Ran on"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {name} | {_cell(text)} |" for name, text in versions.items())


def _summary(sections: Sequence[Section]) -> Iterator[str]:
    wrong = sum(section.mismatches for section in sections)
    absent = sum(bool(row.absent) for section in sections for row in section.rows)
    yield "Everything that was checked holds." if not wrong else f"**{wrong:,} do not hold:**"
    for section in sections:
        for row in section.rows:
            if row.mismatches:
                yield f"- {section.title}: {_cell(row.subject)}: {_cell(row.detail)}"
    if absent:
        yield ""
        yield f"{absent} checks could not be made here; they are named where they belong."


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield f"## {section.title}"
    yield ""
    yield f"{section.claim} Counted are {section.unit}."
    yield ""
    yield "| what | checked | do not hold | |"
    yield "|---|---:|---:|---|"
    for row in section.rows:
        yield f"| {_cell(row.subject)} | {_counts(row)} | {_cell(row.absent or row.detail)} |"
    for row in section.rows:
        if row.notes:
            yield ""
            yield f"{_cell(row.subject)}:"
            yield ""
            yield from (f"- {_cell(note)}" for note in row.notes)


def _counts(row: Row) -> str:
    return "not checked | " if row.absent else f"{row.inputs:,} | {row.mismatches:,}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
