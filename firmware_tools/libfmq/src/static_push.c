/* The static coder, pushing: what a level's symbol leaves open, then the symbol. */
#include "static_push.h"

#include "memory.h"
#include "static_map.h"
#include "static_tables.h"
#include "words.h"

#define STATE_TOP (STATE_BITS + 16u)

/* A position's magnitudes and those beside it; below `common` they are symbols, beside small ones. */
typedef struct cells {
    const uint8_t *own, *west, *north, *classes;
    uint32_t common;
    const uint8_t *distributions;
    const uint32_t *entries;
} cells_t;

/* ---- words, written backwards from encoder->begin ---- */

FMQ_INLINE uint32_t push_word(fmq_static_encoder_t *encoder, uint32_t state)
{
    uint8_t *const begin = encoder->begin - 2;

    if (FMQ_UNLIKELY(begin < encoder->coded + FMQ_STATE_ROOM)) {
        encoder->is_overfull = true;
    } else {
        encoder->begin = begin;
        begin[0] = (uint8_t)(state >> 8);
        begin[1] = (uint8_t)state;
    }
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

FMQ_INLINE uint32_t push_entry(fmq_static_encoder_t *encoder, uint32_t state,
                               const uint32_t *pushed)
{
    const uint32_t entry = *pushed;
    const uint32_t start = entry & 0xFFFFu;
    uint32_t frequency = entry >> 16;
    uint32_t quotient;
    uint32_t remainder;

    FMQ_HOLD(frequency);
    if (FMQ_UNLIKELY(state >> (STATE_TOP - PRECISION) >= frequency)) {
        state = push_word(encoder, state);
    }
#ifdef FMQ_HAS_DIVISION
    quotient = state / frequency;
    remainder = state - quotient * frequency;
#else
    quotient = fmq_multiply_high(
        state, fmq_static_reciprocals[pushed - fmq_static_entries]); /* or one less */
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

/* ---- levels that are not among the common ones ---- */

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
    return push_entry(encoder, state, fmq_static_entries + distribution * SYMBOLS + symbol);
}

static uint32_t push_plain(fmq_static_encoder_t *encoder, uint32_t state, uint32_t m,
                           uint32_t class)
{
    const uint32_t model = encoder->map.model;
    const uint32_t distribution = fmq_static_plain(model, class);

    return push_magnitude(encoder, state, distribution, m, model > WIDE ? model - WIDE : 0u, 1u);
}

/* `cell` is the magnitude. */
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

/* ---- positions ---- */

/* The levels before `end` down to `first`. */
FMQ_SELDOM uint32_t push_each(fmq_static_encoder_t *encoder, uint32_t state, const cells_t *cells,
                              uint32_t first, uint32_t end)
{
    const cells_t at = *cells;

    while (end != first) {
        uint32_t m = at.own[--end];
        uint32_t sum = (uint32_t)at.west[end] + at.north[end];
        const uint32_t class = at.classes[end];

        if (FMQ_UNLIKELY(m >= at.common || sum >= SUMS)) {
            if (at.common < 2u) {
                state = push_level(encoder, state, at.own + end, sum, class);
                continue;
            }
            state = push_rest(encoder, state, &m, &sum);
        }
        state = push_entry(encoder, state, at.entries + at.distributions[class + sum] * SYMBOLS + m);
    }
    return state;
}

#ifdef FMQ_WORDS
/* A level that is not among the common ones, of which the words tell nothing more. */
FMQ_SELDOM uint32_t push_one(fmq_static_encoder_t *encoder, uint32_t state, const cells_t *cells,
                             uint32_t index)
{
    return push_each(encoder, state, cells, index, index + 1u);
}

/* Four magnitudes, the sums of those beside them, the table's rows, and what is beyond these. */
typedef struct lanes {
    uint32_t own, sums, rows, large;
} lanes_t;

FMQ_INLINE uint32_t push_small(fmq_static_encoder_t *encoder, uint32_t state,
                               const cells_t *cells, const lanes_t *lanes, uint32_t lane)
{
    const uint32_t shift = 8u * lane;
    const uint32_t row = lanes->rows >> shift & 0xFFu;

    return push_entry(encoder, state,
                      cells->entries + cells->distributions[row] * SYMBOLS +
                          (lanes->own >> shift & 0xFFu));
}

FMQ_INLINE uint32_t push_lane(fmq_static_encoder_t *encoder, uint32_t state, const cells_t *cells,
                              const lanes_t *lanes, uint32_t end, uint32_t lane)
{
    const uint32_t shift = 8u * lane;
    const uint32_t m = lanes->own >> shift & 0xFFu;
    const uint32_t sum = lanes->sums >> shift & 0xFFu;
    /* as a rule beside large ones: low bits, then a symbol, whatever the class */
    const uint32_t low = 28u - (uint32_t)__builtin_clz(sum | (SUMS - 1u));
    const uint32_t symbol = m >> low;

    if (FMQ_UNLIKELY((lanes->large & (uint32_t)0xF0u << shift) == 0u)) {
        return push_small(encoder, state, cells, lanes, lane);
    }
    /* where there are no low bits, it is here for its own size */
    if (FMQ_UNLIKELY(symbol >= ESCAPE || m > encoder->map.largest)) {
        return push_one(encoder, state, cells, end - 4u + lane);
    }
    if (FMQ_UNLIKELY(state >> (STATE_TOP - low) != 0u)) {
        state = push_word(encoder, state);
    }
    state = ((state - symbol) << low) + m;
    return push_entry(encoder, state,
                      cells->entries + cells->distributions[sum >> low] * SYMBOLS + symbol);
}

/* All levels but the first few; returns how many those are. */
FMQ_INLINE uint32_t push_words(fmq_static_encoder_t *encoder, uint32_t *state,
                               const cells_t *cells, uint32_t end)
{
    const cells_t at = *cells;
    const uint32_t beyond = (16u - at.common) * FMQ_EACH_BYTE;
    uint32_t x = *state;
    lanes_t lanes;

    for (; end >= 4u; end -= 4u) {
        const uint32_t west = fmq_load_word(at.west + end - 4u);
        const uint32_t north = fmq_load_word(at.north + end - 4u);

        lanes.own = fmq_load_word(at.own + end - 4u);
        if (FMQ_UNLIKELY(((west | north | lanes.own) & (0x80u * FMQ_EACH_BYTE)) != 0u)) {
            x = push_each(encoder, x, cells, end - 4u, end);
            continue;
        }
        lanes.sums = west + north;
        lanes.rows = lanes.sums | fmq_load_word(at.classes + end - 4u);
        /* the upper half of a byte: of a sum from 16 on, of a magnitude from `common` on */
        lanes.large = (lanes.sums | (lanes.own + beyond)) & (0xF0u * FMQ_EACH_BYTE);
        if (lanes.large == 0u) {
            x = push_small(encoder, x, &at, &lanes, 3u);
            x = push_small(encoder, x, &at, &lanes, 2u);
            x = push_small(encoder, x, &at, &lanes, 1u);
            x = push_small(encoder, x, &at, &lanes, 0u);
        } else {
            x = push_lane(encoder, x, cells, &lanes, end, 3u);
            x = push_lane(encoder, x, cells, &lanes, end, 2u);
            x = push_lane(encoder, x, cells, &lanes, end, 1u);
            x = push_lane(encoder, x, cells, &lanes, end, 0u);
        }
    }
    *state = x;
    return end;
}
#endif

uint32_t fmq_static_push_position(fmq_static_encoder_t *encoder, uint32_t state,
                                  const uint8_t *cell, const uint8_t *west, const uint8_t *north)
{
    const fmq_static_map_t *const map = &encoder->map;
    const uint8_t *distributions = fmq_static_distributions;
    const uint32_t *entries = fmq_static_entries;
    uint32_t end = map->channels;
    cells_t cells = {cell, west, north, map->classes, fmq_static_common(map), NULL, NULL};

    FMQ_HOLD(distributions);
    FMQ_HOLD(entries);
    cells.distributions = distributions;
    cells.entries = entries;

#ifdef FMQ_WORDS
    if (cells.common > 1u) {
        end = push_words(encoder, &state, &cells, end);
    }
#endif
    return end != 0u ? push_each(encoder, state, &cells, 0u, end) : state;
}
