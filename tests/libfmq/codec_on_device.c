/* Entries for the emulator: whole maps through the codec, and decisions alone. */
#include "fmq/codec.h"

#include "range_coder_decisions.h"

#define WORK_BYTES 0x20000u

static uint64_t work[WORK_BYTES / 8u];
static const uint8_t preamble[] = "preamble";
static const uint8_t header[] = "header";
static fmq_tensor_t tensor;
static const fmq_deployment_t deployment = {"device", 0u, preamble, 8u, &tensor, 1u};

size_t encode(const uint32_t *shape, const void *levels, uint8_t *out, size_t capacity);
int32_t decode(const uint32_t *shape, const uint8_t *data, size_t size, void *levels);
uint32_t decisions(const uint8_t *bits, uint32_t count);
uint32_t no_decisions(const uint8_t *bits, uint32_t count);

/* rows, columns, channels, centre, bit depth */
static void describe(const uint32_t *shape)
{
    tensor.rows = shape[0];
    tensor.columns = shape[1];
    tensor.channels = shape[2];
    tensor.count = shape[0] * shape[1] * shape[2];
    tensor.centre = (uint16_t)shape[3];
    tensor.bit_depth = (uint8_t)shape[4];
    tensor.header = header;
    tensor.header_size = 6u;
}

size_t encode(const uint32_t *shape, const void *levels, uint8_t *out, size_t capacity)
{
    size_t size = 0u;

    describe(shape);
    (void)fmq_encode(&deployment, &levels, work, WORK_BYTES, out, capacity, &size);
    return size;
}

int32_t decode(const uint32_t *shape, const uint8_t *data, size_t size, void *levels)
{
    describe(shape);
    return fmq_decode(&deployment, data, size, &levels, work, WORK_BYTES);
}

/* Each byte: a context's number << 1 | the decision. */
uint32_t decisions(const uint8_t *bits, uint32_t count)
{
    static uint32_t contexts[128];
    static fmq_range_encoder_t encoder;
    coder_t coder = {0u, 0xFFFFFFFFu, &encoder, NULL};
    uint32_t index;

    fmq_range_encoder_start(&encoder);
    for (index = 0u; index < 128u; index++) {
        contexts[index] = PROBABILITY_START << 8;
    }
    for (index = 0u; index < count; index++) {
        (void)code(false, &coder, &contexts[bits[index] >> 1], bits[index] & 1u);
        if (encoder.full != 0u) {
            (void)fmq_range_encoder_discard(&encoder);
        }
    }
    return coder.low;
}

/* What of the above is not the coder's. */
uint32_t no_decisions(const uint8_t *bits, uint32_t count)
{
    static volatile fmq_range_encoder_t encoder;
    uint32_t sum = 0u;
    uint32_t index;

    for (index = 0u; index < count; index++) {
        sum ^= bits[index];
        if (encoder.full != 0u) {
            sum++;
        }
    }
    return sum;
}
