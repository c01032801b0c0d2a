#include "bitstream_window.h"

fmq_status_t fmq_window_varint(const uint8_t **next, const uint8_t *end, uint32_t *value)
{
    const uint8_t *from = *next;
    uint32_t shift;

    *value = 0u;
    for (shift = 0u; shift < 35u; shift += 7u) {
        uint32_t byte;

        if (from == end) {
            return FMQ_ERROR_TRUNCATED;
        }
        byte = *from++;
        if ((shift == 28u && byte > 0x0Fu) || (shift != 0u && byte == 0u)) {
            return FMQ_ERROR_SYNTAX;
        }
        *value |= (byte & 0x7Fu) << shift;
        if (byte < 0x80u) {
            *next = from;
            return FMQ_OK;
        }
    }
    return FMQ_ERROR_SYNTAX;
}
