/*
 * Whole bitstreams in pieces of any size: levels in and bytes out, or bytes in
 * and levels out. The syntax is in fmq_embedded/bitstream/SPECIFICATION.md.
 */
#ifndef FMQ_BITSTREAM_H
#define FMQ_BITSTREAM_H

#include "fmq/class_map.h"
#include "fmq/deployment.h"
#include "fmq/entropy.h"
#include "fmq/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fmq_coding {
    FMQ_CODING_ENTROPY = 0,
    FMQ_CODING_PACKED = 1,
    FMQ_CODING_CONSTANT = 2,
    FMQ_CODING_STATIC = 3,
    FMQ_CODING_DENSE = 4 /* and flags above the lowest 3 bits, where there is a dense plan */
} fmq_coding_t;

struct fmq_encoding; /* see fmq/coding.h */
struct fmq_decoding;

/* ---- writing ---- */

typedef struct fmq_stream_writer {
    const fmq_deployment_t *deployment;
    void *work;
    size_t work_size;
    uint32_t tensor;         /* the one begun, or the next to begin */
    uint32_t crc, tensor_crc; /* of all bytes drained; of those before the tensor */
    const uint8_t *part;     /* what is drained before the payload */
    uint32_t part_left;
    uint32_t constant_left;
    uint32_t survey_left, survey_size;
    uint16_t level; /* the constant, or the survey's first level */
    uint8_t small[4]; /* coding and constant, or the CRC-32 */
    uint8_t small_begin, small_size;
    uint8_t stage, coding;
    bool is_surveying, is_surveyed, is_constant;
    const void *whole; /* the tensor's levels, if all lie in the caller's memory; else 0 */
    fmq_class_map_t classes; /* if they come with each map */
    fmq_packer_t packer;
    fmq_level_encoder_t entropy; /* before the payload: the class map's coder and contexts */
} fmq_stream_writer_t;

/*
 * `work` must do for each tensor: what its coding's work_size says, see fmq/coding.h; and
 * FMQ_TREE_WORK_SIZE to read trees.
 */
void fmq_stream_writer_start(fmq_stream_writer_t *writer, const fmq_deployment_t *deployment,
                             void *work, size_t work_size);

/*
 * Before a tensor is begun: takes all its levels once, in any pieces, only to
 * find the coding that an encoder must choose; then fmq_stream_writer_choice has it. Of the
 * profile fast that is static, whose blocks are packed where that is shorter, or constant;
 * and static coding may be begun only after it.
 * FMQ_ERROR_ARGUMENT: not now, too many levels, or a level beyond the bit depth;
 * FMQ_ERROR_UNSUPPORTED: the program does not name the coding of the tensor's profile.
 */
fmq_status_t fmq_stream_writer_survey(fmq_stream_writer_t *writer, const void *levels,
                                      size_t count);
/* FMQ_ERROR_ARGUMENT: the survey has not seen all levels of the tensor. */
fmq_status_t fmq_stream_writer_choice(const fmq_stream_writer_t *writer, fmq_coding_t *coding);

/*
 * Begins the next tensor; or begins the one that is not done yet anew, and the
 * bytes drained since it was first begun do not count. FMQ_ERROR_ARGUMENT: none is
 * left, no such coding, or a dynamic class that is not there.
 */
fmq_status_t fmq_stream_writer_begin(fmq_stream_writer_t *writer, fmq_coding_t coding);

/*
 * Takes levels of the tensor until all are taken or bytes must be drained first.
 * FMQ_ERROR_ARGUMENT: none is begun, a level beyond the bit depth, one that is
 * not the constant, or more than the tensor has.
 */
fmq_status_t fmq_stream_writer_sink(fmq_stream_writer_t *writer, const void *levels,
                                    size_t count, size_t *taken);

/*
 * Drains at most `capacity` bytes; returns how many. Behind the last tensor it
 * gives the CRC-32 too.
 */
size_t fmq_stream_writer_poll(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity);

/* Whether the tensor begun has levels to take or bytes to drain. */
bool fmq_stream_writer_is_busy(const fmq_stream_writer_t *writer);

/* Whether the stream is complete and drained. */
bool fmq_stream_writer_is_done(const fmq_stream_writer_t *writer);

/* ---- reading ---- */

#define FMQ_READER_BYTES 96u

/* Bytes of work for a coding tree that comes with each map; any alignment. */
#define FMQ_TREE_WORK_SIZE (FMQ_TREE_BOXES * sizeof(fmq_tree_box_t) + 4u)

typedef struct fmq_stream_reader {
    const fmq_deployment_t *deployment;
    void *work;
    size_t work_size;
    const uint8_t *next, *end; /* bytes to be read: in the queue, or the whole stream */
    const uint8_t *part;       /* what must come before the payload */
    uint32_t part_left;
    uint32_t tensor, left; /* the tensor being read, its levels to come */
    uint32_t crc;
    uint16_t level; /* the constant */
    uint8_t stage, coding;
    uint8_t crc_left; /* bytes of the CRC-32 at the end of the window */
    bool is_last; /* no more bytes will come */
    uint8_t queue[FMQ_READER_BYTES];
    fmq_class_map_t classes;
    fmq_packer_t packer;
    fmq_level_decoder_t entropy; /* before the payload: the class map's coder and contexts */
} fmq_stream_reader_t;

void fmq_stream_reader_start(fmq_stream_reader_t *reader, const fmq_deployment_t *deployment,
                             void *work, size_t work_size);

/* Takes bytes until all are taken or levels must be polled first; returns how many. */
size_t fmq_stream_reader_sink(fmq_stream_reader_t *reader, const uint8_t *data, size_t size);

/* Says that all bytes have been taken. */
void fmq_stream_reader_end(fmq_stream_reader_t *reader);

/*
 * Gives at most `count` levels, all of tensor reader->tensor as it is before the
 * call. None polled and FMQ_OK: more bytes are wanted. Levels are not to be
 * trusted before fmq_stream_reader_is_done, when the CRC-32 has been checked.
 * FMQ_ERROR_UNSUPPORTED: not a stream of this deployment; FMQ_ERROR_TRUNCATED,
 * FMQ_ERROR_SYNTAX, FMQ_ERROR_CHECKSUM.
 */
fmq_status_t fmq_stream_reader_poll(fmq_stream_reader_t *reader, void *levels, size_t count,
                                    size_t *polled);

bool fmq_stream_reader_is_done(const fmq_stream_reader_t *reader);

#ifdef __cplusplus
}
#endif

#endif
