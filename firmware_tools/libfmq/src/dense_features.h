/* The contexts of a level, from the magnitudes around it; the twin of feature_kernels.py. */
#ifndef FMQ_DENSE_FEATURES_H
#define FMQ_DENSE_FEATURES_H

#include "dense_model.h"

#define SITE_CONTEXTS (DENSE_ZERO_MODELS + DENSE_MORE_MODELS)

/* Where a level lies and what is known there. */
typedef struct dense_site {
    const uint8_t *current, *previous; /* at the level, in planes */
    uint32_t stride;
    uint32_t mean;         /* of the place over the channels of this mode, in sixteenths */
    uint32_t channel_mean; /* of this channel so far, in sixteenths */
    uint32_t quantizer;    /* of dependent quantization, else 0 */
    uint32_t twice;        /* 1 if there are two, else 0 */
    const uint16_t *bases; /* of the contexts of the first flag */
    bool was_before;       /* whether the level in the channel before the one before is not 0 */
    uint32_t row, column;  /* in the channel */
    const dense_tile_t *tile;
    bool is_alone; /* whether the tile is all of the channel */
    uint16_t contexts[SITE_CONTEXTS]; /* found: of the first flag, then of the others */
} dense_site_t;

/* Finds the contexts of a level of a sample, or of a coefficient; returns what size is expected. */
uint32_t fmq_dense_spatial_contexts(dense_site_t *site);
uint32_t fmq_dense_transform_contexts(dense_site_t *site);

/* What of a site is the same all over a tile. */
void fmq_dense_enter_tile(const dense_model_t *model, uint32_t mode, const dense_tile_t *tile,
                          dense_site_t *site);

/* Whether a tile is all of a channel. */
FMQ_INLINE bool is_all(const fmq_dense_format_t *format, const dense_tile_t *tile)
{
    return tile->bottom - tile->top == format->rows && tile->right - tile->left == format->columns;
}

/* The class of an expected size. */
uint32_t fmq_dense_expected_class(uint32_t expected);

/* A channel's mean magnitude, in 1/256, after one more; `seen` is how many there were. */
uint32_t fmq_dense_moved_mean(uint32_t mean, uint32_t magnitude, uint32_t seen);

#endif
