"""The main job from end to end: a face detector split between a board and this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.boards import load_board
from firmware_tools.demo_picture import draw_maps, draw_photo, sides_of
from firmware_tools.emulators import DEFAULT_EMULATOR
from firmware_tools.firmware import DEFAULT_BOARD, build_firmware, run_emulated
from firmware_tools.profiling.profile import Profile, profile_of, stages_from_counters
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN
from firmware_tools.toolchains.toolchain import Build
from fmq_embedded import blazeface, settings
from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import MismatchError
from fmq_embedded.model_store import fetch
from fmq_embedded.photos import crops, photo
from fmq_embedded.quantizers import reference
from fmq_embedded.runtimes import open_model
from fmq_embedded.structure import Network, features, read_tflite

MODEL = "blazeface_short_range"
PHOTO = "astronaut"
TENSORS = ("activation_11", "activation_16")
CALIBRATION_CROPS = 40
PICTURE = "demo.png"
MAPS_PICTURE = "maps.png"
STEPS = 10

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TensorResult:
    """What became of one feature map."""

    name: str
    shape: tuple[int, ...]
    made_by: str
    next_layers: tuple[str, ...]
    quantizer: str
    bit_depth: int | None


@dataclass(frozen=True)
class DemoResult:
    """What the demo shows; `to_json` has it all."""

    model: str
    board: str
    tensors: tuple[TensorResult, ...]
    raw_bytes: int
    coded_bytes: int
    bits_per_element: float
    bit_exact: bool
    split_exact: bool
    box_iou: float
    score_full: float
    score_decoded: float
    instructions_per_element: float
    flash_bytes: int
    ram_bytes: int
    profile: Profile
    deployment: str
    picture: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return {**asdict(self), "profile": self.profile.to_json()}

    def __str__(self) -> str:
        stages = {stage.name: stage for stage in self.profile.stages}
        each = ", ".join(f"{name} {stage.per_element:.1f}" for name, stage in stages.items())
        lines = [
            f"{self.model} on {self.board} ({self.profile.core}, {self.profile.toolchain})",
            "",
        ]
        for tensor in self.tensors:
            shape = "×".join(map(str, tensor.shape))
            lines.append(f"  {tensor.name}  {shape}: {tensor.quantizer}")
            lines.append(f"    made by {tensor.made_by}, feeds {', '.join(tensor.next_layers)}")
        ratio = self.raw_bytes / self.coded_bytes
        verdict = "yes" if self.bit_exact else "NO"
        lines += [
            "",
            f"head + tail equal the whole model   {'yes' if self.split_exact else 'NO'}",
            f"board, Numba and reference agree    {verdict}, byte for byte",
            f"bytes                               {self.raw_bytes:,} raw → {self.coded_bytes:,} "
            f"coded (1/{ratio:.1f}), {self.bits_per_element:.3f} bits per element",
            f"face found from the decoded maps    score {self.score_decoded:.3f} (whole model "
            f"{self.score_full:.3f}), box overlap {self.box_iou:.3f}",
            f"instructions per element            {self.instructions_per_element:.1f} ({each})",
            f"flash, RAM, stack                   {self.flash_bytes:,} / {self.ram_bytes:,} / "
            f"{self.profile.stack_bytes:,} bytes",
            f"deployment                          {self.deployment}",
            f"picture                             {self.picture}",
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class BoardRun:
    """What the board answered."""

    bitstream: bytes
    levels: dict[str, Array]
    profile: Profile


def run_demo(
    out: Path,
    *,
    board: str = DEFAULT_BOARD,
    tools: str = DEFAULT_TOOLCHAIN,
    emulator_name: str = DEFAULT_EMULATOR,
    coding: settings.Profile = "standard",
    step: Callable[[str], None] = lambda name: None,
) -> DemoResult:
    """Run the whole path and write the deployment folder and the picture into `out`.

    Args:
        out: made if it is not there.
        board: a board's id.
        tools: a toolchain's name.
        emulator_name: "unicorn" or "qemu".
        coding: the profile that the maps are coded with.
        step: called with the name of each step.

    Raises:
        FmqError: a tool is missing, the model cannot be had, or the board does not answer.
    """
    load_board(board)
    step("getting BlazeFace and the photo")
    model_path = fetch(MODEL)
    model = model_path.read_bytes()
    picture = photo(PHOTO)
    network = read_tflite(model)
    step("splitting the model at two feature maps")
    folder = out / "deployment"
    split_model(model, TENSORS, folder, model_file=model_path.name, name="blazeface")
    inputs = [blazeface.prepare(crop)[0] for crop in crops(CALIBRATION_CROPS)]
    deployment, _ = calibrate(folder, inputs, profile=coding, step=step)
    step("running the head and comparing with the whole model")
    prepared, preparation = blazeface.prepare(picture)
    head, tail = open_model(folder / HEAD), open_model(folder / TAIL)
    maps = head.run(prepared)
    whole = open_model(model).run(prepared)
    joined = tail.run(maps)
    split_exact = all(np.array_equal(joined[name], whole[name]) for name in whole)
    step(f"building the firmware for {board}")
    build = build_firmware(deployment, folder / "c", board, tools=tools)
    step(f"starting {board} in {emulator_name}, sending the maps over the serial link")
    answer = run_on_board(deployment, build, maps, emulator_name, step)
    step("comparing the board with the Numba path and the float reference")
    bit_exact = answer.bitstream == deployment.encode(maps) and _levels_hold(
        deployment, maps, answer.levels
    )
    step("decoding, running the tail, drawing")
    decoded = deployment.decode(answer.bitstream)
    outputs = tail.run(decoded)
    full = blazeface.detect(whole, preparation)
    found = blazeface.detect(outputs, preparation)
    if not full or not found:
        raise MismatchError("no face was found in the photo; the decoded maps cannot be compared")
    elements = sum(int(np.prod(plan.shape)) for plan in deployment.tensors)
    result = DemoResult(
        model=MODEL,
        board=board,
        tensors=tuple(_tensor_results(deployment, network)),
        raw_bytes=sum(array.nbytes for array in maps.values()),
        coded_bytes=len(answer.bitstream),
        bits_per_element=8 * len(answer.bitstream) / elements,
        bit_exact=bit_exact,
        split_exact=split_exact,
        box_iou=blazeface.overlap(full[0].box, found[0].box),
        score_full=full[0].score,
        score_decoded=found[0].score,
        instructions_per_element=sum(s.instructions for s in answer.profile.stages) / elements,
        flash_bytes=answer.profile.flash_bytes,
        ram_bytes=answer.profile.ram_bytes,
        profile=answer.profile,
        deployment=str(folder),
        picture=str(out / PICTURE),
    )
    first = TENSORS[0]
    sides = sides_of(result, maps[first], decoded[first], full[0], found[0])
    draw_photo(out / PICTURE, picture, sides)
    draw_maps(out / MAPS_PICTURE, sides)
    return result


def run_on_board(
    deployment: Deployment,
    build: Build,
    maps: dict[str, Array],
    emulator_name: str = DEFAULT_EMULATOR,
    step: Callable[[str], None] = lambda name: None,
) -> BoardRun:
    """Send the feature maps to an emulated board; read back what it made of them."""
    with run_emulated(build, emulator_name) as running:
        device = running.device
        for index, plan in enumerate(deployment.tensors):
            device.load_input(index, maps[plan.name])
        step("quantizing and encoding on the board")
        device.reset_counters()
        device.quantize()
        levels = {  # before they are coded: dense coding works in their place
            plan.name: device.read_levels(index).reshape(plan.shape)
            for index, plan in enumerate(deployment.tensors)
        }
        size = device.encode()
        stages = stages_from_counters(device.counters(), running.board.counter)
        profile = profile_of(build, stages, device.stack().used)
        return BoardRun(device.read_stream(size), levels, profile)


def _levels_hold(deployment: Deployment, maps: dict[str, Array], levels: dict[str, Array]) -> bool:
    """Whether levels equal the float reference's."""
    return all(
        np.array_equal(levels[plan.name], _wanted(plan, maps[plan.name]))
        for plan in deployment.tensors
    )


def _wanted(plan: TensorPlan, samples: Array) -> Array:
    """A map's levels by the float reference; of a dense plan its fixed-point samples."""
    if plan.dense is not None:
        return plan.dense.numbers(plan.item(samples))
    return reference.quantize(
        plan.chosen_quantizer, samples, scale=plan.scale, zero_point=plan.zero_point
    )


def _tensor_results(deployment: Deployment, network: Network) -> list[TensorResult]:
    results = []
    for plan in deployment.tensors:
        known = features(network, network.layer_of(plan.name))
        results.append(
            TensorResult(
                plan.name,
                plan.shape,
                known.previous_kind,
                tuple(next_type.name.lower() for next_type in known.next_types),
                plan.why,
                None if plan.dense else plan.chosen_quantizer.bit_depth,
            )
        )
    return results
