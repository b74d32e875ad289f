/* core/error.h - filling a weir_error. `err` may be NULL everywhere. Newlines and control
 * characters in the text are folded to blanks; what does not fit is cut at a character boundary. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <weir/error.h>

weir_status error_set(weir_error *err, weir_status status, const char *fmt, ...) WEIR_PRINTF(3, 4);
/* With the peer's own number. retry_in_ms is filled from the status. */
weir_status error_peer(weir_error *err, weir_status status, weir_origin origin, int32_t code,
                       const char *fmt, ...) WEIR_PRINTF(5, 6);
/* From errno: "what: strerror". */
weir_status error_system(weir_error *err, weir_status status, int errnum, const char *fmt, ...)
    WEIR_PRINTF(4, 5);
weir_status error_no_memory(weir_error *err);
/* Puts "context: " before the text; once, at the handle. */
weir_status error_context(weir_error *err, const char *fmt, ...) WEIR_PRINTF(2, 3);
/* Puts more behind the text; what does not fit is cut. */
weir_status error_append(weir_error *err, const char *fmt, ...) WEIR_PRINTF(2, 3);
weir_status error_copy(weir_error *to, const weir_error *from);
/* A copy for whoever keeps errors, of which there mostly is none: NULL for OK. Without memory it is
 * a constant that says so. Release with error_drop(). */
const weir_error *error_keep(const weir_error *err);
void error_drop(const weir_error *kept);
weir_status error_ok(weir_error *err); /* clears; returns WEIR_OK */
/* Rule 1 of weir/error.h: true when *err already holds an error. */
bool error_held(const weir_error *err);
/* Rule 2: for a NULL handle; keeps the held error or says "NAME is NULL". */
weir_status error_null(weir_error *err, const char *name);
#endif
