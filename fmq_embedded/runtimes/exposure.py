"""Reading the feature maps inside a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmq_embedded.tflite_file import (
    find_tensors,
    indices,
    read_model,
    signature_entries,
    write_model,
)


def expose(model: str | Path | bytes, tensors: Sequence[str]) -> bytes:
    """A model that also gives the named feature maps, after its own outputs.

    This is the safe way to read inner tensors: runtimes reuse their memory, and tflite-runtime's
    flag that should keep them replaces an operand of every ADD by its sum.

    Args:
        model: the .tflite file's bytes, or its path.
        tensors: the names of the feature maps; those that are outputs already stay where they are.

    Raises:
        InputError: for a tensor that is not there (with the nearest names), or a corrupt model.
    """
    whole = read_model(model)
    graph = whole.subgraphs[0]
    outputs = indices(graph.outputs)
    more = [index for index in find_tensors(whole, graph, tensors) if index not in outputs]
    graph.outputs = outputs + more
    for signature in whole.signatureDefs or []:
        if signature.subgraphIndex == 0:
            signature.outputs = [*(signature.outputs or []), *signature_entries(graph, more)]
    return write_model(whole)
