/* Small deployments of every kind, with memory of just the size that decoding them takes. */
#ifndef FMQ_FUZZED_DEPLOYMENTS_H
#define FMQ_FUZZED_DEPLOYMENTS_H

#include <fmq/class_map.h>
#include <fmq/deployment.h>

#include <stddef.h>
#include <stdint.h>

#define FUZZED_DEPLOYMENTS 12u
#define FUZZED_MAX_TENSORS 2u
#define FUZZED_MAX_LEVEL_BYTES 512u

typedef struct fuzzed {
    const fmq_deployment_t *deployment;
    void *levels[FUZZED_MAX_TENSORS];
    void *work;
    size_t work_size;
    size_t element_count; /* of levels and of cells of class maps */
} fuzzed_t;

/* index: below FUZZED_DEPLOYMENTS. The same memory each time. */
const fuzzed_t *fuzzed_deployment(uint32_t index);

size_t fuzzed_level_bytes(const fmq_tensor_t *tensor);

#endif
