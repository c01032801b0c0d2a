/* A tensor's fields before its payload; the twin of fmq_embedded/dense/tensor.py. */
#include "dense_model.h"

#define LONGEST_FIELDS 5u /* coding, exponent, step, points of both kinds */
#define POINT_FIELDS 2u
#define KNOWN_FLAGS                                                                               \
    (DENSE_DEPENDENT | DENSE_ONE_SIDED | DENSE_POINTS_ARE_SENT | DENSE_LOSSLESS)

static bool has_points(const fmq_dense_format_t *format)
{
    return (format->points[0][0] | format->points[0][1] | format->points[1][0] |
            format->points[1][1]) != 0;
}

static uint8_t nibbles(const int8_t *pair)
{
    return (uint8_t)(((uint32_t)pair[0] & 15u) | ((uint32_t)pair[1] & 15u) << 4);
}

/* Writes the fields; returns their size. */
static size_t write_fields(const fmq_dense_format_t *format, int32_t exponent, uint8_t *out)
{
    out[0] = (uint8_t)(DENSE_CODED | (format->is_dependent ? DENSE_DEPENDENT : 0u) |
                       (format->is_one_sided ? DENSE_ONE_SIDED : 0u) |
                       (format->is_lossless ? DENSE_LOSSLESS : 0u) |
                       (has_points(format) ? DENSE_POINTS_ARE_SENT : 0u));
    if (format->is_lossless) {
        return 1u;
    }
    out[1] = (uint8_t)(exponent + (int32_t)DENSE_EXPONENT_BIAS);
    out[2] = format->step;
    if (!has_points(format)) {
        return LONGEST_FIELDS - POINT_FIELDS;
    }
    out[3] = nibbles(format->points[0]);
    out[4] = nibbles(format->points[1]);
    return LONGEST_FIELDS;
}

fmq_status_t fmq_dense_write(fmq_dense_format_t *format, const fmq_dense_search_t *search,
                             int32_t exponent, int16_t *samples, void *work, size_t work_size,
                             uint8_t *out, size_t capacity, size_t *size)
{
    size_t fields;
    size_t payload;
    fmq_status_t status;

    *size = 0u;
    if (capacity < LONGEST_FIELDS) {
        return FMQ_ERROR_BUFFER;
    }
    status = fmq_dense_encode(format, search, samples, work, work_size, out + LONGEST_FIELDS,
                              capacity - LONGEST_FIELDS, &payload);
    if (status != FMQ_OK) {
        return status;
    }
    fields = write_fields(format, exponent, out);
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

/* Reads the fields; *size is what they take. */
static fmq_status_t read_fields(fmq_dense_format_t *format, const uint8_t *data, size_t data_size,
                                int32_t *exponent, size_t *size)
{
    const uint32_t coding = data_size == 0u ? 0u : data[0];
    const bool are_sent = (coding & DENSE_POINTS_ARE_SENT) != 0u;

    format->is_dependent = (coding & DENSE_DEPENDENT) != 0u;
    format->is_one_sided = (coding & DENSE_ONE_SIDED) != 0u;
    format->is_lossless = (coding & DENSE_LOSSLESS) != 0u;
    *size = format->is_lossless ? 1u : LONGEST_FIELDS - (are_sent ? 0u : POINT_FIELDS);
    if (data_size < *size) {
        return FMQ_ERROR_TRUNCATED;
    }
    if ((coding & DENSE_CODING_BITS) != DENSE_CODED ||
        (coding & ~(DENSE_CODING_BITS | KNOWN_FLAGS)) != 0u ||
        (format->is_lossless && format->is_dependent)) {
        return FMQ_ERROR_SYNTAX;
    }
    if (format->is_lossless && are_sent) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    *exponent = format->is_lossless ? 0 : (int32_t)data[1] - (int32_t)DENSE_EXPONENT_BIAS;
    format->step = format->is_lossless ? 0u : data[2];
    read_nibbles(are_sent ? data[3] : 0u, format->points[0]);
    read_nibbles(are_sent ? data[4] : 0u, format->points[1]);
    return FMQ_OK;
}

fmq_status_t fmq_dense_read(fmq_dense_format_t *format, const uint8_t *data, size_t data_size,
                            int32_t *exponent, int32_t *levels, uint8_t *modes, void *work,
                            size_t work_size, size_t *used)
{
    size_t fields;
    fmq_status_t status = read_fields(format, data, data_size, exponent, &fields);

    *used = 0u;
    if (status == FMQ_OK) {
        status = fmq_dense_decode(format, data + fields, data_size - fields, levels, modes, work,
                                  work_size, used);
    }
    if (status == FMQ_OK) {
        *used += fields;
        fmq_dense_restore(format, levels, modes);
    }
    return status;
}
