"""Runs NNCodec for `rate_nncodec_peer`, under the Python that has it; imports nothing of ours.

Reads a line of JSON for each request from standard input: "input", an .npy of float32 with two
axes; "output", where the decoded array goes; "qp" and "lambda". Answers each with a line: the
stream's bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from nncodec import nnc

NAME = "0"


def main() -> None:
    """Answer requests until standard input ends."""
    answers = sys.stdout
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        for line in sys.stdin:
            request = json.loads(line)
            stream = nnc.compress(
                {NAME: np.load(request["input"])},
                bitstream_path=os.fspath(Path(folder) / "stream.nnc"),
                qp=request["qp"],
                use_dq=True,
                lambda_scale=request["lambda"],
                row_skipping=True,
                return_bitstream=True,
            )
            np.save(request["output"], nnc.decompress(stream)[NAME])
            print(len(stream), file=answers, flush=True)


if __name__ == "__main__":
    main()
