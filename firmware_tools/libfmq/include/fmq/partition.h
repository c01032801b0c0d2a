/*
 * Partial quantization: each sample of a map has a class, and each class its own
 * quantizer. All classes of a tensor share one alphabet of joint levels, so that
 * coding them is as without classes.
 */
#ifndef FMQ_PARTITION_H
#define FMQ_PARTITION_H

#include "fmq/deployment.h"
#include "fmq/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* fmq_partition_t.kind */
#define FMQ_PARTITION_CHANNEL 0
#define FMQ_PARTITION_REGION 1
#define FMQ_PARTITION_BLOCK 2

#define FMQ_VECTOR_LIMIT 8u /* samples of a vector */

/* fmq_partition_t.runs: the class above this, below it the samples that have it. */
#define FMQ_RUN_SHIFT 24u
#define FMQ_RUN_LIMIT_SAMPLES 0xFFFFFFu

/* A vector quantizer: `dimension` samples of a class at one position become an index. */
typedef struct fmq_codebook {
    const uint16_t *codewords; /* count * dimension levels of the class's quantizer */
    uint16_t count;            /* 1..4096 */
    uint16_t centre;           /* the level that fills the last vector of a position */
    uint8_t dimension;         /* 2..8 */
} fmq_codebook_t;

typedef struct fmq_class {
    /* Gives levels from 0, and `lowest` is added; but a table has joint levels in it, and the
     * tensor's bit depth. Of a vector class: the levels that its codewords are made of. */
    const fmq_quantizer_t *quantizer;
    const void *values; /* samples of each level or, of a vector class, of each codeword */
    const fmq_codebook_t *codebook; /* 0: scalar */
    uint16_t lowest, highest;       /* the joint levels that it has */
} fmq_class_t;

/* The features of a channel or position: mean, variance, complexity, on a logarithmic scale. */
#define FMQ_FEATURES 3u

/* What classes a device finds in each map itself: those with the nearest features. */
typedef struct fmq_centroids {
    const int16_t *features; /* class_count * FMQ_FEATURES */
    uint16_t centre;         /* the base's level that residuals are taken from */
} fmq_centroids_t;

typedef struct fmq_partition {
    uint8_t kind;
    uint16_t class_count; /* 1..256 */
    const fmq_class_t *classes;
    /* One of both: the class of each channel, position or sample; or runs of samples in coding
     * order, to the end of the map. */
    const uint8_t *cells;
    const uint32_t *runs;
    /* Of a class map that comes with each map: where it is kept, `cells` being the same place;
     * the tensor's header then ends before it. 0: the header holds it. */
    uint8_t *dynamic;
    const fmq_centroids_t *centroids; /* of a dynamic class map; 0: fmq_classify is not used */
} fmq_partition_t;

/*
 * Quantizes `count` positions of a tensor from position `first` on, all channels of each:
 * by its partition if it has one, else by its quantizer. `samples` and `levels` are those of
 * the first of these positions; levels are joint ones, of the tensor's bit depth.
 * FMQ_ERROR_NONFINITE: a sample is NaN or infinite; FMQ_ERROR_ARGUMENT: more positions than
 * the tensor has, or a form that cannot be.
 */
fmq_status_t fmq_quantize_tensor(const fmq_tensor_t *tensor, const void *samples, uint32_t first,
                                 uint32_t count, void *levels);

/* The mirror. FMQ_ERROR_LIMIT: a level that its class does not have. */
fmq_status_t fmq_dequantize_tensor(const fmq_tensor_t *tensor, const void *levels,
                                   uint32_t first, uint32_t count, void *samples);

/* What they call for a tensor with a partition; `first` and `count` are not checked. */
fmq_status_t fmq_quantize_partition(const fmq_tensor_t *tensor, const void *samples,
                                    uint32_t first, uint32_t count, void *levels);
fmq_status_t fmq_dequantize_partition(const fmq_tensor_t *tensor, const void *levels,
                                      uint32_t first, uint32_t count, void *samples);

/*
 * The index of the codeword at the least sum of squared differences, of equal ones the
 * first. `vector` has the codebook's dimension; its levels and the codewords' are of
 * `bit_depth`.
 */
uint32_t fmq_nearest_codeword(const fmq_codebook_t *codebook, const uint16_t *vector,
                              uint32_t bit_depth);

/*
 * Finds the class of each channel, or of each position, in the samples of a whole map by
 * tensor->partition->centroids; the twin of fmq_embedded/partition/dynamic.py.
 *   cells  gets the channels' or the positions' classes, such as tensor->partition->dynamic
 * FMQ_ERROR_NONFINITE: as fmq_quantize; FMQ_ERROR_ARGUMENT: a coding tree, or no centroids;
 * FMQ_ERROR_LIMIT: levels and samples that 64 bits might not hold the variance of.
 */
fmq_status_t fmq_classify(const fmq_tensor_t *tensor, const void *samples, uint8_t *cells);

/*
 * The same features as numbers.
 *   index     of the channel or position
 *   features  FMQ_FEATURES of them
 */
fmq_status_t fmq_class_features(const fmq_tensor_t *tensor, const void *samples, uint32_t index,
                                int32_t *features);

#ifdef __cplusplus
}
#endif

#endif
