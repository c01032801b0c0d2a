/* A program that names every coding, for libraries without generated tables. */
#include "fmq/coding.h"

const fmq_encoding_t *const fmq_encodings[FMQ_PROFILES] = {
    &fmq_standard_encoding,
    &fmq_static_encoding,
    &fmq_dense_encoding,
};
const fmq_decoding_t *const fmq_decodings[FMQ_PROFILES] = {
    &fmq_standard_decoding,
    &fmq_static_decoding,
    &fmq_dense_decoding,
};
