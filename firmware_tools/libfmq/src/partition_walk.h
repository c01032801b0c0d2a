/* The way through a map by its classes, the same for quantizing and for dequantizing. */
#ifndef FMQ_PARTITION_WALK_H
#define FMQ_PARTITION_WALK_H

#include "fmq/partition.h"

/* What a stage does with the samples of one class; sizes of samples and levels in bytes. */
typedef struct stage {
    uint32_t from_size, to_size;
    /* `count` samples of a scalar class, `stride` samples apart */
    fmq_status_t (*scalars)(const fmq_tensor_t *tensor, const fmq_class_t *own, const void *from,
                            uint32_t count, uint32_t stride, void *to);
    /* 1..dimension samples of a vector class: where they are, counted from `from` */
    fmq_status_t (*vector)(const fmq_tensor_t *tensor, const fmq_class_t *own, const void *from,
                           const uint32_t *members, uint32_t count, void *to);
} stage_t;

/* `count` positions from position `first` on; the pointers are those of its first sample. */
fmq_status_t fmq_partition_walk(const stage_t *stage, const fmq_tensor_t *tensor,
                                const void *from, uint32_t first, uint32_t count, void *to);

#endif
