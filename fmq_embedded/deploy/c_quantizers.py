"""Quantizers as C: a form's fields and table, and reconstruction values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.c_text import array, int32
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.forms import FORM_CODES, INPUT_CODES, Form

_FIELDS = ("shift", "exponent", "multiplier", "addend", "base", "pivot", "dead_zone")

Values = npt.NDArray[Any]


def quantizer_tables(form: Form, suffix: str) -> list[str]:
    """`quantizer_<suffix>`, with `table_<suffix>` before it where the form has one."""
    lines = []
    table = getattr(form, "table", None)
    if table is not None:
        lines.append(array(f"{table.dtype.name}_t", f"table_{suffix}", table.tolist()))
    fields = ", ".join(_number(field, getattr(form, field, 0)) for field in _FIELDS)
    lines.append(
        f"static const fmq_quantizer_t quantizer_{suffix} = {{\n"
        f"    {FORM_CODES[form.name]}, {INPUT_CODES[form.input]}, {form.bit_depth}, {fields}, "
        f"{f'table_{suffix}' if table is not None else '0'}\n}};\n"
    )
    return lines


def values_table(values: Values, suffix: str) -> str:
    """`values_<suffix>`: samples, float32 ones as their bits."""
    name = f"values_{suffix}"
    if values.dtype == np.float32:
        return array("uint32_t", name, values.view(np.uint32).tolist(), "0x{:08x}u")
    return array(f"{values.dtype.name}_t", name, values.tolist())


def description(quantizer: Quantizer) -> str:
    """The quantizer in words, its parameters exactly (as hexadecimal floating point)."""
    what = "explicit, fitted to " if quantizer.is_explicit else ""
    names = [f"{value!r} = {value.hex()}" for value in quantizer.parameters]
    text = f"{what}{quantizer.distribution}, {quantizer.bit_depth} bits"
    if names:
        text += f", parameters {', '.join(names)}"
    if (quantizer.step_size, quantizer.rounding_offset) != (1.0, 0.5):
        text += f", step {quantizer.step_size!r}, offset {quantizer.rounding_offset!r}"
    return f"{text}, rounding {quantizer.rounding}"


def _number(field: str, value: int) -> str:
    if field == "multiplier":
        return f"{value}u"
    if field == "addend":
        return f"INT64_C({value})"
    return int32(value)
