"""Flashing, step by step: identify, compare, write, verify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.boards import Board
from firmware_tools.flashers.boot_loaders import Avrdude, Esptool, Stm32loader, Uf2
from firmware_tools.flashers.debug_probes import Openocd, Pyocd
from firmware_tools.flashers.flasher import Flasher, Job
from firmware_tools.flashers.journal import Journal
from firmware_tools.flashers.plan import Part, Plan, image_hash, padded, split, write_files
from firmware_tools.flashers.tool import run_command
from firmware_tools.toolchains.cache import build_cache
from fmq_embedded.errors import FlashError, InputError, unknown_name
from fmq_embedded.files import read_bytes
from fmq_embedded.plugins import made, plugins

FLASHERS: dict[str, Flasher] = {
    flasher.name: flasher
    for flasher in (Pyocd(), Openocd(), Esptool(), Stm32loader(), Avrdude(), Uf2())
}
Step = Callable[[str], None]


@dataclass(frozen=True)
class Flashed:
    """What a run did.

    Attributes:
        written, unchanged, resumed: bytes, in whole sectors: written now; skipped because they
            were there; skipped because an interrupted run had written them.
        verified: whether all of it was read back and compared; None: the method cannot.
    """

    image_hash: str
    written: int
    unchanged: int
    resumed: int
    verified: bool | None


def make_job(board: Board, method: str = "", port: str = "") -> tuple[Flasher, Job]:
    """The flasher for a board and the board that is plugged in.

    Args:
        board: of a board.toml with [flash].
        method: a flasher's name; "" for the board's own.
        port: a port, a drive or a USB serial number; "" for the only one.

    Raises:
        InputError: the board cannot be flashed, or not so.
        NoPortError: it is not plugged in, or there are several alike.
    """
    section = board.flash
    if section is None:
        raise InputError(
            f"{board.id} is only emulated; expected a board with [flash] in its board.toml; "
            "`inv boards` shows them"
        )
    name = method or section.method
    if name not in section.methods:
        raise unknown_name(f"flash method of {board.id}", name, section.methods)
    flasher = FLASHERS.get(name) or made(plugins("flashers")[name])
    start = board.memory.flash_origin if section.address is None else section.address
    return flasher, Job(board.id, section, start, flasher.find(board.id, section, port))


def make_plan(
    flasher: Flasher, job: Job, image: bytes, *, verify: bool = True, force: bool = False
) -> Plan:
    """What flashing an image would do; nothing is written yet.

    Args:
        flasher, job: of `make_job`.
        image: the bytes of the flash from its start.
        verify: read everything back afterwards.
        force: write everything, whatever is there or was written before.

    Raises:
        InputError: the image does not fit.
        MissingToolError: the flasher is not installed.
    """
    flasher.ready()
    data = padded(image, job)
    known = image_hash(data)
    folder = flash_folder() / known[:16]
    parts = split(data, job, folder, whole=flasher.whole)
    done = frozenset() if force else frozenset(journal().written(_device(flasher, job), known))
    resumed = done & {part.address for part in parts}
    return Plan(flasher, job, parts, known, resumed, verify, force)


def flash(plan: Plan, step: Step) -> Flashed:
    """Do what the plan says.

    Args:
        plan: of `make_plan`.
        step: called with the name of each step as it begins.

    Raises:
        FlashError: another chip is there (nothing was erased), the flasher failed, or what was
            read back is not what was written.
    """
    write_files(plan)
    step(f"identifying {plan.job.target}")
    said = run_command(plan.flasher.identify(plan.job), "identifying the board")
    plan.flasher.check(plan.job, said)
    pending = [part for part in plan.pending if not (plan.compares and _holds(plan, part, step))]
    for part in pending:
        _write(plan, part, step)
    verified = _verify(plan, {part.address for part in pending}, step) if plan.verify else False
    last = plan.flasher.finish(plan.job)
    if last is not None:
        step("starting the firmware")
        run_command(last, "starting the firmware")
    journal().forget(_device(plan.flasher, plan.job))
    written = sum(len(part.data) for part in pending)
    resumed = sum(len(part.data) for part in plan.parts if part.address in plan.resumed)
    total = sum(len(part.data) for part in plan.parts)
    return Flashed(plan.image_hash, written, total - written - resumed, resumed, verified)


def erase(flasher: Flasher, job: Job, step: Step) -> None:
    """Identify the chip and erase its flash; what was written before is forgotten."""
    step(f"identifying {job.target}")
    command = flasher.erase(job)
    flasher.check(job, run_command(flasher.identify(job), "identifying the board"))
    journal().forget(_device(flasher, job))
    step(f"erasing {job.board_id}")
    run_command(command, "erasing")


def journal() -> Journal:
    """The notes of interrupted runs."""
    return Journal(flash_folder())


def flash_folder() -> Path:
    """Where notes and the files of the flashers are."""
    return build_cache("flash")


def _device(flasher: Flasher, job: Job) -> str:
    # A debug probe and a boot loader of one board have serial numbers of their own.
    return f"{job.board_id} {flasher.name} {job.target.key}"


def _write(plan: Plan, part: Part, step: Step) -> None:
    step(f"writing {part.what}")
    run_command(plan.write(part), f"writing {part.what}")
    journal().note(_device(plan.flasher, plan.job), plan.image_hash, part.address)


def _holds(plan: Plan, part: Part, step: Step) -> bool:
    step(f"comparing {part.what}")
    return _difference(plan, part) is None


def _verify(plan: Plan, written: set[int], step: Step) -> bool | None:
    """Read all parts back; one that an interrupted run left wrong is written once more."""
    if not plan.verifies:
        return None
    for part in plan.parts:
        step(f"verifying {part.what}")
        wrong = _difference(plan, part)
        if wrong is not None and part.address in plan.resumed and part.address not in written:
            _write(plan, part, step)
            wrong = _difference(plan, part)
        if wrong is not None:
            journal().forget(_device(plan.flasher, plan.job))
            raise FlashError(
                f"{plan.flasher.name} wrote {part.what}, but the flash does not hold it: {wrong}; "
                "flash it again; if it stays so, the flash is worn or protected"
            )
    return True


def _difference(plan: Plan, part: Part) -> str | None:
    """The first byte that is not as it should be, in words."""
    part.read_file.unlink(missing_ok=True)
    run_command(plan.read(part), f"reading {part.what}")
    try:
        got = read_bytes(part.read_file)
    except InputError as error:
        raise FlashError(
            f"{plan.flasher.name} ended without an error, but {part.read_file.name}, which it was "
            "to read the flash into, is not there; expected the file; look at what it says when "
            "it is run by hand (`inv flash --dry-run` prints the commands)"
        ) from error
    # Some flashers leave erased bytes at the end out.
    got += bytes([plan.job.section.erased_byte]) * (len(part.data) - len(got))
    for at, (want, there) in enumerate(zip(part.data, got, strict=False)):
        if want != there:
            return f"at {part.address + at:#010x} got {there:#04x}, want {want:#04x}"
    return None
