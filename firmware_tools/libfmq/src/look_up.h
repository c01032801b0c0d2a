/*
 * levels[i] = table[codes[i]] for bytes, as fast as the core allows; FMQ_PLAIN_C
 * chooses the plain loop, with which every other way agrees byte for byte.
 *
 *   Helium: 16 codes at once by a gather, the last ones under a predicate
 *   words:  4 codes at once where codes and levels are aligned alike, for
 *           little-endian cores of 32 bits
 */
#ifndef FMQ_LOOK_UP_H
#define FMQ_LOOK_UP_H

#include <stddef.h>
#include <stdint.h>

#if !defined(FMQ_PLAIN_C) && defined(__ARM_FEATURE_MVE)
#define FMQ_LOOK_UP_VECTORS
#include <arm_mve.h>
#elif !defined(FMQ_PLAIN_C) && defined(__GNUC__) && defined(__BYTE_ORDER__) &&                   \
    defined(__SIZEOF_POINTER__)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && __SIZEOF_POINTER__ == 4
#define FMQ_LOOK_UP_WORDS
#endif
#endif

static inline void fmq_look_up_plain(const uint8_t *table, const uint8_t *codes, size_t count,
                                     uint8_t *levels)
{
    const uint8_t *const end = codes + count;

    while (codes != end) {
        *levels++ = table[*codes++];
    }
}

#if defined(FMQ_LOOK_UP_VECTORS)

static inline void fmq_look_up(const uint8_t *table, const uint8_t *codes, size_t count,
                               uint8_t *levels)
{
    int32_t left = (int32_t)count;

    for (; left > 0; left -= 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)left);
        const uint8x16_t block = vldrbq_z_u8(codes, lanes);

        vstrbq_p_u8(levels, vldrbq_gather_offset_z_u8(table, block, lanes), lanes);
        codes += 16;
        levels += 16;
    }
}

#elif defined(FMQ_LOOK_UP_WORDS)

/* a word of memory whatever its declared type */
typedef uint32_t __attribute__((may_alias)) fmq_word_t;

static inline uint32_t fmq_look_up_word(const uint8_t *table, uint32_t codes)
{
    return (uint32_t)table[codes & 0xFFu] | (uint32_t)table[(codes >> 8) & 0xFFu] << 8 |
           (uint32_t)table[(codes >> 16) & 0xFFu] << 16 | (uint32_t)table[codes >> 24] << 24;
}

static inline void fmq_look_up(const uint8_t *table, const uint8_t *codes, size_t count,
                               uint8_t *levels)
{
    size_t head = (size_t)(-(uintptr_t)codes & 3u);

    if ((((uintptr_t)codes ^ (uintptr_t)levels) & 3u) == 0u && count >= head + 16u) {
        const uint8_t *end;

        fmq_look_up_plain(table, codes, head, levels);
        codes += head;
        levels += head;
        count -= head;
        for (end = codes + (count & ~(size_t)15u); codes != end; codes += 16, levels += 16) {
            const fmq_word_t *const from = (const fmq_word_t *)(const void *)codes;
            fmq_word_t *const to = (fmq_word_t *)(void *)levels;
            const uint32_t words[4] = {from[0], from[1], from[2], from[3]};

            to[0] = fmq_look_up_word(table, words[0]);
            to[1] = fmq_look_up_word(table, words[1]);
            to[2] = fmq_look_up_word(table, words[2]);
            to[3] = fmq_look_up_word(table, words[3]);
        }
        count &= 15u;
    }
    fmq_look_up_plain(table, codes, count, levels);
}

#else

static inline void fmq_look_up(const uint8_t *table, const uint8_t *codes, size_t count,
                               uint8_t *levels)
{
    fmq_look_up_plain(table, codes, count, levels);
}

#endif

#endif
