/*
 * Channels are walked one after the other, each over all positions; regions and
 * blocks in runs of samples that have one class. Then come the vector classes, position by
 * position.
 */
#include "partition_walk.h"

/* Where a walk over the runs of a map is. */
typedef struct cursor {
    const fmq_partition_t *partition;
    uint32_t unit;  /* samples of a cell */
    uint32_t index; /* of the run or cell that is next */
    uint32_t used;  /* samples of that run that are behind */
} cursor_t;

static const uint8_t *at(const void *from, size_t index, uint32_t size)
{
    return (const uint8_t *)from + index * size;
}

static uint8_t *into(void *to, size_t index, uint32_t size)
{
    return (uint8_t *)to + index * size;
}

static uint32_t run_length(const cursor_t *cursor)
{
    return cursor->partition->runs == NULL
               ? cursor->unit
               : cursor->partition->runs[cursor->index] & FMQ_RUN_LIMIT_SAMPLES;
}

static uint32_t run_class(const cursor_t *cursor)
{
    return cursor->partition->runs == NULL ? cursor->partition->cells[cursor->index]
                                           : cursor->partition->runs[cursor->index] >> FMQ_RUN_SHIFT;
}

/* Goes to the first sample of a position. */
static void seek(cursor_t *cursor, const fmq_tensor_t *tensor, uint32_t position)
{
    cursor->partition = tensor->partition;
    cursor->unit = cursor->partition->kind == FMQ_PARTITION_REGION ? tensor->channels : 1u;
    cursor->index = 0u;
    cursor->used = 0u;
    if (cursor->partition->kind == FMQ_PARTITION_CHANNEL) {
        return;
    }
    position *= tensor->channels;
    if (cursor->partition->runs == NULL) {
        cursor->index = position / cursor->unit;
        return;
    }
    while (position != 0u && position >= run_length(cursor)) {
        position -= run_length(cursor);
        cursor->index++;
    }
    cursor->used = position;
}

/* Takes the samples to the end of a run, at most `limit` of them; returns how many. */
static uint32_t take(cursor_t *cursor, uint32_t limit, uint32_t *own)
{
    uint32_t left = run_length(cursor) - cursor->used;

    *own = run_class(cursor);
    if (left > limit) {
        cursor->used += limit;
        return limit;
    }
    cursor->used = 0u;
    cursor->index++;
    if (cursor->partition->runs == NULL) {
        while (left < limit && run_class(cursor) == *own) {
            left += cursor->unit;
            cursor->index++;
        }
    }
    return left;
}

static fmq_status_t walk_channels(const stage_t *stage, const fmq_tensor_t *tensor,
                                  const void *from, uint32_t count, void *to)
{
    const fmq_partition_t *const partition = tensor->partition;
    fmq_status_t status = FMQ_OK;
    uint32_t channel;

    for (channel = 0u; channel < tensor->channels && status == FMQ_OK; channel++) {
        const fmq_class_t *const own = &partition->classes[partition->cells[channel]];

        if (own->codebook == NULL) {
            status = stage->scalars(tensor, own, at(from, channel, stage->from_size), count,
                                    tensor->channels, into(to, channel, stage->to_size));
        }
    }
    return status;
}

static fmq_status_t walk_runs(const stage_t *stage, const fmq_tensor_t *tensor, const void *from,
                              uint32_t first, uint32_t count, void *to)
{
    const uint32_t samples = count * tensor->channels;
    fmq_status_t status = FMQ_OK;
    cursor_t cursor;
    uint32_t done = 0u;

    seek(&cursor, tensor, first);
    while (done != samples && status == FMQ_OK) {
        uint32_t index;
        const uint32_t length = take(&cursor, samples - done, &index);
        const fmq_class_t *const own = &tensor->partition->classes[index];

        if (own->codebook == NULL) {
            status = stage->scalars(tensor, own, at(from, done, stage->from_size), length, 1u,
                                    into(to, done, stage->to_size));
        }
        done += length;
    }
    return status;
}

/* The vectors of one class at one position. */
static fmq_status_t walk_position(const stage_t *stage, const fmq_tensor_t *tensor,
                                  cursor_t *cursor, const fmq_class_t *own, const void *from,
                                  void *to)
{
    uint32_t members[FMQ_VECTOR_LIMIT];
    uint32_t count = 0u;
    uint32_t channel = 0u;
    fmq_status_t status = FMQ_OK;

    while (channel != tensor->channels && status == FMQ_OK) {
        uint32_t index;
        const uint32_t end = channel + take(cursor, tensor->channels - channel, &index);

        if (&tensor->partition->classes[index] != own) {
            channel = end;
        }
        for (; channel != end && status == FMQ_OK; channel++) {
            members[count] = channel;
            count++;
            if (count == own->codebook->dimension) {
                status = stage->vector(tensor, own, from, members, count, to);
                count = 0u;
            }
        }
    }
    return count == 0u || status != FMQ_OK
               ? status
               : stage->vector(tensor, own, from, members, count, to);
}

static fmq_status_t walk_vectors(const stage_t *stage, const fmq_tensor_t *tensor,
                                 const fmq_class_t *own, const void *from, uint32_t first,
                                 uint32_t count, void *to)
{
    fmq_status_t status = FMQ_OK;
    cursor_t cursor;
    uint32_t position;

    seek(&cursor, tensor, first);
    for (position = 0u; position != count && status == FMQ_OK; position++) {
        const size_t done = (size_t)position * tensor->channels;

        if (tensor->partition->kind == FMQ_PARTITION_CHANNEL) {
            cursor.index = 0u;
        }
        status = walk_position(stage, tensor, &cursor, own, at(from, done, stage->from_size),
                               into(to, done, stage->to_size));
    }
    return status;
}

fmq_status_t fmq_partition_walk(const stage_t *stage, const fmq_tensor_t *tensor,
                                const void *from, uint32_t first, uint32_t count, void *to)
{
    const fmq_partition_t *const partition = tensor->partition;
    fmq_status_t status;
    uint32_t index;

    if (partition->kind == FMQ_PARTITION_CHANNEL) {
        status = walk_channels(stage, tensor, from, count, to);
    } else {
        status = walk_runs(stage, tensor, from, first, count, to);
    }
    for (index = 0u; index < partition->class_count && status == FMQ_OK; index++) {
        if (partition->classes[index].codebook != NULL) {
            status = walk_vectors(stage, tensor, &partition->classes[index], from, first, count,
                                  to);
        }
    }
    return status;
}
