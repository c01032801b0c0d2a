/* What is inlined: always, or only where speed is asked for, or never; and what seldom holds. */
#ifndef FMQ_INLINE_H
#define FMQ_INLINE_H

#if defined(__GNUC__)
#define FMQ_INLINE static inline __attribute__((always_inline))
#define FMQ_UNLIKELY(condition) __builtin_expect((condition), 0)
#define FMQ_SELDOM static __attribute__((noinline))
#else
#define FMQ_INLINE static inline
#define FMQ_UNLIKELY(condition) (condition)
#define FMQ_SELDOM static
#endif

/* -Os gets one copy of each, for all its callers: half the size. */
#if defined(__GNUC__) && defined(__OPTIMIZE_SIZE__)
#define FMQ_INLINE_FOR_SPEED static __attribute__((noinline, unused))
#else
#define FMQ_INLINE_FOR_SPEED FMQ_INLINE
#endif

#endif
