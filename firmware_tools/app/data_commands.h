/* The commands that move samples, levels and bitstreams. Every index and range is checked. */
#ifndef FMQ_APP_DATA_COMMANDS_H
#define FMQ_APP_DATA_COMMANDS_H

#include "frame.h"

uint8_t data_command_load_input(const frame_t *request, frame_t *answer);
uint8_t data_command_load_stream(const frame_t *request, frame_t *answer);
uint8_t data_command_read_back(const frame_t *request, frame_t *answer);

#endif
