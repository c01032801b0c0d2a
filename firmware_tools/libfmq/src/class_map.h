/* What the coders of class maps share. */
#ifndef FMQ_CLASS_MAP_CODER_H
#define FMQ_CLASS_MAP_CODER_H

#include "fmq/class_map.h"

#include "range_coder_decisions.h"

/* Codes, or decodes and returns, one decision; and an index as a tree of `bits` of them. */
uint32_t fmq_class_decision(coder_t *coder, uint32_t *context, uint32_t bit);
uint32_t fmq_class_index(coder_t *coder, uint32_t *contexts, uint32_t bits, uint32_t index);

/* Decodes the symbol of the box that is next, and a leaf's classes. Whether they can be. */
bool fmq_class_tree_step(fmq_class_map_t *map, coder_t *coder);

#endif
