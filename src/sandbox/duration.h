/* sandbox/duration.h - lengths of time as people write them: "250ms", "10s", "1h30m", "1.5h"; a
 * bare number is milliseconds. For the command line and fault scripts alike. */
#ifndef SANDBOX_DURATION_H
#define SANDBOX_DURATION_H

#include <weir/error.h>

#define DURATION_MAX ((weir_ms)1000 * 3600 * 24 * 36500) /* a hundred years */

/* `what` names it in the error: "--after". Units ms, s, m, h. Never negative; a part of a
 * millisecond counts as a whole one, so that no positive length becomes zero. Beyond DURATION_MAX,
 * or not understood: WEIR_INVALID. */
weir_status duration_parse(const char *text, const char *what, weir_ms *out, weir_error *err);
#endif
