/* The commands: what the device does for each request. */
#ifndef FMQ_APP_COMMANDS_H
#define FMQ_APP_COMMANDS_H

#include "frame.h"

/* Chooses the tables and lays out the buffers. Called after board_init and for other tables. */
void commands_init(void);

/*
 * Does what the request asks and gives the answer. Every argument is checked;
 * what does not hold ends in the answer's status byte.
 *
 * The answer is kept: the same request with the same sequence number, sent
 * again because its answer was lost, gets it without the work being done twice.
 * Of requests in flight together only the last is kept; the host has only such
 * ones together that may be done twice (loads and reads, each with its offset).
 */
const frame_t *commands_answer(const frame_t *request);

#endif
