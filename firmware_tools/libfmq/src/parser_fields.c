#include "parser_fields.h"

#include "bitstream_window.h"

#define INFINITE 0x7F800000u

fmq_status_t fmq_parser_read_bytes(fmq_stream_parser_t *parser, size_t size, size_t *position)
{
    if (size > parser->size - parser->position) {
        return FMQ_ERROR_TRUNCATED;
    }
    *position = parser->position;
    parser->position += size;
    return FMQ_OK;
}

fmq_status_t fmq_parser_read_u8(fmq_stream_parser_t *parser, uint8_t *value)
{
    size_t position = 0u;
    const fmq_status_t status = fmq_parser_read_bytes(parser, 1u, &position);

    *value = status == FMQ_OK ? parser->data[position] : 0u;
    return status;
}

fmq_status_t fmq_parser_read_varint(fmq_stream_parser_t *parser, uint32_t *value)
{
    const uint8_t *next = parser->data + parser->position;
    const fmq_status_t status = fmq_window_varint(&next, parser->data + parser->size, value);

    parser->position = (size_t)(next - parser->data);
    return status;
}

static uint32_t bits_at(const fmq_stream_parser_t *parser, size_t position)
{
    const uint8_t *const byte = parser->data + position;

    return (uint32_t)byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 |
           (uint32_t)byte[3] << 24;
}

fmq_status_t fmq_parser_read_floats(fmq_stream_parser_t *parser, uint32_t count, size_t *position)
{
    const fmq_status_t status = fmq_parser_read_bytes(parser, (size_t)count * 4u, position);
    uint32_t index;

    for (index = 0u; status == FMQ_OK && index < count; index++) {
        if ((bits_at(parser, *position + (size_t)index * 4u) & INFINITE) == INFINITE) {
            return FMQ_ERROR_SYNTAX;
        }
    }
    return status;
}

fmq_status_t fmq_parser_read_float(fmq_stream_parser_t *parser, uint32_t *bits)
{
    size_t position = 0u;
    const fmq_status_t status = fmq_parser_read_floats(parser, 1u, &position);

    if (status == FMQ_OK) {
        *bits = bits_at(parser, position);
    }
    return status;
}

bool fmq_parser_is_above_zero(uint32_t bits)
{
    return bits != 0u && bits < INFINITE;
}
