/*
 * Holds an implementation against cases of the kit: what it gives must be what the files
 * say, byte for byte, and what cannot be must be refused. With --spoil before the cases it
 * gives it their streams with every bit flipped, and cut short everywhere, in place of that.
 *
 * Prints a line for each difference and one for all. Exit status 0: none; 1: some; 2: a
 * case cannot be read.
 */
#include "case_file.h"
#include "implementation.h"
#include "spoilt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 16u
#define GUARD_BYTE 0xA5

/* A case's arrays as they are in its files. */
typedef struct kit_arrays {
    uint8_t *samples, *levels, *stream, *decoded;
    size_t samples_size, levels_size, stream_size, decoded_size;
    uint8_t *restored; /* what the stream is decoded to; NULL: the levels */
} kit_arrays_t;

static const uint8_t *restored_of(const kit_arrays_t *kept)
{
    return kept->restored != NULL ? kept->restored : kept->levels;
}

static unsigned long checks, differences, unsupported;

static void say(const kit_case_t *item, const char *stage, const char *what)
{
    differences++;
    printf("%s: %s: %s\n", item->name, stage, what);
}

/* Counts a call; whether its output is to be looked at. */
static int has_done(const kit_case_t *item, const char *stage, int status)
{
    checks++;
    if (status == KIT_UNSUPPORTED) {
        unsupported++;
    } else if (status != KIT_DONE) {
        say(item, stage, "refused");
    }
    return status == KIT_DONE;
}

static void must_refuse(const kit_case_t *item, const char *stage, int status)
{
    checks++;
    if (status == KIT_DONE) {
        say(item, stage, "taken, though it cannot be");
    }
}

static uint8_t *output(size_t size)
{
    uint8_t *const data = malloc(size + GUARD);

    if (data == NULL) {
        fputs("no memory\n", stderr);
        exit(2);
    }
    memset(data, GUARD_BYTE, size + GUARD);
    return data;
}

static void compare(const kit_case_t *item, const char *stage, const uint8_t *got,
                    const uint8_t *expected, size_t size)
{
    size_t at = 0u;

    while (at < size && got[at] == expected[at]) {
        at++;
    }
    if (at < size) {
        differences++;
        printf("%s: %s: byte %lu is %u, expected %u\n", item->name, stage, (unsigned long)at,
               (unsigned)got[at], (unsigned)expected[at]);
    }
    for (at = 0u; at < GUARD; at++) {
        if (got[size + at] != GUARD_BYTE) {
            say(item, stage, "bytes behind its end were written");
            return;
        }
    }
}

static void check_quantize(const kit_case_t *item, const kit_arrays_t *kept)
{
    uint8_t *const levels = output(kept->levels_size);

    if (has_done(item, "quantize", kit_quantize(item, kept->samples, levels))) {
        compare(item, "quantize", levels, kept->levels, kept->levels_size);
    }
    free(levels);
}

static void check_encode(const kit_case_t *item, const kit_arrays_t *kept)
{
    uint8_t *const stream = output(kept->stream_size);
    size_t size = 0u;

    if (has_done(item, "encode",
                 kit_encode(item, kept->levels, stream, kept->stream_size, &size))) {
        if (size != kept->stream_size) {
            say(item, "encode", "another number of bytes");
        } else {
            compare(item, "encode", stream, kept->stream, size);
        }
    }
    free(stream);
}

static void check_decode(const kit_case_t *item, const kit_arrays_t *kept)
{
    uint8_t *const levels = output(kept->levels_size);
    uint8_t *const samples = output(kept->decoded_size);

    if (has_done(item, "decode", kit_decode(item, kept->stream, kept->stream_size, levels))) {
        compare(item, "decode", levels, restored_of(kept), kept->levels_size);
    }
    if (has_done(item, "dequantize", kit_dequantize(item, restored_of(kept), samples))) {
        compare(item, "dequantize", samples, kept->decoded, kept->decoded_size);
    }
    free(samples);
    free(levels);
}

/* A file that some cases have: NULL without it, or if it is not of this size. */
static uint8_t *read_levels(const kit_case_t *item, const char *name, size_t size)
{
    size_t found = 0u;
    uint8_t *levels = kit_read_file(item, name, &found);

    if (levels != NULL && found != size) {
        free(levels);
        return NULL;
    }
    if (levels != NULL) {
        kit_to_native(levels, size, item->level_bytes);
    }
    return levels;
}

/* A stream that a host wrote, for decoders alone. */
static void check_host(const kit_case_t *item, const kit_arrays_t *kept)
{
    size_t size = 0u;
    uint8_t *const stream = kit_read_file(item, "host.fmq", &size);
    uint8_t *const expected = read_levels(item, "host-restored.bin", kept->levels_size);
    uint8_t *const levels = output(kept->levels_size);

    if (stream != NULL && expected != NULL &&
        has_done(item, "decode a host's", kit_decode(item, stream, size, levels))) {
        compare(item, "decode a host's", levels, expected, kept->levels_size);
    }
    free(levels);
    free(expected);
    free(stream);
}

/* A stream with one bit changed, in its first, middle and last byte; and one cut short. */
static void check_damaged(const kit_case_t *item, const kit_arrays_t *kept)
{
    uint8_t *const levels = output(kept->levels_size);
    const size_t places[3] = {0u, kept->stream_size / 2u, kept->stream_size - 1u};
    size_t index;

    for (index = 0u; index < 3u; index++) {
        kept->stream[places[index]] ^= 0x10u;
        must_refuse(item, "a damaged stream",
                    kit_decode(item, kept->stream, kept->stream_size, levels));
        kept->stream[places[index]] ^= 0x10u;
    }
    must_refuse(item, "a stream cut short",
                kit_decode(item, kept->stream, kept->stream_size - 1u, levels));
    free(levels);
}

/* Streams with a right checksum that break the syntax. */
static int check_refused(const kit_case_t *item, const kit_arrays_t *kept)
{
    uint8_t *const levels = output(kept->levels_size);
    uint32_t index;

    for (index = 0u; index < item->refused_streams && index < 10u; index++) {
        char name[] = "refused-0.fmq";
        size_t size;
        uint8_t *stream;

        name[8] = (char)('0' + index);
        stream = kit_read_file(item, name, &size);
        if (stream == NULL) {
            free(levels);
            return 0;
        }
        must_refuse(item, name, kit_decode(item, stream, size, levels));
        free(stream);
    }
    free(levels);
    return 1;
}

static void put_level(const kit_case_t *item, uint8_t *levels, uint32_t level)
{
    if (item->level_bytes == 1u) {
        levels[0] = (uint8_t)level;
    } else {
        ((uint16_t *)(void *)levels)[0] = (uint16_t)level;
    }
}

/* The first level one beyond its bit depth, where its type has such a level. */
static void check_level_too_high(const kit_case_t *item, const kit_arrays_t *kept)
{
    uint8_t *const samples = output(kept->decoded_size);
    uint8_t *const stream = output(kept->stream_size);
    uint16_t first = 0u;
    size_t size = 0u;

    if (item->bit_depth < 8u * item->level_bytes) {
        memcpy(&first, kept->levels, item->level_bytes);
        put_level(item, kept->levels, (uint32_t)1 << item->bit_depth);
        must_refuse(item, "a level too high, to be encoded",
                    kit_encode(item, kept->levels, stream, kept->stream_size, &size));
        must_refuse(item, "a level too high, to be dequantized",
                    kit_dequantize(item, kept->levels, samples));
        memcpy(kept->levels, &first, item->level_bytes);
    }
    free(stream);
    free(samples);
}

static void check_not_finite(const kit_case_t *item, const kit_arrays_t *kept)
{
    static const uint32_t bits[3] = {0x7F800000u, 0xFF800000u, 0x7FC00000u};
    uint8_t *const levels = output(kept->levels_size);
    uint32_t *const last = (uint32_t *)(void *)(kept->samples + kept->samples_size) - 1;
    size_t index;

    for (index = 0u; index < 3u; index++) {
        const uint32_t sample = *last;

        *last = bits[index];
        must_refuse(item, "a sample that is not finite",
                    kit_quantize(item, kept->samples, levels));
        *last = sample;
    }
    free(levels);
}

static int read_arrays(const kit_case_t *item, kit_arrays_t *kept)
{
    const uint32_t count = kit_count(item);

    kept->samples = kit_read_file(item, "samples.bin", &kept->samples_size);
    kept->levels = kit_read_file(item, "levels.bin", &kept->levels_size);
    kept->stream = kit_read_file(item, "stream.fmq", &kept->stream_size);
    kept->decoded = kit_read_file(item, "decoded.bin", &kept->decoded_size);
    if (kept->samples == NULL || kept->levels == NULL || kept->stream == NULL ||
        kept->decoded == NULL || kept->stream_size == 0u ||
        kept->samples_size != count * kit_type_size(item->sample_type) ||
        kept->levels_size != (size_t)count * item->level_bytes ||
        kept->decoded_size != count * kit_type_size(item->decoded_type)) {
        return 0;
    }
    kit_to_native(kept->samples, kept->samples_size, kit_type_size(item->sample_type));
    kit_to_native(kept->levels, kept->levels_size, item->level_bytes);
    kept->restored = read_levels(item, "restored.bin", kept->levels_size);
    kit_to_native(kept->decoded, kept->decoded_size, kit_type_size(item->decoded_type));
    return 1;
}

static void check_case(const kit_case_t *item, const kit_arrays_t *kept)
{
    check_quantize(item, kept);
    check_encode(item, kept);
    check_decode(item, kept);
    check_host(item, kept);
    check_damaged(item, kept);
    check_level_too_high(item, kept);
    if (strcmp(item->sample_type, "float32") == 0) {
        check_not_finite(item, kept);
    }
}

static void spoil(const kit_case_t *item, uint8_t *stream, size_t size, size_t levels_size)
{
    const kit_room_t room = {output(size), output(levels_size), levels_size};

    if (!kit_spoil(item, stream, size, &room, &checks)) {
        say(item, "a spoilt stream", "taken, though it cannot be, or unsafe");
    }
    free(room.levels);
    free(room.stream);
}

static void spoil_case(const kit_case_t *item, const kit_arrays_t *kept)
{
    size_t size = 0u;
    uint8_t *const stream = kit_read_file(item, "host.fmq", &size);

    spoil(item, kept->stream, kept->stream_size, kept->levels_size);
    if (stream != NULL) {
        spoil(item, stream, size, kept->levels_size);
    }
    free(stream);
}

int main(int argument_count, char **arguments)
{
    const int is_spoiling = argument_count > 1 && strcmp(arguments[1], "--spoil") == 0;
    const int first = is_spoiling ? 2 : 1;
    int index;

    for (index = first; index < argument_count; index++) {
        kit_arrays_t kept = {NULL, NULL, NULL, NULL, 0u, 0u, 0u, 0u, NULL};
        kit_case_t item;

        if (!kit_read_case(&item, arguments[index]) || !read_arrays(&item, &kept) ||
            !check_refused(&item, &kept)) {
            fprintf(stderr, "%s: no case of a kit, or files that contradict it\n",
                    arguments[index]);
            return 2;
        }
        if (is_spoiling) {
            spoil_case(&item, &kept);
        } else {
            check_case(&item, &kept);
        }
        free(kept.samples);
        free(kept.levels);
        free(kept.stream);
        free(kept.decoded);
        free(kept.restored);
    }
    printf("%d cases, %lu checks, %lu differences, %lu unsupported\n", argument_count - first, checks,
           differences, unsupported);
    return differences == 0u ? 0 : 1;
}
