/* Tables of another deployment for the stub library: one tensor less, other names and centres. */
#include <fmq_tables.h>

static const fmq_quantizer_t quantizer = {.input = FMQ_INPUT_UINT8, .bit_depth = 4};
static const fmq_dequantizer_t dequantizer = {.output = FMQ_OUTPUT_UINT8, .bit_depth = 4};
static const fmq_tensor_t tensors[] = {{.rows = 1u,
                                        .columns = 2u,
                                        .channels = 3u,
                                        .count = 6u,
                                        .centre = 7u,
                                        .bit_depth = 4u,
                                        .quantizer = &quantizer,
                                        .dequantizer = &dequantizer}};

#ifndef OTHER_CRC
#define OTHER_CRC 0x0BADCAFEu
#endif

const fmq_deployment_t fmq_deployment = {
    .name = "other", .crc32 = OTHER_CRC, .tensors = tensors, .tensor_count = 1u};
