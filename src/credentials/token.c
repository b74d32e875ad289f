/* Tokens, and the answers they are made of. Everything that came with a token is treated as the
 * secret that some of it is (a refresh token, an identity token). */
#include "credentials/token.h"

#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"

#include <stdatomic.h>
#include <string.h>

struct token_field {
    char *name;
    struct secret *value;
};

struct weir_token {
    atomic_uint refs;
    struct weir_token_answer is;
    int64_t expires_boot_ns; /* INT64_MAX: never */
    int64_t issued_at;       /* seconds since the epoch */
    int64_t lifetime_s;      /* 0: for ever */
    bool from_cache;
};

struct token_moment token_moment(const struct clock *clock)
{
    return (struct token_moment){clock_boot(clock), clock_wall(clock)};
}

void token_answer_clear(struct weir_token_answer *answer)
{
    secret_free(answer->token);
    mem_free(answer->type);
    for (size_t i = 0; i < answer->field_count; i++) {
        mem_free(answer->fields[i].name);
        secret_free(answer->fields[i].value);
    }
    mem_free(answer->fields);
    *answer = (struct weir_token_answer){0};
}

static const struct token_field *find(const struct weir_token_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        if (strcmp(answer->fields[i].name, name) == 0)
            return &answer->fields[i];
    }
    return NULL;
}

weir_status token_answer_field(struct weir_token_answer *answer, const char *name,
                               const char *value, size_t len)
{
    if (find(answer, name))
        return WEIR_OK;
    if (answer->field_count == TOKEN_FIELDS_MAX || len > LIMIT_TOKEN)
        return WEIR_INVALID;
    struct token_field *grown =
        mem_realloc(answer->fields, (answer->field_count + 1) * sizeof *grown);
    if (!grown)
        return WEIR_NO_MEMORY;
    answer->fields = grown;
    struct token_field field = {mem_strdup(name), secret_new(value, len)};
    if (!field.name || !field.value) {
        mem_free(field.name);
        secret_free(field.value);
        return WEIR_NO_MEMORY;
    }
    grown[answer->field_count++] = field;
    return WEIR_OK;
}

bool token_is_sendable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return false;
    }
    return len > 0 && len <= LIMIT_TOKEN;
}

int64_t token_lifetime(int64_t said, int64_t fallback)
{
    return said < TOKEN_TINY_S || said > TOKEN_ABSURD_S ? fallback : said;
}

weir_token *token_make(struct weir_token_answer *answer, struct token_moment since,
                       int64_t lifetime, bool from_cache)
{
    weir_token *token = mem_zalloc(sizeof *token);
    if (!token)
        return NULL;
    atomic_init(&token->refs, 1);
    token->is = *answer;
    token->expires_boot_ns = lifetime > 0 ? since.boot_ns + lifetime * NS_PER_S : INT64_MAX;
    token->issued_at = since.wall_ns / NS_PER_S;
    token->lifetime_s = lifetime;
    token->from_cache = from_cache;
    *answer = (struct weir_token_answer){0};
    return token;
}

int64_t token_expires_boot(const weir_token *token)
{
    return token->expires_boot_ns;
}

int64_t token_issued_at(const weir_token *token)
{
    return token->issued_at;
}

int64_t token_lifetime_s(const weir_token *token)
{
    return token->lifetime_s;
}

bool token_is_expired(const weir_token *token, const struct clock *clock)
{
    return clock_boot(clock) >= token->expires_boot_ns;
}

bool token_is_stale(const weir_token *token, const struct clock *clock, int leeway_s)
{
    if (token->lifetime_s <= 0)
        return false;
    int64_t leeway_ns = leeway_s * NS_PER_S, half_ns = token->lifetime_s * (NS_PER_S / 2);
    int64_t early = leeway_ns < half_ns ? leeway_ns : half_ns;
    return clock_boot(clock) >= token->expires_boot_ns - early ||
           clock_wall(clock) >= (token->issued_at + token->lifetime_s) * NS_PER_S - early;
}

bool token_same(const weir_token *a, const weir_token *b)
{
    return a && b && (a == b || secret_equal(a->is.token, b->is.token));
}

size_t token_field_count(const weir_token *token)
{
    return token->is.field_count;
}

void token_field_at(const weir_token *token, size_t i, const char **name, const char **value)
{
    *name = token->is.fields[i].name;
    *value = secret_reveal(token->is.fields[i].value);
}

const char *weir_token_value(const weir_token *token)
{
    return token ? secret_reveal(token->is.token) : NULL;
}

const char *weir_token_type(const weir_token *token)
{
    if (!token)
        return NULL;
    return token->is.type ? token->is.type : "Bearer";
}

int64_t weir_token_expires_at(const weir_token *token)
{
    if (!token)
        return 0;
    return token->lifetime_s > 0 ? token->issued_at + token->lifetime_s : INT64_MAX;
}

bool weir_token_from_cache(const weir_token *token)
{
    return token && token->from_cache;
}

const char *weir_token_field(const weir_token *token, const char *name)
{
    const struct token_field *field = token && name ? find(&token->is, name) : NULL;
    return field ? secret_reveal(field->value) : NULL;
}

weir_token *weir_token_ref(weir_token *token)
{
    if (token)
        atomic_fetch_add_explicit(&token->refs, 1, memory_order_relaxed);
    return token;
}

void weir_token_free(weir_token *token)
{
    if (!token || atomic_fetch_sub_explicit(&token->refs, 1, memory_order_acq_rel) != 1)
        return;
    token_answer_clear(&token->is);
    mem_free(token);
}

weir_status weir_token_set(struct weir_token_answer *answer, const char *token, int expires_in_s)
{
    size_t len = token ? strlen(token) : 0;
    if (!answer || !token_is_sendable(token, len))
        return WEIR_INVALID;
    struct secret *copy = secret_new(token, len);
    if (!copy)
        return WEIR_NO_MEMORY;
    secret_free(answer->token);
    answer->token = copy;
    answer->expires_in = expires_in_s;
    return WEIR_OK;
}

/* A scheme is a token of RFC 9110, 5.6.2. */
static bool is_scheme(const char *text)
{
    size_t len = strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return len > 0 && len <= 64 && text[len] == '\0';
}

weir_status weir_token_set_type(struct weir_token_answer *answer, const char *scheme)
{
    if (!answer || !scheme || !is_scheme(scheme))
        return WEIR_INVALID;
    char *copy = mem_strdup(text_equal_nocase(scheme, "Bearer") ? "Bearer" : scheme);
    if (!copy)
        return WEIR_NO_MEMORY;
    mem_free(answer->type);
    answer->type = copy;
    return WEIR_OK;
}

weir_status weir_token_set_field(struct weir_token_answer *answer, const char *name,
                                 const char *value)
{
    if (!answer || !name || !*name || !value)
        return WEIR_INVALID;
    return token_answer_field(answer, name, value, strlen(value));
}
