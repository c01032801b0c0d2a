/*
 * The profile dense: transforms, and levels under many mixed contexts. Maps in memory, fixed-point
 * samples to payload bytes and back; the twin of fmq_embedded/dense. Trellis and dependent
 * quantization are decoded, but not chosen here.
 *
 * The map itself holds what was coded: an encoder overwrites samples with levels, a decoder
 * first fills in levels and then restores samples in their place.
 */
#ifndef FMQ_DENSE_H
#define FMQ_DENSE_H

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
#define FMQ_DENSE_WHOLE 2u     /* of the transform, in parts of up to 32 */
#define FMQ_DENSE_TILED 3u     /* of the transform, in parts of up to 8 */
#define FMQ_DENSE_PREDICTED 4u /* of samples less a prediction from their neighbours */

/* No map has as many samples: sums over a map stay within 32 bits. */
#define FMQ_DENSE_COUNT_LIMIT 0x400000u

/* What both ends know of a tensor, and what its fields in a stream say. */
typedef struct fmq_dense_format {
    uint32_t rows, columns, channels; /* channels innermost */
    uint32_t map_rows; /* rows of one map, where several lie one after the other; divides rows */
    uint8_t step;      /* 0..255: T[step % 16] * 2^(step / 16 - 9), T[i] = 128 * 2^(i / 16) */
    bool is_dependent; /* quantization is; only to decode */
    bool is_one_sided; /* no sample is negative */
    bool is_lossless;  /* samples are levels */
    int8_t points[2][2]; /* what is added to the points of level 1 and of those above, in 1/32
                            step; in the spatial and in the transform modes */
} fmq_dense_format_t;

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
 *   samples   fixed-point, within +-4095; if lossless, any. Overwritten.
 *   size      bytes written to `out`
 * FMQ_ERROR_ARGUMENT: the format contradicts itself, or is for decoding; FMQ_ERROR_LIMIT: too
 * many samples; FMQ_ERROR_BUFFER: `out` or `work` is too small.
 */
fmq_status_t fmq_dense_encode(fmq_dense_format_t *format, const fmq_dense_search_t *search,
                              int16_t *samples, void *work, size_t work_size, uint8_t *out,
                              size_t capacity, size_t *size);

/*
 * Decodes the levels of a map.
 *   levels    rows * columns * channels
 *   modes     of the channels, for fmq_dense_restore
 *   used      bytes of `data` that the payload took
 * FMQ_ERROR_TRUNCATED; FMQ_ERROR_SYNTAX: a level beyond what the format allows; and as above.
 */
fmq_status_t fmq_dense_decode(const fmq_dense_format_t *format, const uint8_t *data,
                              size_t data_size, int32_t *levels, uint8_t *modes, void *work,
                              size_t work_size, size_t *used);

/*
 * The same with the tensor's fields before the payload: what a stream has behind a tensor's
 * header, from its byte `coding` on. fmq_dense_write takes an exponent, fmq_dense_read gives it,
 * and fills in all of the format but the shape; `levels` are restored to samples.
 * FMQ_ERROR_UNSUPPORTED: a lossless tensor with a centre of its own.
 */
fmq_status_t fmq_dense_write(fmq_dense_format_t *format, const fmq_dense_search_t *search,
                             int32_t exponent, int16_t *samples, void *work, size_t work_size,
                             uint8_t *out, size_t capacity, size_t *size);
fmq_status_t fmq_dense_read(fmq_dense_format_t *format, const uint8_t *data, size_t data_size,
                            int32_t *exponent, int32_t *levels, uint8_t *modes, void *work,
                            size_t work_size, size_t *used);

/* Levels to samples in 1/4 of the unit of the fixed-point ones, in place. */
void fmq_dense_restore(const fmq_dense_format_t *format, int32_t *levels, const uint8_t *modes);

/* ---- fixed-point samples ---- */

/*
 * float32 samples, by their bits, to fixed-point ones: the sample times 2^-exponent, rounded,
 * halves away from zero, with the least exponent that keeps all within +-4095.
 * FMQ_ERROR_NONFINITE: a sample is NaN or infinite; nothing is written then.
 */
fmq_status_t fmq_dense_from_float32(const uint32_t *bits, size_t count, int16_t *samples,
                                    int16_t *exponent);

/* The same for int8 codes less their zero point. */
void fmq_dense_from_int8(const int8_t *codes, size_t count, int32_t zero_point, int16_t *samples,
                         int16_t *exponent);

/* Restored samples to the bits of float32 ones, exactly; `bits` may be where `samples` is. */
void fmq_dense_to_float32(const int32_t *samples, size_t count, int32_t exponent, uint32_t *bits);

/* Restored samples to int8 codes: rounded, halves away from zero, and clipped. */
void fmq_dense_to_int8(const int32_t *samples, size_t count, int32_t exponent, int32_t zero_point,
                       int8_t *codes);

#ifdef __cplusplus
}
#endif

#endif
