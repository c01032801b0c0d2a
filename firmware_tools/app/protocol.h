/*
 * The numbers of the link protocol. firmware_tools/link/protocol.py has the
 * same ones; a test compares the two files.
 *
 *   line    = escaped(COBS(payload)) 0x00
 *   payload = command, sequence, body of 0..FMQ_LINK_MAX_BODY bytes, CRC-32
 *
 * Escaped: LF, CR, XON, XOFF and FMQ_LINK_ESCAPE itself are sent as
 * FMQ_LINK_ESCAPE and the byte ^ FMQ_LINK_ESCAPE_FLIP, so a line that translates
 * line ends or takes flow control out changes nothing; a raw one that comes is
 * no part of a frame. What a line does to them FMQ_COMMAND_LINE finds out:
 * each end sends FMQ_LINK_PROBE raw, between delimiters.
 *
 * The CRC-32 (IEEE 802.3, reflected, 0xEDB88320) covers all before it. Every
 * integer is little-endian. The host asks, the device answers each intact
 * request once: command | FMQ_LINK_ANSWER, the same sequence number, and a
 * body that starts with a status byte (0 = done). A request that comes again
 * gets the kept answer again. Anything else on the line is dropped. Up to
 * FMQ_LINK_WINDOW loads or reads may be in flight together. IDENTIFY starts a
 * session: the answers kept before it count no more.
 */
#ifndef FMQ_APP_PROTOCOL_H
#define FMQ_APP_PROTOCOL_H

#define FMQ_LINK_PROTOCOL 1u
#define FMQ_LINK_MAX_BODY 508u
#define FMQ_LINK_OVERHEAD 6u /* command, sequence, CRC-32 */
#define FMQ_LINK_ANSWER 0x80u
#define FMQ_LINK_WINDOW 8u
#define FMQ_LINK_ALL_TENSORS 0xFFu
#define FMQ_LINK_ESCAPE 0x7Du
#define FMQ_LINK_ESCAPE_FLIP 0x20u
#define FMQ_LINK_PROBE "\n\r\x11\x13\r\n"

/* Commands, with the bodies of the request and of the answer behind its status. */
#define FMQ_COMMAND_IDENTIFY 0x01u       /* nonce u32 -> nonce, limits, nonce before: a session */
#define FMQ_COMMAND_NAMES 0x02u          /* -> board id, deployment name: each size u8, text */
#define FMQ_COMMAND_DESCRIBE 0x03u       /* tensor u8 -> its shape, types and sizes */
#define FMQ_COMMAND_LOAD_INPUT 0x04u     /* tensor u8, offset u32, bytes -> */
#define FMQ_COMMAND_LOAD_STREAM 0x05u    /* offset u32, bytes -> */
#define FMQ_COMMAND_QUANTIZE 0x06u       /* tensor u8 or FMQ_LINK_ALL_TENSORS -> */
#define FMQ_COMMAND_ENCODE 0x07u         /* -> size u32 of the bitstream */
#define FMQ_COMMAND_DECODE 0x08u         /* size u32 of the bitstream -> */
#define FMQ_COMMAND_DEQUANTIZE 0x09u     /* tensor u8 or FMQ_LINK_ALL_TENSORS -> */
#define FMQ_COMMAND_READ 0x0Au           /* buffer u8, tensor u8, offset u32, size u16 -> bytes */
#define FMQ_COMMAND_COUNTERS 0x0Bu       /* -> overhead u32, per stage: ticks u64, calls, elements */
#define FMQ_COMMAND_STACK 0x0Cu          /* -> bytes used u32, size u32 */
#define FMQ_COMMAND_RESET_COUNTERS 0x0Du /* -> */
#define FMQ_COMMAND_LINE 0x0Eu           /* -> the raw bytes that came of the last probe */
#define FMQ_COMMAND_TABLES 0x0Fu         /* -> tables in use, slots, where the next go */
#define FMQ_COMMAND_TABLES_ERASE 0x10u   /* slot u8 -> */
#define FMQ_COMMAND_TABLES_LOAD 0x11u    /* slot u8, offset u32, bytes -> */
/* slot u8, size u32, CRC-32 u32; if the firmware has a key: generation u32, tag -> */
#define FMQ_COMMAND_TABLES_COMMIT 0x12u
#define FMQ_COMMAND_TABLES_REVERT 0x13u  /* -> : back to the tables of the firmware */

/* What FMQ_COMMAND_READ reads. The tensor is ignored for the bitstream. */
#define FMQ_BUFFER_LEVELS 0x00u
#define FMQ_BUFFER_STREAM 0x01u
#define FMQ_BUFFER_SAMPLES 0x02u

/* The order of the stages in the answer to FMQ_COMMAND_COUNTERS. */
#define FMQ_STAGE_QUANTIZE 0u
#define FMQ_STAGE_ENCODE 1u
#define FMQ_STAGE_DECODE 2u
#define FMQ_STAGE_DEQUANTIZE 3u
#define FMQ_STAGE_COUNT 4u

/* Status bytes of the link; libfmq's negative ones come as two's complement. */
#define FMQ_LINK_OK 0x00u
#define FMQ_LINK_UNKNOWN_COMMAND 0x01u
#define FMQ_LINK_BAD_SIZE 0x02u   /* the body is not as long as the command's arguments */
#define FMQ_LINK_BAD_TENSOR 0x03u /* no tensor has that index */
#define FMQ_LINK_BAD_RANGE 0x04u  /* offset and size leave the buffer, or no such buffer */
#define FMQ_LINK_STORAGE 0x05u    /* the memory for tables did not take what was written */
#define FMQ_LINK_BAD_TABLES 0x06u /* the tables are damaged, or for another firmware or slot */
#define FMQ_LINK_NO_STORAGE 0x07u /* the board keeps no tables beside the firmware's */
#define FMQ_LINK_NOT_AUTHENTIC 0x08u /* the firmware's key has not made this tag, or there is none */
#define FMQ_LINK_NOT_NEWER 0x09u     /* the generation is not above that of the tables in use */

#endif
