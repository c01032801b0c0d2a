/*
 * What a generated deployment tells the library: its tensors, their quantizers,
 * and the parts of its bitstreams that never change.
 */
#ifndef FMQ_DEPLOYMENT_H
#define FMQ_DEPLOYMENT_H

#include "fmq/dequantizer.h"
#include "fmq/quantizer.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fmq_partition;
struct fmq_dense_plan;

/* fmq_tensor_t.profile: what its maps are coded with. */
#define FMQ_PROFILE_STANDARD 0 /* contexts that learn, fmq/entropy.h */
#define FMQ_PROFILE_FAST 1     /* static tables, fmq/static_coder.h */
#define FMQ_PROFILE_DENSE 2    /* mixed contexts, fmq/dense.h */
#define FMQ_PROFILES 3

/*
 * A tensor. Levels lie in row-major order, channels innermost; they are uint8_t
 * for a bit depth up to 8, else uint16_t. With a partition they are joint levels,
 * and the bit depth and the centre are those of joint levels.
 *
 * With a dense plan there is a transform in place of a quantizer's levels: levels are fixed-point
 * samples plus FMQ_FIXED_POINT_CENTRE, uint16_t; fmq_encode overwrites them.
 */
typedef struct fmq_tensor {
    uint32_t rows, columns, channels;
    uint32_t count;     /* rows * columns * channels, below 2^28 */
    uint16_t centre;    /* the level of the real value 0: residuals are taken from it */
    uint8_t bit_depth;  /* 1..16 */
    uint8_t profile;    /* FMQ_PROFILE_... */
    const fmq_quantizer_t *quantizer;
    const fmq_dequantizer_t *dequantizer;
    const uint8_t *header; /* the tensor's syntax up to, not including, its coding byte */
    uint32_t header_size;
    const struct fmq_partition *partition; /* see fmq/partition.h; 0: none */
    const struct fmq_dense_plan *dense;    /* see fmq/dense.h; 0: none */
} fmq_tensor_t;

typedef struct fmq_deployment {
    const char *name;
    uint32_t crc32; /* of the tables: identifies them */
    const uint8_t *preamble;
    uint32_t preamble_size;
    const fmq_tensor_t *tensors;
    uint32_t tensor_count;
} fmq_deployment_t;

#ifdef __cplusplus
}
#endif

#endif
