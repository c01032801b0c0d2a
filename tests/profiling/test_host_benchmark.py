"""The benchmark of the quantizers measures the three figures beside their peers."""

from __future__ import annotations

import numpy as np

from firmware_tools.profiling import host_benchmark


def test_three_comparisons_are_measured() -> None:
    found = host_benchmark.run(sample_count=4096, rounds=3)
    assert [each.peer for each in found] == ["LiteRT QUANTIZE", "np.take", "LiteRT DEQUANTIZE"]
    assert [each.limit for each in found] == [1.0, 0.5, 1.0]
    for each in found:
        assert each.unit == "ns/sample"
        assert each.peer_value is not None and each.ratio is not None
        assert min(each.value, each.peer_value, each.ratio) > 0


def test_the_peer_is_the_operator_that_it_names() -> None:
    interpreter = host_benchmark.single_operator("DEQUANTIZE", 3, 0.5)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.int8([-2, 0, 3]))
    interpreter.invoke()
    output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert output.tolist() == [-1.0, 0.0, 1.5]
