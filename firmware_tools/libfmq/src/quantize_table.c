/* level = table[bits of the code]: 2^8 entries for 8-bit codes, 2^16 for 16-bit ones. */
#include "fmq/quantizer.h"

#include "look_up.h"

static void look_up_8_16(const uint16_t *table, const uint8_t *codes, size_t count,
                         uint16_t *levels)
{
    const uint8_t *const end = codes + count;

    while (codes != end) {
        *levels++ = table[*codes++];
    }
}

static void look_up_16_8(const uint8_t *table, const uint16_t *codes, size_t count,
                         uint8_t *levels)
{
    const uint16_t *const end = codes + count;

    while (codes != end) {
        *levels++ = table[*codes++];
    }
}

static void look_up_16_16(const uint16_t *table, const uint16_t *codes, size_t count,
                          uint16_t *levels)
{
    const uint16_t *const end = codes + count;

    while (codes != end) {
        *levels++ = table[*codes++];
    }
}

fmq_status_t fmq_quantize_table(const fmq_quantizer_t *quantizer, const void *samples,
                                size_t count, void *levels)
{
    const int is_byte = quantizer->bit_depth <= 8u;

    if (count == 0u) {
        return FMQ_OK;
    }
    switch (quantizer->input) {
    case FMQ_INPUT_INT8:
    case FMQ_INPUT_UINT8:
        if (is_byte) {
            fmq_look_up(quantizer->table, samples, count, levels);
        } else {
            look_up_8_16(quantizer->table, samples, count, levels);
        }
        return FMQ_OK;
    case FMQ_INPUT_INT16:
        if (is_byte) {
            look_up_16_8(quantizer->table, samples, count, levels);
        } else {
            look_up_16_16(quantizer->table, samples, count, levels);
        }
        return FMQ_OK;
    default:
        return FMQ_ERROR_ARGUMENT;
    }
}
