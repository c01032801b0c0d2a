/*
 * The adaptive binary range coder: what is kept between decisions. The
 * decisions themselves are coded by level_coder.c.
 *
 * An encoder queues its bytes; a decoder reads from a window of the caller's.
 */
#ifndef FMQ_RANGE_CODER_H
#define FMQ_RANGE_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One level takes at most 19 modelled decisions of 10.1 bits and 13 plain ones,
 * under 26 bytes; the end of a payload takes 3 more.
 */
#define FMQ_LEVEL_BYTES 32u
/* A longer run of bytes that wait for a carry is queued as its length. */
#define FMQ_RUN_LIMIT 16u
#define FMQ_QUEUE_BYTES 128u

typedef struct fmq_range_encoder {
    uint32_t low, range;
    uint32_t held; /* bytes that wait for a carry: the cache, then bytes 0xFF */
    uint32_t run;  /* bytes of value run_byte, to be drained before queue[run_at] */
    uint8_t queue[FMQ_QUEUE_BYTES];
    uint8_t begin, size; /* of the queue */
    uint8_t run_at, run_byte;
    uint8_t cache, carry;
    uint8_t full; /* whether the queue may be too full for another level */
} fmq_range_encoder_t;

typedef struct fmq_range_decoder {
    uint32_t low, range;
    const uint8_t *next, *end; /* the window */
    uint32_t missing;          /* bytes read as 0 behind its end */
} fmq_range_decoder_t;

void fmq_range_encoder_start(fmq_range_encoder_t *encoder);

/* Moves the top byte of `low` towards the queue; returns low << 8. */
uint32_t fmq_range_encoder_shift_low(fmq_range_encoder_t *encoder, uint32_t low);

/* Queues all that is left, with the two last bytes of `low` free for what follows. */
void fmq_range_encoder_finish(fmq_range_encoder_t *encoder);

/* Drains at most `capacity` bytes; returns how many. */
size_t fmq_range_encoder_poll(fmq_range_encoder_t *encoder, uint8_t *out, size_t capacity);

/* Drops what is queued; returns how many bytes that was. */
size_t fmq_range_encoder_discard(fmq_range_encoder_t *encoder);

bool fmq_range_encoder_is_empty(const fmq_range_encoder_t *encoder);

/* Reads the payload's first four bytes from the window that has been set. */
void fmq_range_decoder_start(fmq_range_decoder_t *decoder);

uint32_t fmq_range_decoder_byte(fmq_range_decoder_t *decoder);

#ifdef __cplusplus
}
#endif

#endif
