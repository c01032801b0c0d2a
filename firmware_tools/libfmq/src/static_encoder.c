/* The static coder, encoding; what is chosen before is in static_survey.c. Blocks are pushed from their last level to their first. */
#include "fmq/static_coder.h"

#include "fmq/entropy.h"

#include "memory.h"
#include "static_map.h"
#include "static_push.h"
#include "static_tables.h"

#define LOWEST ((uint32_t)1 << STATE_BITS)
#define SHORT_STATE_BITS 22u
#define SHORT_STATE 0x80u
#define PACKED_BLOCK 0xC0u

/* The magnitudes of the block's levels: copied, or those of the whole map in the caller's memory. */
static const uint8_t *block_cells(const fmq_static_encoder_t *encoder)
{
    return encoder->whole != NULL ? encoder->whole
                                  : encoder->map.magnitudes + encoder->map.row_size;
}

static uint32_t push_block(fmq_static_encoder_t *encoder)
{
    const fmq_static_map_t *const map = &encoder->map;
    const uint32_t positions = encoder->filled / map->channels;
    const uint8_t *cell = block_cells(encoder) + encoder->filled;
    uint32_t column = (map->column + positions) % map->columns;
    uint32_t left = positions;
    uint32_t state = LOWEST;

    for (; left != 0u && !encoder->is_overfull; left--) {
        /* columns passed since the map began, as far as that matters */
        const bool is_first_row = map->is_first_row && map->column + left <= map->columns;
        const uint8_t *west;
        const uint8_t *north;

        cell -= map->channels;
        column = (column == 0u ? map->columns : column) - 1u;
        west = cell - map->channels;
        north = cell - map->row_size;
        if (is_first_row) {
            west = column == 0u ? map->magnitudes : west;
            north = west;
        } else if (column == 0u) {
            west = north;
        }
        state = fmq_static_push_position(encoder, state, cell, west, north);
    }
    return state;
}

static void write_state(fmq_static_encoder_t *encoder, uint32_t state)
{
    uint8_t *next = encoder->begin;

    *--next = (uint8_t)state;
    *--next = (uint8_t)(state >> 8);
    *--next = (uint8_t)(state >> 16);
    if (state >> SHORT_STATE_BITS == 0u) {
        *next |= SHORT_STATE;
    } else {
        *--next = (uint8_t)(state >> 24);
    }
    encoder->begin = next;
}

static fmq_status_t pack_block(fmq_static_encoder_t *encoder)
{
    const fmq_static_map_t *const map = &encoder->map;
    const uint8_t *next = encoder->levels != NULL ? encoder->levels : block_cells(encoder);
    fmq_packer_t packer = {0u, 0u, 0u, 0u};
    fmq_status_t status = FMQ_OK;

    packer.left = encoder->filled;
    packer.bit_depth = map->bit_depth;
    encoder->begin = encoder->coded;
    encoder->end = encoder->coded;
    *encoder->end++ = PACKED_BLOCK;
    while (status == FMQ_OK && !fmq_packer_is_done(&packer)) {
        size_t taken;

        status = fmq_packer_sink(&packer, next, packer.left, &taken);
        next += taken * fmq_static_level_size(map);
        encoder->end += fmq_packer_poll(&packer, encoder->end, 4u);
    }
    return status;
}

/* The last row is the next block's north: moved in parts that do not overlap. */
static void keep_row(fmq_static_encoder_t *encoder)
{
    uint8_t *to = encoder->map.magnitudes;
    uint32_t left = encoder->map.row_size;

    while (left != 0u) {
        const uint32_t part = left < encoder->filled ? left : encoder->filled;

        memcpy(to, to + encoder->filled, part);
        to += part;
        left -= part;
    }
}

/* Codes the levels that wait. */
static fmq_status_t code_block(fmq_static_encoder_t *encoder)
{
    fmq_static_map_t *const map = &encoder->map;
    const uint32_t packed = fmq_static_packed_block(map, encoder->filled);
    const uint32_t positions = encoder->filled / map->channels;
    fmq_status_t status = FMQ_OK;
    uint32_t state;

    encoder->end = encoder->coded + FMQ_STATE_ROOM + packed;
    encoder->begin = encoder->end;
    encoder->is_overfull = false;
    state = push_block(encoder);
    write_state(encoder, state);
    if (encoder->is_overfull || (size_t)(encoder->end - encoder->begin) >= packed) {
        status = pack_block(encoder);
    }
    if (encoder->whole != NULL) {
        encoder->whole += encoder->filled;
    } else {
        keep_row(encoder);
    }
    map->is_first_row = map->is_first_row && map->column + positions < map->columns;
    map->column = (map->column + positions) % map->columns;
    encoder->filled = 0u;
    return status;
}

/* ---- levels in, bytes out ---- */

static fmq_status_t fill(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    const fmq_static_map_t *const map = &encoder->map;
    uint8_t *const magnitudes = map->magnitudes + map->row_size + encoder->filled;
    const uint32_t level_size = fmq_static_level_size(map);
    uint32_t index;

    if (encoder->whole != NULL) {
        return FMQ_OK;
    }
    if (encoder->levels == NULL) {
        memcpy(magnitudes, levels, count);
        return FMQ_OK;
    }
    memcpy(encoder->levels + encoder->filled * level_size, levels, (size_t)count * level_size);
    for (index = 0u; index < count; index++) {
        const uint32_t level = fmq_static_level(map, levels, index);

        if (level > map->largest) {
            return FMQ_ERROR_ARGUMENT;
        }
        magnitudes[index] = (uint8_t)(fmq_static_residual(map, level) >> map->shift);
    }
    return FMQ_OK;
}

void fmq_static_encoder_whole(fmq_static_encoder_t *encoder, const void *levels)
{
    encoder->whole = encoder->levels == NULL ? (const uint8_t *)levels : NULL;
}

fmq_status_t fmq_static_encoder_sink(fmq_static_encoder_t *encoder, const void *levels,
                                     size_t count, size_t *taken)
{
    fmq_static_map_t *const map = &encoder->map;
    const uint8_t *next = (const uint8_t *)levels;
    fmq_status_t status = FMQ_OK;

    *taken = 0u;
    if (count > map->left - encoder->filled) {
        return FMQ_ERROR_ARGUMENT;
    }
    while (count != 0u && encoder->begin == encoder->end && status == FMQ_OK) {
        const uint32_t room = fmq_static_block_levels(map) - encoder->filled;
        const uint32_t part = count < room ? (uint32_t)count : room;

        status = fill(encoder, next, part);
        encoder->filled += part;
        if (status == FMQ_OK && part == room) {
            map->left -= encoder->filled;
            status = code_block(encoder);
        }
        *taken += part;
        next += part * fmq_static_level_size(map);
        count -= part;
    }
    return status;
}

/* The model, then four channels' classes a byte, the first in the lowest bits. */
static uint8_t lead_byte(const fmq_static_map_t *map)
{
    const uint32_t bytes = (map->channels + 3u) / 4u;
    uint32_t channel = (bytes - map->lead_left) * 4u;
    uint32_t byte = 0u;
    uint32_t shift;

    if (map->lead_left > bytes) {
        return map->model;
    }
    for (shift = 0u; shift < 8u && channel < map->channels; shift += 2u, channel++) {
        byte |= (uint32_t)map->classes[channel] >> CLASS_SHIFT << shift;
    }
    return (uint8_t)byte;
}

size_t fmq_static_encoder_poll(fmq_static_encoder_t *encoder, uint8_t *out, size_t capacity)
{
    size_t written = 0u;
    size_t count;

    while (encoder->map.lead_left != 0u && written != capacity) {
        out[written++] = lead_byte(&encoder->map);
        encoder->map.lead_left--;
    }
    count = (size_t)(encoder->end - encoder->begin);
    if (count > capacity - written) {
        count = capacity - written;
    }
    memcpy(out + written, encoder->begin, count);
    encoder->begin += count;
    return written + count;
}

bool fmq_static_encoder_is_done(const fmq_static_encoder_t *encoder)
{
    return encoder->map.left == 0u && encoder->map.lead_left == 0u &&
           encoder->begin == encoder->end;
}
