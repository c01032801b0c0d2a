/*
 * Where samples, levels, the bitstream and the coder's work lie: static, with
 * the sizes from the generated tables.
 *
 * fmq_tables.h defines
 *   FMQ_MAX_INPUT_BYTES   over all tensors, the sum of the larger of input and
 *                         dequantized bytes, each rounded up to a multiple of 4
 *   FMQ_MAX_LEVEL_BYTES   over all tensors, the sum of the bytes of their levels,
 *                         each rounded up to a multiple of 4
 *   FMQ_MAX_STREAM_BYTES  the largest bitstream
 *   FMQ_WORK_BYTES        what fmq_encode and fmq_decode need to work in
 */
#ifndef FMQ_APP_BUFFERS_H
#define FMQ_APP_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FMQ_APP_MAX_TENSORS 16u

/* Lays the tensors out; false if they do not fit, and then no stage may run. */
bool buffers_lay_out(void);

/* Whether the deployment has a tensor of that index. */
bool buffers_has_tensor(uint32_t index);

/* Whether offset..offset+size lies in 0..capacity; no sum could wrap. */
bool buffers_has_range(uint32_t offset, uint32_t size, uint32_t capacity);

/* Bytes of one sample before quantizing, of one level, of one sample after dequantizing. */
uint32_t buffers_input_size(uint32_t tensor);
uint32_t buffers_level_size(uint32_t tensor);
uint32_t buffers_output_size(uint32_t tensor);

/* Where a tensor's samples (input, or dequantized) and levels begin: at multiples of 4. */
uint8_t *buffers_samples(uint32_t tensor);
uint8_t *buffers_levels(uint32_t tensor);

/* Bytes of a tensor's input, of the larger of its input and dequantized samples, of its levels. */
uint32_t buffers_input_bytes(uint32_t tensor);
uint32_t buffers_sample_bytes(uint32_t tensor);
uint32_t buffers_level_bytes(uint32_t tensor);

uint8_t *buffers_stream(void);
void *buffers_work(void);

/* Elements of all tensors together, modulo 2^32. */
uint32_t buffers_element_count(void);

#endif
