/*
 * Class maps as range-coded decisions, in pieces of any size: encoding for channels
 * and positions, decoding for coding trees too. The twin of
 * fmq_embedded/partition/kernels.py.
 */
#ifndef FMQ_CLASS_MAP_H
#define FMQ_CLASS_MAP_H

#include "fmq/deployment.h"
#include "fmq/partition.h"
#include "fmq/range_coder.h"
#include "fmq/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FMQ_CLASS_CONTEXTS 321u
#define FMQ_TREE_DEPTH 8u
/* At each depth all parts but one wait, seven at most, and the last is being looked at. */
#define FMQ_TREE_BOXES (8u * FMQ_TREE_DEPTH)

/* A part of a map that is waiting for its symbol. */
typedef struct fmq_tree_box {
    uint32_t row, column, channel;
    uint32_t rows, columns, channels;
    uint32_t depth;
} fmq_tree_box_t;

/* A class map at work. */
typedef struct fmq_class_map {
    uint32_t *contexts; /* FMQ_CLASS_CONTEXTS */
    uint8_t *cells;
    fmq_tree_box_t *boxes; /* FMQ_TREE_BOXES, of a coding tree */
    uint32_t rows, columns, channels;
    uint32_t left;    /* cells to come; of a coding tree, boxes that wait */
    uint32_t column;  /* of the next position */
    uint16_t class_count;
    uint8_t kind, bits;
    bool last_flag, is_started;
} fmq_class_map_t;

/* Whether each map of a tensor brings its class map. */
bool fmq_has_dynamic_classes(const fmq_tensor_t *tensor);

/* Cells of a tensor's class map: its channels, its positions, or its samples. */
uint32_t fmq_class_cells(const fmq_tensor_t *tensor);

/*
 * Starts the class map of a tensor with a partition.
 *   contexts  FMQ_CLASS_CONTEXTS; stays in use to the end, as all the others
 *   boxes     FMQ_TREE_BOXES of a coding tree to be decoded, else 0
 *   cells     fmq_class_cells(tensor)
 * FMQ_ERROR_ARGUMENT: a kind that is not there, or one that needs boxes and has none.
 */
fmq_status_t fmq_class_map_start(fmq_class_map_t *map, const fmq_tensor_t *tensor,
                                 uint32_t *contexts, fmq_tree_box_t *boxes, uint8_t *cells);

/*
 * Encodes cells until all are taken or the queue of `coder`, which was started, is full. The
 * last one also ends the map. FMQ_ERROR_ARGUMENT: a class that is not there, or a coding tree.
 */
fmq_status_t fmq_class_map_encode(fmq_class_map_t *map, fmq_range_encoder_t *coder);

/* The bytes of the class map of a tensor, encoded and dropped; contexts as above. */
uint32_t fmq_class_map_size(const fmq_tensor_t *tensor, uint32_t *contexts);

/* The most bytes that it can have. */
uint32_t fmq_class_map_limit(const fmq_tensor_t *tensor);

/*
 * Decodes cells from a window of bytes and moves *next behind the bytes used, as
 * fmq_level_decoder_poll; cells that are to come are 0.
 * FMQ_ERROR_TRUNCATED; FMQ_ERROR_SYNTAX: a class or a split that cannot be.
 */
fmq_status_t fmq_class_map_decode(fmq_class_map_t *map, fmq_range_decoder_t *coder,
                                  const uint8_t **next, const uint8_t *end, bool is_last);

/* Whether all classes of a tensor are there. */
bool fmq_are_classes(const fmq_tensor_t *tensor);

/* Whether all cells are taken, or decoded. */
bool fmq_class_map_is_done(const fmq_class_map_t *map);

#ifdef __cplusplus
}
#endif

#endif
