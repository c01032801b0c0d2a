#ifndef FMQ_DENSE_CHANNELS_H
#define FMQ_DENSE_CHANNELS_H

#include "fmq/dense.h"

/*
 * Puts the channels of a wide map through a plan's matrix, in place: before it is coded, or by the
 * transposed matrix after it is restored. At most FMQ_DENSE_MATRIX_LIMIT channels.
 */
void fmq_dense_transform_channels(const int16_t *matrix, const fmq_dense_format_t *format,
                                  bool is_forward, void *map);

#endif
