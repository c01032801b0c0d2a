#include "commands.h"

#include "board.h"
#include "buffers.h"
#include "data_commands.h"
#include "stages.h"
#include "table_commands.h"
#include "tables.h"

#include <fmq/deployment.h>
#include <fmq/version.h>
#include <fmq_tables.h>

#ifndef FMQ_BOARD_ID
#error "name the board: -DFMQ_BOARD_ID=\"<id>\""
#endif

#define MAX_NAME 200u /* two of them fit into an answer */

static bool buffers_fit;

static uint8_t status_byte(fmq_status_t status)
{
    return (uint8_t)status;
}

/* ---- what the device is ---- */

static void put_name(frame_t *answer, const char *name)
{
    const size_t size_at = answer->size;
    uint8_t left;

    frame_put8(answer, 0u);
    for (left = MAX_NAME; left != 0u && *name != '\0'; left--) {
        frame_put8(answer, (uint8_t)*name);
        name++;
    }
    answer->body[size_at] = (uint8_t)(MAX_NAME - left);
}

static uint8_t identify(const frame_t *request, frame_t *answer)
{
    static uint32_t session;
    static uint32_t session_before;
    const uint32_t nonce = frame_get32(request->body);

    if (nonce != session) {
        session_before = session; /* 0 after a start: the host sees that the board is a new one */
        session = nonce;
    }
    frame_forget_line();
    frame_put32(answer, nonce);
    frame_put8(answer, FMQ_LINK_PROTOCOL);
    frame_put8(answer, FMQ_VERSION_MAJOR);
    frame_put8(answer, FMQ_VERSION_MINOR);
    frame_put8(answer, FMQ_LINK_WINDOW);
    frame_put32(answer, tables_deployment->crc32);
    frame_put32(answer, tables_deployment->tensor_count);
    frame_put32(answer, FMQ_MAX_INPUT_BYTES);
    frame_put32(answer, FMQ_MAX_LEVEL_BYTES);
    frame_put32(answer, FMQ_MAX_STREAM_BYTES);
    frame_put32(answer, FMQ_WORK_BYTES);
    frame_put32(answer, session_before);
    return FMQ_LINK_OK;
}

static uint8_t names(const frame_t *request, frame_t *answer)
{
    (void)request;
    put_name(answer, FMQ_BOARD_ID);
    put_name(answer, tables_deployment->name);
    return FMQ_LINK_OK;
}

static uint8_t describe(const frame_t *request, frame_t *answer)
{
    const uint32_t index = request->body[0];
    const fmq_tensor_t *tensor;

    if (!buffers_has_tensor(index)) {
        return FMQ_LINK_BAD_TENSOR;
    }
    tensor = &tables_deployment->tensors[index];
    frame_put32(answer, tensor->rows);
    frame_put32(answer, tensor->columns);
    frame_put32(answer, tensor->channels);
    frame_put32(answer, tensor->count);
    frame_put16(answer, tensor->centre);
    frame_put8(answer, tensor->bit_depth);
    frame_put8(answer, tensor->quantizer->input);
    frame_put8(answer, tensor->dequantizer->output);
    return FMQ_LINK_OK;
}

static uint8_t stack(const frame_t *request, frame_t *answer)
{
    const uint32_t size = (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_bottom);
    const volatile uint32_t *words = __stack_bottom;
    uint32_t untouched = 0u;

    (void)request;
    while (untouched < size / 4u && words[untouched] == FMQ_STACK_FILL) {
        untouched++;
    }
    frame_put32(answer, size - untouched * 4u);
    frame_put32(answer, size);
    return FMQ_LINK_OK;
}

static uint8_t line(const frame_t *request, frame_t *answer)
{
    (void)request;
    frame_send_probe();
    frame_put_line(answer);
    return FMQ_LINK_OK;
}

/* ---- stages ---- */

static uint8_t for_tensors(uint32_t tensor, fmq_status_t (*stage)(uint32_t tensor))
{
    fmq_status_t status = FMQ_OK;

    if (tensor != FMQ_LINK_ALL_TENSORS) {
        return buffers_has_tensor(tensor) ? status_byte(stage(tensor)) : (uint8_t)FMQ_LINK_BAD_TENSOR;
    }
    for (tensor = 0u; buffers_has_tensor(tensor) && status == FMQ_OK; tensor++) {
        status = stage(tensor);
    }
    return status_byte(status);
}

static uint8_t quantize(const frame_t *request, frame_t *answer)
{
    (void)answer;
    return for_tensors(request->body[0], stage_quantize);
}

static uint8_t dequantize(const frame_t *request, frame_t *answer)
{
    (void)answer;
    return for_tensors(request->body[0], stage_dequantize);
}

static uint8_t encode(const frame_t *request, frame_t *answer)
{
    uint32_t size = 0u;
    const fmq_status_t status = stage_encode(&size);

    (void)request;
    frame_put32(answer, size);
    return status_byte(status);
}

static uint8_t decode(const frame_t *request, frame_t *answer)
{
    const uint32_t size = frame_get32(request->body);

    (void)answer;
    if (!buffers_has_range(0u, size, FMQ_MAX_STREAM_BYTES)) {
        return FMQ_LINK_BAD_RANGE;
    }
    return status_byte(stage_decode(size));
}

static uint8_t counters(const frame_t *request, frame_t *answer)
{
    (void)request;
    stages_report(answer);
    return FMQ_LINK_OK;
}

static uint8_t reset_counters(const frame_t *request, frame_t *answer)
{
    (void)request;
    (void)answer;
    stages_reset();
    return FMQ_LINK_OK;
}

/* ---- other tables ---- */

static uint8_t commit_tables(const frame_t *request, frame_t *answer)
{
    const uint8_t status = table_command_commit(request, answer);

    commands_init();
    return status;
}

static uint8_t revert_tables(const frame_t *request, frame_t *answer)
{
    const uint8_t status = table_command_revert(request, answer);

    commands_init();
    return status;
}

/* ---- the table ---- */

typedef struct command {
    uint8_t command;
    bool uses_buffers;
    uint16_t smallest; /* bytes of the request's body */
    uint16_t largest;
    uint8_t (*run)(const frame_t *request, frame_t *answer);
} command_t;

static const command_t commands[] = {
    {FMQ_COMMAND_IDENTIFY, false, 4u, 4u, identify},
    {FMQ_COMMAND_NAMES, false, 0u, 0u, names},
    {FMQ_COMMAND_DESCRIBE, false, 1u, 1u, describe},
    {FMQ_COMMAND_LOAD_INPUT, true, 5u, FMQ_LINK_MAX_BODY, data_command_load_input},
    {FMQ_COMMAND_LOAD_STREAM, true, 4u, FMQ_LINK_MAX_BODY, data_command_load_stream},
    {FMQ_COMMAND_QUANTIZE, true, 1u, 1u, quantize},
    {FMQ_COMMAND_ENCODE, true, 0u, 0u, encode},
    {FMQ_COMMAND_DECODE, true, 4u, 4u, decode},
    {FMQ_COMMAND_DEQUANTIZE, true, 1u, 1u, dequantize},
    {FMQ_COMMAND_READ, true, 8u, 8u, data_command_read_back},
    {FMQ_COMMAND_COUNTERS, false, 0u, 0u, counters},
    {FMQ_COMMAND_STACK, false, 0u, 0u, stack},
    {FMQ_COMMAND_RESET_COUNTERS, false, 0u, 0u, reset_counters},
    {FMQ_COMMAND_LINE, false, 0u, 0u, line},
    {FMQ_COMMAND_TABLES, false, 0u, 0u, table_command_describe},
    {FMQ_COMMAND_TABLES_ERASE, false, 1u, 1u, table_command_erase},
    {FMQ_COMMAND_TABLES_LOAD, false, 5u, FMQ_LINK_MAX_BODY, table_command_load},
    {FMQ_COMMAND_TABLES_COMMIT, false, TABLE_COMMIT_PLAIN, TABLE_COMMIT_BODY, commit_tables},
    {FMQ_COMMAND_TABLES_REVERT, false, 0u, 0u, revert_tables},
};

static uint8_t run(const frame_t *request, frame_t *answer)
{
    size_t at;

    for (at = 0u; at < sizeof commands / sizeof commands[0]; at++) {
        const command_t *command = &commands[at];

        if (command->command != request->command) {
            continue;
        }
        if (request->size < command->smallest || request->size > command->largest) {
            return FMQ_LINK_BAD_SIZE;
        }
        if (command->uses_buffers && !buffers_fit) {
            return status_byte(FMQ_ERROR_BUFFER);
        }
        return command->run(request, answer);
    }
    return FMQ_LINK_UNKNOWN_COMMAND;
}

void commands_init(void)
{
    tables_choose();
    buffers_fit = buffers_lay_out();
}

const frame_t *commands_answer(const frame_t *request)
{
    static frame_t answer;
    static uint32_t answered_crc;
    static bool has_answered;
    const uint8_t command = (uint8_t)(request->command | FMQ_LINK_ANSWER);
    const uint32_t crc = frame_crc(request);

    /* a session begins with IDENTIFY: it asks for nothing that was answered before it; LINE sends
     * a probe each time */
    if (has_answered && request->command != FMQ_COMMAND_IDENTIFY &&
        request->command != FMQ_COMMAND_LINE && answer.command == command &&
        answer.sequence == request->sequence && answered_crc == crc) {
        return &answer;
    }
    answer.command = command;
    answer.sequence = request->sequence;
    answer.size = 1u; /* the status, known last */
    answer.body[0] = run(request, &answer);
    if (answer.body[0] != FMQ_LINK_OK) {
        answer.size = 1u;
    }
    answered_crc = crc;
    has_answered = true;
    return &answer;
}
