/* What a call of libfmq returns: FMQ_OK, or why it did not do its work. */
#ifndef FMQ_STATUS_H
#define FMQ_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fmq_status {
    FMQ_OK = 0,
    FMQ_ERROR_ARGUMENT = -1,    /* a null pointer, or a description that no function serves */
    FMQ_ERROR_NONFINITE = -2,   /* a float32 sample is NaN or infinite */
    FMQ_ERROR_BUFFER = -3,      /* the output or the work memory is too small */
    FMQ_ERROR_TRUNCATED = -4,   /* the input ends too early */
    FMQ_ERROR_SYNTAX = -5,      /* the input is not a bitstream of this deployment */
    FMQ_ERROR_CHECKSUM = -6,    /* the input was changed on its way */
    FMQ_ERROR_UNSUPPORTED = -7, /* a version or a feature that is not built in */
    FMQ_ERROR_LIMIT = -8        /* more than a stated limit */
} fmq_status_t;

#ifdef __cplusplus
}
#endif

#endif
