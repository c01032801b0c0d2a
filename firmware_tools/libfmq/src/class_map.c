/*
 * A step codes one cell, in both directions: the cell's class comes in or, decoding,
 * goes out.
 */
#include "class_map.h"

#include "memory.h"

#define FLAGS_OF_CHANNELS 2u
#define EQUALS_NORTH 4u
#define FLAGS_OF_REGIONS 5u

/* A cell takes at most 10 decisions of 11 bits, and the end of a map 3 bytes more. */
#define CELL_BYTES 14u
#define END_BYTES 4u

uint32_t fmq_class_decision(coder_t *coder, uint32_t *context, uint32_t bit)
{
    return code(coder->decoder != NULL, coder, context, bit);
}

uint32_t fmq_class_index(coder_t *coder, uint32_t *contexts, uint32_t bits, uint32_t index)
{
    const uint32_t count = (uint32_t)1 << bits;
    uint32_t node = 1u;

    while (node < count) {
        bits--;
        node = 2u * node + fmq_class_decision(coder, contexts + node, index >> bits & 1u);
    }
    return node - count;
}

/* ---- cells; each step says whether the class can be ---- */

static bool step_channel(fmq_class_map_t *map, coder_t *coder, uint32_t channel)
{
    uint8_t *const cell = map->cells + channel;
    const uint32_t previous = channel == 0u ? 0u : *(cell - 1);
    uint32_t own = *cell;

    map->last_flag =
        fmq_class_decision(coder, map->contexts + map->last_flag, own == previous) != 0u;
    if (map->last_flag) {
        *cell = (uint8_t)previous;
        return true;
    }
    own = fmq_class_index(coder, map->contexts + FLAGS_OF_CHANNELS, map->bits,
                          own > previous ? own - 1u : own);
    if (own + 1u >= map->class_count) {
        return false;
    }
    *cell = (uint8_t)(own >= previous ? own + 1u : own);
    return true;
}

static bool step_region(fmq_class_map_t *map, coder_t *coder, uint32_t position)
{
    uint8_t *const cell = map->cells + position;
    const bool has_west = map->column != 0u;
    const bool has_north = position >= map->columns;
    uint32_t west = has_west ? *(cell - 1) : 0u;
    const uint32_t north = has_north ? *(cell - map->columns) : west;
    uint32_t northwest = north;
    uint32_t own = *cell;

    if (has_west) {
        northwest = has_north ? *(cell - map->columns - 1) : west;
    } else {
        west = north;
    }
    map->column = map->column + 1u == map->columns ? 0u : map->column + 1u;
    if (fmq_class_decision(coder, map->contexts + 2u * (west == north) + (west == northwest),
                           own == west)) {
        own = west;
    } else if (north != west &&
               fmq_class_decision(coder, map->contexts + EQUALS_NORTH, own == north)) {
        own = north;
    } else {
        own = fmq_class_index(coder, map->contexts + FLAGS_OF_REGIONS, map->bits, own);
        if (own >= map->class_count) {
            return false;
        }
    }
    *cell = (uint8_t)own;
    return true;
}

static bool step(fmq_class_map_t *map, coder_t *coder)
{
    bool is_possible;

    if (map->kind == FMQ_PARTITION_BLOCK) {
        return fmq_class_tree_step(map, coder);
    }
    if (map->kind == FMQ_PARTITION_CHANNEL) {
        is_possible = step_channel(map, coder, map->channels - map->left);
    } else {
        is_possible = step_region(map, coder, map->rows * map->columns - map->left);
    }
    map->left -= is_possible;
    return is_possible;
}

/* ---- maps ---- */

bool fmq_has_dynamic_classes(const fmq_tensor_t *tensor)
{
    return tensor->count != 0u && tensor->partition != NULL && tensor->partition->dynamic != NULL;
}

uint32_t fmq_class_cells(const fmq_tensor_t *tensor)
{
    switch (tensor->partition->kind) {
    case FMQ_PARTITION_CHANNEL: return tensor->channels;
    case FMQ_PARTITION_REGION: return tensor->rows * tensor->columns;
    default: return tensor->count;
    }
}

static uint8_t bits_of(uint32_t value)
{
    uint8_t bits = 0u;

    for (; value != 0u; value >>= 1) {
        bits++;
    }
    return bits;
}

fmq_status_t fmq_class_map_start(fmq_class_map_t *map, const fmq_tensor_t *tensor,
                                 uint32_t *contexts, fmq_tree_box_t *boxes, uint8_t *cells)
{
    const fmq_partition_t *const partition = tensor->partition;
    const bool is_tree = partition->kind == FMQ_PARTITION_BLOCK;
    uint32_t context;

    memset(map, 0, sizeof *map);
    if (partition->kind > FMQ_PARTITION_BLOCK || partition->class_count == 0u ||
        partition->class_count > 256u || tensor->count == 0u || (is_tree && boxes == NULL)) {
        return FMQ_ERROR_ARGUMENT;
    }
    for (context = 0u; context < FMQ_CLASS_CONTEXTS; context++) {
        contexts[context] = (uint32_t)PROBABILITY_START << 8;
    }
    map->contexts = contexts;
    map->boxes = boxes;
    map->cells = cells;
    map->rows = tensor->rows;
    map->columns = tensor->columns;
    map->channels = tensor->channels;
    map->class_count = partition->class_count;
    map->kind = partition->kind;
    if (map->class_count == 1u) { /* no map: nothing is coded */
        return FMQ_OK;
    }
    map->bits = bits_of(map->class_count - (map->kind == FMQ_PARTITION_CHANNEL ? 2u : 1u));
    map->left = is_tree ? 1u : fmq_class_cells(tensor);
    if (is_tree) {
        memset(boxes, 0, sizeof *boxes);
        boxes->rows = map->rows;
        boxes->columns = map->columns;
        boxes->channels = map->channels;
    }
    return FMQ_OK;
}

fmq_status_t fmq_class_map_encode(fmq_class_map_t *map, fmq_range_encoder_t *encoder)
{
    coder_t coder = {encoder->low, encoder->range, encoder, NULL};
    const bool is_coding = map->left != 0u;

    if (map->kind == FMQ_PARTITION_BLOCK) {
        return FMQ_ERROR_ARGUMENT;
    }
    while (map->left != 0u && encoder->full == 0u) {
        const uint32_t cells =
            map->kind == FMQ_PARTITION_CHANNEL ? map->channels : map->rows * map->columns;

        if (map->cells[cells - map->left] >= map->class_count || !step(map, &coder)) {
            return FMQ_ERROR_ARGUMENT;
        }
    }
    encoder->low = coder.low;
    encoder->range = coder.range;
    if (is_coding && map->left == 0u) {
        fmq_range_encoder_finish(encoder);
    }
    return FMQ_OK;
}

uint32_t fmq_class_map_size(const fmq_tensor_t *tensor, uint32_t *contexts)
{
    fmq_range_encoder_t encoder;
    fmq_class_map_t map;
    uint32_t size = 0u;
    fmq_status_t status =
        fmq_class_map_start(&map, tensor, contexts, NULL, tensor->partition->dynamic);

    fmq_range_encoder_start(&encoder);
    while (status == FMQ_OK && map.left != 0u) {
        status = fmq_class_map_encode(&map, &encoder);
        size += (uint32_t)fmq_range_encoder_discard(&encoder);
    }
    return size;
}

uint32_t fmq_class_map_limit(const fmq_tensor_t *tensor)
{
    return fmq_class_cells(tensor) * CELL_BYTES + END_BYTES;
}

/* Clears the cells, and reads the map's first bytes. */
static void start_decoding(fmq_class_map_t *map, fmq_range_decoder_t *decoder)
{
    size_t cells = map->channels;

    if (map->kind != FMQ_PARTITION_CHANNEL) {
        cells = map->kind == FMQ_PARTITION_REGION ? 1u : map->channels;
        cells *= (size_t)map->rows * map->columns;
    }
    memset(map->cells, 0, cells);
    map->is_started = true;
    if (map->left != 0u) {
        fmq_range_decoder_start(decoder);
    }
}

fmq_status_t fmq_class_map_decode(fmq_class_map_t *map, fmq_range_decoder_t *decoder,
                                  const uint8_t **next, const uint8_t *end, bool is_last)
{
    coder_t coder = {0u, 0u, NULL, decoder};
    fmq_status_t status = FMQ_OK;

    decoder->next = *next;
    decoder->end = end;
    if (!map->is_started) {
        if (map->left != 0u && !is_last && (size_t)(end - *next) < FMQ_LEVEL_BYTES) {
            return FMQ_OK;
        }
        start_decoding(map, decoder);
    }
    if (map->left == 0u) {
        return FMQ_OK;
    }
    coder.low = decoder->low;
    coder.range = decoder->range;
    while (status == FMQ_OK && map->left != 0u &&
           (is_last || (size_t)(end - decoder->next) >= FMQ_LEVEL_BYTES)) {
        const bool is_possible = step(map, &coder);

        if (decoder->missing > 2u) {
            status = FMQ_ERROR_TRUNCATED;
        } else if (!is_possible) {
            status = FMQ_ERROR_SYNTAX;
        }
    }
    decoder->low = coder.low;
    decoder->range = coder.range;
    if (status == FMQ_OK && map->left == 0u) {
        decoder->next -= 2u - decoder->missing; /* the two bytes read beyond the map */
    }
    *next = decoder->next;
    return status;
}

bool fmq_are_classes(const fmq_tensor_t *tensor)
{
    const uint32_t cells = fmq_class_cells(tensor);
    uint32_t cell;

    for (cell = 0u; cell < cells; cell++) {
        if (tensor->partition->dynamic[cell] >= tensor->partition->class_count) {
            return false;
        }
    }
    return true;
}

bool fmq_class_map_is_done(const fmq_class_map_t *map)
{
    return map->left == 0u;
}
