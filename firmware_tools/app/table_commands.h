/* The commands that put other tables beside those of the firmware. */
#ifndef FMQ_APP_TABLE_COMMANDS_H
#define FMQ_APP_TABLE_COMMANDS_H

#include "authentication.h"
#include "frame.h"

/* A firmware with a key also wants the generation and the tag of what it is to commit. */
#define TABLE_COMMIT_PLAIN 9u
#define TABLE_COMMIT_BODY \
    (TABLE_COMMIT_PLAIN + (AUTHENTICATION_TAG_BYTES == 0u ? 0u : 4u + AUTHENTICATION_TAG_BYTES))

/*
 * Appends the slot in use u8 (0xFF: none), generation u32, layout u32, bytes of an image that fit
 * u32, the next slot u8, its address u64, bytes of the tag that tables need u8.
 */
uint8_t table_command_describe(const frame_t *request, frame_t *answer);

uint8_t table_command_erase(const frame_t *request, frame_t *answer);
uint8_t table_command_load(const frame_t *request, frame_t *answer);
uint8_t table_command_commit(const frame_t *request, frame_t *answer);

/*
 * Erases the older slot first: cut short, the tables in use stay. A firmware with a key refuses:
 * nobody vouches for it, and the slots hold the generation that older tables are refused by.
 */
uint8_t table_command_revert(const frame_t *request, frame_t *answer);

#endif
