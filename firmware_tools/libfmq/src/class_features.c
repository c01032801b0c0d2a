/*
 * Features of channels and positions, and the nearest centroid. Levels are those of the
 * tensor's own quantizer; the neighbours' are computed again, so that no row of them is kept.
 */
#include "fmq/partition.h"

#define CHUNK 32u
#define FRACTION_BITS 8u
#define LOG_BITS 4u

/* The sums over the samples of a channel or position. */
typedef struct sums {
    int64_t first;
    uint64_t second; /* of squares */
    uint64_t steps;  /* of |differences| to neighbours */
} sums_t;

/* Residuals of `count` samples, `stride` apart from sample `index` on. */
static fmq_status_t residuals(const fmq_tensor_t *tensor, const void *samples, size_t index,
                              uint32_t count, uint32_t stride, int32_t *out)
{
    const fmq_quantizer_t *const base = tensor->quantizer;
    const int32_t centre = tensor->partition->centroids->centre;
    union {
        uint32_t words[CHUNK];
        uint16_t halves[CHUNK];
        uint8_t bytes[CHUNK];
    } gathered;
    uint16_t levels[CHUNK];
    fmq_status_t status;
    uint32_t at;

    gathered.words[0] = 0u; /* count is above 0, which not every compiler sees */
    for (at = 0u; at < count; at++) {
        const size_t from = index + (size_t)at * stride;

        switch (base->input) {
        case FMQ_INPUT_FLOAT32: gathered.words[at] = ((const uint32_t *)samples)[from]; break;
        case FMQ_INPUT_INT16: gathered.halves[at] = ((const uint16_t *)samples)[from]; break;
        default: gathered.bytes[at] = ((const uint8_t *)samples)[from]; break;
        }
    }
    status = fmq_quantize(base, &gathered, count, levels);
    for (at = 0u; at < count && status == FMQ_OK; at++) {
        out[at] = (base->bit_depth <= 8u ? (int32_t)((const uint8_t *)(const void *)levels)[at]
                                         : (int32_t)levels[at]) -
                  centre;
    }
    return status;
}

static uint32_t piece(uint32_t left)
{
    return left < CHUNK ? left : CHUNK;
}

static void add(sums_t *sums, int32_t residual)
{
    sums->first += residual;
    sums->second += (uint64_t)((int64_t)residual * residual);
}

static void add_step(sums_t *sums, int32_t a, int32_t b)
{
    sums->steps += (uint32_t)(a < b ? b - a : a - b);
}

/* ---- the samples of a channel, row by row, and those of a position ---- */

static fmq_status_t sum_row(const fmq_tensor_t *tensor, const void *samples, uint32_t channel,
                            uint32_t row, sums_t *sums)
{
    const uint32_t columns = tensor->columns;
    const uint32_t channels = tensor->channels;
    int32_t own[CHUNK];
    int32_t north[CHUNK];
    int32_t west = 0;
    fmq_status_t status = FMQ_OK;
    uint32_t column;

    for (column = 0u; column < columns && status == FMQ_OK; column += CHUNK) {
        const uint32_t count = piece(columns - column);
        const size_t index = ((size_t)row * columns + column) * channels + channel;
        uint32_t at;

        status = residuals(tensor, samples, index, count, channels, own);
        if (status == FMQ_OK && row != 0u) {
            status = residuals(tensor, samples, index - (size_t)columns * channels, count,
                               channels, north);
        }
        for (at = 0u; at < count && status == FMQ_OK; at++) {
            add(sums, own[at]);
            if (column + at != 0u) {
                add_step(sums, own[at], west);
            }
            if (row != 0u) {
                add_step(sums, own[at], north[at]);
            }
            west = own[at];
        }
    }
    return status;
}

static fmq_status_t sum_position(const fmq_tensor_t *tensor, const void *samples,
                                 uint32_t position, sums_t *sums)
{
    const uint32_t channels = tensor->channels;
    /* how far back each neighbour is; 0 where there is none */
    const size_t back[2] = {position % tensor->columns != 0u ? channels : 0u,
                            position >= tensor->columns ? (size_t)tensor->columns * channels : 0u};
    int32_t own[CHUNK];
    int32_t neighbours[CHUNK];
    fmq_status_t status = FMQ_OK;
    uint32_t channel;

    for (channel = 0u; channel < channels && status == FMQ_OK; channel += CHUNK) {
        const uint32_t count = piece(channels - channel);
        const size_t index = (size_t)position * channels + channel;
        uint32_t side;
        uint32_t at;

        status = residuals(tensor, samples, index, count, 1u, own);
        for (at = 0u; at < count && status == FMQ_OK; at++) {
            add(sums, own[at]);
        }
        for (side = 0u; side < 2u && status == FMQ_OK; side++) {
            if (back[side] == 0u) {
                continue;
            }
            status = residuals(tensor, samples, index - back[side], count, 1u, neighbours);
            for (at = 0u; at < count && status == FMQ_OK; at++) {
                add_step(sums, own[at], neighbours[at]);
            }
        }
    }
    return status;
}

/* ---- features ---- */

/* floor(dividend / divisor), a bit at a time: a bare cross compiler has no 64-bit division. */
static uint64_t divide(uint64_t dividend, uint64_t divisor)
{
    uint64_t remainder = 0u;
    uint64_t quotient = 0u;
    uint32_t bit;

    for (bit = 64u; bit != 0u; bit--) {
        remainder = remainder << 1 | (dividend >> (bit - 1u) & 1u);
        quotient <<= 1;
        if (remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1u;
        }
    }
    return quotient;
}

/* 16 * floor(log2(size)) + the four bits below the leading one + 16; 0 for 0. */
static int32_t logarithm(uint64_t size)
{
    uint32_t exponent = 0u;

    if (size == 0u) {
        return 0;
    }
    while (size >> exponent > 1u) {
        exponent++;
    }
    return (int32_t)((exponent << LOG_BITS) + (uint32_t)((size << LOG_BITS) >> exponent));
}

static int32_t mean_of(int64_t first, uint64_t count)
{
    const uint64_t size = (uint64_t)(first < 0 ? -first : first) << FRACTION_BITS;

    if (first >= 0) {
        return logarithm(divide(size, count));
    }
    return -logarithm(divide(size + count - 1u, count)); /* rounded down */
}

static void set_features(const sums_t *sums, uint64_t count, uint64_t step_count,
                         int32_t *features)
{
    const uint64_t size = (uint64_t)(sums->first < 0 ? -sums->first : sums->first);

    features[0] = mean_of(sums->first, count);
    features[1] = logarithm(
        divide((sums->second * count - size * size) << FRACTION_BITS, count * count));
    features[2] = logarithm(
        divide(sums->steps << FRACTION_BITS, step_count == 0u ? 1u : step_count));
}

fmq_status_t fmq_class_features(const fmq_tensor_t *tensor, const void *samples, uint32_t index,
                                int32_t *features)
{
    const uint64_t rows = tensor->rows;
    const uint64_t columns = tensor->columns;
    sums_t sums = {0, 0u, 0u};
    fmq_status_t status = FMQ_OK;
    uint32_t row;

    if (tensor->partition->kind == FMQ_PARTITION_REGION) {
        status = sum_position(tensor, samples, index, &sums);
        set_features(&sums, tensor->channels, 2u * (uint64_t)tensor->channels, features);
        return status;
    }
    for (row = 0u; row < tensor->rows && status == FMQ_OK; row++) {
        status = sum_row(tensor, samples, index, row, &sums);
    }
    set_features(&sums, rows * columns, (rows - 1u) * columns + rows * (columns - 1u), features);
    return status;
}

/* ---- classes ---- */

static uint8_t nearest(const fmq_partition_t *partition, const int32_t *features)
{
    const int16_t *centroid = partition->centroids->features;
    uint32_t least = UINT32_MAX;
    uint32_t best = 0u;
    uint32_t index;

    for (index = 0u; index < partition->class_count; index++) {
        uint32_t distance = 0u;
        uint32_t feature;

        for (feature = 0u; feature < FMQ_FEATURES; feature++) {
            const int32_t difference = features[feature] - *centroid++;

            distance += (uint32_t)(difference * difference);
        }
        if (distance < least) {
            least = distance;
            best = index;
        }
    }
    return (uint8_t)best;
}

/* Whether 2^8 * count^2 * (largest residual)^2 is below 2^63. */
static bool fits(const fmq_tensor_t *tensor, uint64_t count)
{
    const uint64_t range = (uint64_t)1 << tensor->quantizer->bit_depth;

    return count * range <= (uint64_t)1 << 27;
}

fmq_status_t fmq_classify(const fmq_tensor_t *tensor, const void *samples, uint8_t *cells)
{
    const fmq_partition_t *const partition = tensor->partition;
    const bool is_region = partition->kind == FMQ_PARTITION_REGION;
    const uint32_t positions = tensor->rows * tensor->columns;
    const uint32_t count = is_region ? positions : tensor->channels;
    fmq_status_t status = FMQ_OK;
    uint32_t index;

    if (partition->centroids == NULL || partition->kind == FMQ_PARTITION_BLOCK) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (!fits(tensor, is_region ? tensor->channels : positions)) {
        return FMQ_ERROR_LIMIT;
    }
    for (index = 0u; index < count && status == FMQ_OK; index++) {
        int32_t features[FMQ_FEATURES];

        status = fmq_class_features(tensor, samples, index, features);
        cells[index] = nearest(partition, features);
    }
    return status;
}
