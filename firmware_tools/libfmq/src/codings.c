/* What a program has that names no codings itself: those of the standard profile. */
#include "fmq/coding.h"

#if defined(__GNUC__)
__attribute__((weak)) const fmq_encoding_t *const fmq_encodings[FMQ_PROFILES] = {
    [FMQ_PROFILE_STANDARD] = &fmq_standard_encoding,
};
__attribute__((weak)) const fmq_decoding_t *const fmq_decodings[FMQ_PROFILES] = {
    [FMQ_PROFILE_STANDARD] = &fmq_standard_decoding,
};
#else
typedef int codings_are_named_by_the_program;
#endif
