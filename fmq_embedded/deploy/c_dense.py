"""What libfmq must know of a tensor of the profile dense, and the memory that it takes."""

from __future__ import annotations

from fmq_embedded.dense import contexts
from fmq_embedded.dense.channel_transform import FINER_BITS, ChannelTransform
from fmq_embedded.dense.device_plan import CENTRE, DensePlan
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.numbers import LARGEST_SAMPLE
from fmq_embedded.dense.steps import SAMPLE_FRACTION
from fmq_embedded.deploy.c_text import array
from fmq_embedded.deploy.c_weighting import weighting_tables
from fmq_embedded.entropy import Geometry
from fmq_embedded.quantizers.forms import INPUT_CODES

FIXED_POINT_FORM = 4
"""FMQ_FORM_FIXED_POINT of fmq/quantizer.h."""
NUMBER_BITS = 16
ALIGNMENT = 8
STATE_SIZE, MODEL_SIZE = 64, 520
"""FMQ_DENSE_STATE_SIZE and FMQ_DENSE_MODEL_SIZE of fmq/dense.h."""
SHARED_CONTEXTS = contexts.CONTEXT_COUNT - contexts.DEPENDENT_COUNT
CHANNEL_SIZE = 7
"""Of an fmq_dense_channel_t."""
PLANE_BORDER = 2
LOSSY_MODES, LOSSLESS_MODES = 3, 2
"""How many modes keep means of places."""


def dense_work_size(geometry: Geometry, *, own_levels: bool) -> int:
    """What the coding's work_size in dense_coding.c tells of a tensor.

    Args:
        geometry: of the tensor.
        own_levels: whether it has a dense plan; else a quantizer's levels are coded.
    """
    places = geometry.rows * geometry.columns
    plane = (geometry.rows + 2 * PLANE_BORDER) * (geometry.columns + 2 * PLANE_BORDER)
    decoder = (
        ALIGNMENT
        + MODEL_SIZE
        + _words(2 * contexts.WEIGHT_SETS * contexts.ZERO_MODELS)
        + _words(2 * SHARED_CONTEXTS)
        + SHARED_CONTEXTS
        + (LOSSY_MODES if own_levels else LOSSLESS_MODES) * places
        + 2 * plane
    )
    return ALIGNMENT + STATE_SIZE + decoder + max(4 * places, CHANNEL_SIZE * geometry.channels)


def dense_tables(
    plan: DensePlan, shape: tuple[int, ...], dtype: str, zero_point: int, suffix: str
) -> list[str]:
    """`dense_<suffix>`, `quantizer_<suffix>` and `dequantizer_<suffix>`."""
    search, layout = plan.search, Layout.of(shape)
    modes = sum(1 << mode for mode in search.allowed)
    biases = ", ".join(f"{bias}u" for bias in search.biases)
    code = INPUT_CODES[dtype]
    exponent, largest = plan.exponent, LARGEST_SAMPLE
    if plan.stage is not None:
        exponent, largest = exponent - FINER_BITS, CENTRE - 1
    channels = [] if plan.channels is None else _channel_tables(plan.channels, suffix)
    weighting = [] if plan.weighting is None else weighting_tables(plan.weighting, suffix)
    return [
        *channels,
        *weighting,
        f"static const fmq_dense_plan_t dense_{suffix} = {{\n"
        f"    {{{_bool(search.quick)}, {_bool(search.search == 1)}, {search.rounding}u, "
        f"{search.stay}u, {modes}u, {search.multiplier}u, {{{biases}}}}},\n"
        f"    {layout.map_rows}u, {plan.limit(layout.geometry.count)}u, {plan.exponent}, "
        f"{plan.step}u, {f'&channels_{suffix}' if channels else '0'}, "
        f"{f'&weighting_{suffix}' if weighting else '0'}\n}};\n",
        f"static const fmq_quantizer_t quantizer_{suffix} = {{\n"
        f"    {FIXED_POINT_FORM}, {code}, {NUMBER_BITS}, 0, 0, {largest}u, INT64_C(0), "
        f"{zero_point}, {exponent}, 0, 0\n}};\n",
        f"static const fmq_dequantizer_t dequantizer_{suffix} = {{\n"
        f"    {code}, {NUMBER_BITS}, 0, {plan.exponent - SAMPLE_FRACTION}, {zero_point}\n}};\n",
    ]


def _channel_tables(transform: ChannelTransform, suffix: str) -> list[str]:
    """`forward_<suffix>`, `inverse_<suffix>` unless it is the same, and `channels_<suffix>`."""
    forward, inverse = transform.matrix, transform.inverse_matrix
    back = "forward" if transform.back is None else "inverse"
    tables = {"forward": forward, back: inverse}
    return [
        *(
            array("int16_t", f"{name}_{suffix}", matrix.entries.reshape(-1).tolist())
            for name, matrix in tables.items()
        ),
        f"static const fmq_dense_channels_t channels_{suffix} = {{\n"
        f"    forward_{suffix}, {back}_{suffix}, {forward.fraction_bits}u, "
        f"{inverse.fraction_bits}u\n}};\n",
    ]


def dense_description(plan: DensePlan) -> str:
    """The plan in words."""
    return (
        f"dense, fixed-point samples in units of 2^{plan.exponent}, step {plan.step} of "
        f"{plan.step_size:.6g}"
    )


def _words(size: int) -> int:
    return (size + 3) // 4 * 4


def _bool(value: bool) -> str:
    return "true" if value else "false"
