/* Whether a text is a JSON object: a scanner says yes or no (core/json_scan.c). What is none goes
 * through json_parse() once more, for its words and the place; that is the rare case.
 *
 * Thread: any. */
#include "core/json.h"

#include "core/error.h"
#include "core/json_scan.h"

bool json_is_object_text(const char *text, size_t len)
{
    if (len == 0)
        return false;
    const char *end = text + len;
    const char *at = json_skip_blanks(text, end);
    if (at == end || *at != '{')
        return false;
    at = json_skip_value(at, end, 0, NULL);
    return at && json_skip_blanks(at, end) == end;
}

weir_status json_check_object(const char *text, size_t len, const char *what, weir_error *err)
{
    if (json_is_object_text(text, len))
        return error_ok(err);
    weir_error why = {0};
    json_t *tree = json_parse(text, len, what, &why);
    bool object = json_is_object(tree);
    json_decref(tree);
    if (object) /* only what json_parse() reads more leniently, which is nothing */
        return error_ok(err);
    if (why.status != WEIR_OK)
        return error_copy(err, &why);
    return error_set(err, WEIR_INVALID,
                     "%s: a JSON object was expected at line 1, column 1; it is another value",
                     what);
}
