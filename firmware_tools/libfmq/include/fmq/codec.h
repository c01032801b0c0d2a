/*
 * Whole maps in memory to a bitstream and back.
 */
#ifndef FMQ_CODEC_H
#define FMQ_CODEC_H

#include "fmq/bitstream.h"
#include "fmq/deployment.h"
#include "fmq/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for a writer or a reader at any alignment, pointers of 64 bits included. */
#define FMQ_STATE_SIZE 1856u

/*
 * Bytes of work that fmq_encode and fmq_decode need for a tensor; take the largest. The macro
 * tells those of the standard profile, the function those of any that the program can encode.
 */
#define FMQ_WORK_SIZE(columns, channels) (FMQ_STATE_SIZE + FMQ_LEVEL_WORK_SIZE(columns, channels))
size_t fmq_work_size(const fmq_tensor_t *tensor);

/* The size in bytes that no bitstream of the deployment exceeds. */
size_t fmq_stream_limit(const fmq_deployment_t *deployment);

/*
 * Encodes the levels of all tensors.
 *   levels    per tensor: uint8_t, or uint16_t beyond 8 bits, all of them; those of a tensor with
 *             a dense plan are overwritten
 *   work      of any alignment
 *   size      the bytes written to `out`; 0 on an error
 * FMQ_ERROR_BUFFER: `out` or `work` is too small; FMQ_ERROR_ARGUMENT: a level
 * beyond its bit depth, or a tensor that contradicts itself; FMQ_ERROR_LIMIT;
 * FMQ_ERROR_UNSUPPORTED: the program does not name a profile's coding, see fmq/coding.h.
 */
fmq_status_t fmq_encode(const fmq_deployment_t *deployment, const void *const *levels,
                        void *work, size_t work_size, uint8_t *out, size_t capacity,
                        size_t *size);

/*
 * Decodes a bitstream of this very deployment; the CRC-32 is checked first.
 * FMQ_ERROR_TRUNCATED, FMQ_ERROR_CHECKSUM, FMQ_ERROR_SYNTAX: the stream is not
 * sound; FMQ_ERROR_UNSUPPORTED: it is another deployment's; FMQ_ERROR_BUFFER:
 * `work` is too small. Levels are then undefined.
 */
fmq_status_t fmq_decode(const fmq_deployment_t *deployment, const uint8_t *data,
                        size_t data_size, void *const *levels, void *work, size_t work_size);

#ifdef __cplusplus
}
#endif

#endif
