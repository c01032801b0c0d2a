"""Nothing leaks of a key: not by the way that the verifier takes; none is in the sources."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from firmware_tools.toolchains.host import host_compiler
from tests.link.host_firmware import APP
from tests.tasks.running import ROOT

# Prints the branches, as a sum over their addresses in order, that checking a tag takes: for each
# byte of the tag that is wrong, each byte of the key that is another, none, and all.
PROGRAM = """
#include "hmac.h"
#include <stdio.h>
#include <string.h>

void __sanitizer_cov_trace_pc(void);
bool EQUAL(const uint8_t *tag, const uint8_t *other);

static unsigned long long way;

void __sanitizer_cov_trace_pc(void)
{
    way = (way ^ (unsigned long long)__builtin_return_address(0)) * 1099511628211ull;
}

static bool holds(const uint8_t *key, const uint8_t *data, const uint8_t *tag)
{
    sha256_t hash;
    uint8_t right[HMAC_BYTES];

    hmac_start(&hash, key, 32u);
    hmac_add(&hash, data, 100u);
    hmac_finish(&hash, key, 32u, right);
    return EQUAL(right, tag);
}

int main(void)
{
    uint8_t key[32], data[100], tag[HMAC_BYTES], wrong[HMAC_BYTES];
    unsigned turn;

    for (turn = 0; turn <= 65u; turn++) {
        sha256_t hash;
        bool is_right;

        memset(key, 0x5A, sizeof key);
        memset(data, (int)turn, sizeof data);
        key[turn % 32u] ^= (uint8_t)turn;
        hmac_start(&hash, key, 32u);
        hmac_add(&hash, data, 100u);
        hmac_finish(&hash, key, 32u, tag);
        memcpy(wrong, tag, sizeof tag);
        if (turn < 32u) {
            wrong[turn] ^= 1u;
        }
        if (turn == 65u) {
            memset(wrong, 0, sizeof wrong);
        }
        way = 0u;
        is_right = holds(key, data, wrong);
        printf("%d %llu\\n", (int)is_right, way);
    }
    return 0;
}
"""
HASTY = """
#include "hmac.h"

bool hasty(const uint8_t *tag, const uint8_t *other);
bool hasty(const uint8_t *tag, const uint8_t *other)
{
    unsigned at;

    for (at = 0; at < HMAC_BYTES; at++) {
        if (tag[at] != other[at]) {
            return false;
        }
    }
    return true;
}
"""


def ways(folder: Path, equal: str) -> tuple[list[str], set[str]]:
    """Whether each tag was right, and the different ways that checking them took."""
    (folder / "ways.c").write_text(PROGRAM)
    (folder / "hasty.c").write_text(HASTY)
    compiler = host_compiler()
    if Path(compiler.command[0]).name not in ("gcc", "clang", "cc"):
        assert not os.environ.get("CI"), "CI must have gcc or clang"
        pytest.skip("needs gcc or clang: zig links no calls at branches")
    flags = [*compiler.flags, "-O2", "-no-pie", "-fno-pie", f"-I{APP}", f"-DEQUAL={equal}"]
    seen = [str(path) for path in (APP / "hmac.c", APP / "sha256.c", folder / "hasty.c")]
    # A jump in the place of a last call would hide from where it was.
    tracing = ["-fsanitize-coverage=trace-pc", "-fno-optimize-sibling-calls", "-c"]
    compiler.run([*flags, *tracing, *seen], folder, "compiling the verifier")
    objects = ["hmac.o", "sha256.o", "hasty.o"]
    compiler.run([*flags, "ways.c", *objects, "-o", "ways"], folder, "linking the verifier")
    done = subprocess.run([folder / "ways"], capture_output=True, check=True, text=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return [right for right, _ in rows], {way for _, way in rows}


def test_the_verifier_takes_one_way_whatever_the_key_and_the_tag(tmp_path: Path) -> None:
    right, taken = ways(tmp_path, "hmac_equal")
    assert right == ["0"] * 32 + ["1"] * 33 + ["0"]
    assert len(taken) == 1


def test_one_that_stops_at_the_first_wrong_byte_would_be_seen(tmp_path: Path) -> None:
    _, taken = ways(tmp_path, "hasty")
    assert len(taken) == 33


def test_no_key_is_in_the_sources() -> None:
    """A firmware's key comes from its builder's file alone; there is none to fall back on."""
    folders = [ROOT / name for name in ("firmware_tools", "fmq_embedded", "boards")]
    files = [path for folder in folders for path in folder.rglob("*.[chp]*") if path.is_file()]
    files = [path for path in files if path.suffix != ".pyc"]
    assert len(files) > 300
    defining = {path.name for path in files if b"#define FMQ_KEY " in path.read_bytes()}
    assert defining == {"authentication.py"}  # the template
    assert not [path for path in files if path.name == "fmq_key.h"]
