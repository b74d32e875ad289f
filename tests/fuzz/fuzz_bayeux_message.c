/* Any bytes as a server's answer: what is accepted is JSON by another reader, too, and its slices
 * are what that reader finds; what is refused says why. */
#include "bayeux/message.h"
#include "bayeux/names.h"
#include "bayeux/verdict.h"
#include "core/json.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* A reader that builds a tree refuses more: NULs in texts, what occurs twice or does not fit. */
static bool refused_by_jansson_alone(const weir_error *err)
{
    return strstr(err->message, "occurs twice") || strstr(err->message, "does not fit") ||
           strstr(err->message, "a NUL character");
}

static void check_slice(const json_t *object, const char *name, weir_bytes slice)
{
    const json_t *there = json_object_get(object, name);
    must((there != NULL) == (slice.data != NULL));
    if (!there)
        return;
    weir_error err = {0};
    json_t *again = json_parse(slice.data, slice.len, "slice", &err);
    must(json_equal(there, again));
    json_decref(again);
    if (json_is_string(there)) {
        char *text = slice_text(slice);
        must(text && strcmp(text, json_string_value(there)) == 0);
        must(slice_equals(slice, text));
        mem_free(text);
    }
    int64_t n;
    if (json_is_integer(there))
        must(slice_int(slice, &n) && n == json_integer_value(there));
}

static void check_message(const struct message *m)
{
    weir_error err = {0};
    json_t *tree = json_parse(m->raw.data, m->raw.len, "message", &err);
    must(tree ? json_is_object(tree) : refused_by_jansson_alone(&err));
    if (!tree)
        return;
    check_slice(tree, "channel", m->channel);
    check_slice(tree, "id", m->id);
    check_slice(tree, "clientId", m->client_id);
    check_slice(tree, "subscription", m->subscription);
    check_slice(tree, "successful", m->successful);
    check_slice(tree, "error", m->error);
    check_slice(tree, "advice", m->advice);
    check_slice(tree, "ext", m->ext);
    check_slice(tree, "data", m->data);
    check_slice(json_object_get(json_object_get(tree, "data"), "event"), "replayId", m->replay_id);
    weir_bytes found =
        slice_member(m->raw, (const char *const[]){"data", "event", "replayId", NULL});
    must(found.data == m->replay_id.data);
    json_decref(tree);
}

static void read_more(const struct message *m)
{
    weir_error err = {0};
    size_t at = 0;
    weir_bytes element;
    while (slice_element(m->subscription, &at, &element))
        must(element.len > 0);
    verdict_of_reply(META_CONNECT, m, "retry", &err);
    must(err.status != WEIR_OK && *err.message);
    char *channel = slice_text(m->channel);
    if (channel) {
        name_check(channel, NAME_STRICT, false, NULL);
        name_check(channel, NAME_LOOSE, false, NULL);
        name_matches(channel, "/a/b/c", 6);
    }
    mem_free(channel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    struct batch *batch = batch_new(mem_dup(data, size), size, "fuzz", &err);
    if (!batch) {
        must(err.status == WEIR_PROTOCOL && strncmp(err.message, "fuzz: ", 6) == 0);
        return 0;
    }
    for (size_t i = 0; i < batch->count; i++) {
        check_message(&batch->messages[i]);
        read_more(&batch->messages[i]);
    }
    batch_free(batch);
    return 0;
}
