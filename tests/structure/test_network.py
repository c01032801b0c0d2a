"""Graphs of layers and of networks, and what they tell of a feature map."""

from __future__ import annotations

import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.structure import (
    BatchNormalisation,
    Joint,
    Layer,
    LayerType,
    Network,
    NetworkGraph,
    features,
    joint_features,
)

INPUT, CONVOLUTION = LayerType.INPUT, LayerType.CONVOLUTION
ACTIVATION, SUMMATION = LayerType.ACTIVATION, LayerType.SUMMATION
NORMALISED = BatchNormalisation((0.5, -1.0), (4.0, 0.25))

#  0 input → 1 convolution → 2 relu ─┬→ 3 depthwise → 4 batch normalisation ─┬→ 6 addition → 7 relu
#                                    └→ 5 max pooling ───────────────────────┘
RESIDUAL = Network(
    (
        Layer(INPUT),
        Layer(CONVOLUTION, inputs=(0,)),
        Layer(ACTIVATION, "relu", (1,), tensor="relu"),
        Layer(CONVOLUTION, "depthwise", (2,)),
        Layer(LayerType.BATCH_NORMALISATION, inputs=(3,), batch_normalisation=NORMALISED),
        Layer(LayerType.POOLING, "max", (2,)),
        Layer(SUMMATION, "addition", (5, 4)),
        Layer(ACTIVATION, "relu", (6,)),
    ),
    (7,),
    "residual",
)


def chain(*types: LayerType) -> Network:
    """An input and layers, each on the one before."""
    layers = [Layer(kind, inputs=(place,)) for place, kind in enumerate(types)]
    return Network((Layer(INPUT), *layers), (len(types),))


def test_features_of_a_map_before_a_fork() -> None:
    got = features(RESIDUAL, 2)
    assert got.previous_type is ACTIVATION
    assert got.previous_kind == "relu"
    assert got.next_types == (CONVOLUTION, LayerType.POOLING)
    assert got.next_type is CONVOLUTION
    assert got.layer_order == 2
    assert (got.branch_index, got.position_in_branch) == (0, 2)
    assert (got.summation_kind, got.summed_indices, got.feeds_summation) == (None, (), False)
    assert got.batch_normalisation is None


def test_features_of_a_map_that_is_summed() -> None:
    got = features(RESIDUAL, 4)
    assert got.previous_type is LayerType.BATCH_NORMALISATION
    assert got.batch_normalisation == NORMALISED
    assert (got.summation_kind, got.summed_indices) == ("addition", (5, 4))
    assert got.feeds_summation
    assert (got.branch_index, got.position_in_branch) == (0, 1)


def test_features_of_a_map_on_the_other_branch() -> None:
    got = features(RESIDUAL, 5)
    assert (got.branch_index, got.position_in_branch) == (1, 0)
    assert got.summed_indices == (5, 4)


def test_features_behind_a_join_and_at_the_end() -> None:
    assert (features(RESIDUAL, 6).branch_index, features(RESIDUAL, 6).position_in_branch) == (0, 0)
    last = features(RESIDUAL, 7)
    assert last.position_in_branch == 1
    assert (last.next_types, last.next_type) == ((), None)


def test_each_input_starts_a_branch() -> None:
    network = Network((Layer(INPUT), Layer(INPUT), Layer(CONVOLUTION, inputs=(1,))), (2,))
    assert features(network, 2).branch_index == 1


def test_a_layer_that_adds_a_map_to_itself_reads_it_once() -> None:
    network = Network((Layer(INPUT), Layer(SUMMATION, "addition", (0, 0))), (1,))
    assert network.readers() == [[1], []]
    assert features(network, 0).summed_indices == (0, 0)


@pytest.mark.parametrize("index", [-1, 8])
def test_a_layer_that_is_not_there(index: int) -> None:
    with pytest.raises(InputError, match="the network has 8"):
        features(RESIDUAL, index)


def test_layers_are_found_by_their_feature_map() -> None:
    assert RESIDUAL.layer_of("relu") == 2
    with pytest.raises(InputError, match="nearest are relu"):
        RESIDUAL.layer_of("relv")


def test_networks_in_series() -> None:
    graph = NetworkGraph((chain(CONVOLUTION), chain(SUMMATION, ACTIVATION)), (Joint(0, 0, 1, 0),))
    joined = graph.joined()
    assert [layer.type for layer in joined.layers] == [INPUT, CONVOLUTION, SUMMATION, ACTIVATION]
    assert [layer.inputs for layer in joined.layers] == [(), (0,), (1,), (2,)]
    assert joined.outputs == (3,)
    (at_joint,) = joint_features(graph)
    assert at_joint.previous_type is CONVOLUTION
    assert at_joint.next_types == (SUMMATION,)
    assert at_joint.summation_kind == "addition"


def test_networks_in_parallel() -> None:
    """One backbone, two heads on one map, and a third network that reads both heads."""
    both = Network((Layer(INPUT), Layer(INPUT), Layer(SUMMATION, "concatenation", (0, 1))), (2,))
    graph = NetworkGraph(
        (chain(CONVOLUTION), chain(ACTIVATION), chain(CONVOLUTION, ACTIVATION), both),
        (Joint(0, 0, 1, 0), Joint(0, 0, 2, 0), Joint(1, 0, 3, 0), Joint(2, 0, 3, 1)),
    )
    joined = graph.joined()
    assert [layer.inputs for layer in joined.layers] == [(), (0,), (1,), (1,), (3,), (2, 4)]
    assert joined.outputs == (5,)
    assert graph.joint_layers() == (1, 1, 2, 4)
    branches = [(f.branch_index, f.position_in_branch) for f in joint_features(graph)]
    assert branches == [(0, 1), (0, 1), (0, 0), (1, 1)]


def test_a_network_that_only_passes_a_map_on() -> None:
    graph = NetworkGraph(
        (chain(CONVOLUTION), Network((Layer(INPUT),), (0,)), chain(ACTIVATION)),
        (Joint(0, 0, 1, 0), Joint(1, 0, 2, 0)),
    )
    assert [layer.inputs for layer in graph.joined().layers] == [(), (0,), (1,)]
    assert graph.joint_layers() == (1, 1)


def test_outputs_that_no_joint_takes_stay_outputs() -> None:
    two = Network((Layer(INPUT), Layer(CONVOLUTION, inputs=(0,))), (0, 1))
    graph = NetworkGraph((two, chain(ACTIVATION)), (Joint(0, 1, 1, 0),))
    assert graph.joined().outputs == (0, 2)


@pytest.mark.parametrize(
    "joints",
    [
        (Joint(1, 0, 0, 0),),
        (Joint(0, 0, 0, 0),),
        (Joint(0, 0, 2, 0),),
        (Joint(0, 1, 1, 0),),
        (Joint(0, 0, 1, 1),),
        (Joint(-1, 0, 1, 0),),
        (Joint(0, 0, 1, 0), Joint(0, 0, 1, 0)),
    ],
)
def test_joints_that_do_not_fit(joints: tuple[Joint, ...]) -> None:
    with pytest.raises(InputError):
        NetworkGraph((chain(CONVOLUTION), chain(ACTIVATION)), joints)


@pytest.mark.parametrize(
    ("inputs", "outputs"), [((1,), (1,)), ((2,), (1,)), ((0,), (2,)), ((-1,), ())]
)
def test_networks_that_do_not_fit(inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        Network((Layer(INPUT), Layer(CONVOLUTION, inputs=inputs)), outputs)


def test_layers_that_cannot_be() -> None:
    with pytest.raises(InputError, match="nearest are relu"):
        Layer(ACTIVATION, "rel")
    with pytest.raises(InputError, match="parameters"):
        Layer(CONVOLUTION, batch_normalisation=NORMALISED)
    with pytest.raises(InputError, match="reads no layer"):
        Layer(INPUT, inputs=(0,))


def test_parameters_are_float32() -> None:
    assert BatchNormalisation((0.1,), (0.2,)).mean == (0.10000000149011612,)


@pytest.mark.parametrize(
    ("mean", "variance"),
    [((0.0,), (1.0, 1.0)), ((0.0,), (-1.0,)), ((float("nan"),), (1.0,)), ((0.0,), (1e39,))],
)
def test_parameters_that_cannot_be(mean: tuple[float, ...], variance: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        BatchNormalisation(mean, variance)


def test_names_do_not_count_in_comparisons() -> None:
    assert Layer(ACTIVATION, name="a", tensor="b") == Layer(ACTIVATION)
    assert Layer(ACTIVATION) == Layer(ACTIVATION, "activation")
    assert Layer(ACTIVATION) != Layer(ACTIVATION, "relu")
