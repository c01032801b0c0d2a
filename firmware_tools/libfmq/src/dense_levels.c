/*
 * The levels of a channel, coded or decoded: the twin of fmq_embedded/dense/level_kernels.py. Both
 * directions are one function; `decoding` is a constant wherever they are inlined.
 */
#include "dense_coder.h"
#include "dense_features.h"
#include "memory.h"

#define MIXED_AT_MOST DENSE_MIXED_FLAGS
#define SIGNS_OF_TRANSFORMS (DENSE_SIGNS + DENSE_SIGN_SPATIAL)
#define SIGNS_OF_FIRST (SIGNS_OF_TRANSFORMS + DENSE_SIGN_TRANSFORM)
#define MODELLED_BITS 2u /* of those below a class's leading one */

/* The modes in the order of the flags that tell them; FMQ_DENSE_PREDICTED is what is left. */
static const uint8_t mode_order[] = {FMQ_DENSE_DEAD, FMQ_DENSE_SPATIAL, FMQ_DENSE_TILED,
                                     FMQ_DENSE_WHOLE};
#define MODE_FLAGS ((uint32_t)sizeof mode_order)

/* Dependent quantization: the next of four states, by the state and the parity of the level. */
static const uint8_t next_state[4][2] = {{0u, 1u}, {2u, 3u}, {1u, 0u}, {3u, 2u}};

/* A channel that is being coded. */
typedef struct channel_walk {
    uint32_t mode, channel;
    bool is_one_sided;
    uint32_t mean;           /* magnitude so far, in 1/256 */
    uint32_t seen;           /* levels in it, up to 255 */
    int32_t agreement;       /* of signs with those of the channel before */
} channel_walk_t;

FMQ_INLINE_FOR_SPEED uint32_t code_mode(const bool decoding, dense_model_t *model,
                                        uint32_t last, uint32_t mode)
{
    uint32_t i;

    for (i = 0u; i < MODE_FLAGS; i++) {
        if (code_plain(decoding, model, DENSE_MODES + last * MODE_FLAGS + i,
                       mode == mode_order[i])) {
            return mode_order[i];
        }
    }
    return FMQ_DENSE_PREDICTED;
}

FMQ_INLINE_FOR_SPEED uint32_t read_number(dense_model_t *model, uint32_t bits)
{
    uint32_t number = 0u;

    for (; bits != 0u; bits--) {
        number = 2u * number + code_bit(true, &model->coder, BYPASS, 0u);
    }
    return number;
}

/* The parents that a decoder reads; an encoder has none. */
FMQ_INLINE void code_parents(const bool decoding, dense_model_t *model, uint32_t channel,
                             fmq_dense_channel_t *coded)
{
    const uint32_t window = dense_smaller(channel, DENSE_PARENT_WINDOW);
    uint32_t context = DENSE_PARENTS + (coded->mode == FMQ_DENSE_DEAD ? 1u : 0u);
    uint32_t bits = 0u;
    uint32_t index;

    while ((window - 1u) >> bits != 0u) {
        bits++;
    }
    for (index = 0u; index < DENSE_MOST_PARENTS; index++, context += 2u) {
        if (!code_plain(decoding, model, context, 0u) || !decoding) {
            return;
        }
        coded->distances[index] =
            (uint8_t)(dense_smaller(read_number(model, bits), window - 1u) + 1u);
        coded->factors[index] =
            (int8_t)((int32_t)read_number(model, DENSE_FACTOR_BITS) - (int32_t)DENSE_FACTOR_BIAS);
    }
}

/* What a magnitude has above 3: its class in unary, then the bits below the leading one. */
FMQ_INLINE_FOR_SPEED uint32_t code_rest(const bool decoding, dense_model_t *model,
                                        uint32_t domain, uint32_t expected, uint32_t rest)
{
    const uint32_t expected_class = fmq_dense_expected_class(expected);
    const uint32_t value = rest + 1u;
    uint32_t context = DENSE_TAIL + (domain * DENSE_EXPECTED_CLASSES + expected_class) *
                                        DENSE_TAIL_CLASSES;
    uint32_t read = 1u;
    uint32_t size = 0u;
    uint32_t i;

    while (size < DENSE_LARGEST_CLASS &&
           code_plain(decoding, model, context + dense_smaller(size, DENSE_TAIL_CLASSES - 1u),
                      (value >> size >> 1) != 0u)) {
        size++;
    }
    context = DENSE_MANTISSA +
              3u * (expected_class * DENSE_MANTISSA_CLASSES +
                    dense_smaller(size, DENSE_MANTISSA_CLASSES)) -
              3u;
    for (i = 0u; i < size; i++) {
        uint32_t bit = value >> (size - 1u - i) & 1u;

        if (i < MODELLED_BITS) {
            bit = code_plain(decoding, model, context + read - 1u, bit);
        } else {
            bit = code_bit(decoding, &model->coder, BYPASS, bit);
        }
        read = 2u * read + bit;
    }
    return read - 1u;
}

/* A magnitude: three mixed flags, and what is above. */
FMQ_INLINE uint32_t code_magnitude(const bool decoding, dense_model_t *model,
                                   const dense_site_t *site, uint32_t domain,
                                   uint32_t expected, uint32_t magnitude)
{
    int16_t *weights = model->weights + (domain * MIXED_AT_MOST * 2u + site->quantizer) *
                                            DENSE_ZERO_MODELS;
    uint32_t count;

    if (!code_mixed(decoding, model, weights, site->contexts, 0u, DENSE_ZERO_MODELS,
                    magnitude > 0u)) {
        return 0u;
    }
    for (count = 1u; count < MIXED_AT_MOST; count++) {
        weights += 2u * DENSE_ZERO_MODELS;
        if (!code_mixed(decoding, model, weights, site->contexts + DENSE_ZERO_MODELS, count - 1u,
                        DENSE_MORE_MODELS, magnitude > count)) {
            return count;
        }
    }
    return count + code_rest(decoding, model, domain, expected, magnitude - count);
}

/* 0 for zero, 1 for a positive level of a plane, 2 for a negative one. */
FMQ_INLINE uint32_t sign_class(uint8_t level)
{
    return level != 0u ? 1u + (level & 1u) : 0u;
}

/* By the signs of the neighbours and of the channel before. */
FMQ_INLINE uint32_t spatial_sign_context(const dense_site_t *site)
{
    return DENSE_SIGNS + 9u * sign_class(site->previous[0]) +
           3u * sign_class(site->current[-1]) + sign_class(*(site->current - site->stride));
}

/* By the sign in the channel before; a tile's first coefficient by those of its neighbours. */
FMQ_INLINE uint32_t transform_sign_context(const dense_site_t *site, int32_t agreement,
                                           bool is_first)
{
    const dense_tile_t *const tile = site->tile;
    const uint32_t before = sign_class(site->previous[0]);
    int32_t around = 0;

    if (!is_first) {
        agreement = agreement > 3 ? 3 : (agreement < -3 ? -3 : agreement);
        return SIGNS_OF_TRANSFORMS + 7u * before + (uint32_t)(agreement + 3);
    }
    if (tile->aside != 0u) {
        around += plane_number(*(site->current - tile->aside));
    }
    if (tile->above != 0u) {
        around += plane_number(*(site->current - (size_t)tile->above * site->stride));
    }
    return SIGNS_OF_FIRST + 3u * before + (around > 0 ? 1u : (around < 0 ? 2u : 0u));
}

FMQ_INLINE uint32_t code_sign(const bool decoding, dense_model_t *model, channel_walk_t *walk,
                              const dense_site_t *site, bool is_first, uint32_t negative)
{
    const uint32_t before = site->previous[0];
    const uint32_t context = is_transformed(walk->mode)
                                 ? transform_sign_context(site, walk->agreement, is_first)
                                 : spatial_sign_context(site);

    negative = code_plain(decoding, model, context, negative);
    if (before != 0u && !is_first) {
        walk->agreement += (before & 1u) == negative ? 1 : -1;
    }
    return negative;
}

/* Codes the level at a site, or decodes it; returns its magnitude. */
FMQ_INLINE uint32_t code_level(const bool decoding, dense_model_t *model, channel_walk_t *walk,
                               dense_site_t *site, uint8_t *plane, uint32_t place)
{
    const bool transformed = is_transformed(walk->mode);
    const uint32_t expected = transformed ? fmq_dense_transform_contexts(site)
                                          : fmq_dense_spatial_contexts(site);
    const bool is_first =
        transformed && site->row == site->tile->top && site->column == site->tile->left;
    const int32_t guess =
        walk->mode == FMQ_DENSE_PREDICTED
            ? fmq_dense_prediction(model, walk->channel, site->row, site->column)
            : 0;
    const int32_t value = decoding ? 0 : model->coefficients[place] - guess;
    const uint32_t magnitude =
        code_magnitude(decoding, model, site, transformed, is_first ? site->mean : expected,
                       dense_magnitude(value));
    uint32_t negative = 0u;

    if (magnitude != 0u && (transformed || !walk->is_one_sided || guess > 0)) {
        negative = code_sign(decoding, model, walk, site, is_first, value < 0);
    }
    *plane = in_plane(magnitude, negative);
    if (decoding) {
        model->is_beyond |= put_number(model->format, model->map,
                                       place * model->format->channels + walk->channel,
                                       (negative ? -(int32_t)magnitude : (int32_t)magnitude) + guess);
    } else if (model->encoder.full != 0u) {
        fmq_dense_drain(model);
    }
    walk->mean = fmq_dense_moved_mean(walk->mean, magnitude, walk->seen);
    walk->seen += walk->seen < 255u;
    return magnitude;
}

FMQ_INLINE_FOR_SPEED void code_tile(const bool decoding, dense_model_t *model,
                                    channel_walk_t *walk, const dense_tile_t *tile)
{
    const uint32_t columns = model->format->columns;
    const bool is_dependent = model->format->is_dependent;
    const uint8_t *const means = model->modes[walk->mode].means;
    dense_site_t site;
    uint32_t state = 0u;

    fmq_dense_enter_tile(model, walk->mode, tile, &site);
    for (site.row = tile->top; site.row < tile->bottom; site.row++) {
        for (site.column = tile->left; site.column < tile->right; site.column++) {
            const uint32_t place = site.row * columns + site.column;
            uint8_t *const plane = model->current + site.row * model->stride + site.column;

            site.current = plane;
            site.previous = model->previous + (plane - model->current);
            site.mean = means[place];
            site.channel_mean = walk->mean >> 4;
            site.quantizer = is_dependent ? state & 1u : 0u;
            if (!is_transformed(walk->mode)) {
                site.was_before =
                    fmq_dense_was_before(model, walk->mode, site.row, site.column);
            }
            state = next_state[state][code_level(decoding, model, walk, &site, plane, place) & 1u];
        }
    }
}

/* The means of this mode's places move on; the plane becomes the one before. */
static void leave(dense_model_t *model, uint32_t channel, const channel_walk_t *walk)
{
    dense_mode_t *const mode = &model->modes[walk->mode];
    const bool is_first = mode->previous == NO_CHANNEL;
    uint8_t *mean = mode->means;
    uint32_t row;
    uint32_t column;

    for (row = 0u; row < model->format->rows; row++) {
        const uint8_t *const plane = model->current + row * model->stride;

        for (column = 0u; column < model->format->columns; column++, mean++) {
            const int32_t now =
                (int32_t)dense_smaller(16u * plane_magnitude(plane[column]), DENSE_MEAN_LIMIT);

            *mean = (uint8_t)(is_first ? now : *mean + fmq_shift_down(now - *mean, 2u));
        }
    }
    mode->channel_mean = walk->mean;
    mode->before = mode->previous;
    mode->previous = channel;
}

FMQ_INLINE uint32_t code_channel(const bool decoding, dense_model_t *model, uint32_t channel,
                                 uint32_t last, fmq_dense_channel_t *coded)
{
    channel_walk_t walk = {0u, channel, model->format->is_one_sided, 0u, 0u, 0};
    uint32_t tile_row;
    uint32_t tile_column;

    walk.mode = code_mode(decoding, model, last, coded->mode);
    coded->mode = (uint8_t)walk.mode;
    if (channel != 0u && !model->format->is_lossless) {
        code_parents(decoding, model, channel, coded);
        walk.is_one_sided = walk.is_one_sided && coded->distances[0] == 0u;
    }
    if (walk.mode == FMQ_DENSE_DEAD) {
        return FMQ_DENSE_DEAD;
    }
    if (!fmq_dense_has_mode(model->format, walk.mode)) {
        return NO_MODE;
    }
    walk.mean = model->modes[walk.mode].channel_mean;
    fmq_dense_load_previous(model, walk.mode);
    for (tile_row = 0u; tile_row < fmq_dense_tile_rows(model->format, walk.mode); tile_row++) {
        for (tile_column = 0u; tile_column < fmq_dense_tile_columns(model->format, walk.mode);
             tile_column++) {
            dense_tile_t tile;

            fmq_dense_tile(model->format, walk.mode, tile_row, tile_column, &tile);
            code_tile(decoding, model, &walk, &tile);
        }
    }
    leave(model, channel, &walk);
    return walk.mode;
}

void fmq_dense_encode_channel(dense_model_t *model, uint32_t channel, uint32_t last, uint32_t mode)
{
    fmq_dense_channel_t coded = {0u, {0u, 0u, 0u}, {0, 0, 0}};

    coded.mode = (uint8_t)mode;
    (void)code_channel(false, model, channel, last, &coded);
}

uint32_t fmq_dense_decode_channel(dense_model_t *model, uint32_t channel, uint32_t last,
                                  fmq_dense_channel_t *coded)
{
    memset(coded, 0, sizeof *coded);
    return code_channel(true, model, channel, last, coded);
}
