/* Entries for the emulator: whole maps by their partition, and their classes. */
#include "fmq/class_map.h"

#include "fmq_tables.h"

int32_t quantize(uint32_t index, const void *samples, void *levels);
int32_t dequantize(uint32_t index, const void *levels, void *samples);
int32_t classify(uint32_t index, const void *samples, uint8_t *cells, const int16_t *features);

static uint32_t positions(const fmq_tensor_t *tensor)
{
    return tensor->rows * tensor->columns;
}

int32_t quantize(uint32_t index, const void *samples, void *levels)
{
    const fmq_tensor_t *const tensor = &fmq_deployment.tensors[index];

    return fmq_quantize_tensor(tensor, samples, 0u, positions(tensor), levels);
}

int32_t dequantize(uint32_t index, const void *levels, void *samples)
{
    const fmq_tensor_t *const tensor = &fmq_deployment.tensors[index];

    return fmq_dequantize_tensor(tensor, levels, 0u, positions(tensor), samples);
}

/* By centroids that tables do not have. */
int32_t classify(uint32_t index, const void *samples, uint8_t *cells, const int16_t *features)
{
    fmq_tensor_t tensor = fmq_deployment.tensors[index];
    fmq_partition_t partition = *tensor.partition;
    fmq_centroids_t centroids;

    centroids.features = features;
    centroids.centre = tensor.centre;
    partition.centroids = &centroids;
    tensor.partition = &partition;
    return fmq_classify(&tensor, samples, cells);
}
