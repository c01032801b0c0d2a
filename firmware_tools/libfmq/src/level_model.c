#include "level_model.h"

#include "context_tables.h"
#include "memory.h"

typedef char contexts_have_room[CONTEXT_COUNT == FMQ_CONTEXTS ? 1 : -1];

fmq_status_t fmq_level_model_start(fmq_level_model_t *model, const fmq_tensor_t *tensor,
                                   void *work, size_t work_size)
{
    const uint32_t lead = (uint32_t)(-(uintptr_t)work & 3u);
    uint32_t context;

    if (tensor->count >= FMQ_COUNT_LIMIT) {
        return FMQ_ERROR_LIMIT;
    }
    if (tensor->count == 0u || tensor->bit_depth < 1u || tensor->bit_depth > 16u ||
        tensor->rows * tensor->columns * tensor->channels != tensor->count) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (work_size < FMQ_LEVEL_WORK_SIZE(tensor->columns, tensor->channels)) {
        return FMQ_ERROR_BUFFER;
    }
    memset(work, 0, FMQ_LEVEL_WORK_SIZE(tensor->columns, tensor->channels));
    memset(model, 0, sizeof *model);
    for (context = 0u; context < CONTEXT_COUNT; context++) {
        model->contexts[context] = (uint32_t)PROBABILITY_START << 8;
    }
    model->means = (uint32_t *)(void *)((uint8_t *)work + lead);
    model->history = (uint8_t *)(model->means + tensor->channels);
    model->columns = tensor->columns;
    model->channels = tensor->channels;
    model->left = tensor->count;
    model->centre = tensor->centre;
    model->largest = (uint16_t)FMQ_MAXIMUM_LEVEL(tensor->bit_depth);
    model->bit_depth = tensor->bit_depth;
    model->shift = (uint8_t)(tensor->bit_depth > 8u ? tensor->bit_depth - 8u : 0u);
    model->has_both_signs = tensor->centre > 0u && tensor->centre < model->largest;
    model->is_first_position = true;
    return FMQ_OK;
}

void fmq_level_model_next_position(fmq_level_model_t *model)
{
    uint32_t channel;

    model->column++;
    if (model->is_first_position) {
        /* the means start at 16 * seen, and so far the common step has given 2 * seen */
        for (channel = 0u; channel < model->channels; channel++) {
            model->means[channel] *= 8u;
        }
        model->is_first_position = false;
    }
    if (model->column == model->columns) {
        model->column = 0u;
        for (channel = 0u; channel < model->channels; channel++) {
            model->means[channel] &= FMQ_MEAN_MASK; /* no NW in column 0 */
        }
    }
}
