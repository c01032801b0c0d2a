#include "buffers.h"

#include "tables.h"

#include <fmq/deployment.h>
#include <fmq_tables.h>

/* One word more than the bytes need: no array is empty, and each is aligned. */
static uint32_t sample_words[FMQ_MAX_INPUT_BYTES / 4u + 1u];
static uint32_t level_words[FMQ_MAX_LEVEL_BYTES / 4u + 1u];
static uint32_t stream_words[FMQ_MAX_STREAM_BYTES / 4u + 1u];
static uint32_t work_words[FMQ_WORK_BYTES / 4u + 1u];

static uint32_t sample_offsets[FMQ_APP_MAX_TENSORS];
static uint32_t level_offsets[FMQ_APP_MAX_TENSORS];

/* Takes `bytes`, rounded up to words, from what is left of a buffer. */
static bool place(uint32_t bytes, uint32_t capacity, uint32_t *used, uint32_t *offset)
{
    if (bytes > capacity - *used) {
        return false;
    }
    *offset = *used;
    bytes = (bytes + 3u) / 4u * 4u;
    *used += bytes < capacity - *used ? bytes : capacity - *used;
    return true;
}

/* FMQ_INPUT_* and FMQ_OUTPUT_* name the same types by the same numbers. */
static uint32_t sample_size(uint8_t type)
{
    switch (type) {
    case FMQ_INPUT_INT8:
    case FMQ_INPUT_UINT8:
        return 1u;
    case FMQ_INPUT_INT16:
        return 2u;
    default:
        return 4u;
    }
}

bool buffers_lay_out(void)
{
    uint32_t samples_used = 0u;
    uint32_t levels_used = 0u;
    uint32_t tensor;

    if (tables_deployment->tensor_count > FMQ_APP_MAX_TENSORS) {
        return false;
    }
    for (tensor = 0u; tensor < tables_deployment->tensor_count; tensor++) {
        /* a sample has at most 4 bytes: no product below can wrap */
        if (tables_deployment->tensors[tensor].count > UINT32_MAX / 4u ||
            !place(buffers_sample_bytes(tensor), FMQ_MAX_INPUT_BYTES, &samples_used,
                   &sample_offsets[tensor]) ||
            !place(buffers_level_bytes(tensor), FMQ_MAX_LEVEL_BYTES, &levels_used,
                   &level_offsets[tensor])) {
            return false;
        }
    }
    return true;
}

bool buffers_has_tensor(uint32_t index)
{
    return index < tables_deployment->tensor_count;
}

bool buffers_has_range(uint32_t offset, uint32_t size, uint32_t capacity)
{
    return offset <= capacity && size <= capacity - offset;
}

uint32_t buffers_input_size(uint32_t tensor)
{
    return sample_size(tables_deployment->tensors[tensor].quantizer->input);
}

uint32_t buffers_level_size(uint32_t tensor)
{
    return tables_deployment->tensors[tensor].bit_depth <= 8u ? 1u : 2u;
}

uint32_t buffers_output_size(uint32_t tensor)
{
    return sample_size(tables_deployment->tensors[tensor].dequantizer->output);
}

uint8_t *buffers_samples(uint32_t tensor)
{
    return (uint8_t *)sample_words + sample_offsets[tensor];
}

uint8_t *buffers_levels(uint32_t tensor)
{
    return (uint8_t *)level_words + level_offsets[tensor];
}

uint32_t buffers_input_bytes(uint32_t tensor)
{
    return tables_deployment->tensors[tensor].count * buffers_input_size(tensor);
}

uint32_t buffers_sample_bytes(uint32_t tensor)
{
    const uint32_t input = buffers_input_size(tensor);
    const uint32_t output = buffers_output_size(tensor);

    return tables_deployment->tensors[tensor].count * (input > output ? input : output);
}

uint32_t buffers_level_bytes(uint32_t tensor)
{
    return tables_deployment->tensors[tensor].count * buffers_level_size(tensor);
}

uint8_t *buffers_stream(void)
{
    return (uint8_t *)stream_words;
}

void *buffers_work(void)
{
    return work_words;
}

uint32_t buffers_element_count(void)
{
    uint32_t count = 0u;
    uint32_t tensor;

    for (tensor = 0u; tensor < tables_deployment->tensor_count; tensor++) {
        count += tables_deployment->tensors[tensor].count;
    }
    return count;
}
