/* What the dense coder keeps while it codes a map, and the tiles of a mode. */
#ifndef FMQ_DENSE_MODEL_H
#define FMQ_DENSE_MODEL_H

#include "fmq/dense.h"
#include "fmq/range_coder.h"

#include "dense_tables.h"
#include "range_coder_decisions.h"

#define NO_CHANNEL UINT32_MAX
#define NO_MODE UINT32_MAX
#define PLANE_BORDER 2u
#define LARGEST_SEEN 63u /* of the magnitudes in a channel's mean */

/* What the channels of one mode have left behind. */
typedef struct dense_mode {
    uint8_t *means;            /* of each place, in sixteenths */
    uint32_t channel_mean;     /* mean magnitude of the last channel, in 1/256 */
    uint32_t previous, before; /* the last two channels */
} dense_mode_t;

/* A model, its coder, and the map, which has the levels of the channels that are coded. */
typedef struct dense_model {
    const fmq_dense_format_t *format;
    coder_t coder;
    fmq_range_encoder_t encoder;
    fmq_range_decoder_t decoder;
    uint16_t zero_bases[2][DENSE_ZERO_MODELS]; /* where contexts of the first flag begin */
    uint16_t *probabilities; /* of a 1, in 1/65536, by context */
    uint8_t *counts;         /* decisions seen, by context */
    int16_t *weights;        /* WEIGHT_SETS of ZERO_MODELS */
    dense_mode_t modes[DENSE_MODE_COUNT];
    uint8_t *current, *previous; /* planes with a border: where the first level is */
    uint32_t stride;            /* of a plane's rows */
    void *map;
    bool is_beyond;             /* whether a level was, of what the map can hold */
    int32_t *coefficients; /* of the channel being coded; then its levels */
    uint8_t *out;
    size_t size, capacity; /* bytes in `out`, and its room */
    bool is_full;          /* whether there were more */
    /* how far magnitudes lie from their points, in 1/256 step, and how many there were: in the
     * spatial and in the transform modes, of level 1 and of those above; and of level 0, where all
     * around are 0 and elsewhere */
    int32_t differences[3][2];
    uint32_t differing[3][2];
} dense_model_t;

/*
 * How many bytes behind a payload its decoder has read at the end: whatever they are, the value
 * lies within the range.
 */
FMQ_INLINE uint32_t fmq_dense_free_bytes(uint32_t range)
{
    return range >= 0x2000000u ? 3u : 2u;
}

/* Writes out what the encoder has queued. */
void fmq_dense_drain(dense_model_t *model);

/* A tile: rows top..bottom - 1, columns left..right - 1, and the size of its neighbours. */
typedef struct dense_tile {
    uint32_t top, left, bottom, right;
    uint32_t above, aside; /* height of the tile above, width of that to the left; 0: none */
} dense_tile_t;

/* How many tiles a channel of this mode has, downwards and across. */
uint32_t fmq_dense_tile_rows(const fmq_dense_format_t *format, uint32_t mode);
uint32_t fmq_dense_tile_columns(const fmq_dense_format_t *format, uint32_t mode);
void fmq_dense_tile(const fmq_dense_format_t *format, uint32_t mode, uint32_t row,
                    uint32_t column, dense_tile_t *tile);

/* Whether any reconstruction point is moved. */
bool fmq_dense_has_points(const fmq_dense_format_t *format);

/* Whether a map of a format may have channels of a mode. */
bool fmq_dense_has_mode(const fmq_dense_format_t *format, uint32_t mode);

FMQ_INLINE bool is_transformed(uint32_t mode)
{
    return mode == FMQ_DENSE_WHOLE || mode == FMQ_DENSE_TILED;
}

FMQ_INLINE uint32_t dense_smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

FMQ_INLINE uint32_t dense_magnitude(int32_t value)
{
    return value < 0 ? (uint32_t)-value : (uint32_t)value;
}

/* How a plane has a level: its magnitude, up to DENSE_PLANE_LIMIT, twice, and 1 if it is negative. */
FMQ_INLINE uint8_t in_plane(uint32_t magnitude, uint32_t negative)
{
    return (uint8_t)(2u * dense_smaller(magnitude, DENSE_PLANE_LIMIT) + negative);
}

FMQ_INLINE uint32_t plane_magnitude(uint8_t level)
{
    return (uint32_t)level >> 1;
}

FMQ_INLINE int32_t plane_number(uint8_t level)
{
    return (level & 1u) != 0u ? -(int32_t)plane_magnitude(level) : (int32_t)plane_magnitude(level);
}

/* Starts a model in `work`; `levels` or `samples` is then to be set. */
fmq_status_t fmq_dense_model_start(dense_model_t **model, const fmq_dense_format_t *format,
                                   bool decoding, void *work, size_t work_size);

/* A number of the map less its centre. */
FMQ_INLINE int32_t map_number(const fmq_dense_format_t *format, const void *map, uint32_t at)
{
    const uint32_t number = format->is_wide ? ((const uint16_t *)map)[at]
                                            : ((const uint8_t *)map)[at];

    return (int32_t)number - (int32_t)format->centre;
}

/* Clipped to what the map can hold; returns whether it had to be. */
FMQ_INLINE bool put_number(const fmq_dense_format_t *format, void *map, uint32_t at, int32_t level)
{
    const int32_t number = level + (int32_t)format->centre;
    const bool is_high = number > (int32_t)format->highest;
    const uint16_t clipped =
        (uint16_t)(number < 0 ? 0 : (is_high ? (int32_t)format->highest : number));

    if (format->is_wide) {
        ((uint16_t *)map)[at] = clipped;
    } else {
        ((uint8_t *)map)[at] = (uint8_t)clipped;
    }
    return is_high || number < 0;
}

/* Copies the channel before, of this mode, into `previous`. */
void fmq_dense_load_previous(dense_model_t *model, uint32_t mode);

/* Whether the level at a place is not 0 in the channel before the one before. */
bool fmq_dense_was_before(const dense_model_t *model, uint32_t mode, uint32_t row,
                          uint32_t column);

/* A level's guess, by the levels beside it. */
int32_t fmq_dense_prediction(const dense_model_t *model, uint32_t channel, uint32_t row,
                             uint32_t column);

/* A channel's numbers into `coefficients`. */
void fmq_dense_load_channel(dense_model_t *model, uint32_t channel);

/* A channel's coefficients of a mode, in 1/256 step; returns the sum of their magnitudes. */
uint64_t fmq_dense_prepare(dense_model_t *model, uint32_t channel, uint32_t mode);

/* What it costs to leave all levels of a channel at 0. */
uint64_t fmq_dense_cost_of_nothing(const dense_model_t *model, uint32_t channel);

/* Codes a channel's mode and its levels, `coefficients`; then they stand in the map. */
void fmq_dense_encode_channel(dense_model_t *model, uint32_t channel, uint32_t last_mode,
                              uint32_t mode);

/* Decodes a channel; returns its mode, or NO_MODE: the format does not have it. */
uint32_t fmq_dense_decode_channel(dense_model_t *model, uint32_t channel, uint32_t last_mode,
                                  fmq_dense_channel_t *coded);

/*
 * Levels of a channel in place of its scaled coefficients, in 1/256 step, and what they cost. To
 * try: only rounded. Else they are final, and their differences from their points are noted.
 */
uint64_t fmq_dense_choose_levels(dense_model_t *model, uint32_t mode,
                                 const fmq_dense_search_t *search, bool is_trial);

/* The same by rounding alone; returns 0 if all levels are 0. */
uint32_t fmq_dense_round_levels(dense_model_t *model, uint32_t rounding);

#endif
