/* Bitstreams that a device sends on its own: the host's end is `inv gateway`. */
#ifndef FMQ_APP_SEND_STREAM_H
#define FMQ_APP_SEND_STREAM_H

#include <stdint.h>

/* The command of a piece; its body: offset u32, size u32 of the bitstream, bytes. */
#define FMQ_LINK_PIECE 0x40u

/*
 * Sends a bitstream in pieces, in order.
 *
 * number: of the map, modulo 256, so that the host does not join pieces of two maps.
 */
void send_stream(const uint8_t *stream, uint32_t size, uint8_t number);

#endif
