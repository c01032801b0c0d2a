"""A partition as C: the quantizer of each class, and the class of each channel or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.c_quantizers import description, quantizer_tables, values_table
from fmq_embedded.deploy.c_text import array, comment
from fmq_embedded.errors import InputError
from fmq_embedded.partition import Partition
from fmq_embedded.quantizers.exact import reconstruction_values
from fmq_embedded.quantizers.forms import Form, TableForm, choose_form
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.vector import VectorQuantizer

KIND_CODES = {"channel": 0, "region": 1, "block": 2}
RUN_SHIFT = 24
LONGEST_RUN = (1 << RUN_SHIFT) - 1
LARGEST_CLASSIFIED = 1 << 27
"""As fmq_classify has it: samples of a channel or position times levels of the base."""


def partition_tables(
    partition: Partition,
    form: Form,
    samples: SampleType,
    index: int,
    flash_budget: int,
    centroids: Sequence[tuple[int, int, int]] = (),
) -> list[str]:
    """`partition_<index>` and all that it points at, behind `quantizer_` and `values_<index>`.

    Args:
        partition: of tensor `index`.
        form: of its base, which `quantizer_<index>` has.
        samples: the tensor's type.
        index: of the tensor.
        flash_budget: bytes of tables that the quantizer of one class may take.
        centroids: of classes that the device finds in each map: the class map is then a variable,
            and that of `partition` does not count.

    Raises:
        InputError: dynamic classes of a map that fmq_classify refuses.
    """
    lines, rows = [], []
    for number, chosen in enumerate(partition.classes):
        suffix = f"{index}_{number}"
        quantizer, values, codebook = f"quantizer_{suffix}", f"values_{suffix}", "0"
        lowest = partition.joint_centre - partition.class_centres[number]
        top = partition.class_tops[number]
        if isinstance(chosen, VectorQuantizer):
            lines += _vector_tables(partition, number, samples, suffix)
            quantizer, codebook = f"quantizer_{index}", f"&codebook_{suffix}"
        elif partition.quantizers[number] == partition.base and not isinstance(form, TableForm):
            quantizer, values = f"quantizer_{index}", f"values_{index}"
        else:
            lines += _scalar_tables(partition, number, samples, suffix, flash_budget)
        rows.append(f"    {{&{quantizer}, {values}, {codebook}, {lowest}u, {lowest + top}u}}")
    lines.append(f"static const fmq_class_t classes_{index}[] = {{\n" + ",\n".join(rows) + "\n};\n")
    dynamic = "0, 0"
    if centroids:
        _check_classified(partition)
        lines += _centroid_tables(partition, centroids, index)
        where, dynamic = f"cells_{index}, 0", f"cells_{index}, &centroids_{index}"
    elif partition.kind == "channel":
        lines.append(array("uint8_t", f"cells_{index}", partition.class_of.tolist(), per_line=20))
        where = f"cells_{index}, 0"
    else:
        runs = class_runs(partition).tolist()
        lines.append(array("uint32_t", f"runs_{index}", runs, "0x{:08x}u", per_line=6))
        where = f"0, runs_{index}"
    lines.append(
        f"static const fmq_partition_t partition_{index} = {{\n"
        f"    {KIND_CODES[partition.kind]}, {len(partition.classes)}u, classes_{index}, "
        f"{where}, {dynamic}\n"
        "};\n"
    )
    return lines


def _centroid_tables(
    partition: Partition, centroids: Sequence[tuple[int, int, int]], index: int
) -> list[str]:
    features = [value for centroid in centroids for value in centroid]
    return [
        array("int16_t", f"features_{index}", features, per_line=9),
        f"static const fmq_centroids_t centroids_{index} = "
        f"{{features_{index}, {padding_level(partition)}u}};\n",
        f"static uint8_t cells_{index}[{partition.class_of.size}];\n",
    ]


def _check_classified(partition: Partition) -> None:
    """The variance of a channel or position must fit 64 bits on the device."""
    geometry, depth = partition.geometry, partition.base.bit_depth
    count = geometry.channels if partition.kind == "region" else geometry.rows * geometry.columns
    if count << depth > LARGEST_CLASSIFIED:
        raise InputError(
            f"a device cannot find the classes of {partition.kind}s of {count} samples at {depth} "
            f"bits: samples times levels are {count << depth} and may be {LARGEST_CLASSIFIED}; "
            "give the tensor fewer bits or static classes"
        )


def class_runs(partition: Partition) -> npt.NDArray[np.uint32]:
    """The classes of a map's samples as runs in coding order: class << 24 | samples."""
    flat = partition.class_of.reshape(-1)
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    unit = partition.geometry.channels if partition.kind == "region" else 1
    runs: list[int] = []
    for own, length in zip(flat[starts], np.diff(starts, append=flat.size) * unit, strict=True):
        left = int(length)
        while left:
            part = min(left, LONGEST_RUN)
            runs.append(int(own) << RUN_SHIFT | part)
            left -= part
    return np.array(runs, np.uint32)


def class_form(partition: Partition, number: int, samples: SampleType, flash_budget: int) -> Form:
    """The form of a scalar class: a table has joint levels in it, others give levels from 0.

    Args:
        partition, number: the class.
        samples: the tensor's type.
        flash_budget: bytes of tables that the class may take.
    """
    form = choose_form(partition.quantizers[number], samples, flash_budget)
    if not isinstance(form, TableForm):
        return form
    lowest = partition.joint_centre - partition.class_centres[number]
    joint = np.minimum(form.table, partition.class_tops[number]).astype(np.int64) + lowest
    dtype = np.uint8 if partition.bit_depth <= 8 else np.uint16
    return replace(form, bit_depth=partition.bit_depth, table=joint.astype(dtype))


def class_values(partition: Partition, number: int, samples: SampleType) -> npt.NDArray[Any]:
    """The samples of each level of a class; of a vector class, those of each codeword."""
    chosen = partition.classes[number]
    values: npt.NDArray[Any] = reconstruction_values(partition.quantizers[number], samples)
    if isinstance(chosen, VectorQuantizer):
        values = values[np.array(chosen.codewords)]
        return values.reshape(-1)
    return values[: partition.class_tops[number] + 1]


def padding_level(partition: Partition) -> int:
    """The level of the base that fills the last vector of a position."""
    return int(partition.base.quantize(np.array([partition.centre_value], np.float32))[0])


def _scalar_tables(
    partition: Partition, number: int, samples: SampleType, suffix: str, flash_budget: int
) -> list[str]:
    return [
        f"/* Class {number}: {comment(description(partition.quantizers[number]))} */",
        *quantizer_tables(class_form(partition, number, samples, flash_budget), suffix),
        values_table(class_values(partition, number, samples), suffix),
    ]


def _vector_tables(
    partition: Partition, number: int, samples: SampleType, suffix: str
) -> list[str]:
    chosen = partition.classes[number]
    assert isinstance(chosen, VectorQuantizer)
    count, levels = len(chosen.codewords), [level for row in chosen.codewords for level in row]
    size = f"{count}u, {padding_level(partition)}u, {chosen.dimension}"
    return [
        f"/* Class {number}: {count} codewords of {chosen.dimension} levels. */",
        array("uint16_t", f"codewords_{suffix}", levels),
        f"static const fmq_codebook_t codebook_{suffix} = {{codewords_{suffix}, {size}}};\n",
        values_table(class_values(partition, number, samples), suffix),
    ]
