/* The static coder, encoding; what is chosen before is in static_survey.c. Blocks are pushed from their last level to their first. */
#include "fmq/static_coder.h"

#include "fmq/entropy.h"

#include "memory.h"
#include "static_map.h"
#include "static_tables.h"

#define LOWEST ((uint32_t)1 << STATE_BITS)
#define STATE_TOP (STATE_BITS + 16u)
#define SHORT_STATE_BITS 22u
#define SHORT_STATE 0x80u
#define PACKED_BLOCK 0xC0u

/* ---- pushing; words are written backwards from encoder->begin ---- */

FMQ_SELDOM uint32_t push_word(fmq_static_encoder_t *encoder, uint32_t state)
{
    if (encoder->begin < encoder->coded + FMQ_STATE_ROOM + 2u) {
        encoder->is_overfull = true;
        return state >> 16;
    }
    encoder->begin -= 2u;
    encoder->begin[0] = (uint8_t)(state >> 8);
    encoder->begin[1] = (uint8_t)state;
    return state >> 16;
}

FMQ_SELDOM uint32_t push_bits(fmq_static_encoder_t *encoder, uint32_t state, uint32_t value,
                          uint32_t bits)
{
    if (state >> (STATE_TOP - bits) != 0u) {
        state = push_word(encoder, state);
    }
    return state << bits | value;
}

FMQ_INLINE uint32_t push_symbol(fmq_static_encoder_t *encoder, uint32_t state, uint32_t index)
{
    const uint32_t frequency = fmq_static_entries[index] >> 16;
    const uint32_t start = fmq_static_entries[index] & 0xFFFFu;
    uint32_t quotient;
    uint32_t remainder;

    if (FMQ_UNLIKELY(state >> (STATE_TOP - PRECISION) >= frequency)) {
        state = push_word(encoder, state);
    }
#ifdef FMQ_HAS_DIVISION
    quotient = state / frequency;
    remainder = state - quotient * frequency;
#else
    quotient = fmq_multiply_high(state, fmq_static_reciprocals[index]); /* or one less */
    remainder = state - quotient * frequency;
    if (remainder >= frequency) {
        quotient++;
        remainder -= frequency;
    }
#endif
    return (quotient << PRECISION) + remainder + start;
}

static uint32_t push_escape(fmq_static_encoder_t *encoder, uint32_t state, uint32_t rest)
{
    uint32_t groups = 3u;
    uint32_t more = 0u;

    while (rest >> groups != 0u) {
        groups += 3u;
    }
    while (groups != 0u) {
        groups -= 3u;
        state = push_bits(encoder, state, (rest >> groups & 7u) << 1 | more, 4u);
        more = 1u;
    }
    return state;
}

/* The symbol, and what it leaves open; magnitudes below `first` have no more than their symbol. */
static uint32_t push_magnitude(fmq_static_encoder_t *encoder, uint32_t state,
                               uint32_t distribution, uint32_t m, uint32_t low, uint32_t first)
{
    uint32_t symbol = m;

    if (m >= first) {
        symbol = ((m - first) >> low) + first;
        if (low != 0u) {
            state = push_bits(encoder, state, (m - first) & (((uint32_t)1 << low) - 1u), low);
        }
    }
    if (symbol >= ESCAPE) {
        state = push_escape(encoder, state, symbol - ESCAPE);
        symbol = ESCAPE;
    }
    return push_symbol(encoder, state, distribution * SYMBOLS + symbol);
}

static uint32_t push_plain(fmq_static_encoder_t *encoder, uint32_t state, uint32_t m,
                           uint32_t class)
{
    const uint32_t model = encoder->map.model;
    const uint32_t distribution = fmq_static_plain(model, class);

    return push_magnitude(encoder, state, distribution, m, model > WIDE ? model - WIDE : 0u, 1u);
}

/* A level that is not among the common ones; `cell` is its magnitude. */
FMQ_SELDOM uint32_t push_level(fmq_static_encoder_t *encoder, uint32_t state, const uint8_t *cell,
                           uint32_t sum, uint32_t class)
{
    const fmq_static_map_t *const map = &encoder->map;
    uint32_t m = *cell;
    uint32_t low = map->shift;

    if (encoder->levels != NULL) {
        const size_t index = (size_t)(cell - map->magnitudes) - map->row_size;
        const uint32_t level = fmq_static_level(map, encoder->levels, index);

        m = fmq_static_residual(map, level);
        if (map->has_both_signs && m != 0u) {
            state = push_bits(encoder, state, level < map->centre ? 1u : 0u, 1u);
        }
    }
    if (m > map->largest) {
        encoder->is_overfull = true; /* packing will refuse it */
        return state;
    }
    if (map->model != BY_NEIGHBOURS) {
        return push_plain(encoder, state, m, class);
    }
    while (sum >= SUMS) {
        sum >>= 1;
        low++;
    }
    return push_magnitude(encoder, state, fmq_static_distributions[class + sum], m, low, 0u);
}

/* What a magnitude leaves open beside its symbol, where it tells the level; makes both small. */
FMQ_INLINE uint32_t push_rest(fmq_static_encoder_t *encoder, uint32_t state, uint32_t *m,
                              uint32_t *sum)
{
    uint32_t low = 0u;

    if (*m > encoder->map.largest) {
        encoder->is_overfull = true; /* packing will refuse it */
        *m = 0u;
    }
    for (; *sum >= SUMS; low++) {
        *sum >>= 1;
    }
    if (low != 0u) {
        if (FMQ_UNLIKELY(state >> (STATE_TOP - low) != 0u)) {
            state = push_word(encoder, state);
        }
        state = state << low | (*m & (((uint32_t)1 << low) - 1u));
        *m >>= low;
    }
    if (FMQ_UNLIKELY(*m >= ESCAPE)) {
        state = push_escape(encoder, state, *m - ESCAPE);
        *m = ESCAPE;
    }
    return state;
}

/* One position's magnitudes; the pointers are behind its cells and those of west and north. */
static uint32_t push_position(fmq_static_encoder_t *encoder, uint32_t state, const uint8_t *cell,
                              const uint8_t *west, const uint8_t *north, uint32_t common)
{
    const uint8_t *const first = encoder->map.classes;
    const uint8_t *class = first + encoder->map.channels;

    do {
        uint32_t m = *--cell;
        uint32_t sum = (uint32_t)*--west + *--north;

        class--;
        if (FMQ_UNLIKELY(m >= common || sum >= SUMS)) {
            if (common < 2u) {
                state = push_level(encoder, state, cell, sum, *class);
                continue;
            }
            state = push_rest(encoder, state, &m, &sum);
        }
        state = push_symbol(encoder, state, fmq_static_distributions[*class + sum] * SYMBOLS + m);
    } while (class != first);
    return state;
}

/* The magnitudes of the block's levels: copied, or those of the whole map in the caller's memory. */
static const uint8_t *block_cells(const fmq_static_encoder_t *encoder)
{
    return encoder->whole != NULL ? encoder->whole
                                  : encoder->map.magnitudes + encoder->map.row_size;
}

static uint32_t push_block(fmq_static_encoder_t *encoder)
{
    const fmq_static_map_t *const map = &encoder->map;
    const uint32_t common = fmq_static_common(map);
    const uint32_t positions = encoder->filled / map->channels;
    const uint8_t *cell = block_cells(encoder) + encoder->filled;
    uint32_t column = (map->column + positions) % map->columns;
    uint32_t left = positions;
    uint32_t state = LOWEST;

    for (; left != 0u && !encoder->is_overfull; left--) {
        /* columns passed since the map began, as far as that matters */
        const bool is_first_row = map->is_first_row && map->column + left <= map->columns;
        const uint8_t *west = cell - map->channels;
        const uint8_t *north = cell - map->row_size;

        column = (column == 0u ? map->columns : column) - 1u;
        if (is_first_row) {
            west = column == 0u ? map->magnitudes + map->channels : west;
            north = west;
        } else if (column == 0u) {
            west = north;
        }
        state = push_position(encoder, state, cell, west, north, common);
        cell -= map->channels;
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
