/* Pushing levels on a state; what is in them, static_encoder.c says. */
#ifndef FMQ_STATIC_PUSH_H
#define FMQ_STATIC_PUSH_H

#include "fmq/static_coder.h"

/*
 * One position's levels, the last channel first; `cell`, `west` and `north` are the magnitudes of
 * its first channel and of those beside it. Words go before encoder->begin; where their room ends,
 * or a level is beyond the bit depth, the encoder is_overfull.
 */
uint32_t fmq_static_push_position(fmq_static_encoder_t *encoder, uint32_t state,
                                  const uint8_t *cell, const uint8_t *west, const uint8_t *north);

#endif
