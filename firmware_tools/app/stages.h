/*
 * The stages between the samples and the bitstream: each runs one library call
 * per tensor or map, timed with board_ticks.
 *
 * Sums are 64 bits wide. Quantizing and dequantizing are timed in pieces, so
 * they may last for any number of wraps of the 32-bit counter; one call of
 * fmq_classify, fmq_encode or fmq_decode must take less than 2^32 ticks.
 */
#ifndef FMQ_APP_STAGES_H
#define FMQ_APP_STAGES_H

#include "frame.h"

#include <fmq/status.h>

/* The stages; the tensor's index is valid. The size is that of the bitstream in bytes. */
fmq_status_t stage_quantize(uint32_t tensor);
fmq_status_t stage_dequantize(uint32_t tensor);
fmq_status_t stage_encode(uint32_t *size);
fmq_status_t stage_decode(uint32_t size);

void stages_reset(void);

/*
 * Appends the ticks that timing itself takes per piece, then for each stage
 * ticks u64, pieces timed u32, elements u32 (modulo 2^32).
 */
void stages_report(frame_t *answer);

#endif
