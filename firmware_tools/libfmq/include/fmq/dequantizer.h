/* Dequantizers: levels to samples, by a table of values that were rounded once. */
#ifndef FMQ_DEQUANTIZER_H
#define FMQ_DEQUANTIZER_H

#include <stddef.h>
#include <stdint.h>

#include "fmq/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* fmq_dequantizer_t.output */
#define FMQ_OUTPUT_INT8 0
#define FMQ_OUTPUT_UINT8 1
#define FMQ_OUTPUT_INT16 2
#define FMQ_OUTPUT_FLOAT32 3 /* written as uint32_t bit patterns */

typedef struct fmq_dequantizer {
    uint8_t output;
    uint8_t bit_depth;  /* 1..16: levels are uint8_t up to 8, else uint16_t */
    const void *values; /* 2^bit_depth values of the output type; 0: fixed-point samples */
    int16_t exponent;   /* these are in units of 2^exponent, less FMQ_FIXED_POINT_CENTRE */
    int16_t zero_point; /* and this is added where the output is integer */
} fmq_dequantizer_t;

/* Writes the sample of each of `count` levels. Levels and samples must not overlap.
 * FMQ_ERROR_LIMIT: a level is above 2^bit_depth - 1; the samples from it on are not written. */
fmq_status_t fmq_dequantize(const fmq_dequantizer_t *dequantizer, const void *levels, size_t count,
                            void *samples);

/* The same of fixed-point samples alone: rounded once, halves away from zero, and clipped. */
fmq_status_t fmq_dequantize_fixed_point(const fmq_dequantizer_t *dequantizer, const void *levels,
                                        size_t count, void *samples);

#ifdef __cplusplus
}
#endif

#endif
