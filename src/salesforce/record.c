/* Records as text: written by hand, because they are short and written often; read by jansson,
 * because they come from files and other people's stores. Ids are strings: others who read the text
 * may have only doubles. */
#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "salesforce/position.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const began_names[] = {
    [BEGAN_NOWHERE] = "", [BEGAN_NEW] = "new", [BEGAN_ALL] = "all", [BEGAN_AFTER] = "after"};

/* An id, as a string or a number. True: it is absent, or good. */
static bool read_id(const json_t *object, const char *name, bool *has, int64_t *id)
{
    const json_t *value = json_object_get(object, name);
    *has = value != NULL;
    if (json_is_string(value))
        return text_number(json_string_value(value), 0, INT64_MAX, id);
    *id = json_is_integer(value) ? json_integer_value(value) : 0;
    return !value || (json_is_integer(value) && *id >= 0);
}

static bool read_instant(const json_t *object, const char *name, int64_t *ms)
{
    const json_t *value = json_object_get(object, name);
    *ms = json_is_integer(value) ? json_integer_value(value) : 0;
    return !value || (json_is_integer(value) && *ms >= 0);
}

static bool read_began(const json_t *object, enum began *began)
{
    const json_t *value = json_object_get(object, "began");
    *began = BEGAN_NOWHERE;
    if (!value)
        return true;
    for (enum began which = BEGAN_NEW; json_is_string(value) && which <= BEGAN_AFTER; which++) {
        if (strcmp(json_string_value(value), began_names[which]) == 0)
            *began = which;
    }
    return *began != BEGAN_NOWHERE;
}

static const char *wrong_member(struct record *out, const json_t *object)
{
    if (!json_is_object(object))
        return "it is no JSON object";
    if (!read_id(object, "position", &out->has_position, &out->position))
        return "\"position\" is no replay id";
    if (!read_id(object, "beganId", &out->has_began_id, &out->began_id))
        return "\"beganId\" is no replay id";
    if (!read_instant(object, "beganMs", &out->began_ms))
        return "\"beganMs\" is no instant";
    if (!read_instant(object, "liveMs", &out->live_ms))
        return "\"liveMs\" is no instant";
    if (!read_began(object, &out->began))
        return "\"began\" is none of new, all and after";
    if (out->began == BEGAN_AFTER && !out->has_began_id)
        return "\"beganId\" is missing";
    return NULL;
}

weir_status record_parse(struct record *out, const char *text, size_t len, weir_error *err)
{
    weir_error why = {0};
    *out = (struct record){0};
    json_t *object = json_parse(text, len, "record", &why);
    if (!object && why.status == WEIR_NO_MEMORY)
        return error_no_memory(err);
    const char *wrong = object ? wrong_member(out, object) : why.message;
    if (wrong) {
        *out = (struct record){0};
        (void)error_set(err, WEIR_STORE, "the stored position is damaged: %s", wrong);
    }
    json_decref(object);
    return wrong ? WEIR_STORE : error_ok(err);
}

/* ---- writing ----------------------------------------------------------------------------- */

struct line {
    char *text;
    size_t len;
};

static void member(struct line *line, bool wanted, const char *format, ...) WEIR_PRINTF(3, 4);
static void member(struct line *line, bool wanted, const char *format, ...)
{
    if (!wanted)
        return;
    if (line->len > 1)
        line->text[line->len++] = ',';
    va_list arguments;
    va_start(arguments, format);
    int more =
        vsnprintf(line->text + line->len, WEIR_REPLAY_RECORD_SIZE - line->len, format, arguments);
    va_end(arguments);
    line->len += more > 0 ? (size_t)more : 0; /* all members at their longest take 160 bytes */
}

void record_format(const struct record *record, char *text)
{
    struct line line = {text, 0};
    text[line.len++] = '{';
    member(&line, record->has_position, "\"position\":\"%" PRId64 "\"", record->position);
    member(&line, record->began != BEGAN_NOWHERE, "\"began\":\"%s\"", began_names[record->began]);
    member(&line, record->has_began_id, "\"beganId\":\"%" PRId64 "\"", record->began_id);
    member(&line, record->began_ms > 0, "\"beganMs\":%" PRId64, record->began_ms);
    member(&line, record->live_ms > 0, "\"liveMs\":%" PRId64, record->live_ms);
    text[line.len++] = '}';
    text[line.len] = '\0';
}

/* ---- what a program asks for ------------------------------------------------------------- */

weir_status from_parse(const char *text, enum from *from, int64_t *id, weir_error *err)
{
    static const struct {
        const char *name;
        enum from from;
    } names[] = {{"new", FROM_NEW},
                 {"-1", FROM_NEW},
                 {"all", FROM_ALL},
                 {"-2", FROM_ALL},
                 {"stored", FROM_STORED}};
    *id = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i].name) == 0) {
            *from = names[i].from;
            return error_ok(err);
        }
    }
    *from = FROM_ID;
    if (text_number(text, 0, INT64_MAX, id))
        return error_ok(err);
    struct buf quoted = BUF_INIT(128);
    text_fold(&quoted, text, strlen(text), 100);
    (void)error_set(err, WEIR_INVALID,
                    "'%s' is no place to start from: give new, all, stored, or a replay id (a "
                    "decimal number)",
                    quoted.data ? quoted.data : "");
    buf_free(&quoted);
    return WEIR_INVALID;
}
