#include "transform.h"

#include "inline.h"
#include "signed_shift.h"
#include "transform_tables.h"

#define SIZES_MATCH (TRANSFORM_LARGEST_SIZE == FMQ_TRANSFORM_LIMIT)
typedef char limit_is_the_twins[SIZES_MATCH ? 1 : -1];

#define FORWARD_FIRST_SHIFT (TRANSFORM_FRACTION_BITS - 1u)
#define FORWARD_SECOND_SHIFT (TRANSFORM_FRACTION_BITS + 1u)
#define ROUND(shift) (1u << ((shift)-1u))

/* The basis functions of one size: of the angle pi * j / (2 * size), j = 0..4 * size - 1. */
typedef struct basis {
    uint32_t size, period;
    uint32_t constant; /* the first row's entries */
    int16_t cosine[4u * FMQ_TRANSFORM_LIMIT];
} basis_t;

/* One line of samples, modulo 2^32. */
typedef struct line {
    uint32_t at[FMQ_TRANSFORM_LIMIT];
} line_t;

/* Unfolds the quarter of a wave that the table has. */
static void prepare(basis_t *basis, uint32_t size)
{
    const int16_t *const quarter = cosines + cosine_starts[size - 1u];
    uint32_t j;

    basis->size = size;
    basis->period = 4u * size;
    basis->constant = (uint32_t)(int32_t)constant_rows[size - 1u];
    for (j = 0u; j < size; j++) {
        basis->cosine[j] = quarter[j];
        basis->cosine[size + j] = (int16_t)-quarter[size - j];
        basis->cosine[2u * size + j] = (int16_t)-quarter[j];
        basis->cosine[3u * size + j] = quarter[size - j];
    }
}

/* The sum of values[i] * cos(start + i * step), angles counted in pi / (2 * size). */
FMQ_INLINE uint32_t correlate(const basis_t *basis, const uint32_t *values, uint32_t count,
                              uint32_t start, uint32_t step)
{
    const uint32_t period = basis->period;
    uint32_t angle = start;
    uint32_t sum = 0u;
    uint32_t i;

    for (i = 0u; i < count; i++) {
        const int32_t cosine = basis->cosine[angle];

        sum += values[i] * (uint32_t)cosine;
        angle += step;
        if (angle >= period) {
            angle -= period;
        }
    }
    return sum;
}

FMQ_INLINE int32_t rounded(uint32_t sum, uint32_t shift)
{
    return fmq_shift_down(fmq_as_signed(sum + ROUND(shift)), shift);
}

static void load(line_t *line, const int32_t *samples, uint32_t stride, uint32_t size)
{
    uint32_t n;

    for (n = 0u; n < size; n++) {
        line->at[n] = (uint32_t)samples[n * stride];
    }
}

/*
 * Row k of the DCT-II is even about the middle where k is even, and odd where k is odd; its even
 * rows are those of half the size in the same way.
 */
static void forward_line(const basis_t *basis, int32_t *samples, uint32_t stride, uint32_t shift)
{
    const uint32_t size = basis->size;
    line_t even;
    line_t odd;
    uint32_t length = size;
    uint32_t first = 1u; /* the rows left are its multiples */
    uint32_t sum = 0u;
    uint32_t n;
    uint32_t k;

    load(&even, samples, stride, size);
    for (; length % 2u == 0u; length /= 2u, first *= 2u) {
        for (n = 0u; n < length / 2u; n++) {
            const uint32_t mirrored = even.at[length - 1u - n];

            odd.at[n] = even.at[n] - mirrored;
            even.at[n] += mirrored;
        }
        for (k = first; k < size; k += 2u * first) {
            sum = correlate(basis, odd.at, length / 2u, k, 2u * k);
            samples[k * stride] = rounded(sum, shift);
        }
    }
    for (k = first; k < size; k += first) {
        samples[k * stride] = rounded(correlate(basis, even.at, length, k, 2u * k), shift);
    }
    sum = 0u;
    for (n = 0u; n < length; n++) {
        sum += even.at[n];
    }
    samples[0] = rounded(sum * basis->constant, shift);
}

static void inverse_line(const basis_t *basis, int32_t *samples, uint32_t stride)
{
    const uint32_t size = basis->size;
    line_t source;
    line_t result;
    line_t chosen; /* the coefficients of a stage's rows */
    uint32_t length = size;
    uint32_t first = 1u;
    uint32_t count;
    uint32_t n;

    load(&source, samples, stride, size);
    for (; length % 2u == 0u; length /= 2u) {
        first *= 2u;
    }
    for (count = 0u; count < length; count++) {
        chosen.at[count] = source.at[count * first];
    }
    for (n = 0u; n < length; n++) {
        const uint32_t angle = (2u * n + 1u) * first;

        result.at[n] = chosen.at[0] * basis->constant +
                       correlate(basis, chosen.at + 1, length - 1u, angle, angle);
    }
    for (; length < size; length *= 2u) {
        first /= 2u;
        for (count = 0u; count < length; count++) {
            chosen.at[count] = source.at[(2u * count + 1u) * first];
        }
        for (n = 0u; n < length; n++) {
            const uint32_t angle = (2u * n + 1u) * first;
            const uint32_t odd = correlate(basis, chosen.at, length, angle, 2u * angle);

            result.at[2u * length - 1u - n] = result.at[n] - odd;
            result.at[n] += odd;
        }
    }
    for (n = 0u; n < size; n++) {
        samples[n * stride] = rounded(result.at[n], TRANSFORM_FRACTION_BITS);
    }
}

void fmq_transform_forward(const fmq_tile_t *tile)
{
    basis_t basis;
    uint32_t at;

    prepare(&basis, tile->height);
    for (at = 0u; at < tile->width; at++) {
        forward_line(&basis, tile->samples + at * tile->column_stride, tile->row_stride,
                     FORWARD_FIRST_SHIFT);
    }
    if (tile->width != tile->height) {
        prepare(&basis, tile->width);
    }
    for (at = 0u; at < tile->height; at++) {
        forward_line(&basis, tile->samples + at * tile->row_stride, tile->column_stride,
                     FORWARD_SECOND_SHIFT);
    }
}

void fmq_transform_inverse(const fmq_tile_t *tile)
{
    basis_t basis;
    uint32_t at;

    prepare(&basis, tile->height);
    for (at = 0u; at < tile->width; at++) {
        inverse_line(&basis, tile->samples + at * tile->column_stride, tile->row_stride);
    }
    if (tile->width != tile->height) {
        prepare(&basis, tile->width);
    }
    for (at = 0u; at < tile->height; at++) {
        inverse_line(&basis, tile->samples + at * tile->row_stride, tile->column_stride);
    }
}
