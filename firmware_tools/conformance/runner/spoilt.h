/* Every prefix of a stream, and the stream with every bit flipped in turn. */
#ifndef KIT_SPOILT_H
#define KIT_SPOILT_H

#include "implementation.h"

#include <stddef.h>
#include <stdint.h>

/*
 * With the old checksum each must be refused; with one that is right, refused or decoded to
 * levels of the case's depth. Whether that holds; `stream` is the same again behind it.
 */
int kit_spoil(const kit_case_t *item, uint8_t *stream, size_t size, size_t levels_size,
              unsigned long *checks);

#endif
