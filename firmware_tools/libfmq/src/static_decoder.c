/* The static coder, decoding: the mirror of static_encoder.c. */
#include "fmq/static_coder.h"

#include "memory.h"
#include "static_map.h"
#include "static_tables.h"

#define LOWEST ((uint32_t)1 << STATE_BITS)
#define SHORT_STATE 0x80u
#define PACKED_BLOCK 0xC0u
#define SLOT_MASK (((uint32_t)1 << PRECISION) - 1u)

/* The most bytes that one level takes, or the state of a block. */
#define LEVEL_BYTES 8u
#define LARGEST_ESCAPE 0xFFFFu
#define LARGEST_ESCAPE_SHIFT 15u

/* What is read next. */
enum { STAGE_LEAD, STAGE_BLOCK, STAGE_STATES, STAGE_PACKED };

/* A level was read that the bit depth does not have. */
#define WRONG_LEVEL UINT32_MAX

/* The bytes that a call may read; behind them are zeros, which are counted. */
typedef struct window {
    const uint8_t *next, *end;
    bool is_short;
} window_t;

fmq_status_t fmq_static_decoder_start(fmq_static_decoder_t *decoder, const fmq_tensor_t *tensor,
                                      void *work, size_t work_size)
{
    memset(decoder, 0, sizeof *decoder);
    decoder->stage = STAGE_LEAD;
    return fmq_static_map_start(&decoder->map, tensor, work, work_size);
}

static uint32_t take_byte(window_t *window)
{
    if (window->next == window->end) {
        window->is_short = true;
        return 0u;
    }
    return *window->next++;
}

FMQ_SELDOM uint32_t take_word(uint32_t state, window_t *window)
{
    const uint32_t high = take_byte(window);

    return state << 16 | high << 8 | take_byte(window);
}

/* A state that is too low takes the next word. */
FMQ_INLINE uint32_t refill(uint32_t state, window_t *window)
{
    return FMQ_UNLIKELY(state < LOWEST) ? take_word(state, window) : state;
}

/* ---- classes and blocks ---- */

static fmq_status_t read_lead(fmq_static_decoder_t *decoder, window_t *window)
{
    fmq_static_map_t *const map = &decoder->map;
    const uint32_t bytes = (map->channels + 3u) / 4u;

    while (map->lead_left != 0u && window->next != window->end) {
        uint32_t channel = (bytes - map->lead_left) * 4u;
        uint32_t byte = *window->next++;
        uint32_t part;

        if (map->lead_left > bytes) {
            map->model = (uint8_t)byte;
            byte = byte > WIDE + LARGEST_SHIFT ? byte : 0u;
            channel = map->channels;
        }
        for (part = 0u; part < 4u && channel < map->channels; part++, channel++) {
            map->classes[channel] = (uint8_t)((byte & 3u) << CLASS_SHIFT);
            byte >>= 2;
        }
        if (byte != 0u) {
            return FMQ_ERROR_SYNTAX;
        }
        map->lead_left--;
    }
    if (map->lead_left == 0u) {
        decoder->stage = STAGE_BLOCK;
    }
    return FMQ_OK;
}

static fmq_status_t begin_block(fmq_static_decoder_t *decoder, window_t *window)
{
    const uint32_t mark = take_byte(window);
    uint32_t bytes;

    decoder->block_left = fmq_static_block_levels(&decoder->map);
    decoder->held = 0u;
    decoder->bits = 0u;
    if (mark >= PACKED_BLOCK) {
        decoder->stage = STAGE_PACKED;
        return mark == PACKED_BLOCK ? FMQ_OK : FMQ_ERROR_SYNTAX;
    }
    decoder->stage = STAGE_STATES;
    decoder->state = mark & ~SHORT_STATE;
    for (bytes = (mark & SHORT_STATE) != 0u ? 2u : 3u; bytes != 0u; bytes--) {
        decoder->state = decoder->state << 8 | take_byte(window);
    }
    return decoder->state < LOWEST ? FMQ_ERROR_SYNTAX : FMQ_OK;
}

static fmq_status_t end_block(fmq_static_decoder_t *decoder)
{
    const bool is_packed = decoder->stage == STAGE_PACKED;

    decoder->stage = STAGE_BLOCK;
    if (is_packed ? decoder->bits != 0u : decoder->state != LOWEST) {
        return FMQ_ERROR_SYNTAX;
    }
    return FMQ_OK;
}

/* ---- popping ---- */

FMQ_SELDOM uint32_t pull_bits(fmq_static_decoder_t *decoder, uint32_t bits, window_t *window)
{
    const uint32_t value = decoder->state & (((uint32_t)1 << bits) - 1u);

    decoder->state = refill(decoder->state >> bits, window);
    return value;
}

/* Pops a symbol; `state` is taken and given back. */
FMQ_INLINE uint32_t pull_symbol(uint32_t *state, uint32_t distribution, window_t *window)
{
    const uint32_t *const first = fmq_static_entries + distribution * SYMBOLS;
    const uint32_t *entry = first;
    uint32_t offset = *state & SLOT_MASK;
    uint32_t frequency = *entry >> 16;

    while (offset >= frequency) {
        offset -= frequency;
        entry++;
        frequency = *entry >> 16;
    }
    *state = refill(frequency * (*state >> PRECISION) + offset, window);
    return (uint32_t)(entry - first);
}

/* What an escape adds; WRONG_LEVEL if it is far too large. */
static uint32_t pull_escape(fmq_static_decoder_t *decoder, window_t *window)
{
    uint32_t value = 0u;
    uint32_t shift = 0u;
    uint32_t group;

    do {
        if (shift > LARGEST_ESCAPE_SHIFT) {
            return WRONG_LEVEL;
        }
        group = pull_bits(decoder, 4u, window);
        value |= group >> 1 << shift;
        shift += 3u;
    } while ((group & 1u) != 0u);
    return value > LARGEST_ESCAPE ? WRONG_LEVEL : value;
}

/* The level whose symbol is m, after which its `low` bits and its sign are to be popped. */
FMQ_SELDOM uint32_t finish_level(fmq_static_decoder_t *decoder, uint32_t m, uint32_t low,
                             window_t *window)
{
    const fmq_static_map_t *const map = &decoder->map;
    const uint32_t first = map->model != BY_NEIGHBOURS ? 1u : 0u;
    bool is_negative = map->centre != 0u;

    if (m == ESCAPE) {
        const uint32_t rest = pull_escape(decoder, window);

        if (rest == WRONG_LEVEL) {
            return WRONG_LEVEL;
        }
        m += rest;
    }
    if (low != 0u && m >= first) {
        m = ((m - first) << low | pull_bits(decoder, low, window)) + first;
    }
    if (map->has_both_signs && m != 0u) {
        is_negative = pull_bits(decoder, 1u, window) != 0u;
    }
    if (m > (is_negative ? map->centre : (uint32_t)(map->largest - map->centre))) {
        return WRONG_LEVEL;
    }
    return is_negative ? map->centre - m : map->centre + m;
}

FMQ_SELDOM uint32_t pull_level(fmq_static_decoder_t *decoder, uint32_t sum, uint32_t class,
                           window_t *window)
{
    const uint32_t model = decoder->map.model;
    uint32_t distribution = fmq_static_plain(model, class);
    uint32_t low = model > WIDE ? model - WIDE : 0u;
    uint32_t m;

    if (model == BY_NEIGHBOURS) {
        for (low = decoder->map.shift; sum >= SUMS; low++) {
            sum >>= 1;
        }
        distribution = fmq_static_distributions[class + sum];
    }
    m = pull_symbol(&decoder->state, distribution, window);
    return finish_level(decoder, m, low, window);
}

static uint32_t unpack_level(fmq_static_decoder_t *decoder, window_t *window)
{
    const uint32_t bit_depth = decoder->map.bit_depth;
    uint32_t level;

    while (decoder->held < bit_depth) {
        decoder->bits |= take_byte(window) << decoder->held;
        decoder->held = (uint8_t)(decoder->held + 8u);
    }
    level = decoder->bits & decoder->map.largest;
    decoder->bits >>= bit_depth;
    decoder->held = (uint8_t)(decoder->held - bit_depth);
    return level;
}

/* ---- runs of levels, all of one position ---- */

FMQ_INLINE void put_level(const fmq_static_map_t *map, void *levels, size_t index, uint32_t level)
{
    if (map->bit_depth > 8u) {
        ((uint16_t *)levels)[index] = (uint16_t)level;
    } else {
        ((uint8_t *)levels)[index] = (uint8_t)level;
    }
}

/* `cell` is the north of the first level; each becomes its level's magnitude. */
static fmq_status_t unpack_run(fmq_static_decoder_t *decoder, window_t *window, uint8_t *cell,
                               void *levels, size_t count)
{
    size_t index;

    for (index = 0u; index < count; index++) {
        const uint32_t level = unpack_level(decoder, window);

        put_level(&decoder->map, levels, index, level);
        cell[index] = (uint8_t)(fmq_static_residual(&decoder->map, level) >> decoder->map.shift);
    }
    return FMQ_OK;
}

static fmq_status_t pull_run(fmq_static_decoder_t *decoder, window_t *window, uint8_t *cell,
                             void *levels, size_t count)
{
    const fmq_static_map_t *const map = &decoder->map;
    const uint8_t *const class = map->classes + decoder->channel;
    const uint32_t common = fmq_static_common(map);
    const uint8_t *const west = map->column != 0u ? cell - map->channels : cell;
    const uint8_t *const north = map->is_first_row ? west : cell;
    uint32_t state = decoder->state;
    size_t index;

    for (index = 0u; index < count; index++) {
        const uint32_t sum = (uint32_t)west[index] + north[index];
        uint32_t level = WRONG_LEVEL;

        if (common != 0u && sum < SUMS) {
            const uint32_t m =
                pull_symbol(&state, fmq_static_distributions[class[index] + sum], window);

            if (m < common) {
                level = map->centre == 0u ? m : map->centre - m; /* of both signs only 0 */
                cell[index] = (uint8_t)m;
            } else {
                decoder->state = state;
                level = finish_level(decoder, m, 0u, window);
                state = decoder->state;
                cell[index] = (uint8_t)fmq_static_residual(map, level);
            }
        } else {
            decoder->state = state;
            level = pull_level(decoder, sum, class[index], window);
            state = decoder->state;
            cell[index] = (uint8_t)(fmq_static_residual(map, level) >> map->shift);
        }
        if (level == WRONG_LEVEL) {
            return FMQ_ERROR_SYNTAX;
        }
        put_level(map, levels, index, level);
    }
    decoder->state = state;
    return FMQ_OK;
}

static void step(fmq_static_decoder_t *decoder, uint32_t count)
{
    fmq_static_map_t *const map = &decoder->map;

    map->left -= count;
    decoder->block_left -= count;
    decoder->channel += count;
    if (decoder->channel == map->channels) {
        decoder->channel = 0u;
        map->column++;
        if (map->column == map->columns) {
            map->column = 0u;
            map->is_first_row = false;
        }
    }
}

/* How many levels may be popped without a look at the window: all that the position still has,
 * if no more bytes come, for the window has zeros behind it. */
static size_t run_length(const fmq_static_decoder_t *decoder, const window_t *window, bool is_last,
                         size_t count)
{
    const size_t covered = (size_t)(window->end - window->next) / LEVEL_BYTES;
    const size_t rest = decoder->map.channels - decoder->channel;

    if (!is_last && count > covered) {
        count = covered;
    }
    return count < rest ? count : rest;
}

static fmq_status_t pull_levels(fmq_static_decoder_t *decoder, window_t *window, bool is_last,
                                void *levels, size_t count, size_t *polled)
{
    const fmq_static_map_t *const map = &decoder->map;
    uint8_t *next = (uint8_t *)levels + *polled * fmq_static_level_size(map);
    fmq_status_t status = FMQ_OK;

    while (decoder->block_left != 0u && status == FMQ_OK) {
        const size_t part = run_length(decoder, window, is_last, count - *polled);
        uint8_t *const cell =
            map->magnitudes + (size_t)map->column * map->channels + decoder->channel;

        if (part == 0u) {
            return FMQ_OK;
        }
        status = decoder->stage == STAGE_PACKED ? unpack_run(decoder, window, cell, next, part)
                                                : pull_run(decoder, window, cell, next, part);
        if (window->is_short) {
            return FMQ_ERROR_TRUNCATED;
        }
        step(decoder, (uint32_t)part);
        *polled += part;
        next += part * fmq_static_level_size(map);
    }
    return status == FMQ_OK ? end_block(decoder) : status;
}

static bool may_read(const window_t *window, bool is_last)
{
    return is_last || (size_t)(window->end - window->next) >= LEVEL_BYTES;
}

fmq_status_t fmq_static_decoder_poll(fmq_static_decoder_t *decoder, const uint8_t **next,
                                     const uint8_t *end, bool is_last, void *levels, size_t count,
                                     size_t *polled)
{
    window_t window = {*next, end, false};
    fmq_status_t status = FMQ_OK;

    *polled = 0u;
    if (decoder->stage == STAGE_LEAD) {
        status = read_lead(decoder, &window);
    }
    while (status == FMQ_OK && decoder->stage != STAGE_LEAD && *polled < count &&
           decoder->map.left != 0u && may_read(&window, is_last)) {
        if (decoder->stage == STAGE_BLOCK) {
            status = begin_block(decoder, &window);
        }
        if (status == FMQ_OK) {
            status = pull_levels(decoder, &window, is_last, levels, count, polled);
        }
    }
    if (status == FMQ_OK && window.is_short) {
        status = FMQ_ERROR_TRUNCATED;
    }
    *next = window.next;
    return status;
}
