"""Cut a .tflite model in two at named feature maps: the head for the device, the tail behind it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fmq_embedded.errors import InputError
from fmq_embedded.tflite_file import (
    constant_operators,
    constant_tensors,
    find_tensors,
    indices,
    read_model,
    schema,
    signature_entries,
    tensor_name,
    write_model,
)

# What a model says of itself that still holds for a part of it. The rest describes the whole
# model's inputs, outputs or memory plan, and would be wrong.
_METADATA_KEPT: Final = frozenset(
    {b"min_runtime_version", b"CONVERSION_METADATA", b"reduced_precision_support"}
)


def split(model: str | Path | bytes, tensors: Sequence[str]) -> tuple[bytes, bytes]:
    """Cut a model at feature maps.

    The head holds the operators that the feature maps need, and gives them as its outputs; the
    tail holds the others, takes the feature maps as its inputs, and gives the model's outputs.
    Both list the feature maps in the order of `tensors`. Running the tail on what the head gives
    equals running the model, bit for bit where the runtime has the same kernels for the parts
    (tflite-runtime has others for a model with control flow). Weights that both parts need are
    in both; the operators that unpack weights (DEQUANTIZE of float16) stay with the weights.

    Args:
        model: the .tflite file's bytes, or its path.
        tensors: the names of the feature maps; together they must be all that the head hands
            to the tail.

    Returns:
        The bytes of the head and of the tail; the same for the same arguments.

    Raises:
        InputError: for a tensor that is not there (with the nearest names); when the tensors do
            not part the model in two (it names those missing, or not needed); when an operator's
            state would be in both parts; or when the model is corrupt.
    """
    whole = read_model(model)
    graph = whole.subgraphs[0]
    if not tensors:
        raise InputError("splitting a model needs the name of at least one tensor")
    cut = find_tensors(whole, graph, tensors)
    parts = _Parts.of(whole, graph, cut)
    inputs = set(indices(graph.inputs))
    head_inputs = [i for i in indices(graph.inputs) if i in parts.read_by(parts.head) | set(cut)]
    if not parts.head:
        raise InputError(f"{_names(graph, cut)}: nothing would be left in the head")
    if not parts.tail:
        raise InputError(f"{_names(graph, cut)}: nothing would be left in the tail")
    parts.check_cut(cut, inputs)
    parts.check_state()
    head = _extract(whole, sorted(parts.head | parts.constants(parts.head)), head_inputs, cut)
    tail_operators = sorted(parts.tail | parts.constants(parts.tail))
    return head, _extract(whole, tail_operators, cut, indices(graph.outputs))


@dataclass
class _Parts:
    """The operators of a graph, by the side of the cut that they fall on."""

    graph: Any
    fixed: set[int]  # tensors known before the model runs
    folded: set[int]  # operators that make such tensors
    makers: dict[int, int]  # the operator that makes a tensor
    head: set[int]
    tail: set[int]

    @classmethod
    def of(cls, whole: Any, graph: Any, cut: list[int]) -> _Parts:
        makers = {
            tensor: position
            for position, operator in enumerate(graph.operators)
            for tensor in indices(operator.outputs)
        }
        folded = constant_operators(whole, graph)
        fixed = constant_tensors(graph) | {t for t, maker in makers.items() if maker in folded}
        parts = cls(graph, fixed, folded, makers, set(), set())
        parts.head = parts.needed(cut, stop=set()) - folded
        parts.tail = parts.needed(indices(graph.outputs), stop=set(cut)) - folded - parts.head
        return parts

    def needed(self, tensors: Sequence[int], stop: set[int]) -> set[int]:
        """The operators that `tensors` need, walking back no further than `stop`."""
        found: set[int] = set()
        todo = list(tensors)
        while todo:
            tensor = todo.pop()
            if tensor in stop or tensor not in self.makers or self.makers[tensor] in found:
                continue
            found.add(self.makers[tensor])
            todo.extend(indices(self.graph.operators[self.makers[tensor]].inputs))
        return found

    def read_by(self, operators: set[int]) -> set[int]:
        """The tensors that the operators read."""
        return {t for o in operators for t in indices(self.graph.operators[o].inputs)}

    def constants(self, operators: set[int]) -> set[int]:
        """The operators that unpack the weights that `operators` read."""
        weights = sorted(self.read_by(operators) & self.fixed)
        return self.needed(weights, stop=set()) & self.folded

    def check_cut(self, cut: list[int], inputs: set[int]) -> None:
        """Check that the cut is exactly what the tail takes from the head."""
        made_by_head = {t for o in self.head for t in indices(self.graph.operators[o].outputs)}
        wanted = self.read_by(self.tail) | set(indices(self.graph.outputs))
        crossing = wanted & (made_by_head | inputs) - self.fixed
        missing = sorted(crossing - set(cut))
        if missing:
            raise InputError(
                f"{_names(self.graph, cut)} is not all that passes from the head to the tail; "
                f"name these too: {_names(self.graph, missing)}"
            )
        unused = [tensor for tensor in cut if tensor not in wanted]
        if unused:
            raise InputError(f"the tail does not need {_names(self.graph, unused)}; leave it out")

    def check_state(self) -> None:
        """Refuse a cut that would give each part its own copy of one state."""
        shared = self.read_by(self.head) & self.read_by(self.tail)
        state = [i for i in sorted(shared) if self.graph.tensors[i].isVariable]
        if state:
            raise InputError(
                f"both parts would need the state {_names(self.graph, state)}; cut elsewhere"
            )


def _extract(whole: Any, operators: list[int], inputs: list[int], outputs: list[int]) -> bytes:
    """A model of some operators of the first subgraph of `whole`."""
    part = copy.copy(whole)
    source = whole.subgraphs[0]
    graph = copy.copy(source)
    chosen = [copy.copy(source.operators[position]) for position in operators]
    used = set(inputs) | set(outputs)
    for operator in chosen:
        for vector in (operator.inputs, operator.outputs, operator.intermediates):
            used.update(indices(vector))
    place = {old: new for new, old in enumerate(sorted(used))}
    graph.tensors = [copy.copy(source.tensors[old]) for old in sorted(used)]
    graph.operators = chosen
    for operator in chosen:
        for name in ("inputs", "outputs", "intermediates"):
            vector = getattr(operator, name)
            if vector is not None:
                setattr(operator, name, [place.get(int(i), -1) for i in vector])
        operator.debugMetadataIndex = -1
    graph.inputs = [place[i] for i in inputs]
    graph.outputs = [place[i] for i in outputs]
    graph.debugMetadataIndex = -1
    part.subgraphs = [graph, *_other_subgraphs(whole, chosen)]
    part.signatureDefs = _signatures(whole, graph, place)
    part.metadata = [copy.copy(m) for m in whole.metadata or [] if m.name in _METADATA_KEPT]
    _drop_unused(part)
    return write_model(part)


def _other_subgraphs(whole: Any, operators: list[Any]) -> list[Any]:
    """The subgraphs behind the first, where an operator (IF, WHILE …) runs one of them."""
    for operator in operators:
        for options in (operator.builtinOptions, operator.builtinOptions2):
            if options is not None and any("subgraph" in name.lower() for name in vars(options)):
                return [_copy_graph(graph) for graph in whole.subgraphs[1:]]
    return []


def _copy_graph(source: Any) -> Any:
    graph = copy.copy(source)
    graph.tensors = [copy.copy(tensor) for tensor in source.tensors]
    graph.operators = [copy.copy(operator) for operator in source.operators]
    return graph


def _signatures(whole: Any, graph: Any, place: dict[int, int]) -> list[Any]:
    """The signatures of the first subgraph; a tensor new to the outside is called by its name."""
    signatures = []
    for original in whole.signatureDefs or []:
        if original.subgraphIndex != 0:
            continue
        signature = copy.copy(original)
        entries = [*(original.inputs or []), *(original.outputs or [])]
        names = {place[e.tensorIndex]: e.name for e in entries if e.tensorIndex in place}
        signature.inputs = signature_entries(graph, graph.inputs, names)
        signature.outputs = signature_entries(graph, graph.outputs, names)
        signatures.append(signature)
    return signatures


def _drop_unused(part: Any) -> None:
    """Renumber operator codes and buffers, leaving out those that nothing refers to.

    Buffer 0 stays the empty one, as the schema asks; every tensor without data refers to it.
    """
    operators = [operator for graph in part.subgraphs for operator in graph.operators]
    codes = sorted({operator.opcodeIndex for operator in operators})
    part.operatorCodes = [part.operatorCodes[old] for old in codes]
    for operator in operators:
        operator.opcodeIndex = codes.index(operator.opcodeIndex)
    users = [tensor for graph in part.subgraphs for tensor in graph.tensors] + part.metadata
    filled = sorted({u.buffer for u in users if part.buffers[u.buffer].data is not None} - {0})
    place = {old: new for new, old in enumerate(filled, start=1)}
    for user in users:
        user.buffer = place.get(user.buffer, 0)
    part.buffers = [schema().BufferT(), *(part.buffers[old] for old in filled)]
    part.metadataBuffer = None


def _names(graph: Any, tensors: Sequence[int]) -> str:
    return ", ".join(tensor_name(graph.tensors[index]) for index in tensors)
