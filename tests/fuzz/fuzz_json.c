/* Any bytes as JSON: what is accepted is written in a way that is accepted again and written the
 * same; pointers into it never lead astray. What is called an object is one. */
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A reader that builds a tree refuses more: what occurs twice, does not fit or holds a NUL. */
static void check_object(const weir_json *read, bool object, const weir_error *err)
{
    if (read
            ? json_is_object(json_of(read)) != object
            : object && !strstr(err->message, "occurs twice") &&
                  !strstr(err->message, "does not fit") && !strstr(err->message, "a NUL character"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    weir_json *one = weir_json_parse((const char *)data, size, &err);
    check_object(one, json_is_object_text((const char *)data, size), &err);
    if ((one == NULL) != (err.status == WEIR_INVALID))
        abort();
    if (!one)
        return 0;
    char *text = weir_json_text(one);
    weir_json *two = text ? weir_json_parse(text, strlen(text), &err) : NULL;
    char *again = weir_json_text(two);
    if (!again || strcmp(text, again) != 0)
        abort();
    weir_json_at(one, text);
    weir_json_str(one, "/a/0/~1b", "");
    weir_free(again);
    weir_free(text);
    weir_json_free(two);
    weir_json_free(one);
    return 0;
}
