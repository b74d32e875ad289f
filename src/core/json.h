/* core/json.h - jansson behind weir_json, with limits. A `const weir_json *` IS a `const json_t *`;
 * only this module and those that build trees know. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/buf.h"

#include <jansson.h>
#include <weir/json.h>

#define JSON_MAX_DEPTH 512

/* Before the first tree that is built with jansson's own functions: they use core/mem from then on.
 */
void json_prepare(void);
/* `what` names the text in the error: "variables", "token answer". WEIR_INVALID with line and
 * column. */
json_t *json_parse(const char *text, size_t len, const char *what, weir_error *err);
/* Whether `text` is a JSON object (of at most JSON_MAX_DEPTH levels), without reading it into a
 * tree; the second says what it is instead, as json_parse() does. */
bool json_is_object_text(const char *text, size_t len);
weir_status json_check_object(const char *text, size_t len, const char *what, weir_error *err);
json_t *json_of(const weir_json *value); /* borrowed */
weir_json *json_wrap(json_t *stolen);    /* takes the reference over */
char *json_text(const json_t *value,
                bool compact); /* core/mem; sorted as inserted; NULL: no memory */
/* `text` (UTF-8) as a JSON string with its quotes. */
void json_add_string(struct buf *out, const char *text, size_t len);
#endif
