#include "transform.h"

#include "inline.h"
#include "signed_shift.h"
#include "transform_tables.h"

#include <stddef.h>

#define SIZES_MATCH (TRANSFORM_LARGEST_SIZE == FMQ_TRANSFORM_LIMIT)
typedef char limit_is_the_twins[SIZES_MATCH ? 1 : -1];

#define ROUND(shift) ((uint32_t)1 << ((shift)-1u))
#define ROOT_OF_TWO 3037000500u /* times 2^31 */
#define ONE 0x80000000u
#define MOST_ANGLES (4u * sizeof rotations / sizeof rotations[0])

/* The basis functions of one size: of the angle pi * j / (2 * quarter), j = 0..4 * quarter - 1. */
typedef struct basis {
    uint32_t size, quarter, period;
    uint32_t constant; /* the entries of the DCT-II's first row */
    bool is_sine;
    int16_t cosine[MOST_ANGLES];
} basis_t;

/* Two lines of samples, modulo 2^32: both take the same factors, which are then looked up once. */
typedef struct pair {
    uint32_t first, second;
} pair_t;

typedef struct lines {
    pair_t at[FMQ_TRANSFORM_LIMIT];
} lines_t;

/* Where the samples of two lines are, and how far apart those of one. */
typedef struct place {
    int32_t *first, *second;
    uint32_t stride;
} place_t;

/* a * b + c * d in 1/2^31, rounded; all at most 1. */
static uint32_t turned(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return (uint32_t)(((uint64_t)a * b + (uint64_t)c * d + (ONE >> 1)) >> 31);
}

static int16_t entry(uint32_t cosine, uint32_t amplitude)
{
    return (int16_t)(((uint64_t)cosine * amplitude + ((uint64_t)1 << 48)) >> 49);
}

/* The first quarter of a wave, by turning (1, 0) on; the tests compare all entries. */
static void fill_quarter(basis_t *basis, const uint32_t *rotation, uint32_t amplitude)
{
    uint32_t cosine = ONE;
    uint32_t sine = 0u;
    uint32_t j;

    for (j = 0u; j <= basis->quarter / 2u; j++) {
        const uint32_t last = cosine;

        basis->cosine[j] = entry(cosine, amplitude);
        basis->cosine[basis->quarter - j] = entry(sine, amplitude);
        cosine = (uint32_t)(((uint64_t)cosine * rotation[0] - (uint64_t)sine * rotation[1] +
                             (ONE >> 1)) >>
                            31);
        sine = turned(sine, rotation[0], last, rotation[1]);
    }
}

static void prepare(basis_t *basis, uint32_t size, bool is_sine)
{
    const uint32_t quarter = is_sine ? 2u * size + 1u : size;
    const uint32_t *const rotation = rotations[quarter - 1u];
    uint32_t j;

    basis->size = size;
    basis->quarter = quarter;
    basis->period = 4u * quarter;
    basis->is_sine = is_sine;
    basis->constant = (rotation[2] + ROUND(18u)) >> 18;
    fill_quarter(basis, rotation,
                 is_sine ? 2u * rotation[2] : turned(rotation[2], ROOT_OF_TWO, 0u, 0u));
    for (j = 0u; j < quarter; j++) {
        basis->cosine[quarter + j] = (int16_t)-basis->cosine[quarter - j];
        basis->cosine[2u * quarter + j] = (int16_t)-basis->cosine[j];
    }
    for (j = 0u; j < quarter; j++) {
        basis->cosine[3u * quarter + j] = (int16_t)-basis->cosine[quarter + j];
    }
}

/* The sums of values[i] * cos(start + i * step), angles counted in pi / (2 * quarter). */
FMQ_INLINE_FOR_SPEED pair_t correlate(const basis_t *basis, const pair_t *values, uint32_t count,
                                      uint32_t start, uint32_t step)
{
    const uint32_t period = basis->period;
    const pair_t *const end = values + count;
    pair_t sum = {0u, 0u};
    uint32_t angle = start;

    while (values != end) {
        const uint32_t cosine = (uint32_t)(int32_t)basis->cosine[angle];

        sum.first += values->first * cosine;
        sum.second += values->second * cosine;
        values++;
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

FMQ_INLINE pair_t plus(pair_t a, pair_t b)
{
    const pair_t sum = {a.first + b.first, a.second + b.second};

    return sum;
}

FMQ_INLINE pair_t minus(pair_t a, pair_t b)
{
    const pair_t difference = {a.first - b.first, a.second - b.second};

    return difference;
}

FMQ_INLINE pair_t times(pair_t a, uint32_t factor)
{
    const pair_t product = {a.first * factor, a.second * factor};

    return product;
}

FMQ_INLINE pair_t load(const place_t *place, uint32_t n)
{
    const pair_t pair = {(uint32_t)place->first[n * place->stride],
                         (uint32_t)place->second[n * place->stride]};

    return pair;
}

FMQ_INLINE void load_lines(const place_t *place, uint32_t size, lines_t *lines)
{
    uint32_t n;

    for (n = 0u; n < size; n++) {
        lines->at[n] = load(place, n);
    }
}

FMQ_INLINE void store(const place_t *place, uint32_t n, pair_t sum, uint32_t shift)
{
    place->first[n * place->stride] = rounded(sum.first, shift);
    place->second[n * place->stride] = rounded(sum.second, shift);
}

/*
 * Of lines by the DST-VII: the sines of (2k + 1)(n + 1) angles of twice the unit, which are cosines
 * of what is left of a quarter. `k` is the index that stays, `is_row` whether it is the row's.
 */
static pair_t sine_sum(const basis_t *basis, const pair_t *values, uint32_t k, bool is_row)
{
    const uint32_t first = is_row ? 2u * (2u * k + 1u) : 2u * (k + 1u);
    const uint32_t step = is_row ? first : 2u * first;
    const uint32_t start = first <= basis->quarter ? basis->quarter - first
                                                   : basis->quarter + basis->period - first;

    return correlate(basis, values, basis->size, start, basis->period - step);
}

static void sine_lines(const basis_t *basis, const place_t *place, uint32_t shift, bool is_forward)
{
    lines_t source;
    uint32_t n;

    load_lines(place, basis->size, &source);
    for (n = 0u; n < basis->size; n++) {
        store(place, n, sine_sum(basis, source.at, n, is_forward), shift);
    }
}

/*
 * Row k of the DCT-II is even about the middle where k is even, and odd where k is odd; its even
 * rows are those of half the size in the same way.
 */
static void forward_lines(const basis_t *basis, const place_t *place, uint32_t shift)
{
    const uint32_t size = basis->size;
    lines_t even;
    pair_t sum = {0u, 0u};
    uint32_t length = size;
    uint32_t first = 1u; /* the rows left are its multiples */
    uint32_t n;
    uint32_t k;

    load_lines(place, size, &even);
    for (; length % 2u == 0u; length /= 2u, first *= 2u) {
        for (n = 0u; n < length / 2u; n++) {
            const pair_t mirrored = even.at[length - 1u - n];

            even.at[length - 1u - n] = minus(even.at[n], mirrored);
            even.at[n] = plus(even.at[n], mirrored);
        }
        for (k = first; k < size; k += 2u * first) {
            /* the differences lie there from the last to the first */
            store(place, k,
                  correlate(basis, even.at + length / 2u, length / 2u,
                            k * (length - 1u) % basis->period, basis->period - 2u * k),
                  shift);
        }
    }
    for (k = first; k < size; k += first) {
        store(place, k, correlate(basis, even.at, length, k, 2u * k), shift);
    }
    for (n = 0u; n < length; n++) {
        sum = plus(sum, even.at[n]);
    }
    store(place, 0u, times(sum, basis->constant), shift);
}

/* What coefficients of a DCT-II of odd length, in units of `angle`, give at one place. */
FMQ_INLINE pair_t whole_sum(const basis_t *basis, const pair_t *values, uint32_t length,
                            uint32_t angle)
{
    return plus(times(values[0], basis->constant),
                correlate(basis, values + 1, length - 1u, angle, angle));
}

static void inverse_lines(const basis_t *basis, const place_t *place)
{
    const uint32_t size = basis->size;
    lines_t result;
    pair_t chosen[FMQ_TRANSFORM_LIMIT / 2u]; /* the coefficients of a stage's rows */
    uint32_t length = size;
    uint32_t first = 1u;
    uint32_t count;
    uint32_t n;

    for (; length % 2u == 0u; length /= 2u) {
        first *= 2u;
    }
    if (first == 1u) {
        load_lines(place, size, &result);
        for (n = 0u; n < size; n++) {
            store(place, n, whole_sum(basis, result.at, size, 2u * n + 1u), TRANSFORM_FRACTION_BITS);
        }
        return;
    }
    for (count = 0u; count < length; count++) {
        chosen[count] = load(place, count * first);
    }
    for (n = 0u; n < length; n++) {
        result.at[n] = whole_sum(basis, chosen, length, (2u * n + 1u) * first);
    }
    for (; length < size; length *= 2u) {
        first /= 2u;
        for (count = 0u; count < length; count++) {
            chosen[count] = load(place, (2u * count + 1u) * first);
        }
        for (n = 0u; n < length; n++) {
            const uint32_t angle = (2u * n + 1u) * first;
            const pair_t odd = correlate(basis, chosen, length, angle, 2u * angle);

            result.at[2u * length - 1u - n] = minus(result.at[n], odd);
            result.at[n] = plus(result.at[n], odd);
        }
    }
    for (n = 0u; n < size; n++) {
        store(place, n, result.at[n], TRANSFORM_FRACTION_BITS);
    }
}

/* Of an odd number of lines the last is a pair by itself: all is read before it is overwritten. */
FMQ_INLINE void transform_lines(int32_t *samples, uint32_t count, uint32_t apart, uint32_t stride,
                                uint32_t shift, const basis_t *basis, bool is_forward)
{
    uint32_t at;

    for (at = 0u; at < count; at += 2u) {
        int32_t *const first = samples + (size_t)at * apart;
        const place_t place = {first, at + 1u < count ? first + apart : first, stride};

        if (basis->is_sine) {
            sine_lines(basis, &place, shift, is_forward);
        } else if (is_forward) {
            forward_lines(basis, &place, shift);
        } else {
            inverse_lines(basis, &place);
        }
    }
}

/* First what is above each other, then what is beside each other. */
static void transform(const fmq_tile_t *tile, uint32_t first_shift, uint32_t second_shift,
                      bool is_forward)
{
    basis_t basis;

    prepare(&basis, tile->height, tile->is_sine && tile->height <= TRANSFORM_LARGEST_SINE);
    transform_lines(tile->samples, tile->width, tile->column_stride, tile->row_stride, first_shift,
                    &basis, is_forward);
    if (tile->width != tile->height) {
        prepare(&basis, tile->width, tile->is_sine && tile->width <= TRANSFORM_LARGEST_SINE);
    }
    transform_lines(tile->samples, tile->height, tile->row_stride, tile->column_stride,
                    second_shift, &basis, is_forward);
}

void fmq_transform_forward(const fmq_tile_t *tile)
{
    const uint32_t more = tile->height * tile->width <= TRANSFORM_SMALL_TILE ? 1u : 0u;

    transform(tile, TRANSFORM_FRACTION_BITS - more, TRANSFORM_FRACTION_BITS + more, true);
}

void fmq_transform_inverse(const fmq_tile_t *tile)
{
    transform(tile, TRANSFORM_FRACTION_BITS, TRANSFORM_FRACTION_BITS, false);
}
