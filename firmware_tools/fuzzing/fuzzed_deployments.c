#include "fuzzed_deployments.h"

#include <fmq/codec.h>
#include <fmq/coding.h>
#include <fmq/dense.h>
#include <fmq/quantizer.h>

#include <stdlib.h>

#define TENSOR_OF(of_profile, r, c, k, zero, bits, text, classes)                                 \
    {                                                                                             \
        .rows = (r), .columns = (c), .channels = (k), .count = (r) * (c) * (k), .centre = (zero), \
        .bit_depth = (bits), .header = (const uint8_t *)(text), .header_size = sizeof(text) - 1u, \
        .profile = (of_profile), .partition = (classes)                                           \
    }
#define TENSOR(r, c, k, zero, bits, text, classes)                                                \
    TENSOR_OF(FMQ_PROFILE_STANDARD, r, c, k, zero, bits, text, classes)
#define FAST(r, c, k, zero, bits, text, classes)                                                  \
    TENSOR_OF(FMQ_PROFILE_FAST, r, c, k, zero, bits, text, classes)
/* The levels of a quantizer, coded densely; and numbers of a dense plan. */
#define LEVELS(r, c, k, zero, bits, text, classes)                                                \
    TENSOR_OF(FMQ_PROFILE_DENSE, r, c, k, zero, bits, text, classes)
#define NUMBERS(r, c, k, of_plan, text)                                                           \
    {                                                                                             \
        .rows = (r), .columns = (c), .channels = (k), .count = (r) * (c) * (k),                   \
        .centre = FMQ_FIXED_POINT_CENTRE, .bit_depth = 16u, .header = (const uint8_t *)(text),    \
        .header_size = sizeof(text) - 1u, .profile = FMQ_PROFILE_DENSE, .dense = (of_plan)        \
    }
#define DEPLOYMENT(of)                                                                            \
    {                                                                                             \
        .name = #of, .preamble = (const uint8_t *)"P", .preamble_size = 1u, .tensors = (of),      \
        .tensor_count = sizeof(of) / sizeof((of)[0])                                              \
    }
#define PARTITION(of_kind, count) {.kind = (of_kind), .class_count = (count)}

/* Their cells are found at the first use. */
static fmq_partition_t partitions[] = {
    PARTITION(FMQ_PARTITION_CHANNEL, 3u),
    PARTITION(FMQ_PARTITION_REGION, 4u),
    PARTITION(FMQ_PARTITION_BLOCK, 5u),
    PARTITION(FMQ_PARTITION_REGION, 3u),
};

static const fmq_tensor_t two[] = {TENSOR(3u, 4u, 3u, 7u, 4u, "a", NULL),
                                   TENSOR(2u, 3u, 1u, 0u, 9u, "b", NULL)};
static const fmq_tensor_t wide[] = {TENSOR(1u, 37u, 1u, 32768u, 16u, "", NULL)};
static const fmq_tensor_t tiny[] = {TENSOR(0u, 1u, 1u, 0u, 8u, "a", NULL),
                                    TENSOR(1u, 1u, 1u, 1u, 1u, "b", NULL)};
static const fmq_tensor_t channels[] = {TENSOR(4u, 4u, 6u, 15u, 5u, "a", &partitions[0])};
static const fmq_tensor_t regions[] = {TENSOR(5u, 6u, 2u, 128u, 8u, "a", &partitions[1]),
                                       TENSOR(2u, 3u, 1u, 300u, 9u, "b", NULL)};
static const fmq_tensor_t blocks[] = {TENSOR(8u, 8u, 4u, 31u, 6u, "a", &partitions[2])};
static const fmq_tensor_t fast[] = {FAST(3u, 4u, 3u, 7u, 4u, "a", NULL),
                                    FAST(2u, 3u, 1u, 0u, 9u, "b", NULL)};
static const fmq_tensor_t fast_wide[] = {FAST(1u, 70u, 2u, 32768u, 16u, "", NULL)};
static const fmq_tensor_t fast_regions[] = {FAST(5u, 6u, 2u, 128u, 8u, "a", &partitions[3]),
                                            FAST(1u, 1u, 1u, 1u, 1u, "b", NULL)};

static const int16_t turn[] = {4915, 6554, -6554, 4915};
static const int16_t back[] = {2457, 3277, -6554, 4915};
static const fmq_dense_channels_t turned = {
    .forward = turn, .inverse = back, .forward_bits = 13u, .inverse_bits = 12u};
static const uint16_t factors[] = {8192u, 4096u, 65535u, 1025u};
static const uint16_t inverse_factors[] = {8192u, 16384u, 1024u, 65472u};
static const int16_t scores[] = {900, -400, 0, 20}, background[] = {40, -32767, 0, 32767};
static const fmq_dense_region_t region = {
    .scores = scores, .background = background, .threshold = 100000, .margin = 1u};
static const fmq_dense_weighting_t weighting = {
    .factors = factors, .inverse_factors = inverse_factors, .region = &region};
static const fmq_dense_plan_t of_map = {
    .map_rows = 5u, .limit = 256u, .exponent = -9, .step = 130u, .weighting = &weighting};
static const fmq_dense_plan_t of_maps = {
    .map_rows = 3u, .limit = 256u, .exponent = 0, .step = 90u, .channels = &turned};

static const fmq_tensor_t dense[] = {LEVELS(3u, 4u, 3u, 7u, 4u, "a", NULL),
                                     LEVELS(2u, 3u, 1u, 0u, 9u, "b", NULL)};
static const fmq_tensor_t dense_map[] = {NUMBERS(5u, 9u, 4u, &of_map, "a")};
static const fmq_tensor_t dense_maps[] = {NUMBERS(6u, 3u, 2u, &of_maps, "a"),
                                          LEVELS(4u, 4u, 2u, 128u, 8u, "b", NULL)};

const fmq_encoding_t *const fmq_encodings[FMQ_PROFILES] = {&fmq_standard_encoding,
                                                           &fmq_static_encoding,
                                                           &fmq_dense_encoding};
const fmq_decoding_t *const fmq_decodings[FMQ_PROFILES] = {&fmq_standard_decoding,
                                                           &fmq_static_decoding,
                                                           &fmq_dense_decoding};

static const fmq_deployment_t deployments[FUZZED_DEPLOYMENTS] = {
    DEPLOYMENT(two),      DEPLOYMENT(wide),      DEPLOYMENT(tiny),
    DEPLOYMENT(channels), DEPLOYMENT(regions),   DEPLOYMENT(blocks),
    DEPLOYMENT(fast),     DEPLOYMENT(fast_wide), DEPLOYMENT(fast_regions),
    DEPLOYMENT(dense),    DEPLOYMENT(dense_map), DEPLOYMENT(dense_maps),
};

size_t fuzzed_level_bytes(const fmq_tensor_t *tensor)
{
    return tensor->bit_depth <= 8u ? tensor->count : 2u * (size_t)tensor->count;
}

static void *allocate(size_t size)
{
    void *memory = calloc(size == 0u ? 1u : size, 1u);

    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void prepare(fuzzed_t *fuzzed, const fmq_deployment_t *deployment)
{
    uint32_t index;

    fuzzed->deployment = deployment;
    for (index = 0u; index < deployment->tensor_count; index++) {
        const fmq_tensor_t *tensor = &deployment->tensors[index];
        size_t needed;
        uint32_t at;

        for (at = 0u; at < sizeof partitions / sizeof partitions[0]; at++) {
            if (tensor->partition == &partitions[at]) {
                partitions[at].dynamic = allocate(fmq_class_cells(tensor));
                partitions[at].cells = partitions[at].dynamic;
                fuzzed->element_count += fmq_class_cells(tensor);
            }
        }
        fuzzed->levels[index] = allocate(fuzzed_level_bytes(tensor));
        fuzzed->element_count += tensor->count;
        needed = fmq_work_size(tensor);
        fuzzed->work_size = needed > fuzzed->work_size ? needed : fuzzed->work_size;
    }
    fuzzed->work = allocate(fuzzed->work_size);
}

const fuzzed_t *fuzzed_deployment(uint32_t index)
{
    static fuzzed_t prepared[FUZZED_DEPLOYMENTS];

    if (prepared[index].deployment == NULL) {
        prepare(&prepared[index], &deployments[index]);
    }
    return &prepared[index];
}
