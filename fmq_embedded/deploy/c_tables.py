"""A deployment as C: const integer tables and what libfmq must know of each tensor.

The same deployment gives the same text, with no clock and no path in it. The files compile as
C99, C11 and C++11, and refuse another version of libfmq.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import fmq_embedded
from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.headers import write_preamble, write_tensor_header
from fmq_embedded.dense.device_plan import CENTRE
from fmq_embedded.deploy.c_dense import (
    NUMBER_BITS,
    dense_description,
    dense_tables,
    dense_work_size,
)
from fmq_embedded.deploy.c_partition import partition_tables
from fmq_embedded.deploy.c_quantizers import description, quantizer_tables, values_table
from fmq_embedded.deploy.c_text import array, comment, identifier, string
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry, packed_size, static_work_size
from fmq_embedded.partition import Partition, encode_class_map
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.payloads import centre_of, level_bits
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.exact import reconstruction_values
from fmq_embedded.quantizers.forms import INPUT_CODES, Form, choose_form
from fmq_embedded.quantizers.samples import SampleType

HEADER = "fmq_tables.h"
SOURCE = "fmq_tables.c"
FLASH_BUDGET = 4096
LARGEST_CONSTANT_PAYLOAD = 3
CELL_BYTES, END_BYTES = 14, 4
"""The most that one class, and the end of a class map, take in a stream: fmq_class_map_limit."""
CRC_SIZE = 4
PROFILE_CODES = {"standard": 0, "fast": 1, "dense": 2}
"""FMQ_PROFILE_… of fmq/deployment.h."""
CODINGS = {"standard": "standard", "fast": "static", "dense": "dense"}
"""What fmq/coding.h calls the coding of each profile."""


def c_tables(deployment: Deployment, flash_budget: int = FLASH_BUDGET) -> dict[str, str]:
    """The text of the header and of the source, by file name.

    Args:
        deployment: calibrated.
        flash_budget: bytes of tables that one quantizer may take; the fastest form within it
            is chosen.

    Raises:
        InputError: the deployment has a tensor without a quantizer.
    """
    exports = [_Export.of(plan, flash_budget, deployment) for plan in deployment.tensors]
    return {HEADER: _header(deployment, exports), SOURCE: _source(deployment, exports)}


@dataclass(frozen=True)
class _Export:
    """One tensor and what is written of it; no quantizer where it has a dense plan."""

    plan: TensorPlan
    geometry: Geometry
    quantized: _Quantized | None
    header: bytes
    centre: int
    bit_depth: int
    profile: int

    @classmethod
    def of(cls, plan: TensorPlan, flash_budget: int, deployment: Deployment) -> _Export:
        header, is_dense = plan.header, plan.dense is not None
        writer = Writer()
        compact = deployment.preamble.is_compact
        write_tensor_header(writer, header, named=False, compact=compact)
        return cls(
            plan,
            Geometry.of(plan.shape),
            None if is_dense else _Quantized.of(plan, flash_budget),
            b"" if deployment.headers_agreed else _fixed_part(bytes(writer.data), plan),
            CENTRE if is_dense else centre_of(header),
            NUMBER_BITS if is_dense else level_bits(header),
            PROFILE_CODES[deployment.profile],
        )

    @property
    def partition(self) -> Partition | None:
        return self.plan.any_partition

    @property
    def cells(self) -> int:
        """Bytes of the class map that comes with each map."""
        if self.partition is None or not isinstance(self.plan.partition, DynamicClasses):
            return 0
        return self.partition.class_of.size

    @property
    def level_bytes(self) -> int:
        return self.geometry.count * (1 if self.bit_depth <= 8 else 2)

    @property
    def sample_bytes(self) -> int:
        return self.geometry.count * np.dtype(self.plan.dtype).itemsize

    @property
    def stream_bytes(self) -> int:
        if self.plan.dense is not None:
            return len(self.header) + self.plan.dense.limit(self.geometry.count)
        packed = packed_size(self.geometry.count, self.bit_depth)
        class_map = CELL_BYTES * self.cells + END_BYTES if self.cells else 0
        return len(self.header) + class_map + 1 + max(packed, LARGEST_CONSTANT_PAYLOAD)

    @property
    def work_bytes(self) -> int:
        """What fmq_work_size tells, but for FMQ_STATE_SIZE."""
        if self.profile == PROFILE_CODES["fast"]:
            return static_work_size(self.geometry, self.centre, self.bit_depth)
        if self.profile == PROFILE_CODES["dense"]:
            return dense_work_size(self.geometry, own_levels=self.plan.dense is not None)
        return self.geometry.channels * (self.geometry.columns + 5) + 4


@dataclass(frozen=True)
class _Quantized:
    """What is written of a tensor's quantizer and classes."""

    quantizer: Quantizer
    form: Form
    values: npt.NDArray[np.generic]
    samples: SampleType
    flash_budget: int
    centroids: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, plan: TensorPlan, flash_budget: int) -> _Quantized:
        quantizer, classes = plan.chosen_quantizer, plan.partition
        samples = SampleType(plan.dtype, plan.scale, plan.zero_point)
        return cls(
            quantizer,
            choose_form(quantizer, samples, flash_budget),
            reconstruction_values(quantizer, samples),
            samples,
            flash_budget,
            classes.centroids if isinstance(classes, DynamicClasses) else (),
        )


def _header(deployment: Deployment, exports: list[_Export]) -> str:
    guard = f"FMQ_TABLES_{identifier(deployment.name).upper()}_H"
    stream = len(_preamble(deployment)) + sum(e.stream_bytes for e in exports) + CRC_SIZE
    work = max(export.work_bytes for export in exports)
    cells = sum(export.cells for export in exports)
    return f"""{_banner(deployment)}
#ifndef {guard}
#define {guard}

#include <fmq/codec.h>
#include <fmq/coding.h>
#include <fmq/dense.h>
#include <fmq/deployment.h>
#include <fmq/partition.h>
#include <fmq/version.h>

{_version_check()}

/* Sizes for the buffers of a firmware that holds all tensors at once, in bytes. */
#define FMQ_MAX_INPUT_BYTES {sum(_rounded_up(e.sample_bytes) for e in exports)}u
#define FMQ_MAX_LEVEL_BYTES {sum(_rounded_up(e.level_bytes) for e in exports)}u
#define FMQ_MAX_STREAM_BYTES {stream}u
#define FMQ_WORK_BYTES (FMQ_STATE_SIZE + {work}u)
/* RAM in fmq_tables.c for class maps that come with each map. */
#define FMQ_CLASS_CELL_BYTES {cells}u

#ifdef __cplusplus
extern "C" {{
#endif

/* Deployment "{comment(deployment.name)}": {len(exports)} tensor(s). */
extern const fmq_deployment_t fmq_deployment;

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(deployment: Deployment, exports: list[_Export]) -> str:
    parts = [_banner(deployment), f'#include "{HEADER}"\n']
    parts += [_tensor_tables(index, export) for index, export in enumerate(exports)]
    rows = [_tensor_row(index, export) for index, export in enumerate(exports)]
    parts.append("static const fmq_tensor_t tensors[] = {\n" + ",\n".join(rows) + "\n};\n")
    parts.append(_codings(deployment.profile))
    parts.append(array("uint8_t", "preamble", _preamble(deployment)))
    parts.append(
        "const fmq_deployment_t fmq_deployment = {\n"
        f'    "{string(deployment.name)}", 0x{deployment.crc32:08x}u, preamble, '
        f"{len(_preamble(deployment))}u, tensors, {len(exports)}u\n}};\n"
    )
    return "\n".join(parts)


def _codings(profile: str) -> str:
    """What the program can do: a linker drops every coding that is not named here."""
    lines = []
    for kind in ("encoding", "decoding"):
        named = ", ".join(
            f"&fmq_{coding}_{kind}" if name == profile else "0" for name, coding in CODINGS.items()
        )
        lines.append(f"const fmq_{kind}_t *const fmq_{kind}s[FMQ_PROFILES] = {{{named}}};\n")
    return "".join(lines)


def _fixed_part(header: bytes, plan: TensorPlan) -> bytes:
    """The header without a class map that comes with each map."""
    classes = plan.partition
    if not isinstance(classes, DynamicClasses):
        return header
    one = classes.single(plan.shape)
    size = len(encode_class_map(one.kind, one.class_map, one.geometry, len(one.classes)))
    return header[: len(header) - size]


def _tensor_tables(index: int, export: _Export) -> str:
    plan, quantized = export.plan, export.quantized
    lines = [
        f"/* Tensor {index}, {comment(plan.name)}: {plan.dtype} {'x'.join(map(str, plan.shape))}."
    ]
    if plan.dense is not None:
        lines.append(f" * {comment(dense_description(plan.dense))} */")
        lines += dense_tables(plan.dense, plan.shape, plan.dtype, plan.zero_point, str(index))
    if quantized is not None:
        lines += _quantized_tables(index, export, quantized)
    if export.header:
        lines.append(array("uint8_t", f"header_{index}", export.header))
    return "\n".join(lines)


def _quantized_tables(index: int, export: _Export, quantized: _Quantized) -> list[str]:
    form, quantizer = quantized.form, quantized.quantizer
    lines = [
        f" * {comment(description(quantizer))}",
        f" * Form: {form.name}, {form.cost.flash_bytes} bytes of tables. */",
    ]
    lines += quantizer_tables(form, str(index))
    lines.append(values_table(quantized.values, str(index)))
    lines.append(
        f"static const fmq_dequantizer_t dequantizer_{index} = {{\n"
        f"    {INPUT_CODES[export.plan.dtype]}, {quantizer.bit_depth}, values_{index}, 0, 0\n}};\n"
    )
    if export.partition is not None:
        lines += partition_tables(
            export.partition,
            form,
            quantized.samples,
            index,
            quantized.flash_budget,
            quantized.centroids,
        )
    return lines


def _tensor_row(index: int, export: _Export) -> str:
    geometry = export.geometry
    partition = "0" if export.partition is None else f"&partition_{index}"
    dense = "0" if export.plan.dense is None else f"&dense_{index}"
    header = f"header_{index}" if export.header else "0"
    return (
        f"    {{{geometry.rows}u, {geometry.columns}u, {geometry.channels}u, {geometry.count}u, "
        f"{export.centre}u, {export.bit_depth}u, {export.profile}u, &quantizer_{index}, "
        f"&dequantizer_{index}, {header}, {len(export.header)}u, {partition}, "
        f"{dense}}}"
    )


def _preamble(deployment: Deployment) -> bytes:
    writer = Writer()
    write_preamble(writer, deployment.preamble)
    return bytes(writer.data)


def _banner(deployment: Deployment) -> str:
    return (
        f"/* Generated by fmq-embedded {fmq_embedded.__version__}; do not edit. */\n"
        f"/* Deployment {comment(deployment.name)}, tables {deployment.crc32:08x}. */\n"
    )


def _version_check() -> str:
    major, minor = fmq_embedded.__version__.split(".")[:2]
    return (
        f"#if FMQ_VERSION_MAJOR != {major} || FMQ_VERSION_MINOR != {minor}\n"
        f'#error "these tables were generated for libfmq {major}.{minor}; generate them anew"\n'
        "#endif"
    )


def _rounded_up(size: int) -> int:
    return (size + 3) // 4 * 4
