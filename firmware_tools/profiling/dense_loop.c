/*
 * Firmware that counts the dense coder: it takes how to choose and a map's fixed-point samples,
 * and answers with the ticks of encoding and of decoding, the stream's size and CRC-32, and the
 * work that each takes.
 */
#include "board.h"

#include "fmq/crc32.h"
#include "fmq/dense.h"

#define COUNT (FMQ_ROWS * FMQ_COLUMNS * FMQ_CHANNELS)
#define SPATIAL_AND_TRANSFORMS 0x0Eu /* modes */

int main(void);

static int16_t samples[COUNT];
static int32_t levels[COUNT];
static uint8_t modes[FMQ_CHANNELS];
static uint8_t stream[4u * COUNT + 64u];
static uint32_t work[FMQ_WORK_WORDS];
static fmq_dense_format_t format = {
    FMQ_ROWS, FMQ_COLUMNS, FMQ_CHANNELS, FMQ_ROWS, FMQ_STEP, false, true, false, {{0, 0}, {0, 0}}};
static fmq_dense_search_t search = {false, false, FMQ_ROUNDING, FMQ_STAY, SPATIAL_AND_TRANSFORMS,
                                    FMQ_MULTIPLIER, FMQ_BIASES};

static void write32(uint32_t value)
{
    uint32_t shift;

    for (shift = 0u; shift < 32u; shift += 8u) {
        board_write((uint8_t)(value >> shift));
    }
}

static void receive(void)
{
    uint32_t index;

    search.is_quick = board_read() != 0u;
    for (index = 0u; index < COUNT; index++) {
        const uint32_t low = board_read();

        samples[index] = (int16_t)(low | (uint32_t)board_read() << 8);
    }
}

int main(void)
{
    board_init();
    for (;;) {
        size_t size = 0u;
        size_t used = 0u;
        uint32_t start;
        uint32_t encoding;
        uint32_t decoding;

        receive();
        start = board_ticks();
        (void)fmq_dense_encode(&format, &search, samples, work, sizeof work, stream,
                               sizeof stream, &size);
        encoding = board_ticks() - start;
        start = board_ticks();
        (void)fmq_dense_decode(&format, stream, size, levels, modes, work, sizeof work, &used);
        fmq_dense_restore(&format, levels, modes);
        decoding = board_ticks() - start;
        write32(encoding);
        write32(decoding);
        write32((uint32_t)size);
        write32(fmq_crc32(0u, stream, size));
        write32((uint32_t)fmq_dense_encoder_work_size(&format));
        write32((uint32_t)fmq_dense_decoder_work_size(&format));
    }
}
