/*
 * The hot half of the range coder: one decision, inlined into the level coder so
 * that low and range stay in registers from one level to the next.
 *
 * Both directions are one function, as in the twin: `decoding` is a constant
 * wherever they are inlined.
 */
#ifndef FMQ_RANGE_CODER_DECISIONS_H
#define FMQ_RANGE_CODER_DECISIONS_H

#include "context_tables.h"

#include "fmq/range_coder.h"

#include "inline.h"

#define TOP 0x1000000u
#define BYPASS 32768u

/* A coder at work; of the two pointers the one for its direction is set. */
typedef struct coder {
    uint32_t low, range;
    fmq_range_encoder_t *encoder;
    fmq_range_decoder_t *decoder;
} coder_t;

/* Narrows the interval to that of the bit, which comes in or, decoding, out. */
FMQ_INLINE uint32_t narrow(const bool decoding, coder_t *coder, uint32_t probability, uint32_t bit)
{
    const uint32_t bound = (coder->range >> 16) * probability;

    if (decoding) {
        bit = coder->low < bound;
    }
    if (bit) {
        coder->range = bound;
        return 1u;
    }
    coder->range -= bound;
    if (decoding) {
        coder->low -= bound;
    } else {
        coder->low += bound;
        if (coder->low < bound) {
            coder->encoder->carry = 1u;
        }
    }
    return 0u;
}

FMQ_INLINE void renormalise(const bool decoding, coder_t *coder)
{
    while (coder->range < TOP) {
        coder->range <<= 8;
        coder->low = decoding ? coder->low << 8 | fmq_range_decoder_byte(coder->decoder)
                              : fmq_range_encoder_shift_low(coder->encoder, coder->low);
    }
}

/* Codes or decodes one decision with the probability of a 1 in 1/65536. */
FMQ_INLINE_FOR_SPEED uint32_t code_bit(const bool decoding, coder_t *coder,
                                       uint32_t probability, uint32_t bit)
{
    bit = narrow(decoding, coder, probability, bit);
    renormalise(decoding, coder);
    return bit;
}

/*
 * Codes or decodes one modelled decision; then its context learns: the
 * probability moves towards the decision by 1/(n + 2), n being the decisions seen.
 *
 * The specification clips the probability to 32..65504. It never gets there: the
 * smaller side q of both loses (q * rate) >> 16, which is 0 below q = 62 at the
 * last rate, and q is above that at the earlier ones.
 */
FMQ_INLINE_FOR_SPEED uint32_t code(const bool decoding, coder_t *coder, uint32_t *context,
                                   uint32_t bit)
{
    const uint32_t state = *context;
    const uint32_t rate = adaptation_rates[state & 0xFFu];
    uint32_t probability = state >> 8;

    bit = narrow(decoding, coder, probability, bit);
    if (bit) {
        probability += ((65536u - probability) * rate) >> 16;
    } else {
        probability -= (probability * rate) >> 16;
    }
    *context = probability << 8 | ((state & 0xFFu) + ((state & 0xFFu) < COUNT_LIMIT));
    renormalise(decoding, coder);
    return bit;
}

#endif
