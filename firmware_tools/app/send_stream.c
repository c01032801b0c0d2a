#include "send_stream.h"

#include "frame.h"

#include <string.h>

#define PIECE_HEADER 8u
#define PIECE_BYTES (FMQ_LINK_MAX_BODY - PIECE_HEADER)

void send_stream(const uint8_t *stream, uint32_t size, uint8_t number)
{
    static frame_t frame; /* static: too large for a small board's stack */
    uint32_t at = 0u;

    while (at < size) {
        const uint32_t left = size - at;
        const uint32_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;

        frame.command = FMQ_LINK_PIECE;
        frame.sequence = number;
        frame.size = 0u;
        frame_put32(&frame, at);
        frame_put32(&frame, size);
        memcpy(frame.body + frame.size, stream + at, (size_t)piece);
        frame.size += (size_t)piece;
        frame_send(&frame);
        at += piece;
    }
}
