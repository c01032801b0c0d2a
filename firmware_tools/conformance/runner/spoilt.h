/* Every prefix of a stream, and the stream with every bit flipped in turn. */
#ifndef KIT_SPOILT_H
#define KIT_SPOILT_H

#include "implementation.h"

#include <stddef.h>
#include <stdint.h>

#define KIT_SPOILT_GUARD 16u

/* What spoiling needs; nothing behind it is touched. */
typedef struct kit_room {
    uint8_t *stream; /* as many bytes as the stream has */
    uint8_t *levels; /* for the case's, and KIT_SPOILT_GUARD bytes behind them */
    size_t levels_size;
} kit_room_t;

/*
 * With the old checksum each must be refused; with one that is right, refused or decoded to
 * levels of the case's depth. Whether that holds; `stream` is the same again behind it.
 */
int kit_spoil(const kit_case_t *item, uint8_t *stream, size_t size, const kit_room_t *room,
              unsigned long *checks);

#endif
