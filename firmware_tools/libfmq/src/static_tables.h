/* Written by firmware_tools/libfmq/static_tables.py from fmq_embedded/entropy/static_tables.py:
 * do not edit. */
#ifndef FMQ_STATIC_TABLES_H
#define FMQ_STATIC_TABLES_H

#include "static_division.h"

#include <stdint.h>

#define PRECISION 12u
#define STATE_BITS 15u
#define ESCAPE 15u
#define SUMS 16u
#define SYMBOLS 16u
#define SAMPLING_STRIDE 7u
#define SAMPLING_FROM 128u
#define AGREEMENT 8u
#define BLOCK_LEVELS 2048u
#define WIDE_BLOCK_LEVELS 1024u
#define BY_NEIGHBOURS 0u
#define NARROW 1u
#define WIDE 2u
#define LARGEST_SHIFT 15u
#define NARROW_NUMERATOR 12u
#define NARROW_DENOMINATOR 10u
#define WIDE_NUMERATOR 36u
#define WIDE_DENOMINATOR 10u
#define PLAIN 22u
#define CLASSES 4u
#define CLASS_LIMITS 3u

/* numerator and denominator of each share */
extern const uint8_t fmq_static_limits[];

/* of each class and sum of neighbours */
extern const uint8_t fmq_static_distributions[];

/* frequency << 16 | start of each distribution and symbol */
extern const uint32_t fmq_static_entries[];

#ifndef FMQ_HAS_DIVISION
/* floor((2^32 - 1) / frequency) */
extern const uint32_t fmq_static_reciprocals[];
#endif

#endif
