/* core/json_scan.h - stepping over JSON text (RFC 8259) without building anything.
 *
 * Each function takes the place where something begins and the end of the text, and returns the
 * place behind it, or NULL if it is not what JSON allows there: UTF-8, escapes with both halves of
 * a surrogate pair, no NUL, at most JSON_MAX_DEPTH levels. Names that occur twice and numbers of
 * any size are JSON. `*failed`, where asked for, is how far it was read when it was not; `end` says
 * that more might have mended it. Nothing is allocated; any thread. */
#ifndef CORE_JSON_SCAN_H
#define CORE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

const char *json_skip_blanks(const char *at, const char *end); /* never NULL */
/* A string with its quotes; `at` is the first one. */
const char *json_skip_string(const char *at, const char *end, const char **failed);
/* Any value, without blanks around it; `depth` is how many levels are open around it. */
const char *json_skip_value(const char *at, const char *end, size_t depth, const char **failed);
#endif
