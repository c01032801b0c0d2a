/* For each byte that comes: quantizes by a byte table at every alignment of codes and of levels,
 * maps of several sizes, and sends what lies in and around the levels. */
#include "board.h"

#include <fmq/quantizer.h>

#define AROUND 4u
#define CODES 67u
#define PLACES (AROUND + CODES + AROUND)

int main(void);

static uint8_t table[256];
static uint32_t code_words[(CODES + AROUND) / 4u + 1u];
static uint32_t level_words[PLACES / 4u + 1u];

static const fmq_quantizer_t quantizer = {
    .form = FMQ_FORM_TABLE, .input = FMQ_INPUT_INT8, .bit_depth = 8u, .table = table};

static void quantize(uint8_t code_offset, uint8_t level_offset, uint8_t count)
{
    uint8_t *const codes = (uint8_t *)code_words + code_offset;
    uint8_t *const levels = (uint8_t *)level_words;
    uint8_t at;

    for (at = 0u; at < count; at++) {
        codes[at] = (uint8_t)(at * 59u + count + code_offset);
    }
    for (at = 0u; at < PLACES; at++) {
        levels[at] = 0x5Au;
    }
    (void)fmq_quantize_table(&quantizer, codes, count, levels + level_offset);
    for (at = 0u; at < PLACES; at++) {
        board_write(levels[at]);
    }
}

int main(void)
{
    static const uint8_t counts[] = {0u, 1u, 15u, 16u, 17u, 19u, 20u, 32u, 35u, CODES};
    uint16_t code;

    board_init();
    for (code = 0u; code < 256u; code++) {
        table[code] = (uint8_t)(code * 37u + 11u);
    }
    for (;;) {
        (void)board_read();
        for (uint8_t at = 0u; at < sizeof counts; at++) {
            for (uint8_t both = 0u; both < AROUND * AROUND; both++) {
                quantize(both / AROUND, both % AROUND, counts[at]);
            }
        }
    }
}
