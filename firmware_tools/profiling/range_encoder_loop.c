/*
 * Firmware that counts the range encoder alone: it takes decisions, codes them, and
 * answers with the ticks that took, and the ticks of the same loop without a coder.
 */
#include "board.h"

#include "range_coder_decisions.h"

int main(void);

static uint16_t decisions[FMQ_DECISIONS]; /* context << 1 | the decision */
static uint32_t contexts[CONTEXT_COUNT];
static fmq_range_encoder_t encoder;
static volatile uint8_t never_full;
static volatile uint32_t kept;

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

    for (index = 0u; index < FMQ_DECISIONS; index++) {
        const uint32_t low = board_read();

        decisions[index] = (uint16_t)(low | (uint32_t)board_read() << 8);
    }
}

static uint32_t ticks_of_coding(void)
{
    coder_t coder = {0u, 0xFFFFFFFFu, &encoder, NULL};
    uint32_t start;
    uint32_t index;

    fmq_range_encoder_start(&encoder);
    for (index = 0u; index < CONTEXT_COUNT; index++) {
        contexts[index] = PROBABILITY_START << 8;
    }
    start = board_ticks();
    for (index = 0u; index < FMQ_DECISIONS; index++) {
        (void)code(false, &coder, &contexts[decisions[index] >> 1], decisions[index] & 1u);
        if (encoder.full != 0u) {
            (void)fmq_range_encoder_discard(&encoder);
        }
    }
    kept = coder.low;
    return board_ticks() - start;
}

static uint32_t ticks_of_the_loop(void)
{
    const uint32_t start = board_ticks();
    uint32_t sum = 0u;
    uint32_t index;

    for (index = 0u; index < FMQ_DECISIONS; index++) {
        sum ^= decisions[index];
        if (never_full != 0u) {
            sum++;
        }
    }
    kept = sum;
    return board_ticks() - start;
}

int main(void)
{
    board_init();
    for (;;) {
        receive();
        write32(ticks_of_coding());
        write32(ticks_of_the_loop());
    }
}
