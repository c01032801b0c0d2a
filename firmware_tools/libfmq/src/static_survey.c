/* What the static coder chooses before it encodes: the classes of the channels and the model. */
#include "fmq/static_coder.h"

#include "memory.h"
#include "static_map.h"
#include "static_tables.h"
#include "words.h"

fmq_status_t fmq_static_encoder_start(fmq_static_encoder_t *encoder, const fmq_tensor_t *tensor,
                                      void *work, size_t work_size)
{
    const fmq_static_map_t *const map = &encoder->map;
    fmq_status_t status;

    memset(encoder, 0, sizeof *encoder);
    status = fmq_static_map_start(&encoder->map, tensor, work, work_size);
    if (status == FMQ_OK) {
        encoder->counts = (uint32_t *)(void *)map->magnitudes;
        encoder->stride = map->left / map->channels < SAMPLING_FROM ? 1u : SAMPLING_STRIDE;
        encoder->was_beside = (uint8_t *)(encoder->counts + map->channels);
        encoder->coded = map->classes - fmq_static_packed_block(map, map->block_size) - FMQ_STATE_ROOM;
        if (map->centre != 0u || map->shift != 0u) {
            encoder->levels = encoder->coded - map->block_size * fmq_static_level_size(map);
            encoder->levels -= (uintptr_t)encoder->levels & (fmq_static_level_size(map) - 1u);
        }
    }
    return status;
}

FMQ_INLINE uint32_t level_at(const void *levels, uint32_t index, bool is_wide)
{
    return is_wide ? ((const uint16_t *)levels)[index] : ((const uint8_t *)levels)[index];
}

/* ---- by words, where levels are bytes and magnitudes; what these functions return, they did ---- */

#ifdef FMQ_WORDS
static uint32_t words_of(const fmq_static_encoder_t *encoder, uint32_t count)
{
    return encoder->map.centre == 0u && encoder->map.bit_depth <= 8u ? count & ~(uint32_t)3u : 0u;
}

static uint32_t judge_words(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    uint32_t *counts = encoder->counts + encoder->channel;
    uint8_t *const was_beside = encoder->was_beside + encoder->channel;
    uint32_t magnitudes = 0u; /* of one position: below 2^32 */
    const uint32_t end = words_of(encoder, count);
    uint32_t changed = 0u;
    uint32_t index;

    for (index = 0u; index < end; index += 4u) {
        const uint32_t word = fmq_load_word((const uint8_t *)levels + index);
        const uint32_t are_beside = fmq_are_not_zero(word);

        *counts++ += are_beside & 0xFFu;
        *counts++ += are_beside >> 8 & 0xFFu;
        *counts++ += are_beside >> 16 & 0xFFu;
        *counts++ += are_beside >> 24;
        changed = fmq_add_bytes(changed, are_beside ^ fmq_load_word(was_beside + index));
        magnitudes = fmq_add_bytes(magnitudes, word);
        fmq_store_word(was_beside + index, are_beside);
    }
    encoder->magnitudes += magnitudes;
    encoder->agreeing += end - changed;
    return end;
}

static uint32_t remember_words(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    uint8_t *const was_beside = encoder->was_beside + encoder->channel;
    const uint32_t end = words_of(encoder, count);
    uint32_t index;

    for (index = 0u; index < end; index += 4u) {
        const uint32_t word = fmq_load_word((const uint8_t *)levels + index);

        fmq_store_word(was_beside + index, fmq_are_not_zero(word));
    }
    return end;
}
#else
static uint32_t judge_words(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    (void)encoder;
    (void)levels;
    (void)count;
    return 0u;
}

static uint32_t remember_words(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    return judge_words(encoder, levels, count);
}
#endif

/* ---- level by level ---- */

/* One level of each of `count` channels from encoder->channel on. */
static void judge_levels(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    uint32_t *const counts = encoder->counts + encoder->channel;
    uint8_t *const was_beside = encoder->was_beside + encoder->channel;
    const uint32_t centre = encoder->map.centre;
    const bool is_wide = encoder->map.bit_depth > 8u;
    uint64_t magnitudes;
    uint32_t changed = 0u;
    const uint32_t first = judge_words(encoder, levels, count);
    uint32_t index;

    magnitudes = encoder->magnitudes;
    for (index = first; index < count; index++) {
        const uint32_t level = level_at(levels, index, is_wide);
        const uint32_t m = level < centre ? centre - level : level - centre;
        const uint32_t is_beside = m != 0u ? 1u : 0u;

        counts[index] += is_beside;
        changed += is_beside ^ was_beside[index];
        magnitudes += m;
        was_beside[index] = (uint8_t)is_beside;
    }
    encoder->magnitudes = magnitudes;
    encoder->agreeing += count - first - changed;
}

/* The same at the position before one that is judged. */
static void remember_levels(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    uint8_t *const was_beside = encoder->was_beside + encoder->channel;
    const uint32_t centre = encoder->map.centre;
    const bool is_wide = encoder->map.bit_depth > 8u;
    uint32_t index;

    for (index = remember_words(encoder, levels, count); index < count; index++) {
        was_beside[index] = level_at(levels, index, is_wide) != centre ? 1u : 0u;
    }
}

static void survey_levels(fmq_static_encoder_t *encoder, const void *levels, uint32_t count)
{
    if (encoder->phase + 1u == encoder->stride) {
        judge_levels(encoder, levels, count);
    } else if (encoder->phase + 2u == encoder->stride) {
        remember_levels(encoder, levels, count);
    }
}

/* Behind a position. */
static void end_position(fmq_static_encoder_t *encoder)
{
    encoder->channel = 0u;
    encoder->phase++;
    if (encoder->phase == encoder->stride) {
        encoder->phase = 0u;
        encoder->judged++;
    }
}

/* Whether neighbours agree more often than by chance. */
static bool do_neighbours_tell(const fmq_static_encoder_t *encoder)
{
    uint64_t by_chance = 0u;
    uint64_t left_open = 0u;
    uint32_t channel;

    for (channel = 0u; channel < encoder->map.channels; channel++) {
        const uint64_t beside = encoder->counts[channel];
        const uint64_t silent = encoder->judged - beside;

        by_chance += beside * beside + silent * silent;
        left_open += 2u * beside * silent;
    }
    return AGREEMENT * (uint64_t)encoder->agreeing * encoder->judged >=
           AGREEMENT * by_chance + left_open;
}

static uint8_t choose_model(const fmq_static_encoder_t *encoder)
{
    uint64_t count = 0u;
    uint64_t excess;
    uint32_t channel;
    uint32_t shift = 0u;

    if (encoder->map.has_both_signs || do_neighbours_tell(encoder)) {
        return BY_NEIGHBOURS;
    }
    for (channel = 0u; channel < encoder->map.channels; channel++) {
        count += encoder->counts[channel];
    }
    excess = encoder->magnitudes - count;
    if (excess * NARROW_DENOMINATOR <= count * NARROW_NUMERATOR) {
        return NARROW;
    }
    while (excess * WIDE_DENOMINATOR > (count * WIDE_NUMERATOR) << shift) {
        shift++;
    }
    return (uint8_t)(WIDE + shift);
}

/* The class of each channel: how many of the shares its levels beside the centre reach. */
static void judge(fmq_static_encoder_t *encoder)
{
    uint32_t channel;

    for (channel = 0u; channel < encoder->map.channels; channel++) {
        uint32_t limit;
        uint32_t passed = 0u;

        for (limit = 0u; limit < CLASS_LIMITS; limit++) {
            passed += (uint64_t)encoder->counts[channel] * fmq_static_limits[2u * limit + 1u] >=
                              (uint64_t)encoder->judged * fmq_static_limits[2u * limit]
                          ? 1u
                          : 0u;
        }
        encoder->map.classes[channel] = (uint8_t)(passed << CLASS_SHIFT);
    }
    encoder->map.model = choose_model(encoder);
    encoder->has_classes = true;
}

fmq_status_t fmq_static_encoder_survey(fmq_static_encoder_t *encoder, const void *levels,
                                       size_t count)
{
    const fmq_static_map_t *const map = &encoder->map;
    const uint8_t *next = (const uint8_t *)levels;

    if (encoder->has_classes || count > map->left - encoder->surveyed) {
        return count == 0u ? FMQ_OK : FMQ_ERROR_ARGUMENT;
    }
    while (count != 0u) {
        const uint32_t rest = map->channels - encoder->channel;
        const uint32_t part = count < rest ? (uint32_t)count : rest;

        survey_levels(encoder, next, part);
        encoder->channel += part;
        if (part == rest) {
            end_position(encoder);
        }
        encoder->surveyed += part;
        next += part * fmq_static_level_size(map);
        count -= part;
    }
    if (encoder->surveyed == map->left) {
        judge(encoder);
    }
    return FMQ_OK;
}

fmq_status_t fmq_static_encoder_begin(fmq_static_encoder_t *encoder, const fmq_tensor_t *tensor)
{
    if (!encoder->has_classes) {
        return FMQ_ERROR_ARGUMENT;
    }
    fmq_static_map_rewind(&encoder->map, tensor);
    encoder->filled = 0u;
    encoder->whole = NULL;
    encoder->begin = encoder->coded;
    encoder->end = encoder->coded;
    return FMQ_OK;
}

