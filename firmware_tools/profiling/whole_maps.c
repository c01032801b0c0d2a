/*
 * A program that is never run: it links what a device needs to code whole maps
 * without classes, so that its size can be told.
 */
#include "fmq_tables.h"

#include <fmq/codec.h>
#include <fmq/dequantizer.h>
#include <fmq/quantizer.h>

int main(void);

static uint32_t samples[FMQ_MAX_INPUT_BYTES / 4u];
static uint32_t levels[FMQ_MAX_LEVEL_BYTES / 4u];
static uint8_t stream[FMQ_MAX_STREAM_BYTES];
static uint8_t work[FMQ_WORK_BYTES];

int main(void)
{
    const fmq_tensor_t *const tensor = fmq_deployment.tensors;
    const void *const sources[] = {levels, levels, levels};
    void *const targets[] = {levels, levels, levels};
    size_t size = 0u;
    fmq_status_t status = fmq_quantize(tensor->quantizer, samples, tensor->count, levels);

    if (status == FMQ_OK) {
        status = fmq_encode(&fmq_deployment, sources, work, sizeof work, stream, sizeof stream,
                            &size);
    }
    if (status == FMQ_OK) {
        status = fmq_decode(&fmq_deployment, stream, size, targets, work, sizeof work);
    }
    if (status == FMQ_OK) {
        status = fmq_dequantize(tensor->dequantizer, levels, tensor->count, samples);
    }
    return (int)status;
}
