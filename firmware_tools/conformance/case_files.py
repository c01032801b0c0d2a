"""A case as files: a description for people and programs, and raw little-endian arrays.

case.toml       the tensor: first what a runner needs, then its quantizer and its classes
samples.bin     the map, of `sample_type`
levels.bin      its levels (joint ones where there are classes): 1 byte each, 2 beyond 8 bits
stream.fmq      the bitstream
decoded.bin     the samples that the bitstream is decoded to, of `decoded_type`
restored.bin    what stands for levels in between, where that is not levels.bin: of dense plans
host.fmq        of dense plans: a bitstream by a search that is beyond devices, to be decoded alone
host-restored.bin  what that one is decoded to
refused-*.fmq   bitstreams with a right checksum that no decoder may take
*.bin           tables that the description names: thresholds, class maps, codewords
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.conformance.cases import Case
from firmware_tools.conformance.dense_maps import HOST_SEARCH
from fmq_embedded import codec
from fmq_embedded.bitstream import syntax
from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.headers import TensorHeader, write_preamble, write_tensor_header
from fmq_embedded.dense.device_plan import DensePlan
from fmq_embedded.dense.search import Search
from fmq_embedded.deploy.c_dense import NUMBER_BITS
from fmq_embedded.deploy.partition_description import (
    describe_partition,
    partition_tables,
    read_partition,
)
from fmq_embedded.deploy.quantizer_description import (
    describe_quantizer,
    quantizer_tables,
    read_quantizer,
)
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import read_bytes
from fmq_embedded.payloads import level_bits

FORMAT = 1
DESCRIPTION = "case.toml"
SAMPLES, LEVELS, STREAM, DECODED = "samples.bin", "levels.bin", "stream.fmq", "decoded.bin"
RESTORED, HOST, HOST_RESTORED = "restored.bin", "host.fmq", "host-restored.bin"
REFUSED = "refused-{}.fmq"

_NO_CODING = 0x60

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Results:
    """What an implementation makes of a case.

    Args:
        levels: of the samples; of a dense plan its numbers.
        stream: of the levels.
        restored: what the stream is decoded to: the levels, but for a dense plan.
        decoded: samples of these.
    """

    levels: Array
    stream: bytes
    restored: Array
    decoded: Array


@dataclass(frozen=True)
class HostStream:
    """A bitstream that no device writes, and what each decoder makes of it."""

    stream: bytes
    restored: Array


@dataclass(frozen=True)
class KeptCase:
    """A case that was read, and what lies beside it: results, and streams to be refused."""

    case: Case
    results: Results
    refused: tuple[bytes, ...] = ()
    host: HostStream | None = None


def groups(kept: Sequence[KeptCase]) -> list[list[KeptCase]]:
    """The cases that one program can hold: of one profile and one preamble, in their order."""
    found: dict[tuple[str, bool], list[KeptCase]] = {}
    for one in kept:
        found.setdefault((one.case.profile, one.case.plan.dense is not None), []).append(one)
    return list(found.values())


def results_of(case: Case) -> Results:
    """What this version makes of a case, by the integer path."""
    plan, deployment = case.plan, case.deployment
    item = FeatureMap(case.samples, plan.scale, plan.zero_point, plan.name)
    if plan.dense is not None:
        levels: Array = plan.dense.numbers(item)
    else:
        levels = (plan.partition_of(item) or plan.chosen_quantizer).quantize(item)
    stream = codec.assemble(deployment.preamble, [coded_tensor(case, levels)], profile=case.profile)
    restored = deployment.decode_levels(stream)[plan.name]
    return Results(levels, stream, restored, deployment.decode(stream)[plan.name])


def coded_tensor(
    case: Case, levels: Array, search: Search | None = None
) -> tuple[TensorHeader, Array | bytes]:
    """A case's tensor, as `codec.assemble` takes it.

    Args:
        case: the case.
        levels: of its samples.
        search: of a dense plan, in place of its own.
    """
    plan = case.plan
    if plan.dense is not None:
        return plan.header_with(None), plan.dense.encode(levels, search)
    item = FeatureMap(case.samples, plan.scale, plan.zero_point, plan.name)
    return plan.header_with(plan.partition_of(item)), levels


def host_stream(case: Case, levels: Array) -> HostStream | None:
    """The case of a dense plan as a host may code it, with all that the format has."""
    if case.plan.dense is None:
        return None
    deployment = case.deployment
    tensor = coded_tensor(case, levels, HOST_SEARCH)
    stream = codec.assemble(deployment.preamble, [tensor], profile=case.profile)
    return HostStream(stream, deployment.decode_levels(stream)[case.plan.name])


def case_files(case: Case) -> dict[str, bytes]:
    """The files of a case, by name."""
    import tomli_w

    results = results_of(case)
    tables = _tables(case.plan)
    described = _description(case, tables)
    refused = refused_streams(case, results.stream)
    described = {"refused_streams": len(refused)} | described
    own: dict[str, bytes] = {}
    host = host_stream(case, results.levels)
    if host is not None:
        own = {
            RESTORED: raw(results.restored),
            HOST: host.stream,
            HOST_RESTORED: raw(host.restored),
        }
    return {
        DESCRIPTION: tomli_w.dumps(described).encode(),
        SAMPLES: raw(case.samples),
        LEVELS: raw(results.levels.astype(_level_dtype(case.plan))),
        STREAM: results.stream,
        DECODED: raw(results.decoded),
        **own,
        **{f"{name}.bin": raw(table) for name, table in tables.items()},
        **{REFUSED.format(index): stream for index, stream in enumerate(refused)},
    }


def refused_streams(case: Case, stream: bytes) -> list[bytes]:
    """What cannot be, but for the checksum: a byte too many, no such coding, bits beyond the end.

    Args:
        case: the case.
        stream: its bitstream.
    """
    plan = case.plan
    item = FeatureMap(case.samples, plan.scale, plan.zero_point, plan.name)
    header = plan.header_with(None if plan.dense else plan.partition_of(item))
    writer = Writer()
    preamble = case.deployment.preamble
    write_preamble(writer, preamble)
    write_tensor_header(writer, header, named=False, compact=preamble.is_compact)
    body, start = stream[: -codec.CRC_SIZE], len(writer.data)
    coding, payload = body[start], body[start + 1 :]
    bodies = [body + b"\0", body[:start] + bytes([_NO_CODING]) + payload]
    if plan.dense is not None:
        return [damaged + codec.crc_bytes(damaged) for damaged in bodies]
    if coding == syntax.PACKED and header.count * level_bits(header) % 8:
        bodies.append(body[:-1] + bytes([body[-1] | 0x80]))
    if coding == syntax.CONSTANT:
        beyond = 1 << level_bits(header)
        bodies.append(body[: start + 1] + bytes([beyond & 0x7F | 0x80, beyond >> 7 & 0x7F | 0x80]))
        bodies[-1] += bytes([beyond >> 14])
    return [damaged + codec.crc_bytes(damaged) for damaged in bodies]


def read_case(folder: Path) -> KeptCase:
    """A case from its files.

    Raises:
        InputError: a file is missing, or is not what `case_files` makes.
    """
    path = folder / DESCRIPTION
    try:
        said = tomllib.loads(read_bytes(path).decode())
        if said["format"] != FORMAT:
            raise InputError(f"{path} is of format {said['format']}; this version reads {FORMAT}")
        tables = {
            f"case_{name}": _read(folder / f"{name}.bin", one["dtype"], one["shape"])
            for name, one in said.get("tables", {}).items()
        }
        plan = _plan(said, tables)
        samples = _read(folder / SAMPLES, said["sample_type"], plan.shape)
        levels = _read(folder / LEVELS, f"uint{8 * said['level_bytes']}", plan.shape)
        decoded = _read(folder / DECODED, said["decoded_type"], plan.shape)
        restored, host = levels, None
        if plan.dense is not None:
            restored = _read(folder / RESTORED, "uint16", plan.shape)
            of_host = _read(folder / HOST_RESTORED, "uint16", plan.shape)
            host = HostStream(read_bytes(folder / HOST), of_host)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no case of a conformance kit: {error!r}") from error
    results = Results(levels, read_bytes(folder / STREAM), restored, decoded)
    refused = (read_bytes(folder / REFUSED.format(i)) for i in range(said["refused_streams"]))
    case = Case(said["name"], plan, samples, said["profile"])
    return KeptCase(case, results, tuple(refused), host)


def raw(array: Array) -> bytes:
    """The elements of an array in C order, little-endian."""
    return np.ascontiguousarray(_as_integers(array)).tobytes()


def _as_integers(array: Array) -> Array:
    little = f"<u{array.dtype.itemsize}"
    return np.ascontiguousarray(array).view(little[1:]).astype(little, copy=False)


def _read(path: Path, dtype: str, shape: Any) -> Array:
    kind = _dtype(dtype)
    data = np.frombuffer(read_bytes(path), f"<u{kind.itemsize}")
    return data.astype(f"u{kind.itemsize}").view(kind).reshape(shape)


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes

        name = ml_dtypes.bfloat16
    found: np.dtype[Any] = np.dtype(name)
    return found


def bit_depth_of(plan: TensorPlan) -> int:
    """Bits of a level of a case; of a number of a dense plan."""
    return NUMBER_BITS if plan.dense is not None else level_bits(plan.header)


def _level_dtype(plan: TensorPlan) -> str:
    return "uint8" if bit_depth_of(plan) <= 8 else "uint16"


def _tables(plan: TensorPlan) -> dict[str, Array]:
    if plan.dense is not None:
        return {}
    tables = quantizer_tables(plan.chosen_quantizer, "case")
    if plan.partition is not None:
        tables |= partition_tables(plan.partition, "case")
    return {name.removeprefix("case_"): table for name, table in tables.items()}


def _description(case: Case, tables: Mapping[str, Array]) -> dict[str, Any]:
    plan = case.plan
    geometry = Geometry.of(plan.shape)
    bit_depth = bit_depth_of(plan)
    said: dict[str, Any] = {
        "format": FORMAT,
        "name": case.name,
        "profile": case.profile,
        "sample_type": case.samples.dtype.name,
        "decoded_type": plan.dtype,
        "rows": geometry.rows,
        "columns": geometry.columns,
        "channels": geometry.channels,
        "bit_depth": bit_depth,
        "level_bytes": 1 if bit_depth <= 8 else 2,
        "shape": list(plan.shape),
        "scale": plan.scale,
        "zero_point": plan.zero_point,
    }
    if plan.centre is not None:
        said["centre"] = plan.centre
    if plan.dense is not None:
        said["dense"] = plan.dense.description()
        return said
    said["quantizer"] = describe_quantizer(plan.chosen_quantizer)
    if plan.partition is not None:
        said["partition"] = describe_partition(plan.partition)
    if tables:
        said["tables"] = {
            name: {"dtype": table.dtype.name, "shape": list(table.shape)}
            for name, table in tables.items()
        }
    return said


def _plan(said: Mapping[str, Any], tables: Mapping[str, Array]) -> TensorPlan:
    if "dense" in said:
        return TensorPlan(
            said["name"],
            tuple(said["shape"]),
            said["decoded_type"],
            said["scale"],
            said["zero_point"],
            dense=DensePlan.described(said["dense"]),
        )
    quantizer = read_quantizer(said["quantizer"], "case", tables)
    shape, centre = tuple(said["shape"]), said.get("centre")
    partition = None
    if "partition" in said:
        partition = read_partition(said["partition"], "case", tables, shape, quantizer, centre)
    return TensorPlan(
        said["name"],
        shape,
        said["decoded_type"],
        said["scale"],
        said["zero_point"],
        quantizer,
        centre,
        partition=partition,
    )
