/* What the readers of bitstreams share. */
#ifndef FMQ_BITSTREAM_WINDOW_H
#define FMQ_BITSTREAM_WINDOW_H

#include "fmq/bitstream.h"

/*
 * Reads a varint below 2^32 and moves *next behind it; where it is cut off, *next
 * stays. FMQ_ERROR_TRUNCATED; FMQ_ERROR_SYNTAX: too large, or longer than needed.
 */
fmq_status_t fmq_window_varint(const uint8_t **next, const uint8_t *end, uint32_t *value);

/*
 * Lets a reader that has been started read a whole stream in memory, of at least 4
 * bytes; `crc` is that of all of them.
 */
void fmq_stream_reader_open(fmq_stream_reader_t *reader, const uint8_t *data, size_t size,
                            uint32_t crc);

#endif
