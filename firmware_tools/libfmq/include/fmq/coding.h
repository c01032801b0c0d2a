/*
 * The codings of levels that a program has: it names them, so that only those are linked. One
 * for each profile; a generated deployment names its own.
 */
#ifndef FMQ_CODING_H
#define FMQ_CODING_H

#include "fmq/bitstream.h"
#include "fmq/deployment.h"
#include "fmq/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a writer calls. Its levels and bytes are as those of the level encoder in fmq/entropy.h;
 * what it keeps lies in writer->entropy or in writer->work.
 */
typedef struct fmq_encoding {
    uint8_t coding;     /* FMQ_CODING_... */
    bool needs_survey;  /* all levels, before it can begin */
    size_t (*work_size)(const fmq_tensor_t *tensor);
    fmq_status_t (*start_survey)(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor);
    fmq_status_t (*survey)(fmq_stream_writer_t *writer, const void *levels, size_t count);
    /* writer->whole: all levels, if they lie in the caller's memory; else 0 */
    fmq_status_t (*begin)(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor);
    fmq_status_t (*sink)(fmq_stream_writer_t *writer, const void *levels, size_t count,
                         size_t *taken);
    size_t (*poll)(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity);
    bool (*is_done)(const fmq_stream_writer_t *writer);
} fmq_encoding_t;

/* What a reader calls; `end` is that of the coded bytes from reader->next on. */
typedef struct fmq_decoding {
    uint8_t coding; /* FMQ_CODING_... */
    fmq_status_t (*start)(fmq_stream_reader_t *reader, const fmq_tensor_t *tensor);
    fmq_status_t (*poll)(fmq_stream_reader_t *reader, const uint8_t *end, void *levels,
                         size_t count, size_t *polled);
} fmq_decoding_t;

/*
 * Of FMQ_PROFILE_STANDARD, FMQ_PROFILE_FAST and FMQ_PROFILE_DENSE. The last needs whole maps:
 * fmq_encode and fmq_decode, not pieces.
 */
extern const fmq_encoding_t fmq_standard_encoding, fmq_static_encoding, fmq_dense_encoding;
extern const fmq_decoding_t fmq_standard_decoding, fmq_static_decoding, fmq_dense_decoding;

/*
 * By FMQ_PROFILE_..., 0 where there is none. A generated fmq_tables.c defines both; without it
 * the library's own, weak ones name the standard profile's. A program that only encodes links no
 * decoder, and the other way round. Of a profile that it does not name it answers
 * FMQ_ERROR_UNSUPPORTED.
 */
extern const fmq_encoding_t *const fmq_encodings[FMQ_PROFILES];
extern const fmq_decoding_t *const fmq_decodings[FMQ_PROFILES];

#ifdef __cplusplus
}
#endif

#endif
