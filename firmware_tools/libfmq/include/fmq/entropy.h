/*
 * Levels to payload bytes and back, in pieces of any size: the level coder over
 * the range coder, and plain packing beside it. RAM is fixed: a state and the
 * caller's work buffer.
 */
#ifndef FMQ_ENTROPY_H
#define FMQ_ENTROPY_H

#include "fmq/deployment.h"
#include "fmq/range_coder.h"
#include "fmq/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FMQ_CONTEXTS 362u

/* No tensor has as many levels: sizes in bits stay within 32 bits. */
#define FMQ_COUNT_LIMIT 0x10000000u

/*
 * Bytes of work for the neighbours and means of a map; any alignment. With this
 * a map is coded however many rows it has.
 */
#define FMQ_LEVEL_WORK_SIZE(columns, channels) ((channels) * ((columns) + 5u) + 4u)

/* The context model, and where in the map it is. */
typedef struct fmq_level_model {
    uint32_t contexts[FMQ_CONTEXTS]; /* probability of a 1 in 1/65536 << 8 | decisions seen */
    uint32_t *means;                 /* per channel: |NW| << 16 | running mean */
    uint8_t *history;                /* per channel: 0, then a row of sign << 7 | magnitude */
    uint32_t columns, channels;
    uint32_t column, channel; /* of the next level */
    uint32_t left;            /* levels to come */
    uint16_t centre, largest;
    uint8_t bit_depth, shift;
    bool has_both_signs, is_first_position;
} fmq_level_model_t;

typedef struct fmq_level_encoder {
    fmq_range_encoder_t coder;
    fmq_level_model_t model;
} fmq_level_encoder_t;

typedef struct fmq_level_decoder {
    fmq_range_decoder_t coder;
    fmq_level_model_t model;
    bool is_started;
} fmq_level_decoder_t;

/*
 * Starts a tensor; `work` stays in use until its last level.
 * FMQ_ERROR_LIMIT: too many levels; FMQ_ERROR_ARGUMENT: the tensor contradicts
 * itself; FMQ_ERROR_BUFFER: less work than FMQ_LEVEL_WORK_SIZE.
 */
fmq_status_t fmq_level_encoder_start(fmq_level_encoder_t *encoder, const fmq_tensor_t *tensor,
                                     void *work, size_t work_size);
fmq_status_t fmq_level_decoder_start(fmq_level_decoder_t *decoder, const fmq_tensor_t *tensor,
                                     void *work, size_t work_size);

/*
 * Takes levels until all are taken or the queue is full; the last level of the
 * tensor also ends the payload. FMQ_ERROR_ARGUMENT: a level beyond the bit
 * depth, or more levels than the tensor has.
 */
fmq_status_t fmq_level_encoder_sink(fmq_level_encoder_t *encoder, const void *levels,
                                    size_t count, size_t *taken);

/* Drains at most `capacity` bytes of the payload; returns how many. */
size_t fmq_level_encoder_poll(fmq_level_encoder_t *encoder, uint8_t *out, size_t capacity);

/* Whether all levels are taken and all bytes drained. */
bool fmq_level_encoder_is_done(const fmq_level_encoder_t *encoder);

/*
 * Decodes at most `count` levels from a window of bytes, and moves *next behind
 * the bytes used. Unless `is_last` says that no bytes follow the window, it stops
 * where fewer than FMQ_LEVEL_BYTES are left: the next window begins there. After
 * the last level *next is behind the payload, which may be 2 bytes before where
 * this call found it: both must still lie there.
 * FMQ_ERROR_TRUNCATED; FMQ_ERROR_SYNTAX: a level beyond the bit depth.
 */
fmq_status_t fmq_level_decoder_poll(fmq_level_decoder_t *decoder, const uint8_t **next,
                                    const uint8_t *end, bool is_last, void *levels, size_t count,
                                    size_t *polled);

/* ---- packing ---- */

/* Packs levels, or unpacks them: the first level in the lowest bits of the first byte. */
typedef struct fmq_packer {
    uint32_t bits; /* `held` bits between levels and bytes, the first one lowest */
    uint32_t left; /* levels to come */
    uint8_t held;
    uint8_t bit_depth;
} fmq_packer_t;

/* Bytes of all levels of a tensor when packed. */
uint32_t fmq_packed_size(const fmq_tensor_t *tensor);

void fmq_packer_start(fmq_packer_t *packer, const fmq_tensor_t *tensor);

/* As the level encoder's. */
fmq_status_t fmq_packer_sink(fmq_packer_t *packer, const void *levels, size_t count,
                             size_t *taken);
size_t fmq_packer_poll(fmq_packer_t *packer, uint8_t *out, size_t capacity);
bool fmq_packer_is_done(const fmq_packer_t *packer);

/*
 * Unpacks at most `count` levels from a window, and moves *next behind the bytes
 * used. FMQ_ERROR_SYNTAX: the bits that fill the last byte are not 0.
 */
fmq_status_t fmq_packer_unpack(fmq_packer_t *packer, const uint8_t **next, const uint8_t *end,
                               void *levels, size_t count, size_t *polled);

#ifdef __cplusplus
}
#endif

#endif
