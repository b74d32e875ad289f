/* Any bytes as a structured event: what is accepted has its required attributes, and is written in
 * a way that gives the same event again. */
#include <stdlib.h>
#include <string.h>
#include <weir/event.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    weir_event *one = weir_event_parse((const char *)data, size, &err);
    if (!one)
        return err.status == WEIR_OK ? abort(), 0 : 0;
    if (!weir_event_attr(one, "id") || !weir_event_attr(one, "source") ||
        !weir_event_attr(one, "type"))
        abort();
    char *text = weir_event_format(one, &err);
    weir_event *two = text ? weir_event_parse(text, strlen(text), &err) : NULL;
    weir_bytes a = weir_event_data(one);
    weir_bytes b = weir_event_data(two);
    if (!two || a.len != b.len || (a.len && memcmp(a.data, b.data, a.len) != 0))
        abort();
    weir_event_free(two);
    weir_free(text);
    weir_event_free(one);
    return 0;
}
