/* The version of libfmq; generated headers refuse another one. */
#ifndef FMQ_VERSION_H
#define FMQ_VERSION_H

#define FMQ_VERSION_MAJOR 0
#define FMQ_VERSION_MINOR 1

#endif
