"""What a deployment does, to be looked at: report, plot."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task, steps
from fmq_embedded.errors import MismatchError


@fmq_task(
    help={
        "deployment": "the folder; calibrated",
        "out": "the page to write",
        "compare": "another deployment's folder, to be shown beside it",
        "boards": "emulated boards to run it on, with commas between them; all, or none; by "
        "default the reference board where an emulator is installed",
        "peers": "let x265, NNCodec and codecs of pictures code it too, those that are installed: "
        "minutes",
    },
)
def report(
    context: Context,
    deployment: str,
    out: str = "report.html",
    compare: str = "",
    boards: str = "",
    peers: bool = False,
    json: str | None = None,
) -> None:
    """Write one page: what crosses the link, rate and quality, boards, proof, provenance."""
    from firmware_tools.report.contents import STEPS_EACH, boards_named, gather
    from firmware_tools.report.page import check_packages, page
    from fmq_embedded.files import write_atomically

    check_packages()
    folders = [Path(name) for name in (deployment, compare) if name]
    names = boards_named(boards)
    with steps(len(folders) * (STEPS_EACH + len(names)) + 1) as step:
        contents = gather(folders, names, step, peers=peers)
        step("drawing the page")
        data = page(contents).encode()
    write_atomically(Path(out), data)
    rows = [each.to_json() for each in contents]
    emit(f"{out}: {len(data):,} bytes", {"page": out, "bytes": len(data), "contents": rows}, json)
    if not all(each.holds for each in contents):
        raise MismatchError(f"not all is bit-exact: see the table in {out}")


@fmq_task(
    positional=["kind"],
    help={
        "kind": "histogram, rate, result, classes or costs",
        "deployment": "the folder; calibrated",
        "out": "the .svg or .png file to write; classes are .png",
        "tensor": "of histogram, rate and classes: its name; by default the first",
        "boards": "of costs: emulated boards, with commas between them, or all",
        "peers": "of rate and result: x265, NNCodec and codecs of pictures too, those that are "
        "installed",
    },
)
def plot(
    context: Context,
    kind: str,
    deployment: str,
    out: str,
    tensor: str = "",
    boards: str = "",
    peers: bool = False,
    json: str | None = None,
) -> None:
    """Draw one chart of the report into a file."""
    from firmware_tools.report.plotting import plotted
    from fmq_embedded.files import write_atomically

    target = Path(out)
    with steps(1) as step:
        step(f"drawing {kind}")
        data = plotted(
            kind, Path(deployment), target.suffix, tensor=tensor, boards=boards, peers=peers
        )
    write_atomically(target, data)
    emit(f"{out}: {len(data):,} bytes", {"file": out, "bytes": len(data)}, json)


TASKS = (report, plot)
