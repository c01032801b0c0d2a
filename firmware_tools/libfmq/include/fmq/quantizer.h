/* Quantizers as integers: samples to levels. Every form gives what the exact formula gives. */
#ifndef FMQ_QUANTIZER_H
#define FMQ_QUANTIZER_H

#include <stddef.h>
#include <stdint.h>

#include "fmq/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* fmq_quantizer_t.form */
#define FMQ_FORM_TABLE 0          /* level = table[bits of the code] */
#define FMQ_FORM_MULTIPLY_SHIFT 1 /* level = (code * multiplier + addend) >> shift, clipped */
#define FMQ_FORM_SEARCH 2         /* binary search in the thresholds */
#define FMQ_FORM_ESTIMATE 3       /* fixed-point estimate, settled by one threshold */
#define FMQ_FORM_FIXED_POINT 4    /* the sample in units of a power of two; no quantizer */

/* fmq_quantizer_t.input */
#define FMQ_INPUT_INT8 0
#define FMQ_INPUT_UINT8 1
#define FMQ_INPUT_INT16 2
#define FMQ_INPUT_FLOAT32 3 /* read as uint32_t bit patterns */

/*
 * Fixed-point samples, for fmq/dense.h: a sample less its zero point (base) in units of 2^pivot,
 * rounded to nearest, halves away from zero, clipped to +-multiplier; and to that
 * FMQ_FIXED_POINT_CENTRE is added. What is coded is within FMQ_FIXED_POINT_LARGEST.
 */
#define FMQ_FIXED_POINT_CENTRE 32768u
#define FMQ_FIXED_POINT_LARGEST 4095u

/* The largest level of a bit depth. */
#define FMQ_MAXIMUM_LEVEL(bit_depth) ((uint32_t)(((uint32_t)1 << (bit_depth)) - 1u))

/* Each form reads the fields named after it; the others are 0. */
typedef struct fmq_quantizer {
    uint8_t form;
    uint8_t input;
    uint8_t bit_depth;     /* 1..16: levels are uint8_t up to 8, else uint16_t */
    uint8_t shift;         /* multiply-shift: 0..46; estimate: fraction bits of t, 6..30 */
    uint8_t exponent;      /* estimate: biased exponent of the first bit of x, 33..254 */
    uint32_t multiplier;   /* multiply-shift; estimate: below 2^31; fixed point: the largest
                              magnitude, 1..32767 */
    int64_t addend;        /* multiply-shift */
    int32_t base;          /* estimate: t of the sample +0; fixed point: the zero point */
    int32_t pivot;         /* estimate: where t is below it, dead_zone is added; fixed point: the
                              exponent of the unit, -140..117 */
    int32_t dead_zone;     /* estimate */
    /* table: 2^8 or 2^16 levels, uint8_t or uint16_t, indexed by the code's bits as unsigned.
     * search: int32_t[2^bit_depth - 1], the thresholds T_1.. as keys (integers: as codes).
     * estimate: int32_t[2^bit_depth], INT32_MIN and the thresholds as keys.
     * The key of a float32 with bits u is u below 2^31, else -(u - 2^31). */
    const void *table;
} fmq_quantizer_t;

/* Quantizes `count` samples of the quantizer's input type. Levels are uint8_t for a bit depth up
 * to 8, else uint16_t. Samples and levels must not overlap.
 * FMQ_ERROR_NONFINITE: a sample is NaN or infinite; the levels from it on are not written. */
fmq_status_t fmq_quantize(const fmq_quantizer_t *quantizer, const void *samples, size_t count,
                          void *levels);

/* The functions behind it, one for each form, with the same contract; call one directly to leave
 * the others out of the image. The quantizer's form must be the function's. */
fmq_status_t fmq_quantize_table(const fmq_quantizer_t *quantizer, const void *samples,
                                size_t count, void *levels);
fmq_status_t fmq_quantize_multiply_shift(const fmq_quantizer_t *quantizer, const void *samples,
                                         size_t count, void *levels);
fmq_status_t fmq_quantize_search(const fmq_quantizer_t *quantizer, const void *samples,
                                 size_t count, void *levels);
fmq_status_t fmq_quantize_estimate(const fmq_quantizer_t *quantizer, const void *samples,
                                   size_t count, void *levels);
fmq_status_t fmq_quantize_fixed_point(const fmq_quantizer_t *quantizer, const void *samples,
                                      size_t count, void *levels);

#ifdef __cplusplus
}
#endif

#endif
