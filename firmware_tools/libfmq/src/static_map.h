/* What both directions of the static coder share: the layout of work, and the walk over a map. */
#ifndef FMQ_STATIC_MAP_H
#define FMQ_STATIC_MAP_H

#include "fmq/static_coder.h"

#include "inline.h"
#include "static_tables.h"

/* Of map.classes; and of a channel's row in `distributions`. */
#define CLASS_SHIFT 4u

/* Bytes for a state, before a block's words. */
#define FMQ_STATE_ROOM 4u

/* Bytes of levels in memory. */
FMQ_INLINE uint32_t fmq_static_level_size(const fmq_static_map_t *map)
{
    return map->bit_depth > 8u ? 2u : 1u;
}

FMQ_INLINE uint32_t fmq_static_level(const fmq_static_map_t *map, const void *levels, size_t index)
{
    return map->bit_depth > 8u ? ((const uint16_t *)levels)[index]
                               : ((const uint8_t *)levels)[index];
}

FMQ_INLINE uint32_t fmq_static_residual(const fmq_static_map_t *map, uint32_t level)
{
    return level < map->centre ? map->centre - level : level - map->centre;
}

/* The distribution of a plain model; `class` as it is kept. */
FMQ_INLINE uint32_t fmq_static_plain(uint32_t model, uint32_t class)
{
    return PLAIN + (model >= WIDE ? CLASSES : 0u) + (class >> CLASS_SHIFT);
}

/* As fmq_static_encoder_start; the magnitudes are zeros. */
fmq_status_t fmq_static_map_start(fmq_static_map_t *map, const fmq_tensor_t *tensor, void *work,
                                  size_t work_size);

/* At the first level again. */
void fmq_static_map_rewind(fmq_static_map_t *map, const fmq_tensor_t *tensor);

/* Levels of the block that begins where `left` are to come. */
uint32_t fmq_static_block_levels(const fmq_static_map_t *map);

/* Magnitudes below this, beside small ones, are a symbol and nothing else. */
uint32_t fmq_static_common(const fmq_static_map_t *map);

/* Bytes of `count` levels packed, with the mark before them. */
uint32_t fmq_static_packed_block(const fmq_static_map_t *map, uint32_t count);

#endif
