/*
 * Separable integer DCT-II or DST-VII of a tile, in place: the twin of
 * fmq_embedded/transform/kernels.py.
 *
 * Sums are taken modulo 2^32, so it does not matter in which order: even and odd halves are
 * summed apart, which takes a third of a matrix product's multiplications.
 */
#ifndef FMQ_TRANSFORM_H
#define FMQ_TRANSFORM_H

#include <stdbool.h>
#include <stdint.h>

/* What a tile's size may be in each direction. */
#define FMQ_TRANSFORM_LIMIT 64u

/* A tile: its first sample, how far apart rows and columns are, its size (1..64 each). */
typedef struct fmq_tile {
    int32_t *samples;
    uint32_t row_stride, column_stride;
    uint32_t height, width;
    bool is_sine; /* the DST-VII where it is at most 32 long */
} fmq_tile_t;

/* Samples within +-4095 to their coefficients, rounded. */
void fmq_transform_forward(const fmq_tile_t *tile);

/* Coefficients to samples: the mirror, at the scale of the coefficients. */
void fmq_transform_inverse(const fmq_tile_t *tile);

#endif
