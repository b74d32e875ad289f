/* Reading outcomes. Strict: a member that is not known, two verdicts, or a value of the wrong kind
 * is an error, because a handler's slip must not complete a job that it meant to fail. Kinds are
 * told by the first byte of a value's text: the public JSON has no other way to ask. */
#include "cli/work_outcome.h"

#include <stdio.h>
#include <string.h>

#include "cli/value.h"

#include <weir/job.h>

struct reader {
    struct work_outcome *out;
    struct str *why;
};

static bool complain(struct reader *r, const char *fmt, ...) WEIR_PRINTF(2, 3);

static bool complain(struct reader *r, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    str_vaddf(r->why, fmt, values);
    va_end(values);
    return false;
}

static char *copy_text(const weir_json *value)
{
    char *text = weir_json_text(value);
    char *copy = text ? copy_or_exit(text, strlen(text)) : NULL;
    weir_free(text);
    return copy;
}

static char first_byte(const weir_json *value)
{
    char *text = copy_text(value);
    char first = text ? text[0] : '\0';
    release_memory(text);
    return first;
}

/* ---- members ----------------------------------------------------------------------------------
 */

static bool read_variables(struct reader *r, const weir_json *value)
{
    if (first_byte(value) != '{')
        return complain(r, "has variables that are no JSON object");
    r->out->variables = copy_text(value);
    return true;
}

static bool read_string(struct reader *r, const weir_json *value, const char *name, char **out)
{
    const char *text = weir_json_str(value, "", NULL);
    if (!text)
        return complain(r, "has a %s that is no string", name);
    *out = copy_or_exit(text, strlen(text));
    return true;
}

static bool read_message(struct reader *r, const weir_json *value)
{
    return read_string(r, value, "errorMessage", &r->out->message);
}

static bool read_code(struct reader *r, const weir_json *value)
{
    return read_string(r, value, "errorCode", &r->out->code);
}

static bool read_whole(const weir_json *value, int64_t *number)
{
    char *text = copy_text(value);
    bool whole = text && value_number(text, number) == NULL;
    release_memory(text);
    return whole;
}

static bool read_retries(struct reader *r, const weir_json *value)
{
    int64_t retries = -1;
    if (!read_whole(value, &retries) || retries < 0 || retries > INT32_MAX)
        return complain(r, "has retries that are no whole number from 0");
    r->out->retries = (int32_t)retries;
    return true;
}

static bool read_backoff(struct reader *r, const weir_json *value)
{
    const char *text = weir_json_str(value, "", NULL);
    weir_ms ms = -1;
    bool good = text ? value_duration(text, &ms) == NULL : read_whole(value, &ms);
    if (!good || ms < 0)
        return complain(r, "has a retryBackoff that is no duration");
    r->out->backoff = ms ? ms : WEIR_ZERO;
    return true;
}

/* ---- verdicts ----------------------------------------------------------------------------------
 */

struct member {
    const char *name;
    bool (*read)(struct reader *r, const weir_json *value);
};

static const struct member of_fail[] = {{"retries", read_retries},
                                        {"retryBackoff", read_backoff},
                                        {"errorMessage", read_message},
                                        {"variables", read_variables},
                                        {0}};
static const struct member of_throw[] = {
    {"errorCode", read_code}, {"errorMessage", read_message}, {"variables", read_variables}, {0}};

static const weir_json *member_of(const weir_json *object, const char *name)
{
    char pointer[32];
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    return weir_json_at(object, pointer);
}

static bool read_members(struct reader *r, const weir_json *object, const char *of,
                         const struct member *members)
{
    size_t known = 0;
    if (first_byte(object) != '{')
        return complain(r, "has a \"%s\" that is no JSON object", of);
    for (; members->name; members++) {
        const weir_json *value = member_of(object, members->name);
        if (value && !members->read(r, value))
            return false;
        known += value != NULL;
    }
    if (known != weir_json_len(object, ""))
        return complain(r, "has members in \"%s\" that are not known", of);
    return true;
}

static bool read_complete(struct reader *r, const weir_json *value)
{
    r->out->verdict = WORK_COMPLETE;
    return read_variables(r, value);
}

static bool read_fail(struct reader *r, const weir_json *value)
{
    r->out->verdict = WORK_FAIL;
    return read_members(r, value, "fail", of_fail);
}

static bool read_throw(struct reader *r, const weir_json *value)
{
    r->out->verdict = WORK_THROW;
    if (!read_members(r, value, "throw", of_throw))
        return false;
    return (r->out->code && *r->out->code) || complain(r, "throws without an errorCode");
}

static bool read_key(struct reader *r, const weir_json *value)
{
    const char *text = weir_json_str(value, "", NULL);
    int64_t key = 0;
    bool good = text ? value_number(text, &key) == NULL : read_whole(value, &key);
    if (!good || key <= 0)
        return complain(r, "has a key that is no job's");
    r->out->key = key;
    return true;
}

static bool read_object(struct reader *r, const weir_json *object)
{
    static const struct member verdicts[] = {
        {"complete", read_complete}, {"fail", read_fail}, {"throw", read_throw}};
    const weir_json *key = member_of(object, "key");
    size_t known = key != NULL, given = 0;
    if (key && !read_key(r, key))
        return false;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        given += member_of(object, verdicts[i].name) != NULL;
    if (given != 1)
        return complain(r, "has %s of \"complete\", \"fail\" and \"throw\"",
                        given ? "more than one" : "none");
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        const weir_json *value = member_of(object, verdicts[i].name);
        if (value && !verdicts[i].read(r, value))
            return false;
    }
    if (known + given != weir_json_len(object, ""))
        return complain(r, "has members that are not known");
    return true;
}

bool work_outcome_read(struct work_outcome *out, const char *text, size_t len, struct str *why)
{
    struct reader reader = {out, why};
    weir_error err = {0};
    *out = (struct work_outcome){.retries = WEIR_RETRIES_LESS};
    weir_json *json = weir_json_parse(text, len, &err);
    if (!json)
        return complain(&reader, "is no JSON: %s", err.message);
    bool good = first_byte(json) == '{' ? read_object(&reader, json)
                                        : complain(&reader, "is no JSON object");
    weir_json_free(json);
    return good;
}

/* ---- making and ending --------------------------------------------------------------------------
 */

void work_outcome_fail(struct work_outcome *out, int32_t retries, const char *fmt, ...)
{
    struct str message = {0};
    va_list values;
    va_start(values, fmt);
    str_vaddf(&message, fmt, values);
    va_end(values);
    int64_t key = out->key;
    work_outcome_free(out);
    *out = (struct work_outcome){
        .verdict = WORK_FAIL, .key = key, .retries = retries, .message = message.data};
}

static char *copy_or_null(const char *text)
{
    return text ? copy_or_exit(text, strlen(text)) : NULL;
}

void work_outcome_copy(struct work_outcome *out, const struct work_outcome *from)
{
    *out = *from;
    out->variables = copy_or_null(from->variables);
    out->message = copy_or_null(from->message);
    out->code = copy_or_null(from->code);
}

void work_outcome_free(struct work_outcome *outcome)
{
    release_memory(outcome->variables);
    release_memory(outcome->message);
    release_memory(outcome->code);
    *outcome = (struct work_outcome){0};
}

const char *work_object_complaint(const char *text, size_t len, char room[512])
{
    weir_error err = {0};
    weir_json *json = weir_json_parse(text, len, &err);
    bool object = json && first_byte(json) == '{';
    if (!json)
        (void)snprintf(room, 512, "%.500s", err.message);
    else if (!object)
        (void)snprintf(room, 512, "it is another JSON value");
    weir_json_free(json);
    return object ? NULL : room;
}
