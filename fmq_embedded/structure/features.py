"""What the structure of a network tells of one feature map.

Source: the application's paragraphs 0106 and 0194–0200. A feature map is called by the layer
that makes it, the n-th; "next" layers are those that read it, the (n+1)-th.
"""

from __future__ import annotations

from dataclasses import dataclass

from fmq_embedded.errors import InputError
from fmq_embedded.structure.layer_types import LayerType
from fmq_embedded.structure.network import BatchNormalisation, Network, NetworkGraph


@dataclass(frozen=True)
class StructureFeatures:
    """The structure features of a feature map.

    Args:
        previous_type, previous_kind: the layer that makes the map.
        next_types: the layers that read it, in order; empty behind the last layer.
        layer_order: the index of the layer that makes it.
        branch_index: which of the parallel branches behind the last fork it lies on, counted
            from 0; 0 where nothing runs in parallel.
        position_in_branch: how many layers lie before it on its branch.
        summation_kind: "addition" or "concatenation" when a layer that reads it is one.
        summed_indices: the layers which that summation adds or concatenates, in order.
        batch_normalisation: the parameters, when batch normalisation makes the map.
    """

    previous_type: LayerType
    previous_kind: str
    next_types: tuple[LayerType, ...]
    layer_order: int
    branch_index: int
    position_in_branch: int
    summation_kind: str | None
    summed_indices: tuple[int, ...]
    batch_normalisation: BatchNormalisation | None

    @property
    def next_type(self) -> LayerType | None:
        """The type of the first layer that reads the map; None behind the last layer."""
        return self.next_types[0] if self.next_types else None

    @property
    def feeds_summation(self) -> bool:
        """Whether a summation layer reads the map."""
        return self.summation_kind is not None


def features(network: Network, layer_index: int) -> StructureFeatures:
    """The structure features of the map that layer `layer_index` makes.

    Raises:
        InputError: when there is no such layer.
    """
    if not 0 <= layer_index < len(network.layers):
        raise InputError(
            f"there is no layer {layer_index}; the network has {len(network.layers)}, from 0"
        )
    readers = network.readers()
    layer = network.layers[layer_index]
    following = [network.layers[index] for index in readers[layer_index]]
    summation = next((f for f in following if f.type is LayerType.SUMMATION), None)
    branch_index, position = _branch(network, readers, layer_index)
    return StructureFeatures(
        previous_type=layer.type,
        previous_kind=layer.kind,
        next_types=tuple(f.type for f in following),
        layer_order=layer_index,
        branch_index=branch_index,
        position_in_branch=position,
        summation_kind=summation.kind if summation else None,
        summed_indices=summation.inputs if summation else (),
        batch_normalisation=layer.batch_normalisation,
    )


def joint_features(graph: NetworkGraph) -> tuple[StructureFeatures, ...]:
    """The structure features of the map at each joint, over all networks joined."""
    joined = graph.joined()
    return tuple(features(joined, index) for index in graph.joint_layers())


def _branch(network: Network, readers: list[list[int]], index: int) -> tuple[int, int]:
    """The branch that a layer lies on, and the number of layers before it there.

    A branch starts at an input, at each reader of a map that several layers read, and where
    branches meet.
    """
    position = 0
    while True:
        inputs = tuple(dict.fromkeys(network.layers[index].inputs))
        if not inputs:
            starts = network.inputs
            return (starts.index(index) if index in starts else 0), position
        if len(inputs) > 1:
            return 0, position
        siblings = readers[inputs[0]]
        if len(siblings) > 1:
            return siblings.index(index), position
        index = inputs[0]
        position += 1
