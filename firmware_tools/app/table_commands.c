#include "table_commands.h"

#include "storage.h"
#include "table_image.h"
#include "tables.h"

/* The slot in use is never written to. */
static uint8_t check_slot(uint32_t slot)
{
    if (storage_size() == 0u) {
        return FMQ_LINK_NO_STORAGE;
    }
    return slot < STORAGE_SLOTS && slot != tables_slot() ? FMQ_LINK_OK : FMQ_LINK_BAD_RANGE;
}

static bool holds(const uint8_t *bytes, const uint8_t *data, uint32_t size)
{
    uint32_t at = 0u;

    while (at < size && bytes[at] == data[at]) {
        at++;
    }
    return at == size;
}

uint8_t table_command_describe(const frame_t *request, frame_t *answer)
{
    (void)request;
    frame_put8(answer, tables_slot());
    frame_put32(answer, tables_generation());
    frame_put32(answer, TABLE_IMAGE_LAYOUT);
    frame_put32(answer, tables_capacity());
    frame_put8(answer, tables_next_slot());
    frame_put64(answer, (uint64_t)(uintptr_t)storage_slot(tables_next_slot()));
    frame_put8(answer, AUTHENTICATION_TAG_BYTES);
    return FMQ_LINK_OK;
}

uint8_t table_command_erase(const frame_t *request, frame_t *answer)
{
    const uint8_t status = check_slot(request->body[0]);

    (void)answer;
    if (status != FMQ_LINK_OK) {
        return status;
    }
    return storage_erase(request->body[0]) ? FMQ_LINK_OK : FMQ_LINK_STORAGE;
}

uint8_t table_command_load(const frame_t *request, frame_t *answer)
{
    const uint32_t slot = request->body[0];
    const uint32_t offset = frame_get32(request->body + 1);
    const uint8_t *data = request->body + 5;
    const uint32_t size = (uint32_t)(request->size - 5u);
    const uint8_t status = check_slot(slot);

    (void)answer;
    if (status != FMQ_LINK_OK) {
        return status;
    }
    if (offset > tables_capacity() || size > tables_capacity() - offset) {
        return FMQ_LINK_BAD_RANGE;
    }
    /* a piece that comes again is there already; some memories may not be written twice */
    if (holds(storage_slot(slot) + offset, data, size)) {
        return FMQ_LINK_OK;
    }
    return storage_write(slot, offset, data, size) ? FMQ_LINK_OK : FMQ_LINK_STORAGE;
}

uint8_t table_command_commit(const frame_t *request, frame_t *answer)
{
    const uint32_t slot = request->body[0];
    const uint8_t status = check_slot(slot);
    tables_offer_t offer;

    (void)answer;
    if (status != FMQ_LINK_OK) {
        return status;
    }
    if (request->size != TABLE_COMMIT_BODY) {
        return FMQ_LINK_NOT_AUTHENTIC;
    }
    offer.size = frame_get32(request->body + 1);
    offer.crc = frame_get32(request->body + 5);
    offer.generation = AUTHENTICATION_TAG_BYTES == 0u
                           ? tables_generation() + 1u
                           : frame_get32(request->body + TABLE_COMMIT_PLAIN);
    offer.tag = request->body + TABLE_COMMIT_BODY - AUTHENTICATION_TAG_BYTES;
    return tables_commit(slot, &offer);
}

uint8_t table_command_revert(const frame_t *request, frame_t *answer)
{
    const uint8_t next = tables_next_slot();

    (void)request;
    (void)answer;
    if (storage_size() == 0u) {
        return FMQ_LINK_NO_STORAGE;
    }
    if (AUTHENTICATION_TAG_BYTES != 0u) {
        return FMQ_LINK_NOT_AUTHENTIC;
    }
    return storage_erase(next) && storage_erase(1u - next) ? FMQ_LINK_OK : FMQ_LINK_STORAGE;
}
