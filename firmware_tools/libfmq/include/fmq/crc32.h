/*
 * CRC-32 of IEEE 802.3 as in zlib: polynomial 0x04C11DB7 reflected, start and
 * final inversion.
 */
#ifndef FMQ_CRC32_H
#define FMQ_CRC32_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The CRC-32 of any bytes followed by their own CRC-32, little-endian. */
#define FMQ_CRC32_RESIDUE 0x2144DF1Cu

/* The CRC-32 of what `crc` covers (0: nothing yet) followed by `size` bytes of `data`. */
uint32_t fmq_crc32(uint32_t crc, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
