#include "static_map.h"

#include "fmq/entropy.h"

#include "memory.h"
#include "static_tables.h"

#define ALIGNMENT 4u

static uint32_t block_size(const fmq_tensor_t *tensor)
{
    const uint32_t limit = tensor->bit_depth > 8u ? WIDE_BLOCK_LEVELS : BLOCK_LEVELS;
    const uint32_t positions = limit / tensor->channels;

    return (positions > 1u ? positions : 1u) * tensor->channels;
}

/*
 * In work: counts, which the row and block of magnitudes take the place of; the levels of a block
 * where magnitudes do not tell them; a block's state and words; the classes.
 */
size_t fmq_static_work_size(const fmq_tensor_t *tensor)
{
    const size_t block = tensor->count != 0u ? block_size(tensor) : 0u;
    const size_t magnitudes = (size_t)tensor->columns * tensor->channels + block;
    const size_t counts = (size_t)tensor->channels * (sizeof(uint32_t) + 1u);
    const size_t level_size = tensor->bit_depth > 8u ? 2u : 1u;

    return ALIGNMENT + (magnitudes > counts ? magnitudes : counts) +
           (tensor->centre != 0u || level_size != 1u ? block * level_size + 1u : 0u) +
           (block * tensor->bit_depth + 7u) / 8u + 5u + tensor->channels;
}

fmq_status_t fmq_static_map_start(fmq_static_map_t *map, const fmq_tensor_t *tensor, void *work,
                                  size_t work_size)
{
    if (tensor->count >= FMQ_COUNT_LIMIT) {
        return FMQ_ERROR_LIMIT;
    }
    if (tensor->count == 0u || tensor->bit_depth < 1u || tensor->bit_depth > 16u ||
        tensor->centre > FMQ_MAXIMUM_LEVEL(tensor->bit_depth) ||
        tensor->rows * tensor->columns * tensor->channels != tensor->count) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (work_size < fmq_static_work_size(tensor)) {
        return FMQ_ERROR_BUFFER;
    }
    memset(work, 0, work_size);
    map->magnitudes = (uint8_t *)work + (-(uintptr_t)work & (ALIGNMENT - 1u));
    map->classes = (uint8_t *)work + work_size - tensor->channels;
    map->channels = tensor->channels;
    map->columns = tensor->columns;
    map->row_size = tensor->columns * tensor->channels;
    map->block_size = block_size(tensor);
    map->centre = tensor->centre;
    map->largest = (uint16_t)FMQ_MAXIMUM_LEVEL(tensor->bit_depth);
    map->bit_depth = tensor->bit_depth;
    map->shift = (uint8_t)(tensor->bit_depth > 8u ? tensor->bit_depth - 8u : 0u);
    map->has_both_signs = tensor->centre > 0u && tensor->centre < map->largest;
    fmq_static_map_rewind(map, tensor);
    return FMQ_OK;
}

void fmq_static_map_rewind(fmq_static_map_t *map, const fmq_tensor_t *tensor)
{
    memset(map->magnitudes, 0, map->row_size);
    map->column = 0u;
    map->is_first_row = true;
    map->left = tensor->count;
    map->lead_left = 1u + (tensor->channels + 3u) / 4u;
}

uint32_t fmq_static_block_levels(const fmq_static_map_t *map)
{
    return map->left < map->block_size ? map->left : map->block_size;
}

uint32_t fmq_static_packed_block(const fmq_static_map_t *map, uint32_t count)
{
    return 1u + (count * map->bit_depth + 7u) / 8u;
}

uint32_t fmq_static_common(const fmq_static_map_t *map)
{
    if (map->shift != 0u || map->model != BY_NEIGHBOURS) {
        return 0u;
    }
    if (map->has_both_signs) {
        return 1u;
    }
    return map->largest < ESCAPE ? map->largest + 1u : ESCAPE;
}
