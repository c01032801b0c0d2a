/* The nearest codeword: a search through all of them. */
#include "fmq/partition.h"

#include "inline.h"

/* Levels of so many bits, whose 8 squared differences add up to less than 2^32. */
#define NARROW_BITS 14u

/* At most 65535^2; exact modulo 2^32, whichever is larger. */
FMQ_INLINE uint32_t square_of_difference(uint32_t a, uint32_t b)
{
    const uint32_t difference = a - b;

    return difference * difference;
}

FMQ_INLINE_FOR_SPEED uint32_t nearest_narrow(const uint32_t dimension, const uint16_t *codeword,
                                             uint32_t count, const uint16_t *vector)
{
    uint32_t least = UINT32_MAX;
    uint32_t nearest = 0u;
    uint32_t index;

    for (index = 0u; index < count; index++) {
        uint32_t sum = 0u;
        uint32_t member;

        for (member = 0u; member < dimension; member++) {
            sum += square_of_difference(codeword[member], vector[member]);
        }
        codeword += dimension;
        if (sum < least) {
            least = sum;
            nearest = index;
        }
    }
    return nearest;
}

static uint32_t nearest_wide(const fmq_codebook_t *codebook, const uint16_t *vector)
{
    const uint16_t *codeword = codebook->codewords;
    const uint32_t dimension = codebook->dimension;
    const uint32_t count = codebook->count;
    uint64_t least = UINT64_MAX;
    uint32_t nearest = 0u;
    uint32_t index;

    for (index = 0u; index < count; index++) {
        const uint16_t *const end = codeword + dimension;
        const uint16_t *own = vector;
        uint64_t sum = 0u; /* at most 8 * 65535^2 */

        while (codeword != end) {
            sum += square_of_difference(*codeword++, *own++);
        }
        if (sum < least) {
            least = sum;
            nearest = index;
        }
    }
    return nearest;
}

uint32_t fmq_nearest_codeword(const fmq_codebook_t *codebook, const uint16_t *vector,
                              uint32_t bit_depth)
{
    const uint16_t *const codewords = codebook->codewords;
    const uint32_t count = codebook->count;

    if (bit_depth > NARROW_BITS) {
        return nearest_wide(codebook, vector);
    }
    return codebook->dimension == 2u
               ? nearest_narrow(2u, codewords, count, vector)
               : nearest_narrow(codebook->dimension, codewords, count, vector);
}
