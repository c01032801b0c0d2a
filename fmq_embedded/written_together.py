"""Several files of one folder that are all the old ones or all the new ones.

They are written into a folder beside them first. A list of them, written last, makes them count;
then they are moved to their places. Whoever comes after a run that was ended in between goes on
where it stood. One run at a time writes; readers wait for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from fmq_embedded.errors import InputError
from fmq_embedded.files import make_folder, read_bytes, write_atomically

STAGED = ".next"
LIST = "list.json"


def write_together(folder: Path, files: Mapping[str, bytes | None]) -> None:
    """Write files, or remove those that are None: all of them or, if it is cut short, none.

    Args:
        folder: made if need be.
        files: by their names in the folder, with slashes for folders in it.

    Raises:
        InputError: the folder cannot be written; what was there is untouched.
    """
    make_folder(folder)
    with _alone(folder):
        _finish(folder)
        staged = folder / STAGED
        try:
            _stage(folder, staged, files)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        _finish(folder)


@contextlib.contextmanager
def read_together(folder: Path) -> Iterator[None]:
    """While this lasts the files of the folder stay as they are, and are of one writing.

    Raises:
        InputError: what an ended run has left to be done cannot be done.
    """
    if not folder.is_dir():
        yield
        return
    with _alone(folder):
        if (folder / STAGED / LIST).is_file():
            _finish(folder)
        yield


def _stage(folder: Path, staged: Path, files: Mapping[str, bytes | None]) -> None:
    for name, data in files.items():
        target = folder / name
        if target.exists() and not target.is_file():
            raise InputError(f"{target} cannot be written: it is not a file; take it away")
        make_folder((staged / name).parent)
        if data is not None:
            make_folder(target.parent)
            write_atomically(staged / name, data)
    names = {
        "write": [name for name, data in files.items() if data is not None],
        "remove": [name for name, data in files.items() if data is None],
    }
    write_atomically(staged / LIST, json.dumps(names).encode())


def _finish(folder: Path) -> None:
    """Move staged files to their places; without the list they do not count and are dropped."""
    staged = folder / STAGED
    if not staged.exists():
        return
    try:
        if (staged / LIST).is_file():
            write, remove = _listed(folder)
            for name in write:
                with contextlib.suppress(FileNotFoundError):  # it was moved already
                    (staged / name).replace(folder / name)
            for name in remove:
                (folder / name).unlink(missing_ok=True)
            (staged / LIST).unlink()
        shutil.rmtree(staged)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written: {error.strerror or error}; what was to be written is in "
            f"{staged} and will be put in place by the next run that can"
        ) from error


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    """What the list says is to be written and removed: a stranger's folder may hold any list."""
    path, inside = folder / STAGED / LIST, folder.resolve()
    try:
        names = json.loads(read_bytes(path))
        write, remove = list(names["write"]), list(names["remove"])
        places = [(inside / name).parent.resolve() for name in write + remove]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}; take {path.parent} away") from error
    if not all(place.is_relative_to(inside) for place in places):
        raise InputError(f"{path} names files outside of {folder}; take {path.parent} away")
    return write, remove


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for other processes that are at it; a process that ends lets go."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
