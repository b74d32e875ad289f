/* From arguments and flags to the request of an RPC, in protojson. Every text goes in escaped,
 * every number is read and written anew: nothing that was typed can become another member. Pure,
 * but for the files that JSON is read from. */
#include "cli/zeebe_rpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/fail.h"
#include "cli/json_arg.h"
#include "cli/session.h"
#include "cli/value.h"

/* What "no limit" asks the gateway for: 24 days. */
#define LONGEST_WAIT INT32_MAX
/* The limit of a command that was only told how long the gateway may wait. */
#define BEYOND_THE_WAIT 10000

weir_status zeebe_usage(struct zeebe_request *request, weir_error *err, const char *fmt, ...)
{
    struct str message = {0};
    va_list values;
    va_start(values, fmt);
    str_vaddf(&message, fmt, values);
    va_end(values);
    request->usage = true;
    (void)fail_set(err, WEIR_INVALID, "%s", str_text(&message));
    str_free(&message);
    return WEIR_INVALID;
}

void zeebe_add_name(struct str *json, const char *name)
{
    char last = json->len ? json->data[json->len - 1] : '\0';
    if (last != '{' && last != '[')
        str_add(json, ",");
    if (name)
        str_addf(json, "\"%s\":", name);
}

/* ---- one value ---------------------------------------------------------------------------- */

/* One value: what was given, and what it was given as. */
struct value {
    const struct zeebe_field *field;
    const char *text;
    const char *what;
};
typedef weir_status add_value_fn(struct zeebe_request *request, const struct value *value,
                                 weir_error *err);

weir_status zeebe_add_text(struct zeebe_request *request, const char *text, const char *what,
                           weir_error *err)
{
    if (!str_is_utf8(text))
        return zeebe_usage(request, err, "%s is not UTF-8", what);
    str_add_json(&request->json, text);
    return WEIR_OK;
}

static weir_status add_text(struct zeebe_request *request, const struct value *value,
                            weir_error *err)
{
    return zeebe_add_text(request, value->text, value->what, err);
}

/* The digits of a key, without the quotes that JSON has around it; NULL: it is none. */
static const char *key_digits(const char *text, char digits[24])
{
    size_t len = strlen(text);
    bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
    (void)snprintf(digits, 24, "%.*s", quoted && len < 24 ? (int)len - 2 : 23, text + quoted);
    return *digits && digits[strspn(digits, "0123456789")] == '\0' ? digits : NULL;
}

weir_status zeebe_add_key(struct zeebe_request *request, const char *text, const char *what,
                          weir_error *err)
{
    char buffer[24];
    int64_t key = 0;
    const char *digits = key_digits(text, buffer);
    if (!digits || value_number(digits, &key) || key == 0)
        return zeebe_usage(request, err, "%s: \"%s\" is no key: a whole number from 1 to %" PRId64,
                           what, text, INT64_MAX);
    str_addf(&request->json, "\"%" PRId64 "\"", key);
    return WEIR_OK;
}

static weir_status add_key(struct zeebe_request *request, const struct value *value,
                           weir_error *err)
{
    return zeebe_add_key(request, value->text, value->what, err);
}

static weir_status add_number(struct zeebe_request *request, const struct value *value,
                              weir_error *err)
{
    int64_t number = 0;
    const char *wrong = value_number(value->text, &number);
    if (!wrong && (number < INT32_MIN || number > INT32_MAX))
        wrong = "does not fit into 32 bits";
    if (wrong)
        return zeebe_usage(request, err, "%s: \"%s\" %s", value->what, value->text, wrong);
    str_addf(&request->json, "%" PRId64, number);
    return WEIR_OK;
}

static weir_status add_reference(struct zeebe_request *request, const struct value *value,
                                 weir_error *err)
{
    static const char most[] = "18446744073709551615";
    const char *digits = value->text + strspn(value->text, "0");
    size_t len = strspn(digits, "0123456789");
    bool number = *value->text && digits[len] == '\0';
    bool fits = len < sizeof most - 1 || (len == sizeof most - 1 && strcmp(digits, most) <= 0);
    if (!number || !fits)
        return zeebe_usage(request, err, "%s: \"%s\" is no whole number from 0 to %s", value->what,
                           value->text, most);
    str_addf(&request->json, "\"%s\"", *digits ? digits : "0");
    return WEIR_OK;
}

static weir_status add_switch(struct zeebe_request *request, const struct value *value,
                              weir_error *err)
{
    (void)value;
    (void)err;
    str_add(&request->json, "true");
    return WEIR_OK;
}

/* The table has checked that it is a duration. */
static weir_status add_duration(struct zeebe_request *request, const struct value *value,
                                weir_error *err)
{
    weir_ms ms = 0;
    (void)value_duration(value->text, &ms);
    (void)err;
    str_addf(&request->json, "\"%" PRId64 "\"", ms);
    return WEIR_OK;
}

/* A JSON object becomes a text: as it was written, without the blanks around it. */
weir_status zeebe_add_variables(struct zeebe_request *request, const char *text, const char *flag,
                                weir_error *err)
{
    static const char blanks[] = " \t\r\n";
    char *object = json_arg_object(flag, text, err);
    if (!object)
        return err->status;
    char *start = object + strspn(object, blanks);
    size_t len = strlen(start);
    while (len > 0 && strchr(blanks, start[len - 1]))
        start[--len] = '\0';
    str_add_json(&request->json, start);
    explicit_bzero(object, strlen(object));
    release_memory(object);
    return WEIR_OK;
}

static weir_status add_variables(struct zeebe_request *request, const struct value *value,
                                 weir_error *err)
{
    return zeebe_add_variables(request, value->text, value->field->flag, err);
}

/* ---- lists -------------------------------------------------------------------------------- */

static weir_status add_elements(struct zeebe_request *request, const char *list, const char *what,
                                weir_error *err)
{
    weir_status status = WEIR_OK;
    for (size_t len; status == WEIR_OK && *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        size_t skip = strspn(list, " ");
        size_t end = len;
        while (end > skip && list[end - 1] == ' ')
            end--;
        if (end <= skip)
            continue;
        char *name = copy_or_exit(list + skip, end - skip);
        zeebe_add_name(&request->json, NULL);
        status = zeebe_add_text(request, name, what, err);
        release_memory(name);
    }
    return status;
}

/* An empty list is left out: to the gateway it means all, as no list does. */
static weir_status add_list(struct zeebe_request *request, const struct zeebe_field *field,
                            const char *what, weir_error *err)
{
    const char *given;
    weir_status status = WEIR_OK;
    size_t before = request->json.len;
    zeebe_add_name(&request->json, field->member);
    str_add(&request->json, "[");
    size_t start = request->json.len;
    for (size_t i = 0; status == WEIR_OK && (given = args_each(request->args, field->flag, i)); i++)
        status = add_elements(request, given, what, err);
    if (request->json.len > start) {
        str_add(&request->json, "]");
        return status;
    }
    request->json.len = before;
    request->json.data[before] = '\0';
    return status;
}

/* ---- one member --------------------------------------------------------------------------- */

static bool is_key(const char *word)
{
    char digits[24];
    return key_digits(word, digits) != NULL;
}

/* The value of a field, or NULL: it is left out. */
static const char *value_of(const struct args *args, const struct zeebe_field *field)
{
    const char *value = field->flag ? args_text(args, field->flag) : args->words[0];
    if (!value)
        return field->otherwise;
    bool other = (field->as == AS_ID_NOT_KEY && is_key(value)) ||
                 (field->as == AS_KEY_NOT_ID && !is_key(value)) ||
                 (field->as == AS_SWITCH && !args_switch(args, field->flag));
    return other ? NULL : value;
}

static weir_status add_field(struct zeebe_request *request, const struct zeebe_field *field,
                             weir_error *err)
{
    static add_value_fn *const adders[] = {
        [AS_TEXT] = add_text,           [AS_NUMBER] = add_number,   [AS_KEY] = add_key,
        [AS_REFERENCE] = add_reference, [AS_SWITCH] = add_switch,   [AS_DURATION] = add_duration,
        [AS_VARIABLES] = add_variables, [AS_ID_NOT_KEY] = add_text, [AS_KEY_NOT_ID] = add_key,
    };
    char what[64];
    (void)snprintf(what, sizeof what, "%s%s", field->flag ? "--" : "",
                   field->flag ? field->flag : request->args->command->args);
    if (field->as == AS_LIST)
        return add_list(request, field, what, err);
    struct value value = {field, value_of(request->args, field), what};
    if (!value.text)
        return WEIR_OK;
    if (field->as == AS_ID_NOT_KEY && !*value.text)
        return zeebe_usage(request, err, "%s is empty", what);
    zeebe_add_name(&request->json, field->member);
    return adders[field->as](request, &value, err);
}

weir_status zeebe_add_fields(struct zeebe_request *request, const struct zeebe_field *fields,
                             weir_error *err)
{
    weir_status status = WEIR_OK;
    str_add(&request->json, "{");
    for (const struct zeebe_field *field = fields; status == WEIR_OK && field->member; field++)
        status = field->add ? field->add(request, field, err) : add_field(request, field, err);
    str_add(&request->json, "}");
    return status;
}

/* ---- the request -------------------------------------------------------------------------- */

static bool long_poll(const struct args *args, weir_ms *ms)
{
    const char *given = args_text(args, "long-poll");
    return given && !value_duration(given, ms);
}

/* --long-poll alone makes room for itself. */
static weir_ms limit_of(const struct args *args)
{
    weir_ms poll = 0;
    if (args_has(args, "request-timeout") || !long_poll(args, &poll) ||
        poll >= INT64_MAX - BEYOND_THE_WAIT)
        return session_timeout(args);
    return poll + BEYOND_THE_WAIT;
}

/* To the gateway 0 means its own default, and less than 0 not to wait. */
weir_status zeebe_add_wait(struct zeebe_request *request, const struct zeebe_field *field,
                           weir_error *err)
{
    (void)err;
    weir_ms limit = request->timeout, wait = 0;
    weir_ms most = limit == WEIR_FOREVER ? LONGEST_WAIT : session_wait(limit);
    if (!long_poll(request->args, &wait) || wait > most)
        wait = most;
    zeebe_add_name(&request->json, field->member);
    str_addf(&request->json, "\"%" PRId64 "\"", wait == 0 ? -1 : wait);
    return WEIR_OK;
}

const struct zeebe_rpc *zeebe_rpc_of(const struct args *args)
{
    const struct zeebe_rpc *rpc = args->command->rpc;
    return rpc->with_flag && args_has(args, rpc->with_flag) ? rpc->with_rpc : rpc;
}

weir_status zeebe_request_build(struct zeebe_request *out, const struct args *args, weir_error *err)
{
    const struct zeebe_rpc *rpc = zeebe_rpc_of(args);
    *out = (struct zeebe_request){.args = args, .timeout = limit_of(args)};
    if (rpc->check && rpc->check(out, NULL, err) != WEIR_OK)
        return err->status;
    return zeebe_add_fields(out, rpc->fields, err);
}

void zeebe_request_free(struct zeebe_request *request)
{
    str_free(&request->json);
}
