/* Reads a case's description and its arrays. */
#ifndef KIT_CASE_FILE_H
#define KIT_CASE_FILE_H

#include "implementation.h"

/* The fields of `folder`/case.toml before its first table. 0: it cannot be read or lacks some. */
int kit_read_case(kit_case_t *item, const char *folder);

uint32_t kit_count(const kit_case_t *item);

/* Bytes of an element of a type such as "float32"; 0: no such type. */
size_t kit_type_size(const char *type);

/* All of `folder`/`name`, to be freed, with its size; NULL: it cannot be read. */
uint8_t *kit_read_file(const kit_case_t *item, const char *name, size_t *size);

/* Turns little-endian elements of `width` bytes into native ones, in place. */
void kit_to_native(uint8_t *data, size_t size, size_t width);

#endif
