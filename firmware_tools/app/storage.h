/*
 * Two slots for tables in memory that keeps its contents without power, as NOR flash does: erasing
 * sets bytes to 0xFF, writing only clears bits.
 */
#ifndef FMQ_APP_STORAGE_H
#define FMQ_APP_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#define STORAGE_SLOTS 2u

/* Bytes of one slot, a multiple of 8; 0 on a board that has no such memory. */
uint32_t storage_size(void);

/* Where a slot lies: at a multiple of 8. */
const uint8_t *storage_slot(uint32_t slot);

/* Erases a whole slot. False if the memory did not do it. */
bool storage_erase(uint32_t slot);

/* Writes into an erased part of a slot; the caller checks the range. False if it did not hold. */
bool storage_write(uint32_t slot, uint32_t offset, const uint8_t *data, uint32_t size);

#endif
