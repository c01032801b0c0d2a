#ifndef FMQ_DENSE_CHANNELS_H
#define FMQ_DENSE_CHANNELS_H

#include "fmq/dense.h"

/*
 * Puts the channels of a wide map through a plan's transform, in place: before it is coded, or back
 * after it is restored. At most FMQ_DENSE_MATRIX_LIMIT channels.
 */
void fmq_dense_transform_channels(const fmq_dense_channels_t *transform,
                                  const fmq_dense_format_t *format, bool is_forward, void *map);

#endif
