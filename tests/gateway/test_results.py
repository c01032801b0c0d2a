"""A result is one line of JSON, whose numbers are those of the tail."""

from __future__ import annotations

import json

import numpy as np

from firmware_tools.gateway import Result, result_line

SCORES = np.array([[0.1, -3.5, np.float32(1 / 3), 7.0]], np.float32)


def test_small_outputs_are_whole_and_exact() -> None:
    line = result_line(Result("a", 3, 99, {"scores": SCORES}), 4)
    assert "\n" not in line
    data = json.loads(line)
    assert (data["device"], data["number"], data["bytes"]) == ("a", 3, 99)
    assert data["outputs"]["scores"]["shape"] == [1, 4]
    values = np.array(data["outputs"]["scores"]["values"], np.float32)
    np.testing.assert_array_equal(values, SCORES[0])


def test_of_large_outputs_the_largest() -> None:
    data = json.loads(result_line(Result("a", 0, 1, {"scores": SCORES}), 2))
    assert data["outputs"]["scores"]["largest"] == [[3, 7.0], [2, 0.33333334]]
    whole = json.loads(result_line(Result("a", 0, 1, {"scores": SCORES}), 0))
    assert len(whole["outputs"]["scores"]["values"]) == 4


def test_codes_are_integers_and_what_json_lacks_is_null() -> None:
    outputs = {"codes": np.array([-128, 127], np.int8), "odd": np.array([np.nan, np.inf])}
    data = json.loads(result_line(Result("ä", 0, 1, outputs)))
    assert data["outputs"]["codes"]["values"] == [-128, 127]
    assert data["outputs"]["odd"]["values"] == [None, None]
    assert data["device"] == "ä"


def test_a_refused_bitstream_says_why() -> None:
    data = json.loads(result_line(Result("a", 0, 1, {}, "truncated")))
    assert data["refused"] == "truncated"
    assert "outputs" not in data
