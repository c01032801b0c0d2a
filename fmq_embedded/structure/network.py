"""Networks as graphs of layers, and several networks joined in series and in parallel.

Source: the application's paragraphs 0080–0088, 0102–0103 and 0194–0196.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.structure.layer_types import KINDS, LayerType


@dataclass(frozen=True)
class BatchNormalisation:
    """What batch normalisation makes of each channel; float32 values.

    Args:
        mean, variance: of the map behind it, one for each channel: β and γ² where it applies
            y = γ·x + β to a standardised x. For a multiplication and an addition that are left
            of it after conversion, γ and β are their constants, so that the two are exact when
            the map before them has mean 0 and variance 1, and an estimate otherwise.

    Raises:
        InputError: when they differ in number, or are not finite, or a variance is below 0.
    """

    mean: tuple[float, ...]
    variance: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("mean", "variance"):
            with np.errstate(over="ignore"):
                rounded = np.asarray(getattr(self, name), np.float32)
            object.__setattr__(self, name, tuple(float(value) for value in rounded.ravel()))
        if len(self.mean) != len(self.variance):
            raise InputError(f"got {len(self.mean)} means for {len(self.variance)} variances")
        if not all(map(math.isfinite, self.mean + self.variance)):
            raise InputError("a mean or variance of batch normalisation is not finite")
        if any(value < 0 for value in self.variance):
            raise InputError("a variance of batch normalisation is below 0")


@dataclass(frozen=True)
class Layer:
    """A layer; it makes one feature map.

    Args:
        type: what it does.
        kind: one of `KINDS[type]`; empty for the first of them.
        inputs: the layers that it reads, as indices of earlier layers, in order.
        batch_normalisation: its parameters, for a layer of that type, where they are known.
        name: what its network calls it; does not count when layers are compared.
        tensor: the name of the feature map that it makes; does not count either.

    Raises:
        InputError: for a kind that the type has not.
    """

    type: LayerType
    kind: str = ""
    inputs: tuple[int, ...] = ()
    batch_normalisation: BatchNormalisation | None = None
    name: str = field(default="", compare=False)
    tensor: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        kinds = KINDS[self.type]
        object.__setattr__(self, "kind", self.kind or kinds[0])
        object.__setattr__(self, "inputs", tuple(int(index) for index in self.inputs))
        if self.kind not in kinds:
            raise unknown_name(f"kind of {self.type.name} layer", self.kind, kinds)
        if self.batch_normalisation and self.type is not LayerType.BATCH_NORMALISATION:
            raise InputError(f"a {self.type.name} layer has no parameters of batch normalisation")
        if self.type is LayerType.INPUT and self.inputs:
            raise InputError(f"an input layer reads no layer; got {self.inputs}")


@dataclass(frozen=True)
class Network:
    """Layers, each behind those that it reads, and which of their maps are the outputs.

    Raises:
        InputError: for a layer that reads itself, a later or a missing one, or a missing output.
    """

    layers: tuple[Layer, ...]
    outputs: tuple[int, ...]
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "outputs", tuple(int(index) for index in self.outputs))
        for position, layer in enumerate(self.layers):
            wrong = [index for index in layer.inputs if not 0 <= index < position]
            if wrong:
                raise InputError(
                    f"layer {position} reads layer {wrong[0]}; it can read 0 to {position - 1}"
                )
        wrong = [index for index in self.outputs if not 0 <= index < len(self.layers)]
        if wrong:
            raise InputError(f"output {wrong[0]} is none of the {len(self.layers)} layers")

    @property
    def inputs(self) -> tuple[int, ...]:
        """The indices of the input layers, in order."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.type is LayerType.INPUT)

    def readers(self) -> list[list[int]]:
        """For each layer, the layers that read its map, in order, each once."""
        found: list[list[int]] = [[] for _ in self.layers]
        for position, layer in enumerate(self.layers):
            for index in dict.fromkeys(layer.inputs):
                found[index].append(position)
        return found

    def layer_of(self, tensor: str) -> int:
        """The index of the layer that makes the feature map called `tensor`.

        Raises:
            InputError: when there is none, with the nearest names.
        """
        for position, layer in enumerate(self.layers):
            if layer.tensor == tensor:
                return position
        known = [layer.tensor for layer in self.layers if layer.tensor]
        raise unknown_name("feature map of this network", tensor, known)


@dataclass(frozen=True)
class Joint:
    """A feature map that passes from one network to a later one.

    Args:
        source, output: the network that makes it, and which of that network's outputs it is.
        target, input: the network that reads it, and which of that network's inputs it is.
    """

    source: int
    output: int
    target: int
    input: int


@dataclass(frozen=True)
class NetworkGraph:
    """Networks joined in series, in parallel, or both; each behind those that it reads.

    Raises:
        InputError: for a joint between networks, outputs or inputs that are not there, to an
            earlier network, or to an input that has one already.
    """

    networks: tuple[Network, ...]
    joints: tuple[Joint, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "networks", tuple(self.networks))
        object.__setattr__(self, "joints", tuple(self.joints))
        taken: set[tuple[int, int]] = set()
        inputs = [len(network.inputs) for network in self.networks]
        for joint in self.joints:
            if not 0 <= joint.source < joint.target < len(self.networks):
                raise InputError(
                    f"{joint} must lead from one of {len(self.networks)} networks to a later one"
                )
            outputs = len(self.networks[joint.source].outputs)
            if not (0 <= joint.output < outputs and 0 <= joint.input < inputs[joint.target]):
                raise InputError(
                    f"{joint} does not fit: network {joint.source} has {outputs} outputs, "
                    f"network {joint.target} has {inputs[joint.target]} inputs"
                )
            if (joint.target, joint.input) in taken:
                raise InputError(f"{joint} leads to an input that another joint feeds")
            taken.add((joint.target, joint.input))

    def joined(self) -> Network:
        """The networks as one: what a joint feeds reads the map's layer directly."""
        layers: list[Layer] = []
        outputs: list[int] = []
        passed_on = {(joint.source, joint.output) for joint in self.joints}
        for number, place in enumerate(self._places()):
            network = self.networks[number]
            for position, layer in enumerate(network.layers):
                if place[position] == len(layers):
                    inputs = tuple(place[index] for index in layer.inputs)
                    layers.append(replace(layer, inputs=inputs))
            outputs += [
                place[index]
                for order, index in enumerate(network.outputs)
                if (number, order) not in passed_on
            ]
        return Network(tuple(layers), tuple(outputs))

    def joint_layers(self) -> tuple[int, ...]:
        """For each joint, the layer of `joined()` whose map passes through it."""
        places = self._places()
        return tuple(
            places[joint.source][self.networks[joint.source].outputs[joint.output]]
            for joint in self.joints
        )

    def _places(self) -> list[list[int]]:
        """For each layer of each network, its index in `joined()`."""
        fed = {(joint.target, joint.input): joint for joint in self.joints}
        places: list[list[int]] = []
        count = 0
        for number, network in enumerate(self.networks):
            order = {position: index for index, position in enumerate(network.inputs)}
            place = []
            for position in range(len(network.layers)):
                joint = fed.get((number, order[position])) if position in order else None
                if joint is None:
                    place.append(count)
                    count += 1
                else:
                    source = self.networks[joint.source]
                    place.append(places[joint.source][source.outputs[joint.output]])
            places.append(place)
        return places
