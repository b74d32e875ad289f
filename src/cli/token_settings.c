/* A grant's settings. What a grant needs is a table; what misses is named by its flag and its
 * variables, which the table of flags knows. */
#include "cli/token_settings.h"

#include <string.h>

#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/login.h"
#include "cli/option_names.h"
#include "cli/session.h"
#include "cli/token.h"

static const char *const names[GRANT_SETTINGS] = {
    [GRANT_TOKEN_URL] = "token-url",
    [GRANT_GRANT] = "grant",
    [GRANT_CLIENT_ID] = "client-id",
    [GRANT_CLIENT_SECRET] = "client-secret",
    [GRANT_CLIENT_AUTH] = "client-auth",
    [GRANT_SCOPE] = "scope",
    [GRANT_AUDIENCE] = "audience",
    [GRANT_RESOURCE] = "resource",
    [GRANT_USERNAME] = "username",
    [GRANT_PASSWORD] = "password",
    [GRANT_REFRESH_TOKEN] = "refresh-token",
    [GRANT_PRIVATE_KEY] = "private-key",
    [GRANT_SUBJECT] = "subject",
};

static const struct flag *flag_in(const struct flag_group *group, const char *name)
{
    for (const struct flag *flag = group->flags; flag->name; flag++)
        if (strcmp(flag->name, name) == 0)
            return flag;
    return NULL;
}

/* ---- finding ----------------------------------------------------------------------------- */

/* The other group's variables are not ours: only the flag counts where ours knows none. */
static weir_status find_one(struct setting *out, const struct args *args,
                            const struct flag_group *group, const char *name, weir_error *err)
{
    if (flag_in(group, name))
        return setting_find(out, args, group, name, err);
    *out = (struct setting){0};
    if (args_has(args, name))
        return setting_find(out, args, &group_grant, name, err);
    return WEIR_OK;
}

weir_status token_settings_find(struct token_settings *out, const struct args *args,
                                const struct flag_group *group, weir_error *err)
{
    *out = (struct token_settings){0};
    for (size_t i = 0; i < GRANT_SETTINGS; i++)
        if (find_one(&out->at[i], args, group, names[i], err) != WEIR_OK)
            return err->status;
    if (setting_find(&out->ca_file, args, &group_network, "ca-file", err) != WEIR_OK ||
        setting_find(&out->proxy, args, &group_network, "proxy", err) != WEIR_OK ||
        setting_find(&out->allow_plaintext, args, &group_network, "allow-plaintext", err) !=
            WEIR_OK ||
        setting_find(&out->cache, args, &group_cache, "cache", err) != WEIR_OK)
        return err->status;
    login_default_cache(&out->cache);
    return WEIR_OK;
}

void token_settings_free(struct token_settings *grant)
{
    for (size_t i = 0; i < GRANT_SETTINGS; i++)
        setting_free(&grant->at[i]);
    setting_free(&grant->ca_file);
    setting_free(&grant->proxy);
    setting_free(&grant->allow_plaintext);
    setting_free(&grant->cache);
}

const char *token_setting_text(const struct token_settings *grant, enum token_setting which)
{
    const char *value = grant->at[which].value;
    return value && *value ? value : NULL;
}

weir_grant token_grant_by_name(const char *name)
{
    static const struct {
        const char *name;
        weir_grant kind;
    } known[] = {
        {"password", WEIR_GRANT_PASSWORD},
        {"refresh-token", WEIR_GRANT_REFRESH_TOKEN},
        {"jwt-bearer", WEIR_GRANT_JWT_BEARER},
    };
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].kind;
    return WEIR_GRANT_CLIENT_CREDENTIALS;
}

/* ---- what is missing ---------------------------------------------------------------------------
 */

static void add_variables(struct str *out, const struct flag *flag)
{
    char variable[64];
    for (size_t i = 0; flag && flag_variable(flag, i, variable); i++)
        str_addf(out, "%s%s", i ? " or " : "", variable);
}

static weir_status missing(enum token_setting which, const struct flag_group *group,
                           weir_error *err)
{
    const struct flag *flag = flag_in(group, names[which]);
    const struct flag *general = flag_in(&group_grant, names[which]);
    struct str how = {0};
    add_variables(&how, flag);
    if (general->kind != FLAG_VARIABLE)
        str_addf(&how, "%s--%s", how.len ? ", or give " : "", names[which]);
    weir_status status =
        fail_set(err, WEIR_MISSING, "the %s is missing: %s%s", names[which],
                 how.data && how.data[0] == '-' ? "give " : "set ", str_text(&how));
    str_free(&how);
    return status;
}

static bool signs(const struct token_settings *grant)
{
    const char *how = token_setting_text(grant, GRANT_CLIENT_AUTH);
    return how && strcmp(how, "private-key-jwt") == 0;
}

static const enum token_setting needs[][4] = {
    [WEIR_GRANT_CLIENT_CREDENTIALS] = {GRANT_TOKEN_URL, GRANT_CLIENT_ID, GRANT_SETTINGS},
    [WEIR_GRANT_PASSWORD] = {GRANT_TOKEN_URL, GRANT_USERNAME, GRANT_PASSWORD, GRANT_SETTINGS},
    [WEIR_GRANT_REFRESH_TOKEN] = {GRANT_TOKEN_URL, GRANT_REFRESH_TOKEN, GRANT_SETTINGS},
    [WEIR_GRANT_JWT_BEARER] = {GRANT_TOKEN_URL, GRANT_CLIENT_ID, GRANT_PRIVATE_KEY, GRANT_SETTINGS},
};

weir_status token_settings_check(const struct token_settings *grant, weir_grant kind,
                                 const struct flag_group *group, weir_error *err)
{
    for (const enum token_setting *need = needs[kind]; *need != GRANT_SETTINGS; need++)
        if (!token_setting_text(grant, *need))
            return missing(*need, group, err);
    enum token_setting proof = signs(grant) ? GRANT_PRIVATE_KEY : GRANT_CLIENT_SECRET;
    bool proves = kind == WEIR_GRANT_CLIENT_CREDENTIALS || signs(grant);
    if (proves && !token_setting_text(grant, proof))
        return missing(proof, group, err);
    if (kind == WEIR_GRANT_JWT_BEARER && !token_setting_text(grant, GRANT_USERNAME) &&
        !token_setting_text(grant, GRANT_SUBJECT))
        return missing(GRANT_USERNAME, group, err);
    return login_check_exposed(token_setting_text(grant, GRANT_TOKEN_URL),
                               setting_switch(&grant->allow_plaintext, false), err);
}

/* ---- opening -------------------------------------------------------------------------------- */

static const char *text_of(const struct setting *setting)
{
    return setting->value && *setting->value ? setting->value : NULL;
}

/* On a thread of the library. */
static void warn_of_loss(const char *refresh_token, void *user)
{
    (void)refresh_token;
    (void)user;
    session_warn("auth", "the server has replaced the refresh token, and without a token cache the "
                         "new one is lost: give --cache FILE");
}

static const char *where(const struct token_settings *grant, enum token_setting which)
{
    return token_setting_text(grant, which) ? grant->at[which].where : NULL;
}

void token_settings_name(const struct token_settings *grant, weir_error *err)
{
    const struct option_name called[] = {
        {"token_url", where(grant, GRANT_TOKEN_URL)},
        {"client_id", where(grant, GRANT_CLIENT_ID)},
        {"client_secret", where(grant, GRANT_CLIENT_SECRET)},
        {"private_key_file", where(grant, GRANT_PRIVATE_KEY)},
        {"private_key", where(grant, GRANT_PRIVATE_KEY)},
        {"tls.root_certificates", grant->ca_file.value ? grant->ca_file.where : NULL},
        {NULL, NULL},
    };
    option_names_replace(err, called);
}

void token_settings_fill(const struct token_settings *grant, weir_grant kind,
                         weir_oauth2_options *options)
{
    options->struct_size = sizeof *options;
    options->grant = kind;
    options->client_auth = login_client_auth(token_setting_text(grant, GRANT_CLIENT_AUTH));
    options->token_url = token_setting_text(grant, GRANT_TOKEN_URL);
    options->client_id = token_setting_text(grant, GRANT_CLIENT_ID);
    options->client_secret = token_setting_text(grant, GRANT_CLIENT_SECRET);
    options->scope = token_setting_text(grant, GRANT_SCOPE);
    options->resource = token_setting_text(grant, GRANT_RESOURCE);
    options->username = token_setting_text(grant, GRANT_USERNAME);
    options->refresh_token = token_setting_text(grant, GRANT_REFRESH_TOKEN);
    options->subject = token_setting_text(grant, GRANT_SUBJECT);
    options->ca_file = text_of(&grant->ca_file);
    options->proxy = text_of(&grant->proxy);
    options->allow_plaintext = setting_switch(&grant->allow_plaintext, false);
    login_set_cache(options, &grant->cache);
    if (kind == WEIR_GRANT_REFRESH_TOKEN && !options->cache_file)
        options->on_refresh_token = warn_of_loss;
    if (!options->password)
        options->password = token_setting_text(grant, GRANT_PASSWORD);
    login_set_key(options, &grant->at[GRANT_PRIVATE_KEY]);
}

weir_credentials *token_settings_open(const struct token_settings *grant, weir_grant kind,
                                      weir_oauth2_options *options, weir_error *err)
{
    token_settings_fill(grant, kind, options);
    weir_credentials *credentials = weir_credentials_oauth2(options, err);
    if (!credentials)
        token_settings_name(grant, err);
    return credentials;
}

/* ---- without --for -------------------------------------------------------------------------- */

/* "name=value"; the list borrows nothing but the copies. */
struct params {
    weir_param *list;
    char **copies;
    size_t count;
};

static weir_status read_params(struct params *out, const struct args *args, weir_error *err)
{
    const char *given;
    out->list = memory_or_exit(NULL, 1, sizeof *out->list);
    out->list[0] = (weir_param){0};
    while ((given = args_each(args, "param", out->count))) {
        const char *equals = strchr(given, '=');
        if (!equals || equals == given)
            return fail_set(err, WEIR_INVALID, "--param: \"%s\" is not NAME=VALUE", given);
        size_t at = out->count;
        out->list = memory_or_exit(out->list, at + 2, sizeof *out->list);
        out->copies = memory_or_exit(out->copies, at + 1, sizeof *out->copies);
        out->copies[at] = copy_or_exit(given, strlen(given));
        out->copies[at][equals - given] = '\0';
        out->list[at] = (weir_param){out->copies[at], out->copies[at] + (equals - given) + 1};
        out->list[at + 1] = (weir_param){0};
        out->count++;
    }
    return WEIR_OK;
}

static void free_params(struct params *params)
{
    for (size_t i = 0; i < params->count; i++)
        release_memory(params->copies[i]);
    release_memory(params->copies);
    release_memory(params->list);
}

weir_credentials *token_general(const struct args *args, weir_error *err)
{
    struct token_settings grant;
    struct params params = {0};
    weir_credentials *credentials = NULL;
    weir_status status = token_settings_find(&grant, args, &group_grant, err);
    weir_grant kind = token_grant_by_name(token_setting_text(&grant, GRANT_GRANT));
    if (status == WEIR_OK)
        status = token_settings_check(&grant, kind, &group_grant, err);
    if (status == WEIR_OK && read_params(&params, args, err) == WEIR_OK) {
        const char *audience = token_setting_text(&grant, GRANT_AUDIENCE);
        bool asserts = kind == WEIR_GRANT_JWT_BEARER; /* its audience is the assertion's */
        weir_oauth2_options options = {
            .params = params.list,
            .audience = asserts ? NULL : audience,
            .assertion_audience = asserts ? audience : NULL,
        };
        credentials = token_settings_open(&grant, kind, &options, err);
    }
    free_params(&params);
    token_settings_free(&grant);
    return credentials;
}
