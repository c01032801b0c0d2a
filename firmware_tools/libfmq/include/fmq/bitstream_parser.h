/*
 * Reads the headers of any version-1 bitstream in memory, without tables: what
 * tensors it has and where their payloads begin.
 */
#ifndef FMQ_BITSTREAM_PARSER_H
#define FMQ_BITSTREAM_PARSER_H

#include "fmq/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FMQ_RANK_LIMIT 8u

/* In place of a coding: an empty tensor, which has none and no payload either. */
#define FMQ_CODING_NONE 255u

/* In place of a centre that is not sent: it is the level of the real value 0. */
#define FMQ_CENTRE_NONE UINT32_MAX

/* A stream that is being walked; its parts are given as positions in `data`. */
typedef struct fmq_stream_parser {
    const uint8_t *data;
    size_t size;     /* without the CRC-32 */
    size_t position; /* of what is parsed next */
    uint32_t tensors_left;
    uint32_t structure_size; /* 0: none */
    size_t structure;
    uint8_t flags;
} fmq_stream_parser_t;

/* A tensor's header; float32 fields as bit patterns. */
typedef struct fmq_stream_tensor {
    size_t name, parameters, payload; /* positions */
    uint32_t name_size, parameter_count;
    uint32_t dimensions[FMQ_RANK_LIMIT];
    uint32_t count; /* the product of the dimensions */
    uint32_t scale;
    int32_t zero_point;
    uint32_t layer;
    uint32_t step_size, rounding_offset;
    uint32_t centre;
    uint8_t rank, type;
    uint8_t choice, shape; /* as in the stream */
    uint8_t bit_depth;
    uint8_t coding;
} fmq_stream_tensor_t;

/*
 * Checks the CRC-32 and reads the preamble. FMQ_ERROR_TRUNCATED, FMQ_ERROR_CHECKSUM,
 * FMQ_ERROR_SYNTAX; FMQ_ERROR_UNSUPPORTED: not version 1.
 */
fmq_status_t fmq_stream_parse(fmq_stream_parser_t *parser, const uint8_t *data, size_t size);

/*
 * Reads the next tensor's header, up to its payload. Of a quantizer that a decoder
 * derives from the structure the parameters cannot be counted without it:
 * FMQ_ERROR_UNSUPPORTED, with the fields before them read; and so it is where a
 * partition follows the centre, at parser->position. FMQ_ERROR_ARGUMENT: no tensor is left.
 */
fmq_status_t fmq_stream_parse_tensor(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor);

/*
 * Moves behind a constant, packed or empty tensor's payload. FMQ_ERROR_UNSUPPORTED:
 * it is entropy or static coded, and only decoding finds its end: set parser->position then.
 */
fmq_status_t fmq_stream_parse_skip(fmq_stream_parser_t *parser,
                                   const fmq_stream_tensor_t *tensor);

#ifdef __cplusplus
}
#endif

#endif
