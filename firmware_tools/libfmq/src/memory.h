/*
 * The two functions of a C library that are used, declared here because a bare
 * cross compiler has no <string.h>.
 */
#ifndef FMQ_MEMORY_H
#define FMQ_MEMORY_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);

#endif
