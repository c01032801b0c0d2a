"""What libfmq must know of a dense plan's weighting."""

from __future__ import annotations

from fmq_embedded.dense.weighting import Weighting
from fmq_embedded.deploy.c_text import array


def weighting_tables(weighting: Weighting, suffix: str) -> list[str]:
    """`weighting_<suffix>` and the tables that it points to."""
    region, regions = weighting.region, []
    if region is not None:
        regions = [
            array("int16_t", f"scores_{suffix}", list(region.scores)),
            array("int16_t", f"background_{suffix}", list(region.background)),
            f"static const fmq_dense_region_t region_{suffix} = {{\n"
            f"    scores_{suffix}, background_{suffix}, {region.threshold}, "
            f"{region.margin}u\n}};\n",
        ]
    return [
        array("uint16_t", f"factors_{suffix}", list(weighting.factors)),
        array("uint16_t", f"inverse_factors_{suffix}", list(weighting.inverse_factors)),
        *regions,
        f"static const fmq_dense_weighting_t weighting_{suffix} = {{\n"
        f"    factors_{suffix}, inverse_factors_{suffix}, "
        f"{f'&region_{suffix}' if regions else '0'}, "
        f"{'true' if weighting.is_pooled else 'false'}\n}};\n",
    ]
