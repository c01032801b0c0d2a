/*
 * A library that stands in for libfmq in the tests of the link: the same
 * functions, simple enough for a test to say what they give.
 */
#include <fmq/codec.h>
#include <fmq/coding.h>
#include <fmq/partition.h>
#include <fmq_tables.h>

#include <string.h>

#define MAGIC 0xF3u

static const fmq_quantizer_t quantizers[] = {
    {.input = FMQ_INPUT_INT8, .bit_depth = 8},
    {.input = FMQ_INPUT_FLOAT32, .bit_depth = 10},
    {.input = FMQ_INPUT_UINT8, .bit_depth = 4},
};

static const fmq_dequantizer_t dequantizers[] = {
    {.output = FMQ_OUTPUT_FLOAT32, .bit_depth = 8},
    {.output = FMQ_OUTPUT_INT16, .bit_depth = 10},
    {.output = FMQ_OUTPUT_UINT8, .bit_depth = 4},
};

#define STUB_TENSOR(r, c, k, index, zero, bits)                                                   \
    {                                                                                             \
        .rows = (r), .columns = (c), .channels = (k), .count = STUB_COUNT_##index,                \
        .centre = (zero), .bit_depth = (bits), .quantizer = &quantizers[index],                   \
        .dequantizer = &dequantizers[index]                                                       \
    }

static const fmq_tensor_t tensors[] = {
    STUB_TENSOR(16u, 16u, 88u, 0, 128u, 8u),
    STUB_TENSOR(8u, 8u, 96u, 1, 511u, 10u),
    STUB_TENSOR(1u, 1u, 3u, 2, 0u, 4u),
};

static const fmq_encoding_t encoding;
const fmq_encoding_t *const fmq_encodings[FMQ_PROFILES] = {&encoding, NULL};

const fmq_deployment_t fmq_deployment = {
    .name = "stub-deployment", .crc32 = 0xC0DE1234u, .tensors = tensors, .tensor_count = 3u};

/* int8: the code + 128; float32: the top 10 bits; uint8: the low 4 bits */
fmq_status_t fmq_quantize(const fmq_quantizer_t *quantizer, const void *samples, size_t count,
                          void *levels)
{
    size_t at;

    for (at = 0u; at < count; at++) {
        if (quantizer->input == FMQ_INPUT_FLOAT32) {
            const uint32_t bits = ((const uint32_t *)samples)[at];

            if ((bits & 0x7F800000u) == 0x7F800000u) {
                return FMQ_ERROR_NONFINITE;
            }
            ((uint16_t *)levels)[at] = (uint16_t)(bits >> 22);
        } else if (quantizer->input == FMQ_INPUT_INT8) {
            ((uint8_t *)levels)[at] = (uint8_t)(((const uint8_t *)samples)[at] ^ 0x80u);
        } else {
            ((uint8_t *)levels)[at] = (uint8_t)(((const uint8_t *)samples)[at] & 15u);
        }
    }
    return FMQ_OK;
}

/* float32: the level as the top bits; int16: the level - 512; uint8: the level */
fmq_status_t fmq_dequantize(const fmq_dequantizer_t *dequantizer, const void *levels, size_t count,
                            void *samples)
{
    size_t at;

    for (at = 0u; at < count; at++) {
        if (dequantizer->output == FMQ_OUTPUT_FLOAT32) {
            ((uint32_t *)samples)[at] = (uint32_t)((const uint8_t *)levels)[at] << 20;
        } else if (dequantizer->output == FMQ_OUTPUT_INT16) {
            ((int16_t *)samples)[at] = (int16_t)(((const uint16_t *)levels)[at] - 512);
        } else {
            ((uint8_t *)samples)[at] = ((const uint8_t *)levels)[at];
        }
    }
    return FMQ_OK;
}

fmq_status_t fmq_quantize_tensor(const fmq_tensor_t *tensor, const void *samples, uint32_t first,
                                 uint32_t count, void *levels)
{
    (void)first;
    return fmq_quantize(tensor->quantizer, samples, (size_t)count * tensor->channels, levels);
}

fmq_status_t fmq_dequantize_tensor(const fmq_tensor_t *tensor, const void *levels, uint32_t first,
                                   uint32_t count, void *samples)
{
    (void)first;
    return fmq_dequantize(tensor->dequantizer, levels, (size_t)count * tensor->channels, samples);
}

static size_t level_bytes(const fmq_tensor_t *tensor)
{
    return tensor->bit_depth <= 8u ? tensor->count : tensor->count * 2u;
}

static uint8_t sum_of(const uint8_t *data, size_t size)
{
    uint32_t sum = 0u;
    size_t at;

    for (at = 0u; at < size; at++) {
        sum += data[at];
    }
    return (uint8_t)(sum & 0xFFu);
}

/* the magic byte, every tensor's levels, a sum */
fmq_status_t fmq_encode(const fmq_deployment_t *deployment, const void *const *levels, void *work,
                        size_t work_size, uint8_t *out, size_t capacity, size_t *size)
{
    uint32_t tensor;

    memset(work, 0xEE, work_size);
    *size = 1u;
    out[0] = MAGIC;
    for (tensor = 0u; tensor < deployment->tensor_count; tensor++) {
        const size_t bytes = level_bytes(&deployment->tensors[tensor]);

        if (bytes + 1u > capacity - *size) {
            return FMQ_ERROR_BUFFER;
        }
        memcpy(out + *size, levels[tensor], bytes);
        *size += bytes;
    }
    out[*size] = sum_of(out, *size);
    *size += 1u;
    return FMQ_OK;
}

fmq_status_t fmq_decode(const fmq_deployment_t *deployment, const uint8_t *data, size_t data_size,
                        void *const *levels, void *work, size_t work_size)
{
    size_t at = 1u;
    uint32_t tensor;

    memset(work, 0xDD, work_size);
    if (data_size < 2u) {
        return FMQ_ERROR_TRUNCATED;
    }
    if (data[0] != MAGIC) {
        return FMQ_ERROR_SYNTAX;
    }
    if (data[data_size - 1u] != sum_of(data, data_size - 1u)) {
        return FMQ_ERROR_CHECKSUM;
    }
    for (tensor = 0u; tensor < deployment->tensor_count; tensor++) {
        const size_t bytes = level_bytes(&deployment->tensors[tensor]);

        memcpy(levels[tensor], data + at, bytes);
        at += bytes;
    }
    return FMQ_OK;
}
