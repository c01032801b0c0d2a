/*
 * Firmware that counts the dense coder: it takes how to choose and a map's fixed-point numbers,
 * and answers with the ticks of encoding and of decoding, the stream's size and CRC-32, and the
 * work that each takes.
 */
#include "board.h"

#include "fmq/crc32.h"
#include "fmq/dense.h"
#include "fmq/quantizer.h"

#define COUNT (FMQ_ROWS * FMQ_COLUMNS * FMQ_CHANNELS)
#define SPATIAL_AND_TRANSFORMS 0x0Eu /* modes */

int main(void);

static uint16_t map[COUNT];
static fmq_dense_channel_t channels[FMQ_CHANNELS];
static uint8_t stream[4u * COUNT + 64u];
static uint32_t work[FMQ_WORK_WORDS];
static fmq_dense_format_t format = {
    FMQ_ROWS, FMQ_COLUMNS, FMQ_CHANNELS,     FMQ_ROWS, FMQ_FIXED_POINT_CENTRE, UINT16_MAX,
    true,     FMQ_STEP,    false,            true,     false,                  false,
    {{0, 0}, {0, 0}},      {0u, 0u}};
static const fmq_dense_search_t searches[2] = {
    {false, false, FMQ_ROUNDING, FMQ_STAY, SPATIAL_AND_TRANSFORMS, FMQ_MULTIPLIER, FMQ_BIASES},
    {true, false, FMQ_ROUNDING, FMQ_STAY, SPATIAL_AND_TRANSFORMS, FMQ_MULTIPLIER,
     FMQ_QUICK_BIASES}};
static uint32_t is_quick;

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

    is_quick = board_read() != 0u;
    for (index = 0u; index < COUNT; index++) {
        const uint32_t low = board_read();

        map[index] = (uint16_t)(low | (uint32_t)board_read() << 8);
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
        (void)fmq_dense_encode(&format, &searches[is_quick], map, work, sizeof work, stream,
                               sizeof stream, &size);
        encoding = board_ticks() - start;
        start = board_ticks();
        (void)fmq_dense_decode(&format, stream, size, map, channels, work, sizeof work, &used);
        fmq_dense_restore(&format, map, channels, work);
        decoding = board_ticks() - start;
        write32(encoding);
        write32(decoding);
        write32((uint32_t)size);
        write32(fmq_crc32(0u, stream, size));
        write32((uint32_t)fmq_dense_encoder_work_size(&format));
        write32((uint32_t)fmq_dense_decoder_work_size(&format));
    }
}
