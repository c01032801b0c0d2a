/*
 * The cold half of the range coder: bytes that wait for a carry, the queue, the
 * window. The decisions are in range_coder_decisions.h.
 */
#include "fmq/range_coder.h"

#include "memory.h"

/* An emptier queue takes another level and the end of the payload: the bytes
 * held before it, FMQ_LEVEL_BYTES, and what follows a run. */
#define FULL (FMQ_QUEUE_BYTES - 2u * FMQ_LEVEL_BYTES)

void fmq_range_encoder_start(fmq_range_encoder_t *encoder)
{
    memset(encoder, 0, sizeof *encoder);
    encoder->range = 0xFFFFFFFFu;
    /* a first byte 0xFF is then held as the cache itself, without a special case */
    encoder->cache = 0xFFu;
}

static void put(fmq_range_encoder_t *encoder, uint32_t byte)
{
    encoder->queue[encoder->size] = (uint8_t)byte;
    encoder->size++;
}

/* Queues the bytes held: now their carry is known. */
static void release(fmq_range_encoder_t *encoder)
{
    const uint32_t fill = 0xFFu + encoder->carry;

    put(encoder, (uint32_t)encoder->cache + encoder->carry);
    encoder->held--;
    if (encoder->held > FMQ_RUN_LIMIT && encoder->run == 0u) {
        encoder->run = encoder->held;
        encoder->run_at = encoder->size;
        encoder->run_byte = (uint8_t)fill;
        encoder->held = 0u;
    }
    for (; encoder->held != 0u; encoder->held--) {
        put(encoder, fill);
    }
    encoder->full = (uint8_t)(encoder->size > FULL || encoder->run != 0u);
}

uint32_t fmq_range_encoder_shift_low(fmq_range_encoder_t *encoder, uint32_t low)
{
    const uint32_t byte = low >> 24;

    if (byte != 0xFFu || encoder->carry != 0u) {
        if (encoder->held != 0u) {
            release(encoder);
        }
        encoder->cache = (uint8_t)byte;
        encoder->carry = 0u;
    }
    encoder->held++;
    return low << 8;
}

void fmq_range_encoder_finish(fmq_range_encoder_t *encoder)
{
    /* any value in low..low + range - 1 will do: one whose last two bytes are free, so that
     * whatever follows the payload may stand in their place */
    uint32_t low = (encoder->low + 0xFFFFu) & 0xFFFF0000u;

    if (encoder->low > 0xFFFF0000u) {
        encoder->carry = 1u;
    }
    low = fmq_range_encoder_shift_low(encoder, low);
    low = fmq_range_encoder_shift_low(encoder, low);
    encoder->low = fmq_range_encoder_shift_low(encoder, low);
}

static size_t drain_queue(fmq_range_encoder_t *encoder, uint32_t stop, uint8_t *out,
                          size_t capacity)
{
    size_t count = stop - encoder->begin;

    if (count > capacity) {
        count = capacity;
    }
    memcpy(out, encoder->queue + encoder->begin, count);
    encoder->begin = (uint8_t)(encoder->begin + count);
    return count;
}

size_t fmq_range_encoder_poll(fmq_range_encoder_t *encoder, uint8_t *out, size_t capacity)
{
    size_t written = 0u;

    if (encoder->run != 0u) {
        size_t count;

        written = drain_queue(encoder, encoder->run_at, out, capacity);
        if (encoder->begin != encoder->run_at) {
            return written;
        }
        count = capacity - written;
        if (count > encoder->run) {
            count = encoder->run;
        }
        memset(out + written, encoder->run_byte, count);
        encoder->run -= (uint32_t)count;
        written += count;
    }
    if (encoder->run == 0u) {
        written += drain_queue(encoder, encoder->size, out + written, capacity - written);
        if (encoder->begin == encoder->size) {
            (void)fmq_range_encoder_discard(encoder);
        }
    }
    return written;
}

size_t fmq_range_encoder_discard(fmq_range_encoder_t *encoder)
{
    const size_t count = (size_t)encoder->run + encoder->size - encoder->begin;

    encoder->run = 0u;
    encoder->begin = 0u;
    encoder->size = 0u;
    encoder->full = 0u;
    return count;
}

bool fmq_range_encoder_is_empty(const fmq_range_encoder_t *encoder)
{
    return encoder->size == 0u; /* a run has a byte before it, kept until all is drained */
}

void fmq_range_decoder_start(fmq_range_decoder_t *decoder)
{
    uint32_t byte;

    decoder->range = 0xFFFFFFFFu;
    decoder->low = 0u;
    decoder->missing = 0u;
    for (byte = 0u; byte < 4u; byte++) {
        decoder->low = decoder->low << 8 | fmq_range_decoder_byte(decoder);
    }
}

uint32_t fmq_range_decoder_byte(fmq_range_decoder_t *decoder)
{
    if (decoder->next == decoder->end) {
        decoder->missing++;
        return 0u;
    }
    return *decoder->next++;
}
