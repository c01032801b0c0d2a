"""A network's structure as symbols for the bitstream, and back.

Layout (unsigned numbers are LEB128 varints, at most 5 bytes; floats are float32, little-endian):

    structure := flags, [count of networks, from 1 on, when a graph], network…,
                 [count of joints, {source, output, target − source, input}…, when a graph]
    flags     := 1 when names follow + 2 when it is a graph
    network   := [name] count of layers, symbol… until there are as many,
                 count of outputs, (count of layers − 1 − output)…
    symbol    := 0, distance, length: that many layers are as those `distance` layers before
               | 1 + explicit + 2 · type + 32 · kind,
                 [count of inputs, (index − 1 − input)…, when explicit],
                 [count of channels, 0 for none, means…, variances…, for batch normalisation],
                 [name, tensor]
    name      := count of bytes, UTF-8

`type` is the number of the LayerType, `kind` the place in the KINDS of that type. Without
`explicit` a layer reads the one before it (an input, or the first layer, reads none). Inputs are
distances, so that a block of a network that repeats costs three bytes, however often it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.structure.layer_types import KINDS, LayerType
from fmq_embedded.structure.network import BatchNormalisation, Joint, Layer, Network, NetworkGraph

MAX_LAYERS: Final = 1 << 16  # of all networks together, so that no input asks for more memory
MAX_INPUTS: Final = 1 << 18  # of all layers together
MAX_VARINT_BYTES: Final = 5

_NAMES: Final = 1
_GRAPH: Final = 2
_TYPES: Final = 16  # the room for types in a symbol


def to_symbols(structure: Network | NetworkGraph, *, names: bool = False) -> bytes:
    """The symbols of a network, or of networks joined.

    Args:
        structure: what is written.
        names: whether the names of networks, layers and feature maps are written too.

    Raises:
        InputError: when it has more layers or inputs than a decoder takes.
    """
    graph = structure if isinstance(structure, NetworkGraph) else NetworkGraph((structure,))
    _check_limits(graph)
    is_graph = isinstance(structure, NetworkGraph)
    out = bytearray([_NAMES * names + _GRAPH * is_graph])
    if is_graph:
        _put(out, len(graph.networks))
    for network in graph.networks:
        _put_network(out, network, names)
    if is_graph:
        _put(out, len(graph.joints))
        for joint in graph.joints:
            for number in (joint.source, joint.output, joint.target - joint.source, joint.input):
                _put(out, number)
    return bytes(out)


def from_symbols(data: bytes) -> Network | NetworkGraph:
    """What `to_symbols` was given, equal to it (and with its names, where they were written).

    Raises:
        BitstreamError: when the data are truncated, have bytes left over, or are no structure.
    """
    reader = _Reader(bytes(data))
    try:
        structure = _get_structure(reader)
    except InputError as error:  # what the graph's own checks say of it
        raise BitstreamError(f"the structure in the bitstream is corrupt: {error}") from error
    if reader.position != len(reader.data):
        left = len(reader.data) - reader.position
        raise BitstreamError(f"{left} bytes are left over behind the structure")
    return structure


def _check_limits(graph: NetworkGraph) -> None:
    layers = sum(len(network.layers) for network in graph.networks)
    inputs = sum(len(layer.inputs) for network in graph.networks for layer in network.layers)
    if layers > MAX_LAYERS or inputs > MAX_INPUTS:
        raise InputError(
            f"a structure has up to {MAX_LAYERS} layers with {MAX_INPUTS} inputs; "
            f"got {layers} with {inputs}"
        )


def _put(out: bytearray, number: int) -> None:
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _put_name(out: bytearray, name: str) -> None:
    encoded = name.encode("utf-8", "surrogatepass")
    _put(out, len(encoded))
    out += encoded


def _put_network(out: bytearray, network: Network, names: bool) -> None:
    if names:
        _put_name(out, network.name)
    _put(out, len(network.layers))
    symbols = [_layer_symbol(layer, i, names) for i, layer in enumerate(network.layers)]
    places: dict[bytes, list[int]] = {}
    position = 0
    while position < len(symbols):
        distance, length = _longest_copy(symbols, places.get(symbols[position], []), position)
        copy, plain = bytearray(1), b"".join(symbols[position : position + length])
        _put(copy, distance)
        _put(copy, length)
        if len(copy) < len(plain):
            out += copy
        else:
            length = 1
            out += symbols[position]
        for index in range(position, position + length):
            places.setdefault(symbols[index], []).append(index)
        position += length
    _put(out, len(network.outputs))
    for output in network.outputs:
        _put(out, len(network.layers) - 1 - output)


def _layer_symbol(layer: Layer, index: int, names: bool) -> bytes:
    explicit = layer.inputs != _implied_inputs(layer.type, index)
    out = bytearray()
    kind = KINDS[layer.type].index(layer.kind)
    _put(out, 1 + explicit + 2 * (layer.type + _TYPES * kind))
    if explicit:
        _put(out, len(layer.inputs))
        for source in layer.inputs:
            _put(out, index - 1 - source)
    if layer.type is LayerType.BATCH_NORMALISATION:
        known = layer.batch_normalisation
        _put(out, len(known.mean) if known else 0)
        if known:
            out += np.asarray(known.mean + known.variance, "<f4").tobytes()
    if names:
        _put_name(out, layer.name)
        _put_name(out, layer.tensor)
    return bytes(out)


def _implied_inputs(layer_type: LayerType, index: int) -> tuple[int, ...]:
    return () if layer_type is LayerType.INPUT or index == 0 else (index - 1,)


def _longest_copy(symbols: Sequence[bytes], starts: list[int], position: int) -> tuple[int, int]:
    """The distance and length of the longest run before `position` that goes on as it does.

    The nearest of the last 64 places with the same symbol; a run may reach into itself.
    """
    best = (0, 0)
    for start in starts[:-65:-1]:
        length = 0
        while (
            position + length < len(symbols)
            and symbols[start + length] == symbols[position + length]
        ):
            length += 1
        if length > best[1]:
            best = (position - start, length)
    return best


@dataclass
class _Reader:
    data: bytes
    position: int = 0
    layers_left: int = MAX_LAYERS
    inputs_left: int = MAX_INPUTS

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.position:
            raise BitstreamError(
                f"the structure is truncated: {size} bytes are due at byte {self.position} "
                f"of {len(self.data)}"
            )
        self.position += size
        return self.data[self.position - size : self.position]

    def number(self) -> int:
        value = 0
        for shift in range(0, 7 * MAX_VARINT_BYTES, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise BitstreamError(f"a number in the structure has over {MAX_VARINT_BYTES} bytes")

    def count(self, what: str, least_bytes: int = 1) -> int:
        """A count of things that take at least `least_bytes` each of what is left."""
        value = self.number()
        if value * least_bytes > len(self.data) - self.position:
            raise BitstreamError(f"the structure says that it has {value} {what}: it is too short")
        return value

    def name(self) -> str:
        encoded = self.take(self.count("bytes of a name"))
        try:
            return encoded.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise BitstreamError(f"a name in the structure is not UTF-8: {error}") from error

    def spend_inputs(self, count: int) -> None:
        self.inputs_left -= count
        if self.inputs_left < 0:
            raise BitstreamError(f"the structure has over {MAX_INPUTS} inputs of layers")


def _get_structure(reader: _Reader) -> Network | NetworkGraph:
    flags = reader.take(1)[0]
    if flags & ~(_NAMES | _GRAPH):
        raise BitstreamError(f"the structure has flags {flags:#04x}; this version knows 1 and 2")
    names = bool(flags & _NAMES)
    if not flags & _GRAPH:
        return _get_network(reader, names)
    networks = [_get_network(reader, names) for _ in range(reader.count("networks", 2))]
    joints = []
    for _ in range(reader.count("joints", 4)):
        source, output, step, target_input = (reader.number() for _ in range(4))
        joints.append(Joint(source, output, source + step, target_input))
    return NetworkGraph(tuple(networks), tuple(joints))


def _get_network(reader: _Reader, names: bool) -> Network:
    name = reader.name() if names else ""
    count = reader.number()
    reader.layers_left -= count
    if reader.layers_left < 0:
        raise BitstreamError(f"the structure has over {MAX_LAYERS} layers")
    layers: list[Layer] = []
    while len(layers) < count:
        code = reader.number()
        if code:
            layers.append(_get_layer(reader, code - 1, len(layers), names))
        else:
            _copy_layers(reader, layers, count)
    outputs = tuple(count - 1 - reader.number() for _ in range(reader.count("outputs")))
    return Network(tuple(layers), outputs, name)


def _copy_layers(reader: _Reader, layers: list[Layer], count: int) -> None:
    distance, length = reader.number(), reader.number()
    if not (1 <= distance <= len(layers) and 1 <= length <= count - len(layers)):
        raise BitstreamError(
            f"the structure repeats {length} layers from {distance} before layer {len(layers)} "
            f"of {count}"
        )
    for _ in range(length):
        source = layers[-distance]
        reader.spend_inputs(len(source.inputs))
        implied = _implied_inputs(source.type, len(layers) - distance)
        inputs = tuple(index + distance for index in source.inputs)
        if source.inputs == implied:
            inputs = _implied_inputs(source.type, len(layers))
        layers.append(replace(source, inputs=inputs))


def _get_layer(reader: _Reader, code: int, index: int, names: bool) -> Layer:
    kind_and_type, explicit = divmod(code, 2)
    kind_place, type_number = divmod(kind_and_type, _TYPES)
    if type_number >= len(LayerType) or kind_place >= len(KINDS[LayerType(type_number)]):
        raise BitstreamError(
            f"the structure has a layer of type {type_number} and kind {kind_place}, which this "
            "version does not know"
        )
    layer_type = LayerType(type_number)
    kind = KINDS[layer_type][kind_place]
    inputs = _implied_inputs(layer_type, index)
    if explicit:
        inputs = tuple(index - 1 - reader.number() for _ in range(reader.count("inputs")))
    reader.spend_inputs(len(inputs))
    known = None
    if layer_type is LayerType.BATCH_NORMALISATION:
        known = _get_batch_normalisation(reader)
    name, tensor = (reader.name(), reader.name()) if names else ("", "")
    return Layer(layer_type, kind, inputs, known, name, tensor)


def _get_batch_normalisation(reader: _Reader) -> BatchNormalisation | None:
    channels = reader.count("channels", 8)
    if not channels:
        return None
    values = np.frombuffer(reader.take(8 * channels), "<f4")
    return BatchNormalisation(tuple(values[:channels]), tuple(values[channels:]))
