/* Variables are kept as compact JSON texts: most are written once and read once, and a text is what
 * a job shows. A tree is made only to lay one over another or to pick some. Two scopes: the
 * instance's, and a token's own, which hides it. */
#include "sandbox/engine_private.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdio.h>
#include <string.h>

bool variables_are_none(const char *text)
{
    return strcmp(text, "{}") == 0;
}

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "MAP",     [JSON_ARRAY] = "ARRAY", [JSON_STRING] = "STRING",
        [JSON_INTEGER] = "NUMBER", [JSON_REAL] = "NUMBER", [JSON_TRUE] = "BOOLEAN",
        [JSON_FALSE] = "BOOLEAN",  [JSON_NULL] = "NULL",
    };
    return value ? names[json_typeof(value)] : "NULL";
}

/* The gateway's own check comes before the broker's. */
static bool is_document(const struct ask *ask, const json_t *value, const weir_error *err,
                        const char *text)
{
    static const char *const msgpack[] = {
        [JSON_ARRAY] = "ARRAY", [JSON_STRING] = "STRING", [JSON_INTEGER] = "INTEGER",
        [JSON_REAL] = "FLOAT",  [JSON_TRUE] = "BOOLEAN",  [JSON_FALSE] = "BOOLEAN",
    };
    if (!value)
        return err->status == WEIR_NO_MEMORY
                   ? reply_no_memory(ask->reply)
                   : reply_refuse(ask->reply, REPLY_INVALID_ARGUMENT,
                                  "Invalid JSON value: %.100s (%s)", text, err->message);
    return json_is_object(value) || json_is_null(value) ||
           reply_refuse(ask->reply, REPLY_INVALID_ARGUMENT,
                        "Property 'variables' is invalid: Expected document to be a root level "
                        "object, but was '%s'",
                        msgpack[json_typeof(value)]);
}

bool variables_read(const struct ask *ask, const char *text, char **out)
{
    weir_error err = {0};
    const char *from = text + strspn(text, " \t\r\n");
    *out = NULL;
    if (!*from || variables_are_none(from)) {
        *out = engine_text(ask->engine, "{}");
        return *out || reply_no_memory(ask->reply);
    }
    json_t *value = json_parse(text, strlen(text), "variables", &err);
    bool good = is_document(ask, value, &err, text);
    if (good) {
        char *kept = json_is_null(value) ? mem_strdup("{}") : json_text(value, true);
        *out = engine_own(ask->engine, kept);
        good = *out || !engine_is_full(ask, "variables");
    }
    json_decref(value);
    return good;
}

static json_t *tree_of(const char *text)
{
    return json_parse(text, strlen(text), "variables", NULL);
}

/* `over` first, then what it does not hide: the order of a broker. NULL: no memory. */
static char *shown(const char *under, const char *over)
{
    json_t *low = tree_of(under), *high = tree_of(over);
    char *text = NULL;
    if (low && high && json_object_update_missing(high, low) == 0)
        text = json_text(high, true);
    json_decref(low);
    json_decref(high);
    return text;
}

/* NULL: no memory. */
static char *merged(const char *under, const char *over)
{
    json_t *low = tree_of(under), *high = tree_of(over);
    char *text = NULL;
    if (low && high && json_object_update(low, high) == 0)
        text = json_text(low, true);
    json_decref(low);
    json_decref(high);
    return text;
}

char *variables_merge(struct engine *engine, const char *under, const char *over)
{
    char *text = variables_are_none(over)    ? mem_strdup(under)
                 : variables_are_none(under) ? mem_strdup(over)
                                             : merged(under, over);
    return engine_own(engine, text);
}

/* Those of `names` out of `from` into `to`, unless they are there. */
static bool pick(json_t *to, const json_t *from, char *const *names, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        json_t *value = from ? json_object_get(from, names[i]) : NULL;
        if (value && !json_object_get(to, names[i]))
            good = json_object_set(to, names[i], value) == 0;
    }
    return good;
}

static char *picked(const char *shared, const char *own, char *const *names, size_t count)
{
    json_t *to = json_object(), *low = tree_of(shared), *high = own ? tree_of(own) : NULL;
    char *text = NULL;
    if (to && low && (high || !own) && pick(to, high, names, count) && pick(to, low, names, count))
        text = json_text(to, true);
    json_decref(to);
    json_decref(low);
    json_decref(high);
    return text;
}

char *variables_show(const char *shared, const char *own, char *const *names, size_t count)
{
    if (variables_are_none(shared) && !own)
        return mem_strdup("{}");
    if (count)
        return picked(shared, own, names, count);
    return own ? shown(shared, own) : mem_strdup(shared);
}

/* Takes `now` in the place of *text. */
static void replace(struct engine *engine, char **text, char *now)
{
    engine_drop(engine, *text);
    *text = now;
}

/* The token has a scope of its own: what is there stays there. */
static bool split(struct engine *engine, struct token *token, const char *variables)
{
    struct instance *instance = token->instance;
    const char *name = NULL;
    json_t *value = NULL;
    json_t *own = tree_of(token->variables), *shared = tree_of(instance->variables);
    json_t *given = tree_of(variables);
    char *text[2] = {NULL, NULL};
    bool good = own && shared && given;
    for (void *at = json_object_iter(given); good && at; at = json_object_iter_next(given, at)) {
        name = json_object_iter_key(at);
        value = json_object_iter_value(at);
        good = json_object_set(json_object_get(own, name) ? own : shared, name, value) == 0;
    }
    if (good) {
        text[0] = engine_own(engine, json_text(own, true));
        text[1] = engine_own(engine, json_text(shared, true));
    }
    json_decref(own);
    json_decref(shared);
    json_decref(given);
    if (!text[0] || !text[1]) {
        engine_drop(engine, text[0]);
        engine_drop(engine, text[1]);
        return false;
    }
    replace(engine, &token->variables, text[0]);
    replace(engine, &instance->variables, text[1]);
    return true;
}

bool variables_propagate(struct engine *engine, struct token *token, const char *variables)
{
    struct instance *instance = token->instance;
    if (variables_are_none(variables))
        return true;
    if (token->variables)
        return split(engine, token, variables);
    char *text = variables_merge(engine, instance->variables, variables);
    if (text)
        replace(engine, &instance->variables, text);
    return text != NULL;
}

/* "order.id"; NULL: nothing is there. */
static const json_t *follow(const json_t *from, const char *path)
{
    char name[256];
    while (from && *path) {
        size_t len = strcspn(path, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)(len < 255 ? len : 255), path);
        from = json_object_get(from, name);
        path += len + (path[len] == '.');
    }
    return from;
}

char *variables_key(const struct token *token, const char *path, const char **what)
{
    json_t *shared = tree_of(token->instance->variables);
    json_t *own = token->variables ? tree_of(token->variables) : NULL;
    const json_t *value = own ? follow(own, path) : NULL;
    char number[32], *text = NULL;
    *what = NULL;
    value = value ? value : follow(shared, path);
    if (json_is_string(value)) {
        text = mem_strdup(json_string_value(value));
    } else if (json_is_integer(value)) {
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = mem_strdup(number);
    } else if (shared && (own || !token->variables)) {
        *what = type_name(value);
    }
    json_decref(shared);
    json_decref(own);
    return text;
}

/* ---- SetVariables ---- */

static bool set_local(struct engine *engine, char **scope, const char *variables)
{
    char *text = variables_merge(engine, *scope ? *scope : "{}", variables);
    if (text)
        replace(engine, scope, text);
    return text != NULL;
}

void broker_set_variables(const struct ask *ask, const void *request)
{
    const GatewayProtocol__SetVariablesRequest *r = request;
    struct engine *engine = ask->engine;
    char *variables = NULL;
    GatewayProtocol__SetVariablesResponse response;
    gateway_protocol__set_variables_response__init(&response);
    if (!variables_read(ask, r->variables, &variables))
        return;
    struct instance *instance = keyed_find(engine, r->elementinstancekey, AN_INSTANCE);
    struct token *token = keyed_find(engine, r->elementinstancekey, A_TOKEN);
    bool done = true;
    if (instance)
        done = set_local(engine, &instance->variables, variables);
    else if (token && r->local)
        done = set_local(engine, &token->variables, variables);
    else if (token)
        done = variables_propagate(engine, token, variables);
    engine_drop(engine, variables);
    response.key = engine_key(engine);
    if (!instance && !token)
        reply_reject(ask->reply, REPLY_NOT_FOUND, "UPDATE",
                     "Expected to update variables for element with key '%lld', but no such "
                     "element was found",
                     (long long)r->elementinstancekey);
    else if (!done)
        engine_is_full(ask, "variables");
    else
        reply_pack(ask->reply, &response.base);
}
