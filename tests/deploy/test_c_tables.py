"""The generated C: the same text each time, clean everywhere, and just the tables it should be."""

from __future__ import annotations

import ctypes
import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources
from firmware_tools.host_codec import HostCodec
from firmware_tools.toolchains import host_library
from firmware_tools.toolchains.compile import WARNINGS
from firmware_tools.verifying import standard_deployment
from fmq_embedded.deploy.c_tables import HEADER, SOURCE, c_tables
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from fmq_embedded.payloads import level_bits
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.exact import decision_thresholds, reconstruction_values
from fmq_embedded.quantizers.forms import FORM_CODES
from fmq_embedded.quantizers.samples import SampleType

COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "zig": [sys.executable, "-m", "ziglang", "cc"],
}
# In CI all are there: a missing one is a failure.
INSTALLED = [n for n in COMPILERS if os.environ.get("CI") or n == "zig" or shutil.which(n)]
HOSTILE = 'a*/ int x; /* "b" \\ ??/ ünï\n#error \\'
LARGE, SMALL = 1 << 18, 0


@functools.cache
def standard_tables(budget: int = 4096) -> dict[str, str]:
    return c_tables(standard_deployment(), budget)


def tables_of(*plans: TensorPlan, name: str = "d") -> dict[str, str]:
    return c_tables(Deployment(name, "", "", plans))


def plan(quantizer: Quantizer, dtype: str = "float32", **more: object) -> TensorPlan:
    return TensorPlan("t", (1, 2, 2, 3), dtype, quantizer=quantizer, **more)  # type: ignore[arg-type]


def write(texts: dict[str, str], folder: Path) -> Path:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="ascii")
    return folder


def compile_c(
    compiler: str, folder: Path, *arguments: str, source: str = SOURCE
) -> subprocess.CompletedProcess[str]:
    include = [f"-I{LIBFMQ_INCLUDE}", f"-I{folder}"]
    warnings = [flag for flag in WARNINGS if not flag.startswith("-std")]
    command = [*COMPILERS[compiler], "-c", *warnings, *arguments, *include, source]
    command += ["-o", str(folder / f"{compiler}.o")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def numbers(text: str, name: str) -> list[int]:
    """The values of a generated array."""
    found = re.search(rf"\b{name}\[\d+\] = {{([^}}]*)}}", text)
    assert found, name
    words = found[1].replace("INT32_MIN", str(-(2**31))).replace("\n", " ").split(",")
    return [int(word.strip().rstrip("u"), 0) for word in words]


def form_of(text: str, index: int) -> int:
    found = re.search(rf"quantizer_{index} = {{\s*(\d+),", text)
    assert found
    return int(found[1])


def test_the_text_is_the_same_each_time_and_ascii() -> None:
    first, second = c_tables(standard_deployment()), standard_tables()
    assert first == second
    assert set(first) == {HEADER, SOURCE}
    assert all(text.isascii() and text.endswith("\n") for text in first.values())


@pytest.mark.parametrize("compiler", INSTALLED)
@pytest.mark.parametrize("language", ["c99", "c11", "c++11"])
def test_every_form_compiles_without_a_warning(
    compiler: str, language: str, tmp_path: Path
) -> None:
    kind = "c++" if "+" in language else "c"
    for budget in (SMALL, 4096, LARGE):
        folder = tmp_path / str(budget)
        folder.mkdir()
        write(standard_tables(budget), folder)
        done = compile_c(compiler, folder, f"-std={language}", "-x", kind)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", INSTALLED)
@pytest.mark.parametrize("language", ["c99", "c++11"])
def test_the_header_alone_twice_in_two_files(compiler: str, language: str, tmp_path: Path) -> None:
    write(standard_tables(), tmp_path)
    body = f'#include "{HEADER}"\n' * 2
    body += "uint32_t {0}(void);\nuint32_t {0}(void) {{ return fmq_deployment.crc32; }}\n"
    kind = "c++" if "+" in language else "c"
    for name in ("one", "two"):
        (tmp_path / f"{name}.c").write_text(body.format(name))
        done = compile_c(compiler, tmp_path, f"-std={language}", "-x", kind, source=f"{name}.c")
        assert (done.returncode, done.stderr) == (0, "")


def test_a_cplusplus_program_links_to_tables_made_by_a_c_compiler(tmp_path: Path) -> None:
    gxx = shutil.which("g++")
    if gxx is None:
        assert not os.environ.get("CI"), "CI must have g++"
        pytest.skip("g++ is not installed")
    deployment = standard_deployment()
    write(standard_tables(), tmp_path)
    body = f'#include "{HEADER}"\n#include <cstdio>\n'
    body += 'int main() { std::printf("%08lx", (unsigned long)fmq_deployment.crc32); }\n'
    (tmp_path / "main.cpp").write_text(body)
    include = [f"-I{LIBFMQ_INCLUDE}", "-I."]
    subprocess.run(["gcc", "-c", SOURCE, *include], cwd=tmp_path, check=True)
    library = str(host_library(library_sources()))
    command = [gxx, "-std=c++11", "main.cpp", "fmq_tables.o", library, *include, "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    shown = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{deployment.crc32:08x}"


@pytest.mark.parametrize("compiler", INSTALLED)
@pytest.mark.parametrize("part", ["MAJOR", "MINOR"])
def test_another_version_of_the_library_is_refused(
    compiler: str, part: str, tmp_path: Path
) -> None:
    include = shutil.copytree(LIBFMQ_INCLUDE, tmp_path / "include")
    version = include / "fmq" / "version.h"
    changed = re.sub(rf"(FMQ_VERSION_{part}) \d+", r"\1 77", version.read_text())
    version.write_text(changed)
    write(tables_of(plan(Quantizer.uniform(0, 1))), tmp_path)
    done = compile_c(compiler, tmp_path, "-std=c99", f"-I{include}")
    assert done.returncode != 0
    assert "generated for libfmq 0.1; generate them anew" in done.stderr


@pytest.mark.parametrize("compiler", INSTALLED)
@pytest.mark.parametrize("language", ["c99", "c++11"])
def test_names_cannot_break_out(compiler: str, language: str, tmp_path: Path) -> None:
    hostile = replace(plan(Quantizer.uniform(0, 1)), name=HOSTILE)
    texts = c_tables(Deployment(HOSTILE, HOSTILE, "", (hostile,)))
    assert all(text.isascii() and "\n#error \\" not in text for text in texts.values())
    write(texts, tmp_path)
    kind = "c++" if "+" in language else "c"
    done = compile_c(compiler, tmp_path, f"-std={language}", "-x", kind)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["", "9", "é", "int", "a b-c.d"])
def test_any_name_gives_a_guard_that_is_an_identifier(name: str) -> None:
    header = tables_of(plan(Quantizer.uniform(0, 1)), name=name)[HEADER]
    guard = re.search(r"#ifndef (.*)", header)
    assert guard
    assert re.fullmatch(r"FMQ_TABLES_[0-9A-Z_]+_H", guard[1])
    assert f"#define {guard[1]}\n" in header


def test_between_them_the_budgets_give_every_form() -> None:
    texts = [standard_tables(budget)[SOURCE] for budget in (SMALL, 4096, LARGE)]
    count = len(standard_deployment().tensors)
    seen = {form_of(text, index) for text in texts for index in range(count)}
    assert seen == set(FORM_CODES.values())


@pytest.mark.parametrize("budget", [SMALL, 4096, LARGE])
def test_the_tables_are_the_exact_ones(budget: int) -> None:
    deployment = standard_deployment()
    text = standard_tables(budget)[SOURCE]
    checked = 0
    for index, item in enumerate(deployment.tensors):
        quantizer = item.chosen_quantizer
        samples = SampleType(item.dtype, item.scale, item.zero_point)
        exact = decision_thresholds(quantizer, samples).tolist()
        values = reconstruction_values(quantizer, samples)
        if values.dtype == np.float32:
            values = values.view(np.uint32)
        assert numbers(text, f"values_{index}") == values.tolist()
        form = form_of(text, index)
        if form == FORM_CODES["search"]:
            assert numbers(text, f"table_{index}") == exact
        elif form == FORM_CODES["estimate"]:
            assert numbers(text, f"table_{index}") == [-(2**31), *exact]
        elif form == FORM_CODES["table"]:
            unsigned = np.arange(2 ** (8 * np.dtype(item.dtype).itemsize))
            codes = unsigned.astype(f"uint{8 * np.dtype(item.dtype).itemsize}").view(item.dtype)
            expected = np.searchsorted(exact, codes.astype(np.int64), side="right")
            assert numbers(text, f"table_{index}") == expected.tolist()
        else:
            continue
        checked += 1
    assert checked >= 6


def test_the_lowest_int32_is_written_as_c_can_read_it() -> None:
    """−2147483648 is a minus before a number that does not fit into 32 bits."""
    text = standard_tables(LARGE)[SOURCE]
    assert "INT32_MIN" in text
    assert "-2147483648" not in text


def test_what_the_compiled_tables_say_is_the_plan() -> None:
    deployment = standard_deployment()
    codec = HostCodec(deployment)
    tables = codec._tables
    assert tables.name == b"standard"
    assert tables.crc32 == deployment.crc32
    assert tables.tensor_count == len(deployment.tensors)
    for index, item in enumerate(deployment.tensors):
        tensor = tables.tensors[index]
        assert (tensor.rows, tensor.columns, tensor.channels) == (8, 16, 8)
        assert tensor.count == int(np.prod(item.shape))
        assert tensor.bit_depth == level_bits(item.header)


def test_the_buffer_sizes_suffice(tmp_path: Path) -> None:
    """The header's sizes are at least what the library's own functions ask for."""
    deployment = standard_deployment()
    write(standard_tables(), tmp_path)
    macros = ("INPUT", "LEVEL", "STREAM")
    body = f'#include "{HEADER}"\n#include <fmq/codec.h>\nsize_t sizes(int which);\n'
    body += "size_t sizes(int which) {\n    switch (which) {\n"
    for index, macro in enumerate(macros):
        body += f"    case {index}: return FMQ_MAX_{macro}_BYTES;\n"
    body += "    default: return FMQ_WORK_BYTES;\n    }\n}\n"
    (tmp_path / "sizes.c").write_text(body)
    sources = [*library_sources(), tmp_path / SOURCE, tmp_path / "sizes.c"]
    library = ctypes.CDLL(str(host_library(sources, [LIBFMQ_INCLUDE, tmp_path])))
    library.sizes.restype = ctypes.c_size_t
    inputs, levels, stream, work = (library.sizes(index) for index in range(4))
    codec = HostCodec(deployment)
    assert inputs >= sum(
        int(np.prod(item.shape)) * np.dtype(item.dtype).itemsize for item in deployment.tensors
    )
    assert levels >= sum(
        int(np.prod(item.shape)) * (1 if level_bits(item.header) <= 8 else 2)
        for item in deployment.tensors
    )
    assert stream >= codec._library.fmq_stream_limit(ctypes.byref(codec._tables))
    assert work >= codec._work().size


def test_a_tensor_without_a_quantizer_is_refused() -> None:
    with pytest.raises(InputError, match="run `inv calibrate`"):
        tables_of(TensorPlan("t", (1, 2), "float32"))
