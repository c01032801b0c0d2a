/*
 * Which tables are in use: those of the firmware, or newer ones that came over the link.
 *
 * New tables go into the slot that is not in use. They count from the moment that the last byte
 * of their record is written, which is done last; the record holds a generation, the image's
 * size and CRC-32, its tag if the firmware has a key, and a CRC-32 of its own. Whatever is cut
 * short before leaves a slot that does not count, and the tables that were in use stay so.
 */
#ifndef FMQ_APP_TABLES_H
#define FMQ_APP_TABLES_H

#include "authentication.h"

#include <fmq/deployment.h>

#include <stdint.h>

/* At a slot's end: generation, size, CRC-32, tag, CRC-32 of these. */
#define TABLES_RECORD_BYTES (16u + AUTHENTICATION_TAG_BYTES)
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

/* What is said of an image that was written into a slot. */
typedef struct tables_offer {
    uint32_t size;
    uint32_t crc;
    uint32_t generation; /* above that of the tables in use: older ones do not come back */
    const uint8_t *tag;  /* AUTHENTICATION_TAG_BYTES */
} tables_offer_t;

/*
 * Makes the image in a slot count. The answer is a status byte of the link: FMQ_LINK_BAD_TABLES,
 * FMQ_LINK_NOT_NEWER, FMQ_LINK_NOT_AUTHENTIC, FMQ_LINK_STORAGE, FMQ_ERROR_BUFFER if the tensors
 * need more than this firmware has.
 */
uint8_t tables_commit(uint32_t slot, const tables_offer_t *offer);

#endif
