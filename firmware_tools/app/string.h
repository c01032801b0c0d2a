/*
 * What the firmware and libfmq use of <string.h>. The cross compilers come
 * without a C library; freestanding.c has the functions.
 */
#ifndef FMQ_APP_STRING_H
#define FMQ_APP_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);

#endif
