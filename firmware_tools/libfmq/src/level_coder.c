/*
 * The level coder: context selection and binarisation, the twin of
 * fmq_embedded/entropy/kernels.py. Neighbours are kept one row per channel, each
 * as sign << 7 | magnitude, so that one pointer reaches W, N and NE.
 */
#include "fmq/entropy.h"

#include "level_model.h"
#include "range_coder_decisions.h"

#define MAGNITUDE 127u
#define NEGATIVE 128u

/* A level was read that the bit depth does not have. */
#define WRONG_LEVEL UINT32_MAX

FMQ_INLINE uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- coding, in both directions ---- */

/* Codes or decodes a magnitude of at least 1: its class in unary, then the bits below. */
FMQ_INLINE uint32_t code_magnitude(const bool decoding, coder_t *coder, fmq_level_model_t *model,
                                   uint32_t estimate_bin, uint32_t m)
{
    const uint32_t shift = model->shift;
    const uint32_t last_class = model->bit_depth - 1u;
    uint32_t *context = model->contexts + CLASS_CONTEXTS + estimate_bin * CLASS_FLAGS;
    uint32_t *const last_flag = context + CLASS_FLAGS - 1u;
    uint32_t value = 1u;
    uint32_t e = 0u;

    while (e < last_class && code(decoding, coder, context, (m >> 1 >> e) != 0u)) {
        e++;
        if (e > shift && context != last_flag) {
            context++;
        }
    }
    if (e == 0u) {
        return 1u;
    }
    context = model->contexts + MANTISSA_CONTEXTS +
              3u * (mantissa_groups[estimate_bin] * MANTISSA_CLASSES +
                    (e > shift + 1u ? smaller(e - 1u - shift, MANTISSA_CLASSES - 1u) : 0u));
    do {
        e--;
        value = 2u * value + code(decoding, coder, context + value - 1u, m >> e & 1u);
    } while (e != 0u && value < 4u);
    while (e != 0u) {
        e--;
        value = 2u * value + code_bit(decoding, coder, BYPASS, m >> e & 1u);
    }
    return value;
}

/* 0 for zero, 1 for a positive neighbour, 2 for a negative one. */
FMQ_INLINE uint32_t sign_class(uint32_t neighbour)
{
    return (neighbour != 0u) + (neighbour >> 7);
}

FMQ_INLINE uint32_t code_sign(const bool decoding, coder_t *coder, fmq_level_model_t *model,
                              uint32_t west, uint32_t north, uint32_t negative)
{
    if (!model->has_both_signs) {
        return model->centre != 0u;
    }
    return code(decoding, coder,
                model->contexts + SIGN_CONTEXTS + 3u * sign_class(west) + sign_class(north),
                negative);
}

/*
 * Codes a level, or decodes and returns it. `cell` points at W; N, which the level
 * takes the place of, and NE follow.
 */
FMQ_INLINE uint32_t code_level(const bool decoding, coder_t *coder, fmq_level_model_t *model,
                               uint32_t *mean, uint8_t *cell, uint32_t level)
{
    const uint32_t west = cell[0] & MAGNITUDE;
    const uint32_t north = cell[1] & MAGNITUDE;
    const uint32_t running = *mean & FMQ_MEAN_MASK;
    const uint32_t diagonal = (*mean >> 16) + (cell[2] & MAGNITUDE);
    const uint32_t estimate = (12u * (west + north) + 2u * diagonal + 3u * running) >> 3;
    const uint32_t estimate_bin = estimate_bins[smaller(estimate, LAST_EDGE)];
    uint32_t *const context =
        model->contexts + (running == 0u ? SILENT_CONTEXT
                                         : ZERO_CONTEXTS + estimate_bin * 9u +
                                               smaller(west, 2u) * 3u + smaller(north, 2u));
    const uint32_t centre = model->centre;
    uint32_t negative = level < centre;
    uint32_t m = negative ? centre - level : level - centre;
    uint32_t seen = 0u;
    uint32_t neighbour = 0u;

    if (code(decoding, coder, context, m != 0u)) {
        negative = code_sign(decoding, coder, model, cell[0], cell[1], negative);
        m = code_magnitude(decoding, coder, model, estimate_bin, m);
        seen = smaller(m >> model->shift, MAGNITUDE_LIMIT);
        neighbour = negative && seen != 0u ? seen | NEGATIVE : seen;
        if (decoding && m > (negative ? centre : model->largest - centre)) {
            return WRONG_LEVEL;
        }
        level = negative ? centre - m : centre + m;
    } else {
        level = centre;
    }
    /* down to 1: 0 is left for a channel that is silent so far */
    *mean = (running + 2u * seen - ((running + 6u) >> 3)) | north << 16;
    cell[1] = (uint8_t)neighbour;
    return level;
}

FMQ_INLINE uint32_t get_level(const void *levels, uint32_t bit_depth, size_t index)
{
    return bit_depth > 8u ? ((const uint16_t *)levels)[index] : ((const uint8_t *)levels)[index];
}

FMQ_INLINE void put_level(void *levels, uint32_t bit_depth, size_t index, uint32_t level)
{
    if (bit_depth > 8u) {
        ((uint16_t *)levels)[index] = (uint16_t)level;
    } else {
        ((uint8_t *)levels)[index] = (uint8_t)level;
    }
}

/* Whether the next level has to wait for the caller. */
FMQ_INLINE bool must_wait(const bool decoding, const coder_t *coder, bool is_last)
{
    if (decoding) {
        return !is_last &&
               (size_t)(coder->decoder->end - coder->decoder->next) < FMQ_LEVEL_BYTES;
    }
    return coder->encoder->full != 0u;
}

/* Codes `levels`, or decodes into them; how many is added to *done. */
FMQ_INLINE_FOR_SPEED fmq_status_t code_levels(const bool decoding, coder_t *coder,
                                              fmq_level_model_t *model, const void *source,
                                              void *target, size_t count, bool is_last,
                                              size_t *done)
{
    const uint32_t stride = model->columns + 1u;
    uint32_t *mean = model->means + model->channel;
    uint32_t *const means_end = model->means + model->channels;
    uint8_t *cell = model->history + model->channel * stride + model->column;
    const uint32_t bit_depth = model->bit_depth;
    fmq_status_t status = FMQ_OK;
    size_t index;

    for (index = 0u; index < count && !must_wait(decoding, coder, is_last); index++) {
        uint32_t level = decoding ? model->centre : get_level(source, bit_depth, index);

        if (level > model->largest) {
            status = FMQ_ERROR_ARGUMENT;
            break;
        }
        level = code_level(decoding, coder, model, mean, cell, level);
        if (decoding) {
            if (level == WRONG_LEVEL || coder->decoder->missing > 2u) {
                status = coder->decoder->missing > 2u ? FMQ_ERROR_TRUNCATED : FMQ_ERROR_SYNTAX;
                break;
            }
            put_level(target, bit_depth, index, level);
        }
        cell += stride;
        mean++;
        if (mean == means_end) {
            fmq_level_model_next_position(model);
            mean = model->means;
            cell = model->history + model->column;
        }
    }
    model->channel = (uint32_t)(mean - model->means);
    model->left -= (uint32_t)index;
    *done = index;
    return status;
}

/* ---- encoder ---- */

fmq_status_t fmq_level_encoder_start(fmq_level_encoder_t *encoder, const fmq_tensor_t *tensor,
                                     void *work, size_t work_size)
{
    fmq_range_encoder_start(&encoder->coder);
    return fmq_level_model_start(&encoder->model, tensor, work, work_size);
}

fmq_status_t fmq_level_encoder_sink(fmq_level_encoder_t *encoder, const void *levels,
                                    size_t count, size_t *taken)
{
    fmq_level_model_t *const model = &encoder->model;
    coder_t coder = {encoder->coder.low, encoder->coder.range, &encoder->coder, NULL};
    fmq_status_t status;

    *taken = 0u;
    if (count == 0u) {
        return FMQ_OK;
    }
    if (count > model->left) {
        return FMQ_ERROR_ARGUMENT;
    }
    status = code_levels(false, &coder, model, levels, NULL, count, false, taken);
    encoder->coder.low = coder.low;
    encoder->coder.range = coder.range;
    if (model->left == 0u) {
        fmq_range_encoder_finish(&encoder->coder);
    }
    return status;
}

size_t fmq_level_encoder_poll(fmq_level_encoder_t *encoder, uint8_t *out, size_t capacity)
{
    return fmq_range_encoder_poll(&encoder->coder, out, capacity);
}

bool fmq_level_encoder_is_done(const fmq_level_encoder_t *encoder)
{
    return encoder->model.left == 0u && fmq_range_encoder_is_empty(&encoder->coder);
}

/* ---- decoder ---- */

fmq_status_t fmq_level_decoder_start(fmq_level_decoder_t *decoder, const fmq_tensor_t *tensor,
                                     void *work, size_t work_size)
{
    decoder->is_started = false;
    return fmq_level_model_start(&decoder->model, tensor, work, work_size);
}

/* Behind the last level: gives back the two bytes read beyond the payload. */
static fmq_status_t finish(fmq_range_decoder_t *coder)
{
    if (coder->missing > 2u) {
        return FMQ_ERROR_TRUNCATED;
    }
    coder->next -= 2u - coder->missing;
    return FMQ_OK;
}

fmq_status_t fmq_level_decoder_poll(fmq_level_decoder_t *decoder, const uint8_t **next,
                                    const uint8_t *end, bool is_last, void *levels, size_t count,
                                    size_t *polled)
{
    fmq_level_model_t *const model = &decoder->model;
    fmq_range_decoder_t *const range = &decoder->coder;
    coder_t coder = {0u, 0u, NULL, range};
    fmq_status_t status;

    *polled = 0u;
    range->next = *next;
    range->end = end;
    if (!decoder->is_started) {
        if (!is_last && (size_t)(end - *next) < FMQ_LEVEL_BYTES) {
            return FMQ_OK;
        }
        fmq_range_decoder_start(range);
        decoder->is_started = true;
    }
    coder.low = range->low;
    coder.range = range->range;
    if (count > model->left) {
        count = model->left;
    }
    status = code_levels(true, &coder, model, levels, levels, count, is_last, polled);
    range->low = coder.low;
    range->range = coder.range;
    if (status == FMQ_OK && model->left == 0u && *polled != 0u) {
        status = finish(range);
    }
    *next = range->next;
    return status;
}
