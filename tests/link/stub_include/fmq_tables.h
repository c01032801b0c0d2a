/* The tables of a made-up deployment: three tensors of different types. */
#ifndef FMQ_TABLES_H
#define FMQ_TABLES_H

#include <fmq/deployment.h>

#define STUB_COUNT_0 (16u * 16u * 88u)
#define STUB_COUNT_1 (8u * 8u * 96u)
#define STUB_COUNT_2 (1u * 1u * 3u)

/* int8 -> float32, float32 -> int16, uint8 -> uint8 */
#ifndef FMQ_MAX_INPUT_BYTES
#define FMQ_MAX_INPUT_BYTES (STUB_COUNT_0 * 4u + STUB_COUNT_1 * 4u + 4u)
#endif
#define FMQ_MAX_LEVEL_BYTES (STUB_COUNT_0 + STUB_COUNT_1 * 2u + 4u)
#define FMQ_MAX_STREAM_BYTES (FMQ_MAX_LEVEL_BYTES + 8u)
#define FMQ_WORK_BYTES 16u
#define FMQ_CLASS_CELL_BYTES 0u

extern const fmq_deployment_t fmq_deployment;

#endif
