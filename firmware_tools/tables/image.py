"""A deployment's tables as the bytes of a slot.

The tables are compiled as they are for the firmware, by the same compiler, and linked for the
slot's address: the board uses them where they lie, and has nothing to parse.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from firmware_tools.authentication import Key, table_tag
from firmware_tools.boards import load_board
from firmware_tools.firmware import APP, HERE, LIBFMQ_INCLUDE, write_c
from firmware_tools.link.descriptions import TablesInUse
from firmware_tools.link.device import Device
from firmware_tools.link.transfer import Progress
from firmware_tools.profiling.elf_image import open_elf
from firmware_tools.toolchains import DEFAULT_TOOLCHAIN, toolchain_for
from firmware_tools.toolchains.compile import DETERMINISTIC, WARNINGS, Compiler, compile_objects
from firmware_tools.toolchains.cores import core
from firmware_tools.toolchains.toolchain import FREESTANDING
from fmq_embedded.deploy.c_tables import SOURCE
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.errors import InputError, LinkError
from fmq_embedded.partition.dynamic import DynamicClasses

Link = Callable[[Compiler, Sequence[str], Path], None]

_IMAGE_SOURCE = HERE / "tables" / "table_image.c"
_SCRIPT = HERE / "tables" / "slot.ld"
_LAYOUT_AT = 4


def update_tables(
    device: Device,
    deployment: Deployment,
    *,
    tools: str = DEFAULT_TOOLCHAIN,
    progress: Progress | None = None,
    key: Key | None = None,
    version: int = 0,
) -> bool:
    """Put a deployment's tables onto a board that runs the firmware, and switch to them.

    Args:
        device: the board; its id says for which core the tables are compiled.
        deployment: calibrated; its tensors must fit the buffers of the firmware.
        tools: a toolchain's name.
        progress: called after each piece.
        key: of the board's firmware, if that has one.
        version: what the board is to count the tables as, where its firmware has a key: above
            those in use, at most 2^32 - 1; 0: one more than those in use.

    Returns:
        Whether anything was sent; False if the board uses these tables already.

    Raises:
        LinkError: the board takes no tables, or not these; it goes on with those it has.
        MismatchError: the key is another one, or the version is not above those in use.
        InputError: the tables do not fit into a slot, need RAM of their own, or need a key and
            have none, or the other way round.
    """
    if device.identity.session.deployment_crc32 == deployment.crc32:
        return False
    _check_needs_no_ram(deployment)
    tables = device.tables()
    if tables.capacity == 0:
        raise LinkError(
            f"{device.identity.board} keeps no tables beside the firmware's; expected a board "
            "with [storage] in its board.toml; flash the firmware with the new tables instead"
        )
    _check_key(device.identity.board, tables, key, version)
    board = load_board(device.identity.board)
    chosen = toolchain_for(board, tools)
    compiler = chosen.compiler(core(board.core))
    with tempfile.TemporaryDirectory() as folder:
        write_c(deployment, Path(folder))
        image = build_image(compiler, chosen.link, Path(folder), Path(folder) / SOURCE, tables)
    generation = version or tables.generation + 1
    proof = b""
    if key is not None:
        tag = table_tag(key, device.identity.board, generation, image)
        proof = struct.pack("<I", generation) + tag
    device.update_tables(tables.next_slot, image, zlib.crc32(image), progress, proof)
    return True


def _check_key(board: str, tables: TablesInUse, key: Key | None, version: int) -> None:
    if not 0 <= version < 2**32:
        raise InputError(f"a version of tables is 1..{2**32 - 1}; got {version}; give another")
    if tables.tag_bytes and key is None:
        raise InputError(
            f"the firmware of {board} has a key and takes only tables with that key's tag; give "
            "the key's file (--key-file)"
        )
    if not tables.tag_bytes and (key is not None or version):
        raise InputError(
            f"the firmware of {board} has no key: it would not look at a tag or a version; leave "
            "them out, or flash a firmware with the key (`inv flash --key-file`)"
        )


def _check_needs_no_ram(deployment: Deployment) -> None:
    for plan in deployment.tensors:
        if isinstance(plan.partition, DynamicClasses):
            raise InputError(
                f"tensor {plan.name!r} has other classes in each map, which need RAM that a slot "
                "does not have; flash the firmware with the new tables instead"
            )


def build_image(
    compiler: Compiler, link: Link, include: Path, source: Path, tables: TablesInUse
) -> bytes:
    """The bytes of the image, linked for the slot that is not in use.

    Args:
        compiler, link: those that the firmware was built with.
        include: the folder of fmq_tables.h.
        source: the C file of the tables.
        tables: what the board said of its slots.

    Raises:
        LinkError: the board's firmware is of another version.
        InputError: the image is too large.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flags = (*compiler.flags, "-Os", *FREESTANDING, *WARNINGS, *DETERMINISTIC)
        plain = Compiler(compiler.command, flags, compiler.environment)
        includes = [LIBFMQ_INCLUDE, APP, include]
        objects = compile_objects(plain, [_IMAGE_SOURCE, source], includes, {}, folder)
        (folder / "slot_address.ld").write_text(f"SLOT_ADDRESS = {tables.address:#x};\n")
        shutil.copyfile(_SCRIPT, folder / "slot.ld")
        names = [path.name for path in objects]
        options = ["-Wl,--build-id=none", "-Wl,-T,slot.ld", "-Wl,-e,fmq_table_image"]
        link(plain, [*options, *names, "-o", "tables.elf"], folder)
        with (folder / "tables.elf").open("rb") as stream:
            # not the segments: a linker may put the file's own head in front
            elf = open_elf(stream, folder / "tables.elf")
            image = bytes(elf.get_section_by_name(".image").data())
    if len(image) > tables.capacity:
        raise InputError(
            f"the tables have {len(image)} bytes and a slot takes {tables.capacity}; choose "
            "smaller forms with `inv headers --flash-budget` or flash the firmware anew"
        )
    (layout,) = struct.unpack_from("<I", image, _LAYOUT_AT)
    if layout != tables.layout:
        raise LinkError(
            f"the board's firmware reads tables of layout {tables.layout:#010x}; this version "
            f"makes {layout:#010x}; flash the firmware of this version first"
        )
    return image
