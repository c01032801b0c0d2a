"""What is fuzzed: each target becomes a program that takes libFuzzer's options."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.authentication import DEFINE, Key, write_key_header
from firmware_tools.firmware import APP, HERE, LIBFMQ_INCLUDE, library_sources, write_c
from firmware_tools.fuzzing.deployment import fuzzed_deployment
from firmware_tools.toolchains.compile import WARNINGS, Compiler
from fmq_embedded.deploy.c_tables import SOURCE
from fmq_embedded.errors import InputError, MissingToolError

_FOLDER = HERE / "fuzzing"
_KEY = Key(bytes(range(32)))
"""Of the fuzzed firmware: without one, tables that are as good as code come over the link."""
_SANITIZERS = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
# The sanitizers' own comparisons of pointers would drown those of the code.
_FLAGS = ("-O2", "-g1", *_SANITIZERS, "-fno-sanitize-coverage=trace-cmp")
_COUNTED_STEPS = ("-fsanitize-coverage=trace-pc", "-Wl,--wrap=__sanitizer_cov_trace_pc")
_NOT_FUZZED = ("main.c", "freestanding.c")


@dataclass(frozen=True)
class Target:
    """A fuzzer.

    Args:
        what: is fuzzed, by what, for people.
        prepare: builds it in a folder; gives the command that takes libFuzzer's options.
        largest: bytes of an input.
        megabytes: of memory, all in all, beyond which it is a finding.
        slowest_s: seconds for an input, beyond which it is one too. By far the most of Python's
            are for compiling, which the first inputs wait for. The decoder counts its steps
            itself; a clock is for a machine that does nothing else.
    """

    what: str
    prepare: Callable[[Path], list[str]]
    largest: int
    megabytes: int
    slowest_s: int


def _decoder(folder: Path) -> list[str]:
    sources = [_FOLDER / "decoder_fuzzer.c", _FOLDER / "fuzzed_deployments.c"]
    return _build([*sources, *library_sources()], [LIBFMQ_INCLUDE], _COUNTED_STEPS, folder)


def _link(folder: Path) -> list[str]:
    write_c(fuzzed_deployment(), folder)
    write_key_header(_KEY, folder)
    app = [path for path in sorted(APP.glob("*.c")) if path.name not in _NOT_FUZZED]
    sources = [_FOLDER / "link_fuzzer.c", *app, *library_sources(), folder / SOURCE]
    options = [f"-D{DEFINE}", '-DFMQ_BOARD_ID="fuzzed"', "-DFMQ_SLOT_BYTES=1024u"]
    options.append("-Wl,--defsym=__stack_top=__stack_bottom+256")
    return _build(sources, [APP, LIBFMQ_INCLUDE, folder], options, folder)


def _python(module: str) -> Callable[[Path], list[str]]:
    def prepare(folder: Path) -> list[str]:
        if importlib.util.find_spec("atheris") is None:
            raise MissingToolError("atheris is not installed; get it: pip install atheris")
        # A program of its own: libFuzzer starts itself again by its name.
        program = folder / "fuzzer"
        program.write_text(
            f"#!{sys.executable}\nimport runpy\n"
            f'runpy.run_module("firmware_tools.fuzzing.{module}", run_name="__main__")\n',
            encoding="utf-8",
        )
        program.chmod(0o755)
        return [str(program)]

    return prepare


TARGETS = {
    "decoder": Target("streams, in C", _decoder, 192, 512, 60),
    "link": Target("frames and requests, in C", _link, 2048, 512, 5),
    "python": Target("streams, in Python", _python("python_fuzzer"), 512, 2048, 60),
    "tflite": Target("model files, in Python", _python("tflite_fuzzer"), 4096, 2048, 60),
}


def _build(
    sources: Sequence[Path], include: Sequence[Path], options: Sequence[str], folder: Path
) -> list[str]:
    """Compile with clang's libFuzzer and sanitizers; gives the program."""
    clang = Compiler(("clang",))
    _check_fuzzer(clang)
    target = folder / "fuzzer"
    arguments = [*WARNINGS, *_FLAGS, *(f"-I{path}" for path in include), *options]
    clang.run([*arguments, *map(str, sources), "-o", str(target)], folder, "building the fuzzer")
    return [str(target)]


def _check_fuzzer(clang: Compiler) -> None:
    how = "get it: apt install clang libclang-rt-dev"
    with tempfile.TemporaryDirectory() as name:
        probe = Path(name) / "probe.c"
        probe.write_text(
            "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size);\n"
            "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size)\n"
            "{ return data == 0 && size != 0; }\n"
        )
        try:
            clang.run(
                [*_SANITIZERS, probe.name, "-o", "probe"], Path(name), "looking for libFuzzer"
            )
        except (MissingToolError, InputError) as error:
            raise MissingToolError(f"clang with libFuzzer is not installed; {how}") from error
