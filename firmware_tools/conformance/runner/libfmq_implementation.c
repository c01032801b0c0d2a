/* libfmq under the runner: every tensor of the kit as a deployment of its own. */
#include "implementation.h"

#include "fmq_tables.h"
#include "kit_tensors.h"

#include <fmq/fmq.h>

static uint8_t work[FMQ_WORK_BYTES];

static int is_same(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

/* NULL: a case that is not built in. */
static const fmq_tensor_t *tensor_of(const kit_case_t *item)
{
    uint32_t index;

    for (index = 0u; index < fmq_deployment.tensor_count; index++) {
        if (is_same(kit_tensors[index].name, item->name)) {
            return &fmq_deployment.tensors[index];
        }
    }
    return NULL;
}

/* The case's tensor alone; its header may then be another one than among several. */
static fmq_deployment_t deployment_of(const kit_case_t *item)
{
    static fmq_tensor_t alone;
    const fmq_tensor_t *const tensor = tensor_of(item);
    fmq_deployment_t own = fmq_deployment;
    size_t index;

    own.preamble = kit_preamble;
    own.preamble_size = sizeof kit_preamble;
    own.tensors = NULL;
    own.tensor_count = 1u;
    if (tensor != NULL) {
        index = (size_t)(tensor - fmq_deployment.tensors);
        alone = *tensor;
        if (kit_tensors[index].header_size != 0u) {
            alone.header = kit_tensors[index].header;
            alone.header_size = kit_tensors[index].header_size;
        }
        own.tensors = &alone;
    }
    return own;
}

static int outcome(fmq_status_t status)
{
    return status == FMQ_OK ? KIT_DONE : KIT_REFUSED;
}

int kit_quantize(const kit_case_t *item, const void *samples, void *levels)
{
    const fmq_tensor_t *const tensor = tensor_of(item);
    fmq_status_t status = FMQ_OK;

    if (tensor == NULL || !is_same(item->sample_type, item->decoded_type)) {
        return KIT_UNSUPPORTED;
    }
    if (fmq_has_dynamic_classes(tensor)) {
        status = fmq_classify(tensor, samples, tensor->partition->dynamic);
    }
    if (status == FMQ_OK && tensor->partition == NULL) {
        status = fmq_quantize(tensor->quantizer, samples, tensor->count, levels);
    } else if (status == FMQ_OK) {
        status = fmq_quantize_tensor(tensor, samples, 0u, tensor->rows * tensor->columns, levels);
    }
    return outcome(status);
}

int kit_encode(const kit_case_t *item, const void *levels, uint8_t *stream, size_t capacity,
               size_t *size)
{
    const fmq_deployment_t own = deployment_of(item);

    if (own.tensors == NULL) {
        return KIT_UNSUPPORTED;
    }
    return outcome(
        fmq_encode(&own, &levels, work, sizeof work, stream, capacity, size));
}

int kit_decode(const kit_case_t *item, const uint8_t *stream, size_t size, void *levels)
{
    const fmq_deployment_t own = deployment_of(item);

    if (own.tensors == NULL) {
        return KIT_UNSUPPORTED;
    }
    return outcome(fmq_decode(&own, stream, size, &levels, work, sizeof work));
}

int kit_dequantize(const kit_case_t *item, const void *levels, void *samples)
{
    const fmq_tensor_t *const tensor = tensor_of(item);

    if (tensor == NULL) {
        return KIT_UNSUPPORTED;
    }
    if (tensor->partition == NULL) {
        return outcome(fmq_dequantize(tensor->dequantizer, levels, tensor->count, samples));
    }
    return outcome(
        fmq_dequantize_tensor(tensor, levels, 0u, tensor->rows * tensor->columns, samples));
}
