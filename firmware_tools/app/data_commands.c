#include "data_commands.h"

#include "buffers.h"

#include <fmq_tables.h>

#include <string.h>

#define MAX_DATA (FMQ_LINK_MAX_BODY - 1u) /* of an answer, behind its status */

uint8_t data_command_load_input(const frame_t *request, frame_t *answer)
{
    const uint32_t tensor = request->body[0];
    const uint32_t offset = frame_get32(request->body + 1);
    const size_t size = request->size - 5u;

    (void)answer;
    if (!buffers_has_tensor(tensor)) {
        return FMQ_LINK_BAD_TENSOR;
    }
    if (!buffers_has_range(offset, (uint32_t)size, buffers_input_bytes(tensor))) {
        return FMQ_LINK_BAD_RANGE;
    }
    memcpy(buffers_samples(tensor) + offset, request->body + 5, size);
    return FMQ_LINK_OK;
}

uint8_t data_command_load_stream(const frame_t *request, frame_t *answer)
{
    const uint32_t offset = frame_get32(request->body);
    const size_t size = request->size - 4u;

    (void)answer;
    if (!buffers_has_range(offset, (uint32_t)size, FMQ_MAX_STREAM_BYTES)) {
        return FMQ_LINK_BAD_RANGE;
    }
    memcpy(buffers_stream() + offset, request->body + 4, size);
    return FMQ_LINK_OK;
}

uint8_t data_command_read_back(const frame_t *request, frame_t *answer)
{
    const uint8_t buffer = request->body[0];
    const uint32_t tensor = request->body[1];
    const uint32_t offset = frame_get32(request->body + 2);
    const uint32_t size = frame_get16(request->body + 6);
    const uint8_t *data = buffers_stream();
    uint32_t capacity = FMQ_MAX_STREAM_BYTES;

    if (buffer > FMQ_BUFFER_SAMPLES) {
        return FMQ_LINK_BAD_RANGE;
    }
    if (buffer != FMQ_BUFFER_STREAM) {
        if (!buffers_has_tensor(tensor)) {
            return FMQ_LINK_BAD_TENSOR;
        }
        if (buffer == FMQ_BUFFER_LEVELS) {
            data = buffers_levels(tensor);
            capacity = buffers_level_bytes(tensor);
        } else {
            data = buffers_samples(tensor);
            capacity = buffers_sample_bytes(tensor);
        }
    }
    if (size > MAX_DATA || !buffers_has_range(offset, size, capacity)) {
        return FMQ_LINK_BAD_RANGE;
    }
    memcpy(answer->body + answer->size, data + offset, (size_t)size);
    answer->size += (size_t)size;
    return FMQ_LINK_OK;
}
