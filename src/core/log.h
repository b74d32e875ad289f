/* core/log.h - saying what happens. Silent unless somebody listens; the arguments of a message that
 * nobody wants are not formatted. Never a token, a secret or a body. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <weir/log.h>

bool log_wants(weir_log_level level);
/* `part`: "core", "io", "http", "auth", "rpc", "zeebe", "sandbox". `channel`: "zeebe#2" or "". */
void log_at(weir_log_level at, const char *part, const char *channel, const char *fmt, ...)
    WEIR_PRINTF(4, 5);

/* In the child of a fork(), where the lock may be held by a thread that is not there. */
void log_after_fork(void);
#endif
