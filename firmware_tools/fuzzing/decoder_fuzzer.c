/*
 * Streams that nobody should send, for libFuzzer: byte 0 of an input chooses the deployment, or the
 * parser of any stream's headers; byte 1 the size of pieces; the rest is a stream without its
 * CRC-32, which is put behind it so that its bytes are seen.
 *
 * Every buffer has just the size that the library asks for, so that the sanitizers see one byte
 * too many. A finding is also a level beyond its bit depth, a class that is not there, pieces that
 * give something else than the whole, and more steps than bytes and levels can take: of the loop
 * that hands pieces over, and of the library, whose every branch is counted.
 */
#include "fuzzed_deployments.h"

#include <fmq/bitstream_parser.h>
#include <fmq/codec.h>
#include <fmq/crc32.h>

#include <stdlib.h>
#include <string.h>

#define CRC_BYTES 4u
#define HEAD_BYTES 2u

/* Branches that a byte of the stream or an element of the maps may cost; the dense coding was seen
 * to take 240, the others up to 40. */
#define STEPS_PER_PLACE 512u
#define LEAST_STEPS 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* ---- steps ---- */

static uint64_t steps_taken;

/* The linker puts it in the place of what the compiler calls at every branch. */
void __wrap___sanitizer_cov_trace_pc(void);

__attribute__((no_sanitize("coverage"))) void __wrap___sanitizer_cov_trace_pc(void)
{
    steps_taken++;
}

static void expect_few_steps(const fuzzed_t *fuzzed, size_t stream_size)
{
    const uint64_t places = fuzzed->element_count + stream_size;

    expect(steps_taken <= STEPS_PER_PLACE * places + LEAST_STEPS);
    steps_taken = 0u;
}

/* ---- decoding ---- */

static void check_levels(const fuzzed_t *fuzzed)
{
    uint32_t index;

    for (index = 0u; index < fuzzed->deployment->tensor_count; index++) {
        const fmq_tensor_t *tensor = &fuzzed->deployment->tensors[index];
        const uint32_t limit = (uint32_t)1u << tensor->bit_depth;
        uint32_t at;

        for (at = 0u; at < tensor->count; at++) {
            expect(tensor->bit_depth <= 8u ? ((const uint8_t *)fuzzed->levels[index])[at] < limit
                                           : ((const uint16_t *)fuzzed->levels[index])[at] < limit);
        }
        for (at = 0u; fmq_has_dynamic_classes(tensor) && at < fmq_class_cells(tensor); at++) {
            expect(tensor->partition->dynamic[at] < tensor->partition->class_count);
        }
    }
}

/* All levels as bytes, one tensor behind the other. */
static size_t keep_levels(const fuzzed_t *fuzzed, uint8_t *kept)
{
    size_t used = 0u;
    uint32_t index;

    for (index = 0u; index < fuzzed->deployment->tensor_count; index++) {
        const size_t bytes = fuzzed_level_bytes(&fuzzed->deployment->tensors[index]);

        memcpy(kept + used, fuzzed->levels[index], bytes);
        used += bytes;
    }
    return used;
}

static fmq_status_t read_in_pieces(const fuzzed_t *fuzzed, const uint8_t *stream, size_t size,
                                   size_t piece)
{
    static fmq_stream_reader_t reader;
    size_t polled_of[FUZZED_MAX_TENSORS] = {0u};
    size_t sunk = 0u;
    size_t steps = 2u * (size + fuzzed->element_count) + 16u;
    fmq_status_t status = FMQ_OK;

    fmq_stream_reader_start(&reader, fuzzed->deployment, fuzzed->work, fuzzed->work_size);
    while (status == FMQ_OK && !fmq_stream_reader_is_done(&reader)) {
        const size_t left = size - sunk;
        const uint32_t index = reader.tensor;
        size_t polled = 0u;
        uint8_t nothing = 0u;

        sunk += fmq_stream_reader_sink(&reader, stream + sunk, left < piece ? left : piece);
        if (sunk == size) {
            fmq_stream_reader_end(&reader);
        }
        if (index < fuzzed->deployment->tensor_count) {
            const fmq_tensor_t *tensor = &fuzzed->deployment->tensors[index];
            const size_t wanted = tensor->count - polled_of[index];
            uint8_t *levels = (uint8_t *)fuzzed->levels[index] +
                              polled_of[index] * (tensor->bit_depth <= 8u ? 1u : 2u);

            status = fmq_stream_reader_poll(&reader, levels, wanted < piece ? wanted : piece,
                                            &polled);
            polled_of[index] += polled;
        } else {
            status = fmq_stream_reader_poll(&reader, &nothing, 0u, &polled);
        }
        expect(steps != 0u);
        steps--;
    }
    return status;
}

static void decode(const fuzzed_t *fuzzed, const uint8_t *stream, size_t size, size_t piece)
{
    static uint8_t whole[FUZZED_MAX_LEVEL_BYTES];
    static uint8_t pieces[FUZZED_MAX_LEVEL_BYTES];
    size_t used = 0u;
    fmq_status_t status;

    steps_taken = 0u;
    status = fmq_decode(fuzzed->deployment, stream, size, fuzzed->levels, fuzzed->work,
                        fuzzed->work_size);
    expect_few_steps(fuzzed, size);
    if (status == FMQ_OK) {
        check_levels(fuzzed);
        used = keep_levels(fuzzed, whole);
    }
    /* the dense coding takes whole maps alone */
    if (piece != 0u && fuzzed->deployment->tensors[0].profile != FMQ_PROFILE_DENSE) {
        expect((read_in_pieces(fuzzed, stream, size, piece) == FMQ_OK) == (status == FMQ_OK));
        if (status == FMQ_OK) {
            (void)keep_levels(fuzzed, pieces);
            expect(memcmp(whole, pieces, used) == 0);
        }
    }
}

static void parse(const uint8_t *stream, size_t size, size_t skipped)
{
    fmq_stream_parser_t parser;
    fmq_stream_tensor_t tensor;
    fmq_status_t status = fmq_stream_parse(&parser, stream, size);
    size_t steps = size + 1u;

    while (status == FMQ_OK) {
        const size_t before = parser.position;

        status = fmq_stream_parse_tensor(&parser, &tensor);
        expect(status != FMQ_OK || (parser.position > before && parser.position <= size));
        if (status == FMQ_OK && fmq_stream_parse_skip(&parser, &tensor) != FMQ_OK) {
            parser.position += skipped; /* as a decoder of the payload would */
        }
        expect(steps != 0u);
        steps--;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *stream;
    size_t body;
    uint32_t crc;
    uint32_t at;

    if (size < HEAD_BYTES) {
        return 0;
    }
    body = size - HEAD_BYTES;
    stream = malloc(body + CRC_BYTES);
    expect(stream != NULL);
    memcpy(stream, data + HEAD_BYTES, body);
    crc = fmq_crc32(0u, stream, body);
    for (at = 0u; at < CRC_BYTES; at++) {
        stream[body + at] = (uint8_t)(crc >> (8u * at) & 0xFFu);
    }
    if (data[0] % (FUZZED_DEPLOYMENTS + 1u) == FUZZED_DEPLOYMENTS) {
        parse(stream, body + CRC_BYTES, data[1]);
    } else {
        decode(fuzzed_deployment(data[0] % (FUZZED_DEPLOYMENTS + 1u)), stream, body + CRC_BYTES,
               data[1]);
    }
    free(stream);
    return 0;
}
