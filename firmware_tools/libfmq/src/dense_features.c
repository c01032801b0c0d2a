#include "dense_features.h"

#include "signed_shift.h"

#define EXPECTED_SHIFT 2u

FMQ_INLINE uint32_t coarse(uint32_t size)
{
    return coarse_bins[dense_smaller(size, DENSE_COARSE_LAST_EDGE)];
}

FMQ_INLINE uint32_t fine(uint32_t size)
{
    return fine_bins[dense_smaller(size, DENSE_FINE_LAST_EDGE)];
}

FMQ_INLINE void put(dense_site_t *site, uint32_t index, uint32_t context)
{
    site->contexts[index] = (uint16_t)context;
}

/* A context of the first flag that the quantizers have apart. */
FMQ_INLINE void put_first(dense_site_t *site, uint32_t model, uint32_t number)
{
    put(site, model, site->bases[model] + (number << site->twice) + site->quantizer);
}

void fmq_dense_enter_tile(const dense_model_t *model, uint32_t mode, const dense_tile_t *tile,
                          dense_site_t *site)
{
    site->stride = model->stride;
    site->tile = tile;
    site->is_alone = is_all(model->format, tile);
    site->was_before = false;
    site->quantizer = 0u;
    site->twice = model->format->is_dependent ? 1u : 0u;
    site->bases = model->zero_bases[is_transformed(mode)];
}

uint32_t fmq_dense_expected_class(uint32_t expected)
{
    uint32_t found = 0u;

    while (found < DENSE_EXPECTED_CLASSES - 1u && expected >= tail_edges[found]) {
        found++;
    }
    return found;
}

uint32_t fmq_dense_moved_mean(uint32_t mean, uint32_t magnitude, uint32_t seen)
{
    const int32_t away = (int32_t)(256u * dense_smaller(magnitude, LARGEST_SEEN)) - (int32_t)mean;

    return (uint32_t)((int32_t)mean + fmq_shift_down(away * mean_rates[seen], 16u));
}

uint32_t fmq_dense_spatial_contexts(dense_site_t *site)
{
    const uint8_t *const here = site->current;
    const uint8_t *const north_row = here - site->stride;
    const uint8_t *const before = site->previous;
    const uint32_t west = plane_magnitude(here[-1]);
    const uint32_t north = plane_magnitude(north_row[0]);
    const uint32_t north_west = plane_magnitude(north_row[-1]);
    const uint32_t local = 2u * (west + north) + north_west + plane_magnitude(north_row[1]);
    const uint32_t far = plane_magnitude(here[-2]) + plane_magnitude(*(north_row - site->stride));
    const uint32_t same = plane_magnitude(before[0]);
    const uint32_t around = plane_magnitude(*(before - site->stride)) +
                            plane_magnitude(before[site->stride]) + plane_magnitude(before[-1]) +
                            plane_magnitude(before[1]) + 2u * same;
    const uint32_t total = (2u * local + far + around + site->channel_mean) >> 1;
    const uint32_t fine_total = fine(total);
    const uint32_t fine_local = fine(local);
    const uint32_t by_channel = coarse(site->channel_mean);
    const uint32_t pair = dense_smaller(same, 2u);
    const uint32_t texture = 6u * dense_smaller(west, 2u) + 2u * dense_smaller(north, 2u) +
                             dense_smaller(north_west, 1u);

    put_first(site, 0u, 3u * fine_local + pair);
    put_first(site, 1u, DENSE_TEXTURES * coarse(total) + texture);
    put(site, 2u, site->bases[2] + 6u * texture + 2u * pair + site->was_before);
    put_first(site, 3u, DENSE_COARSE * coarse(site->mean >> 1) + by_channel);
    put(site, 4u, site->bases[4] + DENSE_COARSE * coarse(around) + coarse(far + local));
    put(site, 5u, DENSE_MORE_SPATIAL_0 + 2u * (3u * fine_total + (west > 1u) + (north > 1u)));
    put(site, 6u,
        DENSE_MORE_SPATIAL_1 + 2u * (DENSE_LOW_CLASSES * by_channel +
                                     dense_smaller(same, DENSE_LOW_CLASSES - 1u)));
    put(site, 7u, DENSE_MORE_SPATIAL_2 + 2u * (3u * fine_local + pair));
    return total >> EXPECTED_SHIFT;
}

/* Magnitudes around a coefficient, within its tile. */
typedef struct surroundings {
    uint32_t west, north, local, far, around, tiles;
} surroundings_t;

/* Where the tile is the whole plane: what is beyond it is 0 there. */
FMQ_INLINE void look_freely(const dense_site_t *site, surroundings_t *found)
{
    const uint8_t *const here = site->current;
    const uint8_t *const above = here - site->stride;
    const uint8_t *const before = site->previous;

    found->west = plane_magnitude(here[-1]);
    found->north = plane_magnitude(above[0]);
    found->local = 2u * (found->west + found->north) + plane_magnitude(above[-1]) +
                   plane_magnitude(above[1]);
    found->far = plane_magnitude(here[-2]) + plane_magnitude(*(above - site->stride));
    found->around = plane_magnitude(before[-1]) + plane_magnitude(before[1]) +
                    plane_magnitude(*(before - site->stride)) +
                    plane_magnitude(before[site->stride]);
    found->tiles = 0u;
}

FMQ_INLINE void look_within(const dense_site_t *site, surroundings_t *found)
{
    const dense_tile_t *const tile = site->tile;
    const uint8_t *const here = site->current;
    const uint8_t *const before = site->previous;
    const uint32_t stride = site->stride;
    const uint32_t row = site->row - tile->top;
    const uint32_t column = site->column - tile->left;
    const bool has_east = site->column + 1u < tile->right;
    uint32_t west = 0u;
    uint32_t north = 0u;
    uint32_t diagonal = 0u;
    uint32_t far = 0u;
    uint32_t around = 0u;
    uint32_t tiles = 0u;

    if (column > 0u) {
        west = plane_magnitude(here[-1]);
        around += plane_magnitude(before[-1]);
        far += column > 1u ? plane_magnitude(here[-2]) : 0u;
    }
    around += has_east ? plane_magnitude(before[1]) : 0u;
    if (row > 0u) {
        north = plane_magnitude(*(here - stride));
        around += plane_magnitude(*(before - stride));
        far += row > 1u ? plane_magnitude(*(here - 2u * stride)) : 0u;
        diagonal += column > 0u ? plane_magnitude(*(here - stride - 1u)) : 0u;
        diagonal += has_east ? plane_magnitude(*(here - stride + 1u)) : 0u;
    }
    around += site->row + 1u < tile->bottom ? plane_magnitude(before[stride]) : 0u;
    tiles += column < tile->aside ? plane_magnitude(*(here - tile->aside)) : 0u;
    tiles += row < tile->above ? plane_magnitude(*(here - (size_t)tile->above * stride)) : 0u;
    found->west = west;
    found->north = north;
    found->local = 2u * (west + north) + diagonal;
    found->far = far;
    found->around = around;
    found->tiles = tiles;
}

FMQ_INLINE void look_around(const dense_site_t *site, surroundings_t *found)
{
    if (site->is_alone) {
        look_freely(site, found);
    } else {
        look_within(site, found);
    }
}

/* The class of a coefficient by its row and column in the tile. */
FMQ_INLINE uint32_t position_class(uint32_t row, uint32_t column)
{
    return (row | column) < DENSE_NEAR_POSITIONS
               ? near_positions[DENSE_NEAR_POSITIONS * row + column]
               : far_positions[row + column];
}

uint32_t fmq_dense_transform_contexts(dense_site_t *site)
{
    const uint32_t same = plane_magnitude(site->previous[0]);
    const uint32_t position =
        position_class(site->row - site->tile->top, site->column - site->tile->left);
    const uint32_t by_mean = coarse(site->mean >> 1);
    surroundings_t found;
    uint32_t total;
    uint32_t near;
    uint32_t fine_total;

    look_around(site, &found);
    found.around += 2u * same;
    total = (found.local + found.far + found.around + site->channel_mean + (site->mean >> 1) +
             2u * found.tiles) >>
            1;
    near = found.local + found.far + found.tiles;
    fine_total = fine(total);
    put_first(site, 0u, DENSE_POSITIONS * coarse(site->channel_mean) + position);
    put_first(site, 1u, DENSE_COARSE * by_mean + coarse(near));
    put_first(site, 2u, 4u * fine_total + 2u * (found.west > 0u) + (found.north > 0u));
    put(site, 3u, site->bases[3] + DENSE_COARSE * coarse(found.around) + coarse(found.local));
    put(site, 4u,
        site->bases[4] +
            DENSE_POSITIONS * dense_smaller(2u * found.tiles + same, DENSE_TILE_CLASSES - 1u) +
            position);
    put(site, 5u,
        DENSE_MORE_TRANSFORM_0 + 2u * (3u * fine_total + (found.west > 1u) + (found.north > 1u)));
    put(site, 6u,
        DENSE_MORE_TRANSFORM_1 + 2u * (DENSE_LOW_CLASSES * by_mean +
                                       dense_smaller(same, DENSE_LOW_CLASSES - 1u)));
    put(site, 7u,
        DENSE_MORE_TRANSFORM_2 + 2u * (3u * fine(near) + dense_smaller(found.tiles, 2u)));
    return total >> EXPECTED_SHIFT;
}
