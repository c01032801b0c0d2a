#include "tables.h"

#include "frame.h"
#include "storage.h"
#include "table_image.h"

#include <fmq/coding.h>
#include <fmq/crc32.h>
#include <fmq/status.h>
#include <fmq_tables.h>

#include <string.h>

/* In a record. */
#define TAG_AT 12u
#define CRC_AT (TABLES_RECORD_BYTES - 4u)

const fmq_deployment_t *tables_deployment = &fmq_deployment;

static uint8_t slot_in_use = TABLES_OF_FIRMWARE;
static uint32_t generation_in_use;

static const table_image_t *image_in(uint32_t slot)
{
    return (const table_image_t *)(const void *)storage_slot(slot);
}

/* Whether the deployment lies in the image: it was linked for this slot. */
static bool is_linked_for(uint32_t slot, const table_image_t *image, uint32_t size)
{
    const uintptr_t at = (uintptr_t)image->deployment - (uintptr_t)storage_slot(slot);

    return (uintptr_t)image->deployment >= (uintptr_t)storage_slot(slot) && at <= size &&
           size - at >= sizeof(fmq_deployment_t);
}

/* Whether this firmware can code what the tables describe. */
static bool has_codings(const fmq_deployment_t *deployment)
{
    uint32_t index;

    for (index = 0u; index < deployment->tensor_count; index++) {
        const uint8_t profile = deployment->tensors[index].profile;

        if (profile >= FMQ_PROFILES || fmq_encodings[profile] == NULL) {
            return false;
        }
    }
    return true;
}

static uint8_t check_image(uint32_t slot, uint32_t size, uint32_t crc)
{
    const table_image_t *image = image_in(slot);

    if (size < sizeof *image || size > tables_capacity() ||
        fmq_crc32(0u, storage_slot(slot), (size_t)size) != crc || image->magic != TABLE_IMAGE_MAGIC ||
        image->layout != TABLE_IMAGE_LAYOUT || !is_linked_for(slot, image, size)) {
        return FMQ_LINK_BAD_TABLES;
    }
    if (image->input_bytes > FMQ_MAX_INPUT_BYTES || image->level_bytes > FMQ_MAX_LEVEL_BYTES ||
        image->stream_bytes > FMQ_MAX_STREAM_BYTES || image->work_bytes > FMQ_WORK_BYTES) {
        return (uint8_t)FMQ_ERROR_BUFFER;
    }
    return has_codings(image->deployment) ? FMQ_LINK_OK : (uint8_t)FMQ_ERROR_UNSUPPORTED;
}

/* The generation of the tables in a slot; 0 if they do not count. */
static uint32_t generation_of(uint32_t slot)
{
    const uint8_t *record = storage_slot(slot) + tables_capacity();
    const uint32_t generation = frame_get32(record);
    const uint32_t size = frame_get32(record + 4);

    if (frame_get32(record + CRC_AT) != fmq_crc32(0u, record, CRC_AT) ||
        check_image(slot, size, frame_get32(record + 8)) != FMQ_LINK_OK ||
        !authentication_holds(storage_slot(slot), size, generation, record + TAG_AT)) {
        return 0u;
    }
    return generation;
}

void tables_choose(void)
{
    uint32_t slot;

    tables_deployment = &fmq_deployment;
    slot_in_use = TABLES_OF_FIRMWARE;
    generation_in_use = 0u;
    for (slot = 0u; slot < STORAGE_SLOTS && storage_size() != 0u; slot++) {
        const uint32_t generation = generation_of(slot);

        if (generation > generation_in_use) {
            generation_in_use = generation;
            slot_in_use = (uint8_t)slot;
            tables_deployment = image_in(slot)->deployment;
        }
    }
}

uint8_t tables_slot(void)
{
    return slot_in_use;
}

uint32_t tables_generation(void)
{
    return generation_in_use;
}

uint8_t tables_next_slot(void)
{
    return slot_in_use == 0u ? 1u : 0u;
}

uint32_t tables_capacity(void)
{
    return storage_size() < TABLES_RECORD_BYTES ? 0u : storage_size() - TABLES_RECORD_BYTES;
}

uint8_t tables_commit(uint32_t slot, const tables_offer_t *offer)
{
    const uint8_t status = check_image(slot, offer->size, offer->crc);
    uint8_t record[TABLES_RECORD_BYTES];

    if (status != FMQ_LINK_OK) {
        return status;
    }
    if (offer->generation <= generation_in_use) {
        return FMQ_LINK_NOT_NEWER;
    }
    if (!authentication_holds(storage_slot(slot), offer->size, offer->generation, offer->tag)) {
        return FMQ_LINK_NOT_AUTHENTIC;
    }
    frame_set32(record, offer->generation);
    frame_set32(record + 4, offer->size);
    frame_set32(record + 8, offer->crc);
    memcpy(record + TAG_AT, offer->tag, AUTHENTICATION_TAG_BYTES);
    frame_set32(record + CRC_AT, fmq_crc32(0u, record, CRC_AT));
    return storage_write(slot, tables_capacity(), record, TABLES_RECORD_BYTES)
               ? FMQ_LINK_OK
               : FMQ_LINK_STORAGE;
}
