/*
 * The fields of a bitstream that is being parsed, each read behind the last one.
 * FMQ_ERROR_TRUNCATED: the stream ends inside it; FMQ_ERROR_SYNTAX: it is not allowed.
 */
#ifndef FMQ_PARSER_FIELDS_H
#define FMQ_PARSER_FIELDS_H

#include "fmq/bitstream_parser.h"

#include <stdbool.h>

/* `size` bytes of any value; their position. */
fmq_status_t fmq_parser_read_bytes(fmq_stream_parser_t *parser, size_t size, size_t *position);

fmq_status_t fmq_parser_read_u8(fmq_stream_parser_t *parser, uint8_t *value);
fmq_status_t fmq_parser_read_varint(fmq_stream_parser_t *parser, uint32_t *value);

/* `count` finite float32; their position. */
fmq_status_t fmq_parser_read_floats(fmq_stream_parser_t *parser, uint32_t count,
                                    size_t *position);

/* One finite float32, as its bits. */
fmq_status_t fmq_parser_read_float(fmq_stream_parser_t *parser, uint32_t *bits);

bool fmq_parser_is_above_zero(uint32_t bits);

#endif
