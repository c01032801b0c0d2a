/* For each byte that comes: does every case of dsp_cases.h and sends what it gives. */
#include "board.h"

#include "dsp_cases.h"

#define UNTOUCHED 0x5Au

int main(void);

static void search(const vector_case_t *own)
{
    uint32_t index;

    for (index = 0u; index < own->count; index++) {
        const uint16_t *const vector = own->vectors + index * own->codebook.dimension;

        board_write((uint8_t)fmq_nearest_codeword(&own->codebook, vector, own->bit_depth));
    }
}

static void quantize(const scalar_case_t *own)
{
    static uint8_t levels[LARGEST_COUNT];
    fmq_status_t status;
    uint32_t index;

    for (index = 0u; index < own->count; index++) {
        levels[index] = UNTOUCHED;
    }
    status = own->quantizer.form == FMQ_FORM_ESTIMATE
                 ? fmq_quantize_estimate(&own->quantizer, own->samples, own->count, levels)
                 : fmq_quantize_multiply_shift(&own->quantizer, own->samples, own->count, levels);
    board_write((uint8_t)status);
    for (index = 0u; index < own->count; index++) {
        board_write(levels[index]);
    }
}

int main(void)
{
    uint32_t at;

    board_init();
    for (;;) {
        (void)board_read();
        for (at = 0u; at < sizeof vector_cases / sizeof vector_cases[0]; at++) {
            search(&vector_cases[at]);
        }
        for (at = 0u; at < sizeof scalar_cases / sizeof scalar_cases[0]; at++) {
            quantize(&scalar_cases[at]);
        }
    }
}
