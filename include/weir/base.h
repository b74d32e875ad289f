/* weir/base.h - what every other header needs: visibility, time limits, bytes. */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_VERSION_HEX 0x000100 /* 0.1.0, for #if; weir_version() is the runtime twin */

#define WEIR_API               __attribute__((visibility("default")))
#define WEIR_MUST_USE          __attribute__((warn_unused_result))
#define WEIR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#ifdef __cplusplus
#define WEIR_BEGIN extern "C" {
#define WEIR_END   }
#else
#define WEIR_BEGIN
#define WEIR_END
#endif

/** A relative time limit in milliseconds: a positive number, or one of the three names. */
typedef int64_t weir_ms;
#define WEIR_NO_WAIT         ((weir_ms)0)  /**< only what is ready now               */
#define WEIR_FOREVER         ((weir_ms)-1) /**< until it happens or the handle stops  */
#define WEIR_DEFAULT_TIMEOUT ((weir_ms)-2) /**< the channel's own default_timeout     */

/** A real zero in a numeric option whose zero stands for its default. */
#define WEIR_ZERO INT32_MIN

/** Stands for "leave this out" in a text option where NULL means "look in the environment". */
#define WEIR_OMIT weir_omit

/** Bytes that somebody else owns. `data` may hold NULs and has no terminator. */
typedef struct weir_bytes {
    const void *data;
    size_t len;
} weir_bytes;

WEIR_BEGIN
WEIR_API extern const char weir_omit[]; /* compared by address; use WEIR_OMIT */
/** "0.1.0", of the library in use. */
WEIR_API const char *weir_version(void);
/** Releases what a function returning `char *` handed over. NULL is fine. */
WEIR_API void weir_free(void *memory);
WEIR_END
#endif
