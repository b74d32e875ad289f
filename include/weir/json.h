/* weir/json.h - enough JSON to read what channels deliver and to answer safely.
 *
 * Texts are UTF-8. Integers are exact to 64 bits. A duplicate member name, a number that does not
 * fit and nesting beyond 512 levels are errors (RFC 8259 leaves all three to the receiver). */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <weir/error.h>

/** An immutable JSON value, no handle: what makes one sets *err anew. Those reached from a job or
 * event live as long as it does. */
typedef struct weir_json weir_json;

WEIR_BEGIN
/** @return a value to free with weir_json_free(), or NULL: WEIR_INVALID with line and column. */
WEIR_API WEIR_MUST_USE weir_json *weir_json_parse(const char *text, size_t len, weir_error *err);
/** jansson's pack language: weir_json_pack(&err, "{s:s, s:i}", "name", n, "count", 3) */
WEIR_API WEIR_MUST_USE weir_json *weir_json_pack(weir_error *err, const char *fmt, ...);
WEIR_API void weir_json_free(weir_json *value);

/* Reading never fails: a missing path or another type gives the fallback.
 * `pointer` is an RFC 6901 JSON Pointer, "" for the value itself. */
WEIR_API const weir_json *weir_json_at(const weir_json *value, const char *pointer);
WEIR_API const char *weir_json_str(const weir_json *value, const char *pointer,
                                   const char *fallback);
WEIR_API int64_t weir_json_int(const weir_json *value, const char *pointer, int64_t fallback);
WEIR_API double weir_json_num(const weir_json *value, const char *pointer, double fallback);
WEIR_API bool weir_json_bool(const weir_json *value, const char *pointer, bool fallback);
WEIR_API size_t weir_json_len(const weir_json *value, const char *pointer);
/** @return compact text to release with weir_free(). */
WEIR_API WEIR_MUST_USE char *weir_json_text(const weir_json *value);
WEIR_END
#endif
