/* Codes the samples of samples.h, one tensor behind the other, and prints the bitstream. */
#include <stdint.h>
#include <stdio.h>

#include "fmq_tables.h"
#include "samples.h"

static uint8_t work[FMQ_WORK_BYTES], stream[FMQ_MAX_STREAM_BYTES], levels[FMQ_MAX_LEVEL_BYTES];

int main(void)
{
    const void *maps[8];
    const uint32_t *from = samples;
    uint8_t *place = levels;
    size_t size = 0u, byte;
    uint32_t index;

    for (index = 0u; index < fmq_deployment.tensor_count; index++) {
        const fmq_tensor_t *tensor = &fmq_deployment.tensors[index];

        if (fmq_quantize_tensor(tensor, from, 0u, tensor->rows * tensor->columns, place) !=
            FMQ_OK) {
            return 1;
        }
        maps[index] = place;
        place += tensor->count;
        from += tensor->count;
    }
    if (fmq_encode(&fmq_deployment, maps, work, sizeof work, stream, sizeof stream, &size) !=
        FMQ_OK) {
        return 1;
    }
    for (byte = 0u; byte < size; byte++) {
        printf("%02x", stream[byte]);
    }
    return 0;
}
