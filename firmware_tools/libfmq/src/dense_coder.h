/*
 * One binary decision of the dense coder: contexts that learn, and their mixture. The twin of
 * fmq_embedded/dense/coder_kernels.py.
 */
#ifndef FMQ_DENSE_CODER_H
#define FMQ_DENSE_CODER_H

#include "dense_model.h"
#include "signed_shift.h"

/* ln(p / (1 - p)) of a probability in 1/65536, in 1/256. */
FMQ_INLINE int32_t stretch(uint32_t probability)
{
    const bool is_low = probability < 32768u;
    uint32_t entry = (is_low ? probability : 65535u - probability) >> 4;

    if (entry >= DENSE_STRETCH_EDGE) {
        entry = DENSE_STRETCH_EDGE + ((entry - DENSE_STRETCH_EDGE) >> 4);
    }
    return is_low ? -(int32_t)stretch_table[entry] : (int32_t)stretch_table[entry];
}

/* The probability of a logit within +-LARGEST_LOGIT: linear between knots. */
FMQ_INLINE uint32_t squash(int32_t logit)
{
    const uint32_t at = (uint32_t)(logit + (int32_t)DENSE_LARGEST_LOGIT + 1);
    const uint16_t *const knot = squash_knots + at / DENSE_SQUASH_STEP;
    const uint32_t rest = at % DENSE_SQUASH_STEP;

    return (knot[0] * (DENSE_SQUASH_STEP - rest) + knot[1] * rest + DENSE_SQUASH_STEP / 2u) /
           DENSE_SQUASH_STEP;
}

/* Moves a context's probability towards a decision. */
FMQ_INLINE void learn(uint16_t *probabilities, uint8_t *counts, uint32_t context, uint32_t bit)
{
    uint32_t probability = probabilities[context];
    const uint32_t seen = counts[context];
    const uint32_t rate = dense_rates[seen];

    if (bit) {
        probability += ((65536u - probability) * rate) >> 16;
        probability = probability > DENSE_HIGHEST ? DENSE_HIGHEST : probability;
    } else {
        probability -= (probability * rate) >> 16;
        probability = probability < DENSE_LOWEST ? DENSE_LOWEST : probability;
    }
    probabilities[context] = (uint16_t)probability;
    counts[context] = (uint8_t)(seen + (seen < DENSE_COUNT_LIMIT));
}

/* A decision by one context alone. */
FMQ_INLINE_FOR_SPEED uint32_t code_plain(const bool decoding, dense_model_t *model,
                                         uint32_t context, uint32_t bit)
{
    uint32_t probability = model->probabilities[context];

    probability = probability < DENSE_PLAIN_LOWEST ? DENSE_PLAIN_LOWEST : probability;
    probability = probability > DENSE_PLAIN_HIGHEST ? DENSE_PLAIN_HIGHEST : probability;
    bit = code_bit(decoding, &model->coder, probability, bit);
    learn(model->probabilities, model->counts, context, bit);
    return bit;
}

/* A decision by the contexts contexts[i] + offset, mixed with weights, which learn. */
FMQ_INLINE_FOR_SPEED uint32_t code_mixed(const bool decoding, dense_model_t *model,
                                         int16_t *weights, const uint16_t *contexts,
                                         uint32_t offset, const uint32_t count, uint32_t bit)
{
    /* read once: the compiler must take counts for anything, as they are bytes */
    uint16_t *const probabilities = model->probabilities;
    uint8_t *const counts = model->counts;
    int32_t logits[DENSE_ZERO_MODELS];
    int32_t total = 0;
    int32_t error;
    uint32_t probability;
    uint32_t i;

    for (i = 0u; i < count; i++) {
        logits[i] = stretch(probabilities[contexts[i] + offset]);
        total += weights[i] * logits[i];
    }
    total = fmq_shift_down(total, DENSE_WEIGHT_BITS);
    total = total < -(int32_t)DENSE_LARGEST_LOGIT ? -(int32_t)DENSE_LARGEST_LOGIT : total;
    total = total > (int32_t)DENSE_LARGEST_LOGIT ? (int32_t)DENSE_LARGEST_LOGIT : total;
    probability = squash(total);
    bit = code_bit(decoding, &model->coder, probability, bit);
    error = (int32_t)(bit << 12) - (int32_t)(probability >> 4);
    error *= (int32_t)DENSE_LEARNING_RATE;
    for (i = 0u; i < count; i++) {
        int32_t weight = weights[i] + fmq_shift_down(logits[i] * error +
                                                         ((int32_t)1 << (DENSE_LEARNING_SHIFT - 1u)),
                                                     DENSE_LEARNING_SHIFT);

        weight = weight < -(int32_t)DENSE_LARGEST_WEIGHT ? -(int32_t)DENSE_LARGEST_WEIGHT : weight;
        weight = weight > (int32_t)DENSE_LARGEST_WEIGHT ? (int32_t)DENSE_LARGEST_WEIGHT : weight;
        weights[i] = (int16_t)weight;
        learn(probabilities, counts, contexts[i] + offset, bit);
    }
    return bit;
}

#endif
