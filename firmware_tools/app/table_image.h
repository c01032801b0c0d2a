/*
 * What lies in a slot: the tables as the compiler makes them from fmq_tables.c, linked for the
 * slot's address, behind this head; and at the slot's end the record that makes them count.
 */
#ifndef FMQ_APP_TABLE_IMAGE_H
#define FMQ_APP_TABLE_IMAGE_H

#include <fmq/deployment.h>
#include <fmq/partition.h>
#include <fmq/version.h>

#include <stdint.h>

#define TABLE_IMAGE_MAGIC 0x54514D46u /* "FMQT" */

/* Differs between firmwares that do not read the same tables: version and sizes of the types. */
#define TABLE_IMAGE_LAYOUT                                                                        \
    ((uint32_t)sizeof(fmq_partition_t) << 9 ^ (uint32_t)sizeof(fmq_class_t) << 3 ^                \
     TABLE_IMAGE_PLAIN_LAYOUT)
#define TABLE_IMAGE_PLAIN_LAYOUT                                                                  \
    ((uint32_t)FMQ_VERSION_MAJOR << 28 | (uint32_t)FMQ_VERSION_MINOR << 24 |                      \
     (uint32_t)(sizeof(fmq_deployment_t) & 0x3Fu) << 18 |                                         \
     (uint32_t)(sizeof(fmq_dequantizer_t) & 0x3Fu) << 12 |                                        \
     (uint32_t)(sizeof(fmq_quantizer_t) & 0x3Fu) << 6 | (uint32_t)(sizeof(fmq_tensor_t) & 0x3Fu))

typedef struct table_image {
    uint32_t magic;
    uint32_t layout;
    uint32_t input_bytes; /* what the tensors need, as FMQ_MAX_INPUT_BYTES and so on say */
    uint32_t level_bytes;
    uint32_t stream_bytes;
    uint32_t work_bytes;
    const fmq_deployment_t *deployment;
} table_image_t;

#endif
