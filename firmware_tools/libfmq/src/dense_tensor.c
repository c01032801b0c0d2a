/* A tensor's fields before its payload; the twin of fmq_embedded/dense/tensor.py. */
#include "bitstream_window.h"
#include "dense_model.h"

#define LONGEST_FIELDS 6u /* coding, and a centre of at most 5 bytes */
#define FEWEST_FIELDS 3u  /* of fixed-point samples: coding, exponent, step */
bool fmq_dense_has_points(const fmq_dense_format_t *format)
{
    return (format->points[0][0] | format->points[0][1] | format->points[1][0] |
            format->points[1][1]) != 0 ||
           format->fills[0] != 0u || format->fills[1] != 0u;
}

static uint8_t nibbles(const int8_t *pair)
{
    return (uint8_t)(((uint32_t)pair[0] & 15u) | ((uint32_t)pair[1] & 15u) << 4);
}

/* A signed number: v as 2v, or -2v - 1 where v is negative; returns its size. */
static size_t write_signed(int32_t value, uint8_t *out)
{
    uint32_t left = 2u * dense_magnitude(value) - (value < 0 ? 1u : 0u);
    size_t size = 0u;

    for (; left >= 0x80u; left >>= 7) {
        out[size++] = (uint8_t)(left | 0x80u);
    }
    out[size++] = (uint8_t)left;
    return size;
}

/* Writes the fields; returns their size. */
static size_t write_fields(const fmq_dense_format_t *format, int32_t base, uint8_t *out)
{
    const bool are_sent = format->is_lossless ? base != 0 : fmq_dense_has_points(format);

    out[0] = (uint8_t)(DENSE_CODED | (format->is_dependent ? DENSE_DEPENDENT : 0u) |
                       (format->is_one_sided ? DENSE_ONE_SIDED : 0u) |
                       (format->is_lossless ? DENSE_LOSSLESS : 0u) |
                       (format->is_sine ? DENSE_SINE : 0u) |
                       (are_sent ? DENSE_POINTS_ARE_SENT : 0u));
    if (format->is_lossless) {
        return 1u + (are_sent ? write_signed(base, out + 1) : 0u);
    }
    out[1] = (uint8_t)(base + (int32_t)DENSE_EXPONENT_BIAS);
    out[2] = format->step;
    if (!are_sent) {
        return FEWEST_FIELDS;
    }
    out[3] = nibbles(format->points[0]);
    out[4] = nibbles(format->points[1]);
    if (!format->is_one_sided) {
        return FEWEST_FIELDS + 2u;
    }
    out[5] = (uint8_t)(format->fills[0] | (uint32_t)format->fills[1] << 4);
    return FEWEST_FIELDS + 3u;
}

fmq_status_t fmq_dense_write(fmq_dense_format_t *format, const fmq_dense_search_t *search,
                             int32_t base, void *map, void *work, size_t work_size, uint8_t *out,
                             size_t capacity, size_t *size)
{
    size_t fields;
    size_t payload;
    fmq_status_t status;

    *size = 0u;
    if (capacity < LONGEST_FIELDS) {
        return FMQ_ERROR_BUFFER;
    }
    status = fmq_dense_encode(format, search, map, work, work_size, out + LONGEST_FIELDS,
                              capacity - LONGEST_FIELDS, &payload);
    if (status != FMQ_OK) {
        return status;
    }
    fields = write_fields(format, base, out);
    if (fields < LONGEST_FIELDS) {
        size_t index;

        for (index = 0u; index < payload; index++) {
            out[fields + index] = out[LONGEST_FIELDS + index];
        }
    }
    *size = fields + payload;
    return FMQ_OK;
}

static void read_nibbles(uint32_t byte, int8_t *pair)
{
    pair[0] = (int8_t)((int32_t)((byte & 15u) ^ 8u) - 8);
    pair[1] = (int8_t)((int32_t)((byte >> 4) ^ 8u) - 8);
}

static fmq_status_t read_centre(const uint8_t **next, const uint8_t *end, int32_t *centre)
{
    uint32_t coded;
    const fmq_status_t status = fmq_window_varint(next, end, &coded);

    if (status == FMQ_OK) {
        *centre = (coded & 1u) != 0u ? -(int32_t)(coded >> 1) - 1 : (int32_t)(coded >> 1);
    }
    return status;
}

static fmq_status_t read_steps(fmq_dense_format_t *format, bool are_sent, const uint8_t **next,
                               const uint8_t *end, int32_t *exponent)
{
    const bool has_fill = are_sent && format->is_one_sided;
    const size_t size = FEWEST_FIELDS - 1u + (are_sent ? 2u : 0u) + (has_fill ? 1u : 0u);
    const uint8_t *const field = *next;

    if ((size_t)(end - field) < size) {
        return FMQ_ERROR_TRUNCATED;
    }
    *exponent = (int32_t)field[0] - (int32_t)DENSE_EXPONENT_BIAS;
    format->step = field[1];
    read_nibbles(are_sent ? field[2] : 0u, format->points[0]);
    read_nibbles(are_sent ? field[3] : 0u, format->points[1]);
    format->fills[0] = (uint8_t)(has_fill ? field[4] & 15u : 0u);
    format->fills[1] = (uint8_t)(has_fill ? field[4] >> 4 : 0u);
    *next = field + size;
    return FMQ_OK;
}

/* Reads the fields, and moves *next behind them. */
static fmq_status_t read_fields(fmq_dense_format_t *format, const uint8_t **next,
                                const uint8_t *end, int32_t *base)
{
    const uint32_t coding = *next == end ? 0u : **next;
    const bool are_sent = (coding & DENSE_POINTS_ARE_SENT) != 0u;

    if (*next == end) {
        return FMQ_ERROR_TRUNCATED;
    }
    format->is_dependent = (coding & DENSE_DEPENDENT) != 0u;
    format->is_one_sided = (coding & DENSE_ONE_SIDED) != 0u;
    format->is_lossless = (coding & DENSE_LOSSLESS) != 0u;
    format->is_sine = (coding & DENSE_SINE) != 0u;
    if ((coding & DENSE_CODING_BITS) != DENSE_CODED ||
        (format->is_lossless && (format->is_dependent || format->is_sine))) {
        return FMQ_ERROR_SYNTAX;
    }
    ++*next;
    if (!format->is_lossless) {
        return read_steps(format, are_sent, next, end, base);
    }
    *base = 0;
    return are_sent ? read_centre(next, end, base) : FMQ_OK;
}

fmq_status_t fmq_dense_read(fmq_dense_format_t *format, const uint8_t *data, size_t data_size,
                            int32_t *base, void *map, fmq_dense_channel_t *channels, void *work,
                            size_t work_size, size_t *used)
{
    const uint8_t *next = data;
    const uint8_t *const end = data + data_size;
    fmq_status_t status = read_fields(format, &next, end, base);

    *used = 0u;
    if (status == FMQ_OK) {
        status = fmq_dense_decode(format, next, (size_t)(end - next), map, channels, work,
                                  work_size, used);
    }
    if (status == FMQ_OK) {
        *used += (size_t)(next - data);
        fmq_dense_restore(format, map, channels, work);
    }
    return status;
}
