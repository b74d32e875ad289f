/* weir/log.h - what the library has to say. Silent until asked; WEIR_LOG=debug asks. */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <weir/base.h>

typedef enum weir_log_level {
    WEIR_LOG_OFF = 0,
    WEIR_LOG_ERROR,
    WEIR_LOG_WARN,
    WEIR_LOG_INFO,
    WEIR_LOG_DEBUG,
    WEIR_LOG_TRACE
} weir_log_level;

typedef struct weir_log_record {
    weir_log_level level;
    const char *part;    /**< "auth", "http", "zeebe", "salesforce", "webpubsub", ...    */
    const char *channel; /**< which handle, as "zeebe#2"; "" when none                    */
    const char *message; /**< one line; tokens, secrets and bodies never appear in it     */
} weir_log_record;
typedef void weir_log_fn(const weir_log_record *record, void *user);

WEIR_BEGIN
/** Sends records up to `up_to` to `fn`; NULL: to stderr, a line each. Replaces what WEIR_LOG
 *  asked for. `fn` is called from any thread, one call at a time, and must not call back into
 *  the library. Once weir_log_to() has returned, the previous `fn` is not running. */
WEIR_API void weir_log_to(weir_log_fn *fn, void *user, weir_log_level up_to);
WEIR_END
#endif
