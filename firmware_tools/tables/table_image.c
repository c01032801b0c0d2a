/* The head of an image of tables, compiled with fmq_tables.c when tables go over the link. */
#include "table_image.h"

#include <fmq_tables.h>

extern const table_image_t fmq_table_image;
__attribute__((section(".fmq_image"))) const table_image_t fmq_table_image = {
    TABLE_IMAGE_MAGIC,    TABLE_IMAGE_LAYOUT, FMQ_MAX_INPUT_BYTES, FMQ_MAX_LEVEL_BYTES,
    FMQ_MAX_STREAM_BYTES, FMQ_WORK_BYTES,     &fmq_deployment,
};
