/* Coding trees, depth first: the boxes that wait are on a stack, the next one on top. */
#include "class_map.h"

#include "memory.h"

#define SYMBOL_BITS 4u
#define EQUALS_PREDICTED 64u
#define FLAGS_OF_BLOCKS 65u
#define NEW_CONTEXTS_TO_DEPTH 3u

enum { LEAF, ROWS, COLUMNS, CHANNELS, THREE, FOUR, EIGHT, MAIN_DIAGONAL, OTHER_DIAGONAL };

static size_t cell_at(const fmq_class_map_t *map, uint32_t row, uint32_t column, uint32_t channel)
{
    return ((size_t)row * map->columns + column) * map->channels + channel;
}

/* The class of the sample left of the box, else above it, else one channel before it. */
static uint32_t predicted(const fmq_class_map_t *map, const fmq_tree_box_t *box)
{
    const uint8_t *const cell = map->cells + cell_at(map, box->row, box->column, box->channel);

    if (box->column != 0u) {
        return *(cell - map->channels);
    }
    if (box->row != 0u) {
        return *(cell - (size_t)map->columns * map->channels);
    }
    return box->channel != 0u ? *(cell - 1) : 0u;
}

static uint32_t leaf_class(const fmq_class_map_t *map, coder_t *coder, uint32_t prediction)
{
    if (fmq_class_decision(coder, map->contexts + EQUALS_PREDICTED, 0u)) {
        return prediction;
    }
    return fmq_class_index(coder, map->contexts + FLAGS_OF_BLOCKS, map->bits, 0u);
}

/* Whether a position of a box of triangles is in the second one. */
static bool is_second(const fmq_tree_box_t *box, uint32_t symbol, uint32_t row, uint32_t column)
{
    const uint32_t down = (2u * row + 1u) * box->columns;
    const uint32_t right = (2u * column + 1u) * box->rows;

    if (symbol == MAIN_DIAGONAL) {
        return down < right;
    }
    return symbol == OTHER_DIAGONAL && down + right > 2u * box->rows * box->columns;
}

static bool code_leaf(fmq_class_map_t *map, coder_t *coder, const fmq_tree_box_t *box,
                      uint32_t symbol)
{
    const uint32_t prediction = predicted(map, box);
    const uint32_t first = leaf_class(map, coder, prediction);
    const uint32_t second = symbol == LEAF ? first : leaf_class(map, coder, prediction);
    uint32_t row;
    uint32_t column;

    if (first >= map->class_count || second >= map->class_count) {
        return false;
    }
    for (row = 0u; row < box->rows; row++) {
        for (column = 0u; column < box->columns; column++) {
            const uint32_t own = is_second(box, symbol, row, column) ? second : first;

            memset(map->cells + cell_at(map, box->row + row, box->column + column, box->channel),
                   (int)own, box->channels);
        }
    }
    return true;
}

/* Where a part of an axis begins: of two the first is rounded up; of three it is 1:2:1. */
static uint32_t part_start(uint32_t size, uint32_t parts, uint32_t index)
{
    if (index == 0u) {
        return 0u;
    }
    if (index == parts) {
        return size;
    }
    if (parts == 2u) {
        return (size + 1u) >> 1;
    }
    return index == 1u ? (size + 1u) >> 2 : size - ((size + 1u) >> 2);
}

static void narrow_axis(uint32_t *start, uint32_t *size, uint32_t parts, uint32_t index)
{
    const uint32_t begin = part_start(*size, parts, index);

    *start += begin;
    *size = part_start(*size, parts, index + 1u) - begin;
}

static bool split(fmq_class_map_t *map, const fmq_tree_box_t *box, uint32_t symbol)
{
    uint32_t rows = symbol == ROWS || symbol >= FOUR ? 2u : 1u;
    uint32_t columns = symbol == COLUMNS || symbol >= FOUR ? 2u : 1u;
    const uint32_t channels = symbol == CHANNELS || symbol == EIGHT ? 2u : 1u;
    uint32_t part;

    if (symbol == THREE && box->rows >= box->columns) {
        rows = 3u;
    } else if (symbol == THREE) {
        columns = 3u;
    }
    if (box->rows < rows || box->columns < columns || box->channels < channels ||
        box->depth == FMQ_TREE_DEPTH) {
        return false;
    }
    /* the last part first, so that the first is the next to be looked at */
    for (part = rows * columns * channels; part != 0u; part--) {
        fmq_tree_box_t *const waiting = &map->boxes[map->left];

        *waiting = *box;
        narrow_axis(&waiting->row, &waiting->rows, rows, (part - 1u) / (columns * channels));
        narrow_axis(&waiting->column, &waiting->columns, columns,
                    (part - 1u) / channels % columns);
        narrow_axis(&waiting->channel, &waiting->channels, channels, (part - 1u) % channels);
        waiting->depth++;
        map->left++;
    }
    return true;
}

bool fmq_class_tree_step(fmq_class_map_t *map, coder_t *coder)
{
    const fmq_tree_box_t box = map->boxes[map->left - 1u];
    const uint32_t context = box.depth < NEW_CONTEXTS_TO_DEPTH ? box.depth : NEW_CONTEXTS_TO_DEPTH;
    const uint32_t symbol =
        fmq_class_index(coder, map->contexts + (context << SYMBOL_BITS), SYMBOL_BITS, 0u);

    map->left--;
    if (symbol > OTHER_DIAGONAL) {
        return false;
    }
    if (symbol != LEAF && symbol < MAIN_DIAGONAL) {
        return split(map, &box, symbol);
    }
    if (symbol != LEAF && (box.rows < 2u || box.columns < 2u)) {
        return false;
    }
    return code_leaf(map, coder, &box, symbol);
}
