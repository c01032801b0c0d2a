#ifndef FMQ_DENSE_WEIGHTING_H
#define FMQ_DENSE_WEIGHTING_H

#include "fmq/dense.h"

/*
 * Multiplies the channels of a wide map, or their means, by their factors, in place, before it is
 * coded; places outside the region become the centre. `work` has a byte for each place.
 */
void fmq_dense_weigh(const fmq_dense_weighting_t *weighting, const fmq_dense_format_t *format,
                     void *map, void *work);

/* Takes that back once the map is restored, and puts the background where there was no level. */
void fmq_dense_unweigh(const fmq_dense_weighting_t *weighting, const fmq_dense_format_t *format,
                       void *map);

#endif
