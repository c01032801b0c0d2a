/* What the encoder decides: a channel's levels and what they cost; the twin of choice_kernels.py. */
#include "dense_features.h"

#define COST_OF_A_BIT 256u
#define ZEROS 2u /* the kind of differences */

/* What a decision by one context costs, in 1/256 bit. */
FMQ_INLINE uint32_t plain_cost(const dense_model_t *model, uint32_t context, uint32_t bit)
{
    const uint32_t probability = model->probabilities[context];

    return cost_table[(bit ? probability : 65535u - probability) >> 7];
}

/* The bits of what a magnitude has above 2, in 1/256. */
static uint32_t rest_cost(const dense_model_t *model, uint32_t domain, uint32_t expected,
                          uint32_t value)
{
    const uint32_t base =
        DENSE_TAIL + (domain * DENSE_EXPECTED_CLASSES + fmq_dense_expected_class(expected)) *
                         DENSE_TAIL_CLASSES;
    uint32_t cost = 0u;
    uint32_t size = 0u;

    for (; value >> size >> 1 != 0u; size++) {
        cost += COST_OF_A_BIT +
                plain_cost(model, base + dense_smaller(size, DENSE_TAIL_CLASSES - 1u), 1u);
    }
    return cost + plain_cost(model, base + dense_smaller(size, DENSE_TAIL_CLASSES - 1u), 0u);
}

/* The bits of a magnitude, in 1/256, read off one context for each flag. */
FMQ_INLINE_FOR_SPEED uint32_t level_cost(const dense_model_t *model, const dense_site_t *site,
                                         uint32_t domain, uint32_t expected, uint32_t sign_cost,
                                         uint32_t level)
{
    const uint32_t more = site->contexts[DENSE_ZERO_MODELS];
    uint32_t cost = plain_cost(model, site->contexts[1], level != 0u);

    if (level == 0u) {
        return cost;
    }
    cost += sign_cost + plain_cost(model, more, level > 1u);
    if (level == 1u) {
        return cost;
    }
    cost += plain_cost(model, more + 1u, level > 2u);
    return level == 2u ? cost : cost + rest_cost(model, domain, expected, level - 2u);
}

/* Squared error in step^2 / 256, of a size in 1/256 step. */
FMQ_INLINE uint64_t distortion(uint32_t size, uint32_t level)
{
    const uint32_t point = level << 8;
    const uint32_t error = size > point ? size - point : point - size;

    return (uint64_t)error * error >> 8;
}

/* What decides between levels, apart from the channel's state. */
typedef struct choice {
    const fmq_dense_search_t *search;
    bool is_trial, is_optimised, keeps_zeros;
    uint32_t domain, sign_cost;
    uint64_t total;
} choice_t;

FMQ_INLINE uint64_t cost_of(const dense_model_t *model, const dense_site_t *site,
                            const choice_t *choice, uint32_t expected, uint32_t size,
                            uint32_t level)
{
    const uint32_t bits =
        level_cost(model, site, choice->domain, expected, choice->sign_cost, level);

    return distortion(size, level) + ((choice->search->multiplier * bits) >> 8);
}

/* Rounded to nearest, one less, or 0: what costs least, the first of equals. */
static uint32_t optimised_level(const dense_model_t *model, const dense_site_t *site,
                                choice_t *choice, uint32_t expected, uint32_t size)
{
    const uint32_t nearest = (size + 128u) >> 8;
    uint64_t best = cost_of(model, site, choice, expected, size, nearest);
    uint32_t chosen = nearest;
    uint32_t tried;

    for (tried = nearest; tried != 0u;) {
        uint64_t cost;

        tried = tried == nearest ? nearest - 1u : 0u;
        cost = cost_of(model, site, choice, expected, size, tried);
        if (cost < best) {
            best = cost;
            chosen = tried;
        }
        if (nearest < 3u) {
            break;
        }
    }
    choice->total += best;
    return chosen;
}

FMQ_INLINE uint32_t choose_level(const dense_model_t *model, const dense_site_t *site,
                                 choice_t *choice, uint32_t expected, uint32_t size)
{
    uint32_t level;

    if (choice->is_optimised) {
        return optimised_level(model, site, choice, expected, size);
    }
    level = (size + choice->search->rounding) >> 8;
    choice->total += cost_of(model, site, choice, expected, size, level);
    return level;
}

/* Notes how far a size lies from its level's point. */
FMQ_INLINE void note(dense_model_t *model, uint32_t domain, uint32_t size, uint32_t level)
{
    if (level != 0u) {
        model->differences[domain][level > 1u] += (int32_t)size - (int32_t)(level << 8);
        model->differing[domain][level > 1u]++;
    }
}

/* Whether any of the 3 x 3 levels about a place is not 0; the plane's border is. */
static bool has_neighbours(const uint8_t *plane, uint32_t stride)
{
    const uint8_t *row = plane - stride - 1;
    uint32_t left;

    for (left = 3u; left != 0u; left--, row += stride) {
        if ((row[0] | row[1] | row[2]) != 0) {
            return true;
        }
    }
    return false;
}

/*
 * Notes the sizes of a channel's levels 0, which are still kept in their places, and makes them 0:
 * it takes all levels to see what is around one. A channel whose levels have left `noted` as it was
 * has none but 0: it is dead.
 */
static void note_zeros(dense_model_t *model, uint32_t noted)
{
    const bool is_dead = model->differing[0][0] + model->differing[0][1] == noted;
    int32_t *at = model->coefficients;
    uint32_t row;
    uint32_t column;

    for (row = 0u; row < model->format->rows; row++) {
        const uint8_t *const plane = model->current + row * model->stride;

        for (column = 0u; column < model->format->columns; column++, at++) {
            if (plane[column] == 0) {
                const uint32_t around = has_neighbours(plane + column, model->stride);

                model->differences[ZEROS][around] += is_dead ? 0 : *at;
                model->differing[ZEROS][around] += is_dead ? 0u : 1u;
                *at = 0;
            }
        }
    }
}

static void choose_tile(dense_model_t *model, uint32_t mode, choice_t *choice, dense_site_t *site,
                        uint32_t *mean, uint32_t *seen)
{
    const dense_tile_t *const tile = site->tile;
    const uint32_t columns = model->format->columns;

    for (site->row = tile->top; site->row < tile->bottom; site->row++) {
        for (site->column = tile->left; site->column < tile->right; site->column++) {
            const uint32_t place = site->row * columns + site->column;
            uint8_t *const plane = model->current + site->row * model->stride + site->column;
            const int32_t value = model->coefficients[place];
            uint32_t expected;
            uint32_t level;

            site->current = plane;
            site->previous = model->previous + (plane - model->current);
            site->mean = model->modes[mode].means[place];
            site->channel_mean = *mean >> 4;
            if (is_transformed(mode)) {
                expected = fmq_dense_transform_contexts(site);
            } else {
                site->was_before =
                    fmq_dense_was_before(model, mode, site->row, site->column);
                expected = fmq_dense_spatial_contexts(site);
            }
            level = choose_level(model, site, choice, expected, dense_magnitude(value));
            if (!choice->is_trial) {
                note(model, choice->domain, dense_magnitude(value), level);
            }
            if (level != 0u || !choice->keeps_zeros) {
                model->coefficients[place] = value < 0 ? -(int32_t)level : (int32_t)level;
            }
            *plane = in_plane(level, 0u);
            *mean = fmq_dense_moved_mean(*mean, level, *seen);
            *seen += *seen < 255u;
        }
    }
}

uint32_t fmq_dense_round_levels(dense_model_t *model, uint32_t rounding)
{
    const uint32_t places = model->format->rows * model->format->columns;
    int32_t *at = model->coefficients;
    uint32_t any = 0u;
    uint32_t place;

    for (place = 0u; place < places; place++, at++) {
        const uint32_t size = dense_magnitude(*at);
        const uint32_t level = (size + rounding) >> 8;

        any |= level;
        *at = *at < 0 ? -(int32_t)level : (int32_t)level;
    }
    return any;
}

uint64_t fmq_dense_choose_levels(dense_model_t *model, uint32_t mode,
                                 const fmq_dense_search_t *search, bool is_trial)
{
    const fmq_dense_format_t *const format = model->format;
    const bool keeps_zeros =
        !is_trial && mode == FMQ_DENSE_SPATIAL && format->is_one_sided && !format->is_lossless;
    choice_t choice = {search, is_trial, search->is_optimised && !is_trial, keeps_zeros,
                       is_transformed(mode), COST_OF_A_BIT, 0u};
    const uint32_t noted = model->differing[0][0] + model->differing[0][1];
    uint32_t mean = model->modes[mode].channel_mean;
    uint32_t seen = 0u;
    dense_tile_t tile;
    dense_site_t site;
    uint32_t row;
    uint32_t column;

    if (mode == FMQ_DENSE_SPATIAL && format->is_one_sided) {
        choice.sign_cost = 0u;
    }
    fmq_dense_load_previous(model, mode);
    for (row = 0u; row < fmq_dense_tile_rows(format, mode); row++) {
        for (column = 0u; column < fmq_dense_tile_columns(format, mode); column++) {
            fmq_dense_tile(format, mode, row, column, &tile);
            fmq_dense_enter_tile(model, mode, &tile, &site);
            choose_tile(model, mode, &choice, &site, &mean, &seen);
        }
    }
    if (keeps_zeros) {
        note_zeros(model, noted);
    }
    return choice.total;
}
