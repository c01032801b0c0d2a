/*
 * What an implementation under test provides, and all that the runner asks of it. Write
 * these four functions, link them with runner.c, spoilt.c and case_file.c, and run
 *
 *     runner CASE ...
 *
 * For one case they are called in this order: quantize, encode, decode, dequantize; then
 * again with input that must be refused. A case's fields are those of its case.toml; what
 * else is in there is for an implementation to read, or to have built in.
 */
#ifndef KIT_IMPLEMENTATION_H
#define KIT_IMPLEMENTATION_H

#include <stddef.h>
#include <stdint.h>

/* What each function returns. */
#define KIT_DONE 0
#define KIT_REFUSED 1     /* the input cannot be: NaN, a level too high, a damaged stream */
#define KIT_UNSUPPORTED 2 /* not built in: counted, and no failure */

#define KIT_NAME_SIZE 64u

typedef struct kit_case {
    char folder[256];
    char name[KIT_NAME_SIZE], profile[KIT_NAME_SIZE];
    char sample_type[KIT_NAME_SIZE], decoded_type[KIT_NAME_SIZE];
    uint32_t rows, columns, channels;
    uint32_t bit_depth;   /* of the levels */
    uint32_t level_bytes; /* 1 or 2 */
    uint32_t refused_streams;
} kit_case_t;

/* Samples and levels are native integers of their width; a float32 is its bits in a uint32_t. */
int kit_quantize(const kit_case_t *item, const void *samples, void *levels);
int kit_encode(const kit_case_t *item, const void *levels, uint8_t *stream, size_t capacity,
               size_t *size);
int kit_decode(const kit_case_t *item, const uint8_t *stream, size_t size, void *levels);
int kit_dequantize(const kit_case_t *item, const void *levels, void *samples);

#endif
