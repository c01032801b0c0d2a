#include "fmq/entropy.h"

/* Room for one more level of 16 bits. */
#define FULL 16u

uint32_t fmq_packed_size(const fmq_tensor_t *tensor)
{
    return (tensor->count * tensor->bit_depth + 7u) / 8u;
}

void fmq_packer_start(fmq_packer_t *packer, const fmq_tensor_t *tensor)
{
    packer->bits = 0u;
    packer->held = 0u;
    packer->left = tensor->count;
    packer->bit_depth = tensor->bit_depth;
}

fmq_status_t fmq_packer_sink(fmq_packer_t *packer, const void *levels, size_t count,
                             size_t *taken)
{
    const uint32_t bit_depth = packer->bit_depth;
    size_t index;

    *taken = 0u;
    if (count > packer->left) {
        return FMQ_ERROR_ARGUMENT;
    }
    for (index = 0u; index < count && packer->held <= FULL; index++) {
        const uint32_t level = bit_depth > 8u ? ((const uint16_t *)levels)[index]
                                              : ((const uint8_t *)levels)[index];

        if (level >> bit_depth != 0u) {
            return FMQ_ERROR_ARGUMENT;
        }
        packer->bits |= level << packer->held;
        packer->held = (uint8_t)(packer->held + bit_depth);
        packer->left--;
        *taken = index + 1u;
    }
    return FMQ_OK;
}

size_t fmq_packer_poll(fmq_packer_t *packer, uint8_t *out, size_t capacity)
{
    size_t written = 0u;

    while (written < capacity &&
           (packer->held >= 8u || (packer->left == 0u && packer->held != 0u))) {
        out[written++] = (uint8_t)packer->bits;
        packer->bits >>= 8;
        packer->held = (uint8_t)(packer->held > 8u ? packer->held - 8u : 0u);
    }
    return written;
}

bool fmq_packer_is_done(const fmq_packer_t *packer)
{
    return packer->left == 0u && packer->held == 0u;
}

fmq_status_t fmq_packer_unpack(fmq_packer_t *packer, const uint8_t **next, const uint8_t *end,
                               void *levels, size_t count, size_t *polled)
{
    const uint32_t bit_depth = packer->bit_depth;
    const uint32_t largest = FMQ_MAXIMUM_LEVEL(bit_depth);
    size_t index = 0u;

    while (index < count && packer->left != 0u) {
        uint32_t level;

        while (packer->held < bit_depth && *next != end) {
            packer->bits |= (uint32_t)*(*next)++ << packer->held;
            packer->held = (uint8_t)(packer->held + 8u);
        }
        if (packer->held < bit_depth) {
            break;
        }
        level = packer->bits & largest;
        packer->bits >>= bit_depth;
        packer->held = (uint8_t)(packer->held - bit_depth);
        packer->left--;
        if (bit_depth > 8u) {
            ((uint16_t *)levels)[index++] = (uint16_t)level;
        } else {
            ((uint8_t *)levels)[index++] = (uint8_t)level;
        }
    }
    *polled = index;
    return packer->left == 0u && packer->bits != 0u ? FMQ_ERROR_SYNTAX : FMQ_OK;
}
