/*
 * The profile dense: transforms, and levels under many mixed contexts. Maps in memory to payload
 * bytes and back; the twin of fmq_embedded/dense. Dependent quantization, sines and channels
 * predicted from others are decoded, but not chosen here.
 *
 * A map in memory is unsigned numbers, from which format->centre is taken: levels of a quantizer,
 * which are coded as they are; or fixed-point samples. There the map itself holds what was coded:
 * an encoder overwrites samples with levels, a decoder first fills in levels and then restores
 * samples in their place.
 */
#ifndef FMQ_DENSE_H
#define FMQ_DENSE_H

#include "fmq/deployment.h"
#include "fmq/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Modes of a channel; a mask of them has bit 1 << mode. */
#define FMQ_DENSE_DEAD 0u      /* all levels are 0 */
#define FMQ_DENSE_SPATIAL 1u   /* levels of samples */
#define FMQ_DENSE_WHOLE 2u     /* of the transform, in parts of up to 64 */
#define FMQ_DENSE_TILED 3u     /* of the transform, in parts of up to 8 */
#define FMQ_DENSE_PREDICTED 4u /* of samples less a prediction from their neighbours */

/* No map has as many samples: sums over a map stay within 32 bits. */
#define FMQ_DENSE_COUNT_LIMIT 0x400000u

/* Bytes of work that no map's size changes: of a model, and of one between two calls. */
#define FMQ_DENSE_MODEL_SIZE 520u
#define FMQ_DENSE_STATE_SIZE 64u

/* What both ends know of a tensor, and what its fields in a stream say. */
typedef struct fmq_dense_format {
    uint32_t rows, columns, channels; /* channels innermost */
    uint32_t map_rows; /* rows of one map, where several lie one after the other; divides rows */
    uint16_t centre;   /* what is taken from a map's numbers; of fixed-point samples
                          FMQ_FIXED_POINT_CENTRE */
    uint16_t highest;  /* the largest number that a map may have */
    bool is_wide;      /* a map is uint16_t, else uint8_t */
    uint8_t step;      /* 0..255: T[step % 16] * 2^(step / 16 - 9), T[i] = 128 * 2^(i / 16) */
    bool is_dependent; /* quantization is; only to decode */
    bool is_one_sided; /* no sample is negative */
    bool is_lossless;  /* the map's numbers are coded as they are */
    bool is_sine;      /* the transform is the DST-VII where it is at most 32 long; only to decode */
    int8_t points[2][2]; /* what is added to the points of level 1 and of those above, in 1/32
                            step; in the spatial and in the transform modes */
    uint8_t fills[2]; /* what a level 0 of a one-sided sample is, in 1/64 step, up to 15: where all
                         around it are 0, and elsewhere. With points or fills none is negative. */
} fmq_dense_format_t;

/* How a channel was coded: its mode, and the channels before it that it was predicted from. */
typedef struct fmq_dense_channel {
    uint8_t mode;
    uint8_t distances[3]; /* how many channels before; 0: no more */
    int8_t factors[3];    /* in 1/16 */
} fmq_dense_channel_t;

/*
 * How an encoder decides. A quick one takes the mode whose coefficients have the least sum of
 * magnitudes, and rounds: a third of the instructions. Else modes are compared by their costs:
 * squared errors in step^2 / 256, and bits times `multiplier`.
 */
typedef struct fmq_dense_search {
    bool is_quick;       /* only `rounding`, `modes` and `biases` count then */
    bool is_optimised;   /* levels by rate and distortion; else rounded */
    uint8_t rounding;    /* added in 1/256 before a magnitude is cut off; 128 is half up */
    uint8_t stay;        /* what changing the mode costs, in 1/256 of the cost */
    uint8_t modes;       /* a mask: what may be chosen, beside FMQ_DENSE_DEAD */
    uint16_t multiplier; /* of a bit */
    uint16_t biases[5];  /* of each mode, in 1/256: its cost is multiplied by it */
} fmq_dense_search_t;

/* Bytes of work, at any alignment, for maps of a format. */
size_t fmq_dense_encoder_work_size(const fmq_dense_format_t *format);
size_t fmq_dense_decoder_work_size(const fmq_dense_format_t *format);

/*
 * Codes a map.
 *   format    its `points` are filled in: those that serve best, or 0 if not optimised
 *   map       fixed-point samples within +-4095, which are overwritten; if lossless, any numbers,
 *             which stay
 *   size      bytes written to `out`
 * FMQ_ERROR_ARGUMENT: the format contradicts itself, or is for decoding; FMQ_ERROR_LIMIT: too
 * many samples; FMQ_ERROR_BUFFER: `out` or `work` is too small.
 */
fmq_status_t fmq_dense_encode(fmq_dense_format_t *format, const fmq_dense_search_t *search,
                              void *map, void *work, size_t work_size, uint8_t *out,
                              size_t capacity, size_t *size);

/*
 * Decodes the levels of a map, into the map.
 *   channels  how each was coded, for fmq_dense_restore
 *   used      bytes of `data` that the payload took
 * FMQ_ERROR_TRUNCATED; FMQ_ERROR_SYNTAX: a mode that the format does not have; FMQ_ERROR_LIMIT: a
 * level that the map cannot hold; and as above.
 */
fmq_status_t fmq_dense_decode(const fmq_dense_format_t *format, const uint8_t *data,
                              size_t data_size, void *map, fmq_dense_channel_t *channels,
                              void *work, size_t work_size, size_t *used);

/*
 * The same with the tensor's fields before the payload: what a stream has behind a tensor's
 * header, from its byte `coding` on. fmq_dense_write takes the base of the numbers, fmq_dense_read
 * gives it, and fills in all of the format but the shape and what a map is; levels are restored.
 * The base is the exponent of fixed-point samples; if lossless, what is to be added to levels in
 * place of the zero point, and 0 is told by saying nothing.
 */
fmq_status_t fmq_dense_write(fmq_dense_format_t *format, const fmq_dense_search_t *search,
                             int32_t base, void *map, void *work, size_t work_size, uint8_t *out,
                             size_t capacity, size_t *size);
fmq_status_t fmq_dense_read(fmq_dense_format_t *format, const uint8_t *data, size_t data_size,
                            int32_t *base, void *map, fmq_dense_channel_t *channels, void *work,
                            size_t work_size, size_t *used);

/*
 * Levels to samples in 1/4 of the unit of the fixed-point ones, in place, clipped to what the map
 * can hold; what is lossless stays. `work` is as for decoding, which is over.
 */
void fmq_dense_restore(const fmq_dense_format_t *format, void *map,
                       const fmq_dense_channel_t *channels, void *work);

/* ---- tensors of a deployment ---- */

/* The most channels that a matrix mixes. */
#define FMQ_DENSE_MATRIX_LIMIT 64u

/*
 * A transform over the channels of a place, for numbers in 1/4 of the unit of those that are coded.
 * Each matrix is channels * channels, row by row: the basis functions, and what each coded number
 * adds to the channels; entries times 2^bits. The deployment sees to it that sums fit in 32 bits.
 */
typedef struct fmq_dense_channels {
    const int16_t *forward;
    const int16_t *inverse;
    uint8_t forward_bits;
    uint8_t inverse_bits;
} fmq_dense_channels_t;

/* The farthest that a place of interest makes others so, in rows and columns. */
#define FMQ_DENSE_MARGIN_LIMIT 8u

/* The most places of a map whose channels become their means: sums fit in 32 bits. */
#define FMQ_DENSE_POOLED_LIMIT 32768u

/*
 * What is coded of a map: places where the sum of numbers times `scores` is above the threshold,
 * and those within `margin` rows and columns of them. Decoders put the background, in 1/4 of the
 * unit, where they find no level. A table has an entry for each channel.
 */
typedef struct fmq_dense_region {
    const int16_t *scores;
    const int16_t *background;
    int32_t threshold;
    uint8_t margin;
} fmq_dense_region_t;

/* Factors of the channels, times 2^13, before coding and behind it, for numbers in 1/4 of the unit
 * of those that are coded. */
typedef struct fmq_dense_weighting {
    const uint16_t *factors;
    const uint16_t *inverse_factors;
    const fmq_dense_region_t *region; /* 0: all places are coded */
    bool is_pooled; /* channels become their means; at most FMQ_DENSE_POOLED_LIMIT places a map */
} fmq_dense_weighting_t;

/* How the maps of a tensor are coded that has fixed-point samples in place of levels. */
typedef struct fmq_dense_plan {
    fmq_dense_search_t search;
    uint32_t map_rows; /* as in the format */
    uint32_t limit;    /* bytes of a stream that a map's `coding`, fields and payload may take */
    int16_t exponent;  /* of the samples' unit, 2^exponent */
    uint8_t step;
    const fmq_dense_channels_t *channels; /* 0: none */
    const fmq_dense_weighting_t *weighting; /* in place of `channels`; 0: none */
} fmq_dense_plan_t;

#ifdef __cplusplus
}
#endif

#endif
