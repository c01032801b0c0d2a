/*
 * Which tables are in use: those of the firmware, or newer ones that came over the link.
 *
 * New tables go into the slot that is not in use. They count from the moment that the last byte
 * of their record is written, which is done last; the record holds a generation, the image's
 * size and CRC-32, and a CRC-32 of its own. Whatever is cut short before leaves a slot that does
 * not count, and the tables that were in use stay so.
 */
#ifndef FMQ_APP_TABLES_H
#define FMQ_APP_TABLES_H

#include <fmq/deployment.h>

#include <stdint.h>

#define TABLES_RECORD_BYTES 16u /* at a slot's end: generation, size, CRC-32, CRC-32 of these */
#define TABLES_OF_FIRMWARE 0xFFu

/* The tables in use; never null. */
extern const fmq_deployment_t *tables_deployment;

/* Takes the newest tables that are whole and fit this firmware. */
void tables_choose(void);

/* The slot of the tables in use, or TABLES_OF_FIRMWARE; its generation (0: the firmware's). */
uint8_t tables_slot(void);
uint32_t tables_generation(void);

/* The slot that new tables go into. */
uint8_t tables_next_slot(void);

/* Bytes of an image that fit into a slot. */
uint32_t tables_capacity(void);

/*
 * Makes the image in a slot count. The answer is a status byte of the link: FMQ_LINK_BAD_TABLES,
 * FMQ_LINK_STORAGE, FMQ_ERROR_BUFFER if the tensors need more than this firmware has.
 */
uint8_t tables_commit(uint32_t slot, uint32_t size, uint32_t crc);

#endif
