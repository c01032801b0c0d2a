"""Exported projects build in their build systems, and code what the deployment codes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import kconfiglib
import numpy as np
import pytest
import yaml

from firmware_tools.layouts.layout import LAYOUTS, laid_out, stale, write_layout
from fmq_embedded.deploy.conformance import case_maps
from fmq_embedded.deploy.deployment_files import load
from fmq_embedded.errors import InputError
from tests.tasks.running import fmq

pytestmark = pytest.mark.xdist_group("layouts")

HERE = Path(__file__).parent
ARDUINO_FLAGS = ("-mmcu=atmega2560", "-Os", "-w", "-ffunction-sections", "-fdata-sections")


def run(*command: object, folder: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def exported(name: str, deployment: Path, target: Path) -> Path:
    write_layout(target, laid_out(name, load(deployment)))
    return target


def built_by_cmake(project: Path) -> str:
    """What the program of a project prints."""
    build = project / "build"
    flags = "-Wall -Wextra -Wconversion -Wshadow -Wundef -Wvla -Wpedantic -Werror"
    run("cmake", "-G", "Ninja", "-S", project, "-B", build, f"-DCMAKE_C_FLAGS={flags}",
        folder=project)  # fmt: skip
    run("cmake", "--build", build, folder=project)
    return run(build / "program", folder=project)


def write_program(project: Path, deployment: Path, cmake: str) -> None:
    """A program that codes the deployment's case and prints the stream in hexadecimal."""
    maps = case_maps(load(deployment), deployment)
    words = np.concatenate([array.astype("<f4").view("<u4").ravel() for array in maps.values()])
    (project / "samples.h").write_text(
        "static const uint32_t samples[] = {" + ", ".join(f"{word}u" for word in words) + "};\n"
    )
    (project / "program.c").write_text((HERE / "code_case.c").read_text())
    (project / "CMakeLists.txt").write_text(cmake)


def stream_of(deployment: Path) -> str:
    return (deployment / "conformance/stream.fmq").read_bytes().hex()


def test_a_cmake_project_links_the_library(deployment: Path, tmp_path: Path) -> None:
    exported("cmake", deployment, tmp_path / "fmq")
    write_program(
        tmp_path,
        deployment,
        "cmake_minimum_required(VERSION 3.13)\nproject(user C)\nadd_subdirectory(fmq)\n"
        "add_executable(program program.c)\ntarget_link_libraries(program PRIVATE fmq::fmq)\n",
    )
    assert built_by_cmake(tmp_path).strip() == stream_of(deployment)


def test_a_zephyr_module_builds_with_what_zephyr_gives_it(deployment: Path, tmp_path: Path) -> None:
    module = exported("zephyr", deployment, tmp_path / "fmq")
    description = yaml.safe_load((module / "zephyr/module.yml").read_text())
    build = description["build"]
    assert (module / build["cmake"] / "CMakeLists.txt").is_file()
    symbols = kconfiglib.Kconfig(str(module / build["kconfig"]), warn_to_stderr=False).syms
    assert symbols["FMQ"].type == kconfiglib.BOOL
    write_program(
        tmp_path,
        deployment,
        "cmake_minimum_required(VERSION 3.13)\nproject(user C)\nset(CONFIG_FMQ y)\n"
        "function(zephyr_include_directories)\n"
        "  foreach(folder ${ARGN})\n"
        "    include_directories(${CMAKE_CURRENT_SOURCE_DIR}/${folder})\n"
        "    set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY\n"
        "      INCLUDE_DIRECTORIES ${CMAKE_CURRENT_SOURCE_DIR}/${folder})\n"
        "  endforeach()\nendfunction()\n"
        "function(zephyr_library)\n  add_library(module STATIC)\nendfunction()\n"
        "function(zephyr_library_sources)\n"
        "  target_sources(module PRIVATE ${ARGN})\nendfunction()\n"
        f"add_subdirectory(fmq/{build['cmake']})\n"
        "add_executable(program program.c)\ntarget_link_libraries(program PRIVATE module)\n",
    )
    assert built_by_cmake(tmp_path).strip() == stream_of(deployment)


def test_an_arduino_library_builds_as_the_ide_builds_it(deployment: Path, tmp_path: Path) -> None:
    library = exported("arduino", deployment, tmp_path / "fmq")
    properties = dict(
        line.split("=", 1) for line in (library / "library.properties").read_text().splitlines()
    )
    assert (library / "src" / properties["includes"]).is_file()
    assert properties["name"] == "fmq_tiny"
    (tmp_path / "Arduino.h").write_text((HERE / "Arduino.h").read_text())
    sketch = tmp_path / "sketch.cpp"
    sketch.write_text(
        "#include <Arduino.h>\n" + (library / "examples/SendMaps/SendMaps.ino").read_text()
    )
    includes = [f"-I{library / 'src'}", f"-I{tmp_path}"]
    sources = sorted((library / "src").rglob("*.c"))
    run("avr-gcc", "-std=gnu11", *ARDUINO_FLAGS, *includes, "-c", *sources, folder=tmp_path)
    run("avr-g++", "-std=gnu++11", "-fno-exceptions", *ARDUINO_FLAGS, *includes, "-c", sketch,
        folder=tmp_path)  # fmt: skip
    objects = sorted(tmp_path.glob("*.o"))
    assert len(objects) == len(sources) + 1
    run("avr-gcc", *ARDUINO_FLAGS, "-Wl,--gc-sections", *objects, "-o", "sketch.elf",
        folder=tmp_path)  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_the_same_each_time_and_says_what_is_stale(
    deployment: Path, tmp_path: Path, name: str
) -> None:
    files = laid_out(name, load(deployment))
    assert files == laid_out(name, load(deployment))
    assert sorted(stale(tmp_path, files)) == sorted(files)
    exported(name, deployment, tmp_path)
    assert stale(tmp_path, files) == []
    (tmp_path / "LICENSE").write_text("another\n")
    assert stale(tmp_path, files) == ["LICENSE"]


def test_an_unknown_layout_is_refused(deployment: Path) -> None:
    with pytest.raises(InputError, match="no layout is called 'bazel'"):
        laid_out("bazel", load(deployment))


def test_the_task_writes_and_checks(deployment: Path, tmp_path: Path) -> None:
    call = ("headers", "--deployment", deployment, "--layout", "cmake")
    fmq(tmp_path, *call).assert_refused(2, "--out")
    assert "for cmake" in fmq(tmp_path, *call, "--out", "fmq").out
    assert fmq(tmp_path, *call, "--out", "fmq", "--check").status == 0
    (tmp_path / "fmq/src/codec.c").write_text("")
    fmq(tmp_path, *call, "--out", "fmq", "--check").assert_refused(
        1, "src/codec.c", "--layout cmake --out fmq"
    )
