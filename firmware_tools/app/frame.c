#include "frame.h"

#include "board.h"

#include <stdbool.h>

#define HEADER_SIZE 2u
#define MAX_PAYLOAD (FMQ_LINK_MAX_BODY + FMQ_LINK_OVERHEAD)
#define COBS_RUN 254u

/* The CRC register after any payload followed by its own CRC-32. */
#define CRC_RESIDUE 0xDEBB20E3u

/* Must hold what a full window of requests for data brings while we answer. */
#define PENDING_SIZE 256u /* a power of two */

static uint8_t pending[PENDING_SIZE];
static uint16_t pending_head;
static uint16_t pending_tail;

static uint32_t crc_add(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };

    crc ^= byte;
    crc = (crc >> 4) ^ table[crc & 15u];
    return (crc >> 4) ^ table[crc & 15u];
}

static uint16_t ring_next(uint16_t at)
{
    return (uint16_t)((at + 1u) & (PENDING_SIZE - 1u));
}

/* When the ring is full, bytes stay in the port: an emulated one holds them, as may a real one. */
static void collect_pending(void)
{
    while (ring_next(pending_head) != pending_tail && board_readable()) {
        pending[pending_head] = board_read();
        pending_head = ring_next(pending_head);
    }
}

static uint8_t next_byte(void)
{
    uint8_t byte;

    if (pending_head == pending_tail) {
        return board_read();
    }
    byte = pending[pending_tail];
    pending_tail = ring_next(pending_tail);
    return byte;
}

/* ---- bytes that lines take for their own ---- */

static uint8_t line_seen[FRAME_MAX_LINE_BYTES];
static uint8_t line_count;
static bool line_is_new = true; /* no such byte since the last delimiter */

static bool is_line_control(uint8_t byte)
{
    return byte == 0x0Au || byte == 0x0Du || byte == 0x11u || byte == 0x13u;
}

static void line_note(uint8_t byte)
{
    if (line_is_new) {
        line_is_new = false;
        line_count = 0u;
    }
    if (line_count < FRAME_MAX_LINE_BYTES) {
        line_seen[line_count] = byte;
        line_count++;
    }
}

void frame_forget_line(void)
{
    line_count = 0u;
}

void frame_put_line(frame_t *answer)
{
    uint8_t at;

    for (at = 0u; at < line_count; at++) {
        frame_put8(answer, line_seen[at]);
    }
}

/* ---- receiving ---- */

typedef struct decoder {
    uint32_t crc;
    size_t length;    /* bytes of payload so far; past MAX_PAYLOAD the frame is void */
    uint8_t run;      /* bytes left in this COBS run; 0: the next byte is a code */
    bool zero_is_due; /* a zero stands between this run and the next */
} decoder_t;

/* The CRC runs along with the bytes, so that no work waits for the frame's end. */
static void decoder_append(decoder_t *decoder, frame_t *frame, uint8_t byte)
{
    const size_t at = decoder->length;

    if (at >= MAX_PAYLOAD) {
        decoder->length = MAX_PAYLOAD + 1u;
        return;
    }
    decoder->crc = crc_add(decoder->crc, byte);
    decoder->length = at + 1u;
    if (at == 0u) {
        frame->command = byte;
    } else if (at == 1u) {
        frame->sequence = byte;
    } else {
        frame->body[at - HEADER_SIZE] = byte;
    }
}

static void decoder_take(decoder_t *decoder, frame_t *frame, uint8_t byte)
{
    if (decoder->run != 0u) {
        decoder->run--;
        decoder_append(decoder, frame, byte);
        return;
    }
    if (decoder->zero_is_due) {
        decoder_append(decoder, frame, 0u);
    }
    decoder->run = (uint8_t)(byte - 1u);
    decoder->zero_is_due = byte != COBS_RUN + 1u;
}

static bool decoder_holds(const decoder_t *decoder)
{
    return decoder->run == 0u && decoder->length >= FMQ_LINK_OVERHEAD &&
           decoder->length <= MAX_PAYLOAD && decoder->crc == CRC_RESIDUE;
}

void frame_receive(frame_t *frame)
{
    for (;;) {
        decoder_t decoder = {0xFFFFFFFFu, 0u, 0u, false};
        uint8_t flip = 0u; /* of the byte behind an escape */
        uint8_t byte = next_byte();

        line_is_new = true;
        while (byte != 0u) {
            if (is_line_control(byte)) {
                line_note(byte);
            } else if (byte == FMQ_LINK_ESCAPE) {
                flip = FMQ_LINK_ESCAPE_FLIP;
            } else {
                decoder_take(&decoder, frame, byte ^ flip);
                flip = 0u;
            }
            byte = next_byte();
        }
        if (decoder_holds(&decoder)) {
            frame->size = decoder.length - FMQ_LINK_OVERHEAD;
            return;
        }
    }
}

uint32_t frame_crc(const frame_t *frame)
{
    return frame_get32(frame->body + frame->size);
}

/* ---- sending ---- */

typedef struct encoder {
    uint8_t run[COBS_RUN];
    uint8_t length;
} encoder_t;

static void send_byte(uint8_t byte)
{
    collect_pending();
    board_write(byte);
}

static void send_escaped(uint8_t byte)
{
    if (is_line_control(byte) || byte == FMQ_LINK_ESCAPE) {
        send_byte(FMQ_LINK_ESCAPE);
        byte ^= FMQ_LINK_ESCAPE_FLIP;
    }
    send_byte(byte);
}

static void encoder_flush(encoder_t *encoder)
{
    uint8_t at;

    send_escaped((uint8_t)(encoder->length + 1u));
    for (at = 0u; at < encoder->length; at++) {
        send_escaped(encoder->run[at]);
    }
    encoder->length = 0u;
}

static void encoder_take(encoder_t *encoder, uint8_t byte)
{
    if (encoder->length == COBS_RUN) {
        encoder_flush(encoder); /* code 255: no zero stands behind this run */
    }
    if (byte == 0u) {
        encoder_flush(encoder);
    } else {
        encoder->run[encoder->length] = byte;
        encoder->length++;
    }
}

void frame_send(const frame_t *frame)
{
    encoder_t encoder; /* only the part below its length is ever read */
    uint32_t crc = 0xFFFFFFFFu;
    size_t at;

    encoder.length = 0u;
    encoder_take(&encoder, frame->command);
    crc = crc_add(crc, frame->command);
    encoder_take(&encoder, frame->sequence);
    crc = crc_add(crc, frame->sequence);
    for (at = 0u; at < frame->size; at++) {
        encoder_take(&encoder, frame->body[at]);
        crc = crc_add(crc, frame->body[at]);
    }
    crc = ~crc;
    for (at = 0u; at < FRAME_CRC_SIZE; at++) {
        encoder_take(&encoder, (uint8_t)(crc & 0xFFu));
        crc >>= 8;
    }
    encoder_flush(&encoder);
    send_byte(0u);
}

void frame_send_probe(void)
{
    static const char probe[] = FMQ_LINK_PROBE;
    size_t at;

    send_byte(0u);
    for (at = 0u; at < sizeof probe - 1u; at++) {
        send_byte((uint8_t)probe[at]);
    }
    send_byte(0u);
}

/* ---- integers in a body ---- */

uint16_t frame_get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | ((uint32_t)bytes[1] << 8));
}

uint32_t frame_get32(const uint8_t *bytes)
{
    return frame_get16(bytes) | ((uint32_t)frame_get16(bytes + 2) << 16);
}

void frame_set32(uint8_t *bytes, uint32_t value)
{
    uint8_t at;

    for (at = 0u; at < 4u; at++) {
        bytes[at] = (uint8_t)(value & 0xFFu);
        value >>= 8;
    }
}

void frame_put8(frame_t *frame, uint8_t value)
{
    frame->body[frame->size] = value;
    frame->size++;
}

void frame_put16(frame_t *frame, uint16_t value)
{
    frame_put8(frame, (uint8_t)(value & 0xFFu));
    frame_put8(frame, (uint8_t)(value >> 8));
}

void frame_put32(frame_t *frame, uint32_t value)
{
    frame_put16(frame, (uint16_t)(value & 0xFFFFu));
    frame_put16(frame, (uint16_t)(value >> 16));
}

void frame_put64(frame_t *frame, uint64_t value)
{
    frame_put32(frame, (uint32_t)(value & 0xFFFFFFFFu));
    frame_put32(frame, (uint32_t)(value >> 32));
}
