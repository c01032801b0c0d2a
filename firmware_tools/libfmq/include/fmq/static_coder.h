/*
 * The coder of the profile "fast": static tables, block by block, in few
 * instructions; levels and bytes in pieces of any size. The twin of
 * fmq_embedded/entropy/static_levels.py.
 */
#ifndef FMQ_STATIC_CODER_H
#define FMQ_STATIC_CODER_H

#include "fmq/deployment.h"
#include "fmq/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for an encoder or a decoder, pointers of 64 bits included; aligned to 8. */
#define FMQ_STATIC_STATE_SIZE 160u

/* Bytes of work for either direction; any alignment. */
size_t fmq_static_work_size(const fmq_tensor_t *tensor);

/* What both directions know of a tensor. */
typedef struct fmq_static_map {
    uint8_t *classes;    /* per channel, * 16 */
    uint8_t *magnitudes; /* a row; encoding, a block behind it */
    uint32_t channels, row_size, block_size; /* in levels */
    uint32_t columns, column;                /* of the position that comes next */
    uint32_t left;                           /* levels to come */
    uint32_t lead_left; /* bytes before the blocks: the model and the classes */
    uint16_t centre, largest;
    uint8_t bit_depth, shift, model;
    bool has_both_signs, is_first_row;
} fmq_static_map_t;

typedef struct fmq_static_encoder {
    fmq_static_map_t map;
    uint32_t *counts;     /* per channel, of levels beside the centre */
    uint8_t *was_beside;  /* per channel, at the position before */
    uint64_t magnitudes;  /* the sum */
    uint32_t agreeing;    /* levels that are beside the centre as those before, or both not */
    uint32_t surveyed, judged, channel; /* levels, positions; of the next level */
    uint8_t stride, phase;              /* the last of each `stride` positions is judged */
    uint8_t *levels; /* of a block, where the magnitudes do not tell them; else 0 */
    const uint8_t *whole; /* the levels that come next, if all lie in the caller's memory */
    uint8_t *coded, *begin, *end; /* a block's bytes; those to be drained */
    uint32_t filled;              /* levels that wait for the block to be full */
    bool has_classes, is_overfull;
} fmq_static_encoder_t;

typedef struct fmq_static_decoder {
    fmq_static_map_t map;
    uint32_t state;
    uint32_t block_left, channel;
    uint32_t bits;          /* of a packed block */
    uint8_t held, stage;
} fmq_static_decoder_t;

/*
 * Starts a tensor, and counts what its channels' classes follow from; `work` stays
 * in use until its last level. FMQ_ERROR_LIMIT: too many levels; FMQ_ERROR_ARGUMENT: the
 * tensor contradicts itself; FMQ_ERROR_BUFFER: less work than fmq_static_work_size.
 */
fmq_status_t fmq_static_encoder_start(fmq_static_encoder_t *encoder, const fmq_tensor_t *tensor,
                                      void *work, size_t work_size);

/* Takes all levels once, in any pieces. FMQ_ERROR_ARGUMENT: more than the tensor has. */
fmq_status_t fmq_static_encoder_survey(fmq_static_encoder_t *encoder, const void *levels,
                                       size_t count);

/* Begins to encode, or begins anew. FMQ_ERROR_ARGUMENT: levels were not surveyed yet. */
fmq_status_t fmq_static_encoder_begin(fmq_static_encoder_t *encoder, const fmq_tensor_t *tensor);

/*
 * Says that all levels lie at `levels` until they are encoded: those sunk need not be copied.
 * Not once levels were sunk.
 */
void fmq_static_encoder_whole(fmq_static_encoder_t *encoder, const void *levels);

/* As the level encoder's, in fmq/entropy.h. */
fmq_status_t fmq_static_encoder_sink(fmq_static_encoder_t *encoder, const void *levels,
                                     size_t count, size_t *taken);
size_t fmq_static_encoder_poll(fmq_static_encoder_t *encoder, uint8_t *out, size_t capacity);
bool fmq_static_encoder_is_done(const fmq_static_encoder_t *encoder);

fmq_status_t fmq_static_decoder_start(fmq_static_decoder_t *decoder, const fmq_tensor_t *tensor,
                                      void *work, size_t work_size);

/*
 * As the level decoder's, but that it gives no byte back. FMQ_ERROR_SYNTAX: a block that
 * cannot be.
 */
fmq_status_t fmq_static_decoder_poll(fmq_static_decoder_t *decoder, const uint8_t **next,
                                     const uint8_t *end, bool is_last, void *levels, size_t count,
                                     size_t *polled);

#ifdef __cplusplus
}
#endif

#endif
