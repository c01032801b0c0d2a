/* The whole library. */
#ifndef FMQ_FMQ_H
#define FMQ_FMQ_H

#include "fmq/bitstream.h"
#include "fmq/bitstream_parser.h"
#include "fmq/codec.h"
#include "fmq/coding.h"
#include "fmq/crc32.h"
#include "fmq/deployment.h"
#include "fmq/dequantizer.h"
#include "fmq/entropy.h"
#include "fmq/partition.h"
#include "fmq/quantizer.h"
#include "fmq/range_coder.h"
#include "fmq/status.h"
#include "fmq/version.h"

#endif
