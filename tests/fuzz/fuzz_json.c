/* Any bytes as JSON: what is accepted is written in a way that is accepted again and written the
 * same; pointers into it never lead astray. */
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    weir_json *one = weir_json_parse((const char *)data, size, &err);
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
