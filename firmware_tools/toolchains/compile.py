"""Compiles C sources to objects, side by side and the same bytes wherever they lie."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from fmq_embedded.errors import InputError, MissingToolError

WARNINGS = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wundef",
    "-Wvla",
    "-Wpedantic",
    "-Wdate-time",
    "-Werror",
)

# No clock, no path and no compiler's name may reach the output.
DETERMINISTIC = ("-g0", "-fno-ident")

TOOL_TIMEOUT_S = 600


@dataclass(frozen=True)
class Compiler:
    """A C compiler: its command and the environment it runs in.

    `flags` go to every compilation, `library_flags` to the link of a shared library.
    `maps_folders`: whether it can write other folders' names into the output; one before GCC 8
    cannot, and then a source must not use __FILE__ to be the same bytes anywhere.
    """

    command: tuple[str, ...]
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    library_flags: tuple[str, ...] = ()
    maps_folders: bool = True

    def run(self, arguments: Sequence[str], folder: Path, what: str) -> str:
        """Run the compiler in `folder` and return what it printed.

        Raises:
            MissingToolError: the command is not there.
            InputError: it failed; `what` says what was being done, its messages follow.
        """
        try:
            done = subprocess.run(
                [*self.command, *arguments],
                cwd=folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TOOL_TIMEOUT_S,
                check=False,
                text=True,
                errors="replace",
            )
        except FileNotFoundError as error:
            raise MissingToolError(
                f"the compiler {self.command[0]!r} is not there; install it or choose another"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{what} took more than {TOOL_TIMEOUT_S} s and was stopped") from error
        if done.returncode != 0:
            raise InputError(f"{what} failed:\n{done.stdout.strip()}")
        return done.stdout


def compile_objects(
    compiler: Compiler,
    sources: Sequence[Path],
    include_dirs: Sequence[Path],
    defines: Mapping[str, str],
    folder: Path,
) -> list[Path]:
    """Compile each source to `folder`/<its name>.o, as many at once as there are processors.

    Returns:
        The objects, in the order of the sources. Two sources of one name get `name.2.o` …
    """
    preprocessor = [f"-I{directory.resolve()}" for directory in include_dirs]
    preprocessor += [f"-D{name}={value}" for name, value in defines.items()]
    objects = _object_paths(sources, folder)

    def compile_one(job: tuple[Path, Path]) -> None:
        source, target = job
        path = source.resolve()
        if not path.is_file():
            raise InputError(f"there is no source file {source}; the build needs it")
        folders = (*include_dirs, path.parent) if compiler.maps_folders else ()
        maps = [f"-ffile-prefix-map={d.resolve()}=." for d in folders]
        arguments = [*compiler.flags, *preprocessor, *maps, "-c", str(path), "-o", target.name]
        compiler.run(arguments, folder, f"compiling {source}")

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(compile_one, zip(sources, objects, strict=True)))
    return objects


def _object_paths(sources: Sequence[Path], folder: Path) -> list[Path]:
    seen: dict[str, int] = {}
    paths = []
    for source in sources:
        count = seen[source.stem] = seen.get(source.stem, 0) + 1
        paths.append(folder / (f"{source.stem}.o" if count == 1 else f"{source.stem}.{count}.o"))
    return paths
