/* The nearest codeword: a search through all of them. */
#include "fmq/partition.h"

#include "dsp.h"
#include "inline.h"

/* Levels of so many bits, whose 8 squared differences add up to less than 2^31. */
#define NARROW_BITS 14u

/* At most 65535^2; exact modulo 2^32, whichever is larger. */
FMQ_INLINE uint32_t square_of_difference(uint32_t a, uint32_t b)
{
    const uint32_t difference = a - b;

    return difference * difference;
}

/* The squared distance of two vectors of up to NARROW_BITS. */
#if defined(FMQ_DSP)
FMQ_INLINE uint32_t distance(const uint32_t dimension, const uint16_t *a, const uint16_t *b)
{
    const uint32_t paired = dimension & ~(uint32_t)1;
    uint32_t sum = 0u;
    uint32_t member;

    for (member = 0u; member < paired; member += 2u) {
        sum = fmq_add_squares(sum, fmq_load_pair(a + member), fmq_load_pair(b + member));
    }
    return paired == dimension ? sum : sum + square_of_difference(a[paired], b[paired]);
}
#else
FMQ_INLINE uint32_t distance(const uint32_t dimension, const uint16_t *a, const uint16_t *b)
{
    uint32_t sum = 0u;
    uint32_t member;

    for (member = 0u; member < dimension; member++) {
        sum += square_of_difference(a[member], b[member]);
    }
    return sum;
}
#endif

FMQ_INLINE_FOR_SPEED uint32_t nearest_narrow(const uint32_t dimension, const uint16_t *codeword,
                                             uint32_t count, const uint16_t *vector)
{
    uint32_t least = UINT32_MAX;
    uint32_t nearest = 0u;
    uint32_t index;

    for (index = 0u; index < count; index++) {
        const uint32_t sum = distance(dimension, codeword, vector);

        codeword += dimension;
        if (FMQ_UNLIKELY(sum < least)) {
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
    switch (codebook->dimension) {
    case 2u: return nearest_narrow(2u, codewords, count, vector);
    case 4u: return nearest_narrow(4u, codewords, count, vector);
    default: return nearest_narrow(codebook->dimension, codewords, count, vector);
    }
}
