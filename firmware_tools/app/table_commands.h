/* The commands that put other tables beside those of the firmware. */
#ifndef FMQ_APP_TABLE_COMMANDS_H
#define FMQ_APP_TABLE_COMMANDS_H

#include "frame.h"

/*
 * Appends the slot in use u8 (0xFF: none), generation u32, layout u32, bytes of an image that fit
 * u32, the next slot u8, its address u64.
 */
uint8_t table_command_describe(const frame_t *request, frame_t *answer);

uint8_t table_command_erase(const frame_t *request, frame_t *answer);
uint8_t table_command_load(const frame_t *request, frame_t *answer);
uint8_t table_command_commit(const frame_t *request, frame_t *answer);

/* Erases the older slot first: cut short, the tables in use stay. */
uint8_t table_command_revert(const frame_t *request, frame_t *answer);

#endif
