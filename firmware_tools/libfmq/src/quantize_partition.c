/*
 * Samples to joint levels, by classes. A table holds joint levels; the other forms'
 * levels are raised by the class's lowest one.
 */
#include "fmq/partition.h"

#include "partition_walk.h"
#include "quantize_levels.h"

#include "inline.h"

FMQ_INLINE void put_level(void *levels, bool is_wide, size_t index, uint32_t level)
{
    if (is_wide) {
        ((uint16_t *)levels)[index] = (uint16_t)level;
    } else {
        ((uint8_t *)levels)[index] = (uint8_t)level;
    }
}

/* ---- one class, samples `stride` apart ---- */

FMQ_INLINE_FOR_SPEED fmq_status_t look_up(const bool is_wide, const fmq_quantizer_t *quantizer,
                                          const void *samples, uint32_t count, uint32_t stride,
                                          void *levels)
{
    const bool is_byte = quantizer->input != FMQ_INPUT_INT16;
    const uint8_t *const narrow_table = quantizer->table;
    const uint16_t *const wide_table = quantizer->table;
    size_t index = 0u;

    for (; count != 0u; count--) {
        const uint32_t code = is_byte ? ((const uint8_t *)samples)[index]
                                      : ((const uint16_t *)samples)[index];

        put_level(levels, is_wide, index, is_wide ? wide_table[code] : narrow_table[code]);
        index += stride;
    }
    return FMQ_OK;
}

FMQ_INLINE_FOR_SPEED fmq_status_t estimate(const bool is_wide, const fmq_class_t *own,
                                           const uint32_t *samples, uint32_t count,
                                           uint32_t stride, void *levels)
{
    const fmq_quantizer_t local = *own->quantizer;
    const uint32_t maximum = FMQ_MAXIMUM_LEVEL(local.bit_depth);
    const uint32_t beyond = ((uint32_t)local.exponent + 1u) << 23;
    const uint32_t lowest = own->lowest;
    size_t index = 0u;

    for (; count != 0u; count--) {
        if (!is_finite(samples[index])) {
            return FMQ_ERROR_NONFINITE;
        }
        put_level(levels, is_wide, index,
                  lowest + estimated_level(&local, maximum, beyond, samples[index]));
        index += stride;
    }
    return FMQ_OK;
}

FMQ_INLINE_FOR_SPEED fmq_status_t search(const bool is_wide, const fmq_class_t *own,
                                         const void *samples, uint32_t count, uint32_t stride,
                                         void *levels)
{
    const uint32_t input = own->quantizer->input;
    const int32_t *const thresholds = own->quantizer->table;
    const uint32_t half = (uint32_t)1 << (own->quantizer->bit_depth - 1u);
    const uint32_t lowest = own->lowest;
    size_t index = 0u;

    for (; count != 0u; count--) {
        int32_t key;

        if (input == FMQ_INPUT_FLOAT32) {
            const uint32_t bits = ((const uint32_t *)samples)[index];

            if (!is_finite(bits)) {
                return FMQ_ERROR_NONFINITE;
            }
            key = key_of(bits);
        } else {
            key = code_at(input, samples, index);
        }
        put_level(levels, is_wide, index, lowest + search_level(thresholds, half, key));
        index += stride;
    }
    return FMQ_OK;
}

FMQ_INLINE_FOR_SPEED fmq_status_t multiply_shift(const bool is_wide, const fmq_class_t *own,
                                                 const void *samples, uint32_t count,
                                                 uint32_t stride, void *levels)
{
    const fmq_quantizer_t local = *own->quantizer;
    const uint32_t lowest = own->lowest;
    size_t index = 0u;

    for (; count != 0u; count--) {
        const int32_t code = code_at(local.input, samples, index);

        put_level(levels, is_wide, index, lowest + scaled_code_level(&local, code));
        index += stride;
    }
    return FMQ_OK;
}

FMQ_INLINE_FOR_SPEED fmq_status_t quantize(const bool is_wide, const fmq_class_t *own,
                                           const void *samples, uint32_t count, uint32_t stride,
                                           void *levels)
{
    switch (own->quantizer->form) {
    case FMQ_FORM_TABLE:
        return look_up(is_wide, own->quantizer, samples, count, stride, levels);
    case FMQ_FORM_MULTIPLY_SHIFT:
        return multiply_shift(is_wide, own, samples, count, stride, levels);
    case FMQ_FORM_SEARCH: return search(is_wide, own, samples, count, stride, levels);
    case FMQ_FORM_ESTIMATE: return estimate(is_wide, own, samples, count, stride, levels);
    default: return FMQ_ERROR_ARGUMENT;
    }
}

static fmq_status_t quantize_scalars(const fmq_tensor_t *tensor, const fmq_class_t *own,
                                     const void *from, uint32_t count, uint32_t stride, void *to)
{
    if (stride == 1u && own->quantizer->form == FMQ_FORM_TABLE) {
        return fmq_quantize_table(own->quantizer, from, count, to);
    }
    return tensor->bit_depth > 8u ? quantize(true, own, from, count, stride, to)
                                  : quantize(false, own, from, count, stride, to);
}

/* ---- vectors ---- */

static uint32_t sample_size(uint32_t input)
{
    static const uint8_t sizes[4] = {1u, 1u, 2u, 4u};

    return sizes[input & 3u];
}

/* The members' levels of the class's quantizer, in one call: for few samples it costs most. */
static fmq_status_t vector_levels(const fmq_quantizer_t *quantizer, const void *from,
                                  const uint32_t *members, uint32_t count, uint16_t *vector)
{
    union {
        uint32_t words[FMQ_VECTOR_LIMIT];
        uint16_t halves[FMQ_VECTOR_LIMIT];
        uint8_t bytes[FMQ_VECTOR_LIMIT];
    } gathered;
    uint8_t narrow[FMQ_VECTOR_LIMIT];
    const uint32_t size = sample_size(quantizer->input);
    const void *samples = (const uint8_t *)from + (size_t)members[0] * size;
    fmq_status_t status;
    uint32_t index = 0u;

    if (members[count - 1u] - members[0] != count - 1u) {
        samples = &gathered;
        do {
            switch (size) {
            case 1u: gathered.bytes[index] = ((const uint8_t *)from)[members[index]]; break;
            case 2u: gathered.halves[index] = ((const uint16_t *)from)[members[index]]; break;
            default: gathered.words[index] = ((const uint32_t *)from)[members[index]]; break;
            }
            index++;
        } while (index != count);
    }
    if (quantizer->bit_depth > 8u) {
        return fmq_quantize(quantizer, samples, count, vector);
    }
    status = fmq_quantize(quantizer, samples, count, narrow);
    for (index = 0u; index < count && status == FMQ_OK; index++) {
        vector[index] = narrow[index];
    }
    return status;
}

static fmq_status_t quantize_vector(const fmq_tensor_t *tensor, const fmq_class_t *own,
                                    const void *from, const uint32_t *members, uint32_t count,
                                    void *to)
{
    const fmq_codebook_t *const codebook = own->codebook;
    const bool is_wide = tensor->bit_depth > 8u;
    uint16_t vector[FMQ_VECTOR_LIMIT];
    const fmq_status_t status = vector_levels(own->quantizer, from, members, count, vector);
    uint32_t codeword;
    uint32_t index;

    if (status != FMQ_OK) {
        return status;
    }
    for (index = count; index < codebook->dimension; index++) {
        vector[index] = codebook->centre;
    }
    codeword = fmq_nearest_codeword(codebook, vector, own->quantizer->bit_depth);
    put_level(to, is_wide, members[0], own->lowest + codeword);
    for (index = 1u; index < count; index++) {
        put_level(to, is_wide, members[index], own->lowest);
    }
    return FMQ_OK;
}

fmq_status_t fmq_quantize_partition(const fmq_tensor_t *tensor, const void *samples,
                                    uint32_t first, uint32_t count, void *levels)
{
    const stage_t stage = {sample_size(tensor->quantizer->input), tensor->bit_depth > 8u ? 2u : 1u,
                           quantize_scalars, quantize_vector};

    return fmq_partition_walk(&stage, tensor, samples, first, count, levels);
}
