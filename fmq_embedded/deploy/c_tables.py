"""A deployment as C: const integer tables and what libfmq must know of each tensor.

The same deployment gives the same text, with no clock and no path in it. The files compile as
C99, C11 and C++11, and refuse another version of libfmq.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import fmq_embedded
from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.headers import write_preamble, write_tensor_header
from fmq_embedded.codec import centre_of
from fmq_embedded.deploy.deployment import Deployment, TensorPlan
from fmq_embedded.entropy import Geometry, packed_size
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.exact import reconstruction_values
from fmq_embedded.quantizers.forms import FORM_CODES, INPUT_CODES, Form, choose_form
from fmq_embedded.quantizers.samples import SampleType

HEADER = "fmq_tables.h"
SOURCE = "fmq_tables.c"
FLASH_BUDGET = 4096
LARGEST_CONSTANT_PAYLOAD = 3
CRC_SIZE = 4

_FIELDS = ("shift", "exponent", "multiplier", "addend", "base", "pivot", "dead_zone")


def c_tables(deployment: Deployment, flash_budget: int = FLASH_BUDGET) -> dict[str, str]:
    """The text of the header and of the source, by file name.

    Args:
        deployment: calibrated.
        flash_budget: bytes of tables that one quantizer may take; the fastest form within it
            is chosen.

    Raises:
        InputError: the deployment has a tensor without a quantizer.
    """
    exports = [_Export.of(plan, flash_budget) for plan in deployment.tensors]
    return {HEADER: _header(deployment, exports), SOURCE: _source(deployment, exports)}


@dataclass(frozen=True)
class _Export:
    """One tensor and what is written of it."""

    plan: TensorPlan
    geometry: Geometry
    quantizer: Quantizer
    form: Form
    values: npt.NDArray[np.generic]
    header: bytes
    centre: int

    @classmethod
    def of(cls, plan: TensorPlan, flash_budget: int) -> _Export:
        header = plan.header
        assert header.quantizer is not None
        samples = SampleType(plan.dtype, plan.scale, plan.zero_point)
        writer = Writer()
        write_tensor_header(writer, header, named=False)
        return cls(
            plan,
            Geometry.of(plan.shape),
            header.quantizer,
            choose_form(header.quantizer, samples, flash_budget),
            reconstruction_values(header.quantizer, samples),
            bytes(writer.data),
            centre_of(header),
        )

    @property
    def level_bytes(self) -> int:
        return self.geometry.count * (1 if self.quantizer.bit_depth <= 8 else 2)

    @property
    def sample_bytes(self) -> int:
        return self.geometry.count * np.dtype(self.plan.dtype).itemsize

    @property
    def stream_bytes(self) -> int:
        packed = packed_size(self.geometry.count, self.quantizer.bit_depth)
        return len(self.header) + 1 + max(packed, LARGEST_CONSTANT_PAYLOAD)

    @property
    def work_key(self) -> int:
        return self.geometry.channels * (self.geometry.columns + 5)


def _header(deployment: Deployment, exports: list[_Export]) -> str:
    guard = f"FMQ_TABLES_{_identifier(deployment.name).upper()}_H"
    stream = len(_preamble(deployment)) + sum(e.stream_bytes for e in exports) + CRC_SIZE
    widest = max(exports, key=lambda export: export.work_key).geometry
    return f"""{_banner(deployment)}
#ifndef {guard}
#define {guard}

#include <fmq/codec.h>
#include <fmq/deployment.h>
#include <fmq/version.h>

{_version_check()}

/* Sizes for the buffers of a firmware that holds all tensors at once, in bytes. */
#define FMQ_MAX_INPUT_BYTES {sum(_rounded_up(e.sample_bytes) for e in exports)}u
#define FMQ_MAX_LEVEL_BYTES {sum(_rounded_up(e.level_bytes) for e in exports)}u
#define FMQ_MAX_STREAM_BYTES {stream}u
#define FMQ_WORK_BYTES FMQ_WORK_SIZE({widest.columns}u, {widest.channels}u)

#ifdef __cplusplus
extern "C" {{
#endif

/* Deployment "{_comment(deployment.name)}": {len(exports)} tensor(s). */
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
    parts.append(_array("uint8_t", "preamble", _preamble(deployment)))
    parts.append(
        "const fmq_deployment_t fmq_deployment = {\n"
        f'    "{_string(deployment.name)}", 0x{deployment.crc32:08x}u, preamble, '
        f"{len(_preamble(deployment))}u, tensors, {len(exports)}u\n}};\n"
    )
    return "\n".join(parts)


def _tensor_tables(index: int, export: _Export) -> str:
    form, quantizer = export.form, export.quantizer
    lines = [
        f"/* Tensor {index}, {_comment(export.plan.name)}: {export.plan.dtype} "
        f"{'x'.join(map(str, export.plan.shape))}.",
        f" * {_comment(_description(quantizer))}",
        f" * Form: {form.name}, {form.cost.flash_bytes} bytes of tables. */",
    ]
    table = getattr(form, "table", None)
    if table is not None:
        lines.append(_array(f"{table.dtype.name}_t", f"table_{index}", table.tolist()))
    fields = ", ".join(_number(field, getattr(form, field, 0)) for field in _FIELDS)
    lines.append(
        f"static const fmq_quantizer_t quantizer_{index} = {{\n"
        f"    {FORM_CODES[form.name]}, {INPUT_CODES[form.input]}, {form.bit_depth}, {fields}, "
        f"{f'table_{index}' if table is not None else '0'}\n}};\n"
    )
    values = export.values
    if values.dtype == np.float32:
        values = values.view(np.uint32)
        lines.append(_array("uint32_t", f"values_{index}", values.tolist(), "0x{:08x}u"))
    else:
        lines.append(_array(f"{values.dtype.name}_t", f"values_{index}", values.tolist()))
    lines.append(
        f"static const fmq_dequantizer_t dequantizer_{index} = {{\n"
        f"    {INPUT_CODES[export.plan.dtype]}, {quantizer.bit_depth}, values_{index}\n}};\n"
    )
    lines.append(_array("uint8_t", f"header_{index}", export.header))
    return "\n".join(lines)


def _tensor_row(index: int, export: _Export) -> str:
    geometry = export.geometry
    return (
        f"    {{{geometry.rows}u, {geometry.columns}u, {geometry.channels}u, {geometry.count}u, "
        f"{export.centre}u, {export.quantizer.bit_depth}u, &quantizer_{index}, "
        f"&dequantizer_{index}, header_{index}, {len(export.header)}u}}"
    )


def _description(quantizer: Quantizer) -> str:
    """The quantizer in words, its parameters exactly (as hexadecimal floating point)."""
    what = "explicit, fitted to " if quantizer.is_explicit else ""
    names = [f"{value!r} = {value.hex()}" for value in quantizer.parameters]
    text = f"{what}{quantizer.distribution}, {quantizer.bit_depth} bits"
    if names:
        text += f", parameters {', '.join(names)}"
    if (quantizer.step_size, quantizer.rounding_offset) != (1.0, 0.5):
        text += f", step {quantizer.step_size!r}, offset {quantizer.rounding_offset!r}"
    return f"{text}, rounding {quantizer.rounding}"


def _array(
    kind: str, name: str, values: Iterable[int], pattern: str = "{}", per_line: int = 10
) -> str:
    numbers = [pattern.format(_plain(kind, value)) for value in values]
    lines = [
        "    " + ", ".join(numbers[start : start + per_line])
        for start in range(0, len(numbers), per_line)
    ]
    body = ",\n".join(lines)
    return f"static const {kind} {name}[{len(numbers)}] = {{\n{body}\n}};\n"


def _plain(kind: str, value: int) -> str | int:
    # −2^31 has no literal in C: the minus would be applied to a number that does not fit.
    return "INT32_MIN" if kind == "int32_t" and value == -(2**31) else value


def _number(field: str, value: int) -> str:
    if field == "multiplier":
        return f"{value}u"
    if field == "addend":
        return f"INT64_C({value})"
    return str(_plain("int32_t", value))


def _preamble(deployment: Deployment) -> bytes:
    writer = Writer()
    write_preamble(writer, deployment.preamble)
    return bytes(writer.data)


def _banner(deployment: Deployment) -> str:
    return (
        f"/* Generated by fmq-embedded {fmq_embedded.__version__}; do not edit. */\n"
        f"/* Deployment {_comment(deployment.name)}, tables {deployment.crc32:08x}. */\n"
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


def _identifier(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "_", name) or "_"


def _comment(text: str) -> str:
    """Text that cannot end a comment or leave its line."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return re.sub(r"[\r\n]+", " ", plain).replace("*/", "* /").replace("/*", "/ *").rstrip("\\")


def _string(text: str) -> str:
    return re.sub(r"[^ 0-9A-Za-z_.-]", "_", text)
