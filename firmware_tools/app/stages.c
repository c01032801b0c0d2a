#include "stages.h"

#include "board.h"
#include "buffers.h"
#include "tables.h"

#include <fmq/codec.h>
#include <fmq/partition.h>
#include <fmq_tables.h>

#include <string.h>

/* Elements between two readings of the tick counter. */
#ifndef FMQ_STAGE_PIECE
#define FMQ_STAGE_PIECE 16384u
#endif

typedef struct stage_counter {
    uint64_t ticks;
    uint32_t calls;
    uint32_t elements;
} stage_counter_t;

static stage_counter_t counters[FMQ_STAGE_COUNT];

static void counter_add(uint32_t stage, uint32_t started, uint32_t elements)
{
    const uint32_t ticks = (uint32_t)(board_ticks() - started);

    counters[stage].ticks += ticks;
    counters[stage].calls++;
    counters[stage].elements += elements;
}

/* Whole positions, for classes go over all channels of one. */
static uint32_t piece_size(const fmq_tensor_t *tensor, uint32_t left)
{
    const uint32_t whole = FMQ_STAGE_PIECE / tensor->channels;
    const uint32_t piece = whole == 0u ? 1u : whole;

    return left < piece ? left : piece;
}

/* Classes that each map has of its own are found before it is quantized by them. */
static fmq_status_t find_classes(const fmq_tensor_t *tensor, const void *samples)
{
    fmq_status_t status = FMQ_OK;
#if FMQ_CLASS_CELL_BYTES != 0u
    if (tensor->partition != NULL && tensor->partition->centroids != NULL) {
        const uint32_t started = board_ticks();

        status = fmq_classify(tensor, samples, tensor->partition->dynamic);
        counter_add(FMQ_STAGE_QUANTIZE, started, 0u);
    }
#else
    (void)tensor;
    (void)samples;
#endif
    return status;
}

fmq_status_t stage_quantize(uint32_t tensor)
{
    const fmq_tensor_t *description = &tables_deployment->tensors[tensor];
    const uint32_t sample_size = buffers_input_size(tensor);
    const uint32_t level_size = buffers_level_size(tensor);
    const uint8_t *samples = buffers_samples(tensor);
    uint8_t *levels = buffers_levels(tensor);
    const uint32_t positions = description->rows * description->columns;
    fmq_status_t status = find_classes(description, samples);
    uint32_t done = 0u;

    while (done != positions && status == FMQ_OK) {
        const uint32_t count = piece_size(description, positions - done);
        const uint32_t elements = count * description->channels;
        const uint32_t started = board_ticks();

        status = fmq_quantize_tensor(description, samples, done, count, levels);
        counter_add(FMQ_STAGE_QUANTIZE, started, elements);
        samples += (size_t)elements * sample_size;
        levels += (size_t)elements * level_size;
        done += count;
    }
    return status;
}

fmq_status_t stage_dequantize(uint32_t tensor)
{
    const fmq_tensor_t *description = &tables_deployment->tensors[tensor];
    const uint32_t sample_size = buffers_output_size(tensor);
    const uint32_t level_size = buffers_level_size(tensor);
    const uint8_t *levels = buffers_levels(tensor);
    uint8_t *samples = buffers_samples(tensor);
    const uint32_t positions = description->rows * description->columns;
    fmq_status_t status = FMQ_OK;
    uint32_t done = 0u;

    while (done != positions && status == FMQ_OK) {
        const uint32_t count = piece_size(description, positions - done);
        const uint32_t elements = count * description->channels;
        const uint32_t started = board_ticks();

        status = fmq_dequantize_tensor(description, levels, done, count, samples);
        counter_add(FMQ_STAGE_DEQUANTIZE, started, elements);
        samples += (size_t)elements * sample_size;
        levels += (size_t)elements * level_size;
        done += count;
    }
    return status;
}

fmq_status_t stage_encode(uint32_t *size)
{
    const void *levels[FMQ_APP_MAX_TENSORS];
    size_t written = 0u;
    uint32_t started;
    fmq_status_t status;
    uint32_t tensor;

    for (tensor = 0u; tensor < tables_deployment->tensor_count; tensor++) {
        levels[tensor] = buffers_levels(tensor);
    }
    started = board_ticks();
    status = fmq_encode(tables_deployment, levels, buffers_work(), FMQ_WORK_BYTES, buffers_stream(),
                        FMQ_MAX_STREAM_BYTES, &written);
    counter_add(FMQ_STAGE_ENCODE, started, buffers_element_count());
    *size = (uint32_t)written;
    return status;
}

fmq_status_t stage_decode(uint32_t size)
{
    void *levels[FMQ_APP_MAX_TENSORS];
    uint32_t started;
    fmq_status_t status;
    uint32_t tensor;

    for (tensor = 0u; tensor < tables_deployment->tensor_count; tensor++) {
        levels[tensor] = buffers_levels(tensor);
    }
    started = board_ticks();
    status = fmq_decode(tables_deployment, buffers_stream(), size, levels, buffers_work(),
                        FMQ_WORK_BYTES);
    counter_add(FMQ_STAGE_DECODE, started, buffers_element_count());
    return status;
}

void stages_reset(void)
{
    memset(counters, 0, sizeof counters);
}

void stages_report(frame_t *answer)
{
    const uint32_t started = board_ticks();
    const uint32_t overhead = (uint32_t)(board_ticks() - started);
    size_t stage;

    frame_put32(answer, overhead);
    for (stage = 0u; stage < FMQ_STAGE_COUNT; stage++) {
        frame_put64(answer, counters[stage].ticks);
        frame_put32(answer, counters[stage].calls);
        frame_put32(answer, counters[stage].elements);
    }
}
