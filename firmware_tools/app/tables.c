#include "tables.h"

#include "frame.h"
#include "storage.h"
#include "table_image.h"

#include <fmq/crc32.h>
#include <fmq/status.h>
#include <fmq_tables.h>

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
    return FMQ_LINK_OK;
}

/* The generation of the tables in a slot; 0 if they do not count. */
static uint32_t generation_of(uint32_t slot)
{
    const uint8_t *record = storage_slot(slot) + tables_capacity();

    if (frame_get32(record + 12) != fmq_crc32(0u, record, TABLES_RECORD_BYTES - 4u) ||
        check_image(slot, frame_get32(record + 4), frame_get32(record + 8)) != FMQ_LINK_OK) {
        return 0u;
    }
    return frame_get32(record);
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

static void put32(uint8_t *bytes, uint32_t value)
{
    uint8_t at;

    for (at = 0u; at < 4u; at++) {
        bytes[at] = (uint8_t)(value & 0xFFu);
        value >>= 8;
    }
}

uint8_t tables_commit(uint32_t slot, uint32_t size, uint32_t crc)
{
    const uint8_t status = check_image(slot, size, crc);
    uint8_t record[TABLES_RECORD_BYTES];

    if (status != FMQ_LINK_OK) {
        return status;
    }
    put32(record, generation_in_use + 1u);
    put32(record + 4, size);
    put32(record + 8, crc);
    put32(record + 12, fmq_crc32(0u, record, TABLES_RECORD_BYTES - 4u));
    return storage_write(slot, tables_capacity(), record, TABLES_RECORD_BYTES)
               ? FMQ_LINK_OK
               : FMQ_LINK_STORAGE;
}
