/* Frames on the line: COBS, CRC-32 and the bytes that arrive while we send. */
#ifndef FMQ_APP_FRAME_H
#define FMQ_APP_FRAME_H

#include "protocol.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_CRC_SIZE 4u
#define FRAME_MAX_LINE_BYTES 16u

typedef struct frame {
    uint8_t command;
    uint8_t sequence;
    size_t size; /* bytes in body, 0..FMQ_LINK_MAX_BODY */
    uint8_t body[FMQ_LINK_MAX_BODY + FRAME_CRC_SIZE]; /* a received CRC lies behind the body */
} frame_t;

/* Waits for the next frame whose CRC-32 holds; drops all else. */
void frame_receive(frame_t *frame);

/*
 * Sends a frame. Between its own bytes it takes in what the host sends
 * meanwhile, so a serial port with a single receive register loses nothing.
 */
void frame_send(const frame_t *frame);

/* Sends FMQ_LINK_PROBE as it is, between delimiters. */
void frame_send_probe(void);

/*
 * Appends the raw line ends and flow control bytes that came between the last two delimiters that
 * had any between them; forgets them.
 */
void frame_put_line(frame_t *answer);
void frame_forget_line(void);

/* The CRC-32 of a received frame: of command, sequence number and body. */
uint32_t frame_crc(const frame_t *frame);

/* A little-endian integer at `bytes`. */
uint16_t frame_get16(const uint8_t *bytes);
uint32_t frame_get32(const uint8_t *bytes);
void frame_set32(uint8_t *bytes, uint32_t value);

/* Appends to the body; the caller has room for it. */
void frame_put8(frame_t *frame, uint8_t value);
void frame_put16(frame_t *frame, uint16_t value);
void frame_put32(frame_t *frame, uint32_t value);
void frame_put64(frame_t *frame, uint64_t value);

#endif
