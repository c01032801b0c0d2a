/* The context model's memory: where it lies, and what happens to it between positions. */
#ifndef FMQ_LEVEL_MODEL_H
#define FMQ_LEVEL_MODEL_H

#include "fmq/entropy.h"

/* The running mean's part of fmq_level_model_t.means. */
#define FMQ_MEAN_MASK 0xFFFFu

/* As fmq_level_encoder_start. */
fmq_status_t fmq_level_model_start(fmq_level_model_t *model, const fmq_tensor_t *tensor,
                                   void *work, size_t work_size);

/* Behind the last channel of a position. */
void fmq_level_model_next_position(fmq_level_model_t *model);

#endif
