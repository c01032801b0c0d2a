"""From a model to tables: split, calibrate, headers."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task, steps
from fmq_embedded.errors import InputError, MismatchError


@fmq_task(
    help={
        "model": "a .tflite file, or the name of a model that a package ships, such as "
        "blazeface_short_range",
        "at": "the tensors to cut at, with commas between them",
        "out": "the deployment folder to write",
        "name": "of the deployment; by default the model's",
        "lowering": "tflite, micro or npu: calibrate then also writes head_levels.tflite, which "
        "ends in levels, and tail_levels.tflite, which starts from them",
    },
)
def split(
    context: Context,
    model: str,
    at: str,
    out: str,
    name: str = "",
    lowering: str = "",
    json: str | None = None,
) -> None:
    """Cut a .tflite model into head and tail at named tensors; make a deployment folder."""
    from fmq_embedded.deploy.deployment_files import TAIL
    from fmq_embedded.deploy.pooled_cuts import pooled_cuts
    from fmq_embedded.deploy.split_model import split_model
    from fmq_embedded.files import read_bytes
    from fmq_embedded.model_store import MODELS, find_model

    path = find_model(model)
    tensors = [tensor.strip() for tensor in at.split(",") if tensor.strip()]
    label = name or (model if model in MODELS else "")
    deployment = split_model(
        read_bytes(path),
        tensors,
        Path(out),
        model_file=path.name,
        name=label,
        lowering=lowering or None,
    )
    rows = [
        {"name": plan.name, "shape": list(plan.shape), "dtype": plan.dtype}
        for plan in deployment.tensors
    ]
    text = [f"{out}: head.tflite, tail.tflite; what crosses the link:"]
    text += [f"  {r['name']}: {r['dtype']} {'×'.join(map(str, r['shape']))}" for r in rows]
    smaller = pooled_cuts(read_bytes(Path(out) / TAIL))
    text += [f"hint: {cut}" for cut in smaller]
    text.append(f"next: inv calibrate --deployment {out} --data DATA")
    if lowering:
        text.append("which also writes head_levels.tflite and tail_levels.tflite")
    data = {
        "deployment": out,
        "tensors": rows,
        "lowering": lowering or None,
        "smaller_cuts": [dataclasses.asdict(cut) for cut in smaller],
    }
    emit("\n".join(text), data, json)


@fmq_task(
    help={
        "deployment": "the folder",
        "data": "a folder of pictures, WAV files or arrays, or one of these; .npy, .npz and Zarr "
        "(the first axis counts the inputs); or `photos`: crops of scikit-image's",
        "input": "how the head wants its input where the deployment's [input] is wrong: KEY=VALUE, "
        "such as range=-1,1 or fit=stretch; may be given several times",
        "workers": "run the head in so many processes; 0: in this one",
        "scheduler": "or on the workers of a Dask scheduler, such as tcp://10.0.0.1:8786",
        "tail-sqnr": "the least signal-to-noise ratio of the tail's outputs, in dB",
        "bit-depths": "those to try, with commas between them",
        "partition": "none, channel, region, block or auto: static classes, where they pay",
        "importance": "measure what each channel or region matters to the tail; give steps by it",
        "classes": "the most classes of a tensor; 0 for as many as pay",
        "dynamic": "let the device find the class of each channel or region in each map",
        "agree-headers": "leave headers and class maps, which both ends hold, out of the streams",
        "profile": "what levels are coded with: standard; fast: static tables, few instructions; "
        "dense: the fewest bits, with levels of its own where there is no --partition",
        "rate-distortion": "of dense levels: quick, plain or rdo; or auto: whichever takes the "
        "fewest bits with which the tail is as good; steps by importance, means of channels and a "
        "region of interest (--result faces) are among them",
        "result": "class or faces: judge by whether these stay, in place of --tail-sqnr",
        "agree": "--result: for how many of the inputs it has to stay, in per cent",
        "target-sqnr": "dense: the step by the maps' own signal-to-noise ratio, in dB",
    },
    iterable=["input"],
)
def calibrate(
    context: Context,
    deployment: str,
    data: str,
    tail_sqnr: float = 30.0,
    bit_depths: str = "3,4,5,6,7,8",
    partition: str = "none",
    importance: bool = False,
    classes: int = 0,
    dynamic: bool = False,
    agree_headers: bool = False,
    profile: str = "standard",
    rate_distortion: str = "auto",
    target_sqnr: float = 0.0,
    result: str = "",
    agree: float = 99.0,
    input: list[str] | None = None,
    workers: int = 0,
    scheduler: str = "",
    json: str | None = None,
) -> None:
    """Run data through the head and choose each tensor's quantizer by the tail's outputs."""
    from fmq_embedded.deploy.calibrate import CHOSEN
    from fmq_embedded.deploy.calibrate import calibrate as run
    from fmq_embedded.deploy.calibration_data import calibration_inputs
    from fmq_embedded.deploy.deployment import device_profile
    from fmq_embedded.workers import open_workers

    folder = Path(deployment)
    inputs = calibration_inputs(data, folder, input or ())
    if inputs.description is not None and not input:
        print(f"· input: {inputs.description.source}", file=sys.stderr)
    has_classes = partition != "none" or importance
    tries_all = profile == "dense" and not has_classes and rate_distortion == CHOSEN
    count = 3 if has_classes else 7 if tries_all else 2
    with open_workers(scheduler, workers) as pool, steps(count) as step:
        made, report = run(
            folder,
            inputs,
            tail_sqnr=tail_sqnr,
            bit_depths=_numbers(bit_depths),
            partition=partition,
            importance=importance,
            classes=classes or None,
            dynamic=dynamic,
            agree_headers=agree_headers,
            profile=device_profile(profile),
            rate_distortion=rate_distortion,
            target_sqnr=target_sqnr or None,
            result=result or None,
            agree=agree / 100,
            workers=pool,
            step=step,
            progress=step.items,
        )
    text = f"{report}\n{folder / 'deployment.toml'} has what {made.name} is coded with"
    emit(text, _calibration_data(report), json)


def _calibration_data(report: object) -> dict[str, Any]:
    """A calibration's report as plain data for the `json` module."""
    from firmware_tools.tasks.inspecting import describe
    from fmq_embedded.calibration import CalibrationReport
    from fmq_embedded.deploy.calibrate_partition import PartitionReport
    from fmq_embedded.deploy.coding_choice import CodingReport
    from fmq_embedded.deploy.dense_report import DenseReport

    if isinstance(report, CodingReport):
        return {"coding": report.to_json(), **_calibration_data(report.details)}
    if isinstance(report, DenseReport):
        return {"change": report.change, "tensors": report.rows()}
    assert isinstance(report, CalibrationReport)
    rows = [
        {
            "name": choice.tensor,
            "kind": choice.chosen.kind,
            "bits": choice.chosen.bits,
            "relative_error": choice.chosen.relative_error,
            "bit_depth": choice.chosen.quantizer.bit_depth,
            "quantizer": describe(choice.chosen.quantizer),
        }
        for choice in report.choices
    ]
    found = report.partitioning
    return {
        "change": report.change,
        "limit": report.limit,
        "tensors": rows,
        "partition": found.to_json() if isinstance(found, PartitionReport) else None,
    }


@fmq_task(
    help={
        "deployment": "the folder",
        "out": "where to write; by default the deployment's own folder `c`",
        "check": "write nothing; status 1 if the files are not what would be written",
        "flash-budget": "bytes of tables that one quantizer may take",
        "layout": "cmake, arduino or zephyr: --out gets the C library as well, as a project for "
        "that build system",
        "key-file": "a file of 32 random bytes that only you may read: --out also gets fmq_key.h, "
        "for firmware built with FMQ_AUTHENTICATED",
    },
)
def headers(
    context: Context,
    deployment: str,
    out: str = "",
    check: bool = False,
    flash_budget: int = 4096,
    layout: str = "",
    key_file: str = "",
    json: str | None = None,
) -> None:
    """Generate the C header and source of a deployment's tables."""
    from firmware_tools.authentication import read_key, write_key_header
    from firmware_tools.layouts.layout import laid_out, stale, write_layout
    from fmq_embedded.deploy.c_tables import c_tables
    from fmq_embedded.deploy.deployment_files import load

    if layout and not out:
        raise InputError("--layout writes a project of its own: name its folder with --out")
    if key_file and (check or not out):
        raise InputError(
            "--key-file writes the key into a header: give it --out, a folder that stays with you, "
            "and no --check; a deployment's own folder goes to others"
        )
    key = read_key(Path(key_file)) if key_file else None
    folder = Path(out) if out else Path(deployment) / "c"
    loaded = load(Path(deployment))
    if layout:
        files = laid_out(layout, loaded, flash_budget)
    else:
        files = {name: text.encode() for name, text in c_tables(loaded, flash_budget).items()}
    if check:
        old = stale(folder, files)
        if old:
            options = f"{f' --layout {layout}' if layout else ''}{f' --out {out}' if out else ''}"
            raise MismatchError(
                f"{folder}: not what the deployment gives: {', '.join(old)}; write anew with "
                f"inv headers --deployment {deployment}{options}"
            )
        emit(f"{folder}: up to date", {"folder": str(folder), "stale": []}, json)
        return
    write_layout(folder, files)
    sizes = {name: len(data) for name, data in files.items()}
    if key is not None:
        written = write_key_header(key, folder)
        sizes[written.name] = written.stat().st_size
    lines = [f"{folder / name}: {size:,} bytes" for name, size in sizes.items()]
    if layout:
        lines = [f"{folder}: {len(sizes)} files, {sum(sizes.values()):,} bytes, for {layout}"]
    emit("\n".join(lines), {"folder": str(folder), "files": sizes}, json)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(
            f"--bit-depths is whole numbers with commas, such as 4,6,8; got {text!r}"
        ) from error


TASKS = (split, calibrate, headers)
