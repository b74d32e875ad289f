/* cli/session.h - what holds for the whole run of a command: output form, time limit, log. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/parse.h"

/* Sets up the log; call once, before the library starts threads. */
weir_status cli_start(const struct args *args, weir_error *err);
/* Is it `-o json`? */
bool session_json(const struct args *args);
/* --request-timeout, 10 s unless given; WEIR_FOREVER for 0. */
weir_ms session_timeout(const struct args *args);
/* How long a server may be asked to wait before it answers that there is nothing, so that the
 * answer comes within `limit`: 90 % of it, and where that leaves less than half a second, so much
 * less. */
weir_ms session_wait(weir_ms limit);
/* For a command that says itself what matters (an outage once, its end): what the library has to
 * say of single attempts is shown only where a level was asked for. */
void session_quiet(void);
/* A line on stderr, as a warning of the log. */
void session_warn(const char *part, const char *fmt, ...) WEIR_PRINTF(2, 3);
/* Seconds since the epoch. */
int64_t session_now(void);
#endif
